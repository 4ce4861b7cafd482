"""Small objects for scripts that pass frames and faces on.

    from faceplate import FaceDetector, FaceEnhancer, FaceSwapper, open_frame

    frame = open_frame("plate.1001.exr")
    faces = FaceDetector()(frame)
    frame = FaceSwapper("bea/")(frame, faces)
    frame = FaceEnhancer(0.5)(frame, faces)

A whole shot, with tracking, releases and written files, is `faceplate.render`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np

from faceplate.color import ColorConfig
from faceplate.color.reading import read_frame
from faceplate.comp import enhance_detail, hull_matte
from faceplate.face import Face, FaceFinder
from faceplate.generators import Generator
from faceplate.image.frame import Frame
from faceplate.plate import PlateFile
from faceplate.render.composite import CompositeResult
from faceplate.render.leading_views import mesh_in
from faceplate.render.resources import RenderResources, default_finder
from faceplate.render.swap import swap_face
from faceplate.shot import Shot
from faceplate.shot.parameters import Parameters

__all__ = ["FaceDetector", "FaceEnhancer", "FaceSwapper", "open_frame"]


def open_frame(path: str | Path, space: str | None = None, color: ColorConfig | None = None) -> Frame:
    """Read a picture file as a `Frame`, float32 (h, w, 3) in its own colour space, which `space` overrides."""
    file = PlateFile.open(path)
    return read_frame(file, color or ColorConfig.load(), space, file.data)


@dataclass(frozen=True)
class FaceDetector:
    """Finds the faces of a frame, the largest first."""

    finder: FaceFinder = field(default_factory=default_finder)

    def __call__(self, frame: Frame) -> tuple[Face, ...]:
        """Return the faces of `frame`, the largest first."""
        return self.finder.find(frame)


@dataclass(frozen=True)
class FaceSwapper:
    """Puts the person of `source` (a picture, or a folder of pictures) in place of each face given.

    `parameters` name the generator, restorer, occluder and parser, which are looked up in the finder's model store: the
    user's unless another finder is given. `source` may be left out for a generator that needs none. `generator` takes the
    place of the one that the parameters name. The pixels that the matte does not cover stay bit for bit.

    What it opens (the source's pictures and textures, networks, colour) stays open until `close`, or until the end of a `with`.
    """

    source: str | Path | None = None
    parameters: Parameters = field(default_factory=Parameters)
    finder: FaceFinder = field(default_factory=default_finder)
    generator: Generator | None = None
    color: ColorConfig = field(default_factory=ColorConfig.load)

    def __enter__(self) -> Self:
        """Return the swapper; the end of the `with` closes it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the swapper."""
        self.close()

    def close(self) -> None:
        """Release the source, the networks and everything else that was opened, those of the `finder` too.

        A swapper, or a finder, that is used again opens again what it needs. A `generator` that the caller gave stays as it is, and
        so do the small networks that ship for occlusion and expression, which belong to the process.
        """
        self.__dict__.pop("resources", None)
        self.finder.release()

    @cached_property
    def resources(self) -> RenderResources:
        """The source and the networks, opened once."""
        source = None if self.source is None else Path(self.source)
        shot = Shot(plate="", source=source, parameters=self.parameters)
        return RenderResources(shot, self.finder, self.generator, color=self.color)

    def swap(self, frame: Frame, face: Face, number: int | None = None) -> CompositeResult:
        """One face's element, matte and the plate with it, on the face's own region.

        `number` is the frame's number, for views that the parameter `pins` ties to a range of frames, and for grain that
        changes from frame to frame. Raises `UsageError` for parameters that name something that does not exist.
        """
        resources, parameters = self.resources, self.parameters
        generator, networks = resources.generator(parameters), resources.matte_networks(parameters)
        mesh = mesh_in(generator)
        rest = resources.resting_faces(parameters)
        views = None if mesh is None else mesh.views_alone(number, face, frame.pixel_aspect)
        return swap_face(frame, face, generator, parameters, frame=number, networks=networks, views=views, rest=rest)

    def __call__(self, frame: Frame, faces: tuple[Face, ...], number: int | None = None) -> Frame:
        """Return the frame with every face of `faces` replaced; `number` as in `swap`."""
        pixels = frame.pixels.copy()
        for face in faces:
            result = self.swap(frame.with_pixels(pixels), face, number)
            place = result.window.slices(frame.window)
            pixels[place] = np.where(result.matte[..., None] > 0, result.over, pixels[place])
        return frame.with_pixels(pixels)


@dataclass(frozen=True)
class FaceEnhancer:
    """Raises the fine detail of each face given, by `amount` (1 doubles its contrast)."""

    amount: float = 0.5

    def __call__(self, frame: Frame, faces: tuple[Face, ...]) -> Frame:
        """Return the frame with the detail of every face of `faces` raised."""
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
