"""The chain that a TD expects: small objects that pass frames and faces on.

    from faceplate import FaceDetector, FaceEnhancer, FaceSwapper, open_frame

    frame = open_frame("plate.1001.exr")
    faces = FaceDetector()(frame)
    frame = FaceSwapper("bea/")(frame, faces)
    frame = FaceEnhancer(0.5)(frame, faces)

A whole shot, with files written as they should be, is `faceplate.render`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from faceplate.color import ColorConfig
from faceplate.color.reading import read_frame
from faceplate.comp import enhance_detail, hull_matte
from faceplate.face import Face, FaceFinder
from faceplate.generators import Generator, MeshGenerator, MeshSettings
from faceplate.image.frame import Frame
from faceplate.plate import PlateFile
from faceplate.render.stages import CompositeResult, swap_face
from faceplate.shot.parameters import Parameters
from faceplate.source import Source, read_source

__all__ = ["FaceDetector", "FaceEnhancer", "FaceSwapper", "open_frame"]


def open_frame(path: str | Path, space: str | None = None, color: ColorConfig | None = None) -> Frame:
    """A picture file as a `Frame`, float32 (h, w, 3) in its own colour space, which `space` overrides."""
    file = PlateFile.open(path)
    return read_frame(file, color or ColorConfig.load(), space, file.data)


@dataclass(frozen=True)
class FaceDetector:
    """Finds the faces of a frame, the largest first."""

    finder: FaceFinder = field(default_factory=FaceFinder.embedded)

    def __call__(self, frame: Frame) -> tuple[Face, ...]:
        return self.finder.find(frame)


@dataclass(frozen=True)
class FaceSwapper:
    """Puts the person of `source` (a picture, or a folder of pictures) in place of each face given.

    `generator` replaces the embedded mesh warp. The pixels that the matte does not cover stay bit for bit.
    """

    source: str | Path
    parameters: Parameters = field(default_factory=Parameters)
    finder: FaceFinder = field(default_factory=FaceFinder.embedded)
    generator: Generator | None = None
    color: ColorConfig = field(default_factory=ColorConfig.load)

    @cached_property
    def _pictures(self) -> Source:
        return read_source(Path(self.source), self.color, self.finder)

    def swap(self, frame: Frame, face: Face) -> CompositeResult:
        """One face's element, matte and the plate with it, on the face's own region."""
        generator = self.generator or MeshGenerator(
            self._pictures, MeshSettings(self.parameters.shape, self.parameters.mouth, self.parameters.eyes)
        )
        return swap_face(frame, face, generator, self.parameters)

    def __call__(self, frame: Frame, faces: tuple[Face, ...]) -> Frame:
        pixels = frame.pixels.copy()
        for face in faces:
            swapped = self.swap(frame.with_pixels(pixels), face)
            place = swapped.window.slices(frame.window)
            pixels[place] = np.where(swapped.matte[..., None] > 0, swapped.over, pixels[place])
        return frame.with_pixels(pixels)


@dataclass(frozen=True)
class FaceEnhancer:
    """Raises the fine detail of each face given, by `amount` (1 doubles its contrast)."""

    amount: float = 0.5

    def __call__(self, frame: Frame, faces: tuple[Face, ...]) -> Frame:
        pixels = frame.pixels.copy()
        for face in faces:
            window = face.window(0.02).intersect(frame.window)
            place = window.slices(frame.window)
            part = frame.with_pixels(pixels).region(window)
            working = part.working()
            matte = hull_matte(face, window, erode=0.0, feather=0.06)[..., None]
            raised = enhance_detail(working, face.size, face.level, self.amount)
            mixed = frame.color.from_working(working + matte * (raised - working), frame.space)
            change = mixed - frame.color.from_working(working, frame.space)
            pixels[place] = np.where(matte > 0, part.pixels + change, part.pixels)
        return frame.with_pixels(pixels)
