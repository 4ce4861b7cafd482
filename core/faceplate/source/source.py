"""The source: pictures of the person who is put in, each with its face found and measured once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from faceplate.color import ColorConfig
from faceplate.color.reading import read_still
from faceplate.comp.grain import Grain
from faceplate.comp.occlusion import occlusion_matte
from faceplate.errors import FaceplateError, UsageError
from faceplate.face import Face, FaceFinder
from faceplate.image.frame import Frame
from faceplate.source.analysis import Finding, Notebook, look, open_notebook
from faceplate.source.pictures import frames_of, looked_at
from faceplate.source.views import Geometry

__all__ = ["Source", "SourceView", "read_source"]

# A clip holds hundreds of frames that differ little; these many, as different as can be, tell all that it has.
_MOST_VIEWS = 24
# How far beyond the mesh hair is looked for, and how near to it a point counts as hidden by half, in parts of the face's size.
_BESIDE = 0.04
# How much of a picture around the face is kept, in parts of the face's size: all that is ever read of it.
_KEPT = 0.6


@dataclass(frozen=True)
class SourceView:
    """One picture of the source. `face` is in its pixels; `finding` holds what else was measured in it."""

    path: Path
    index: int | None
    face: Face
    finding: Finding
    color: ColorConfig
    space: str | None

    @property
    def name(self) -> str:
        """The file's name, and the frame within a movie."""
        return self.path.name if self.index is None else f"{self.path.name}@{self.index}"

    @cached_property
    def frame(self) -> Frame:
        """The picture around the face, read when it is first needed and then kept."""
        whole = read_still(self.path, self.color, self.space, self.index or 0)
        part = whole.region(self.face.window(_KEPT))
        return part.with_pixels(part.pixels.copy())

    @cached_property
    def pixels(self) -> np.ndarray:
        """That in the working space, float32 (h, w, 3)."""
        return self.frame.working()

    @cached_property
    def hidden(self) -> np.ndarray:
        """How far hair, a hand or the like hides the face, float32 (h, w) in 0..1 on the same pixels."""
        window = self.face.window(_BESIDE).intersect(self.frame.window)
        inside = window.slices(self.frame.window)
        hidden = np.zeros(self.pixels.shape[:2], np.float32)
        hidden[inside] = occlusion_matte(self.pixels[inside], self.face, window, self.color)
        return hidden

    @cached_property
    def shown(self) -> np.ndarray:
        """How far each of the 478 points, and what lies around it, is free of that, float64 (478,)."""
        reach = 2 * max(round(_BESIDE / 2 * self.face.size), 1) + 1
        grown = cv2.dilate(self.hidden, np.ones((reach, reach), np.uint8))
        at = (self.face.points[:, :2] - (self.frame.window.x + 0.5, self.frame.window.y + 0.5)).astype(np.float32)
        read = cv2.remap(grown, at[None, :, 0], at[None, :, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return 1.0 - read[0].astype(np.float64)

    def noise(self, scale: float) -> Grain:
        """What grain its pixels have for a level of 1 once the picture is scaled: means of n pixels have 1 / n of it."""
        slope, floor, softness = np.array(self.finding.noise or np.zeros((3, 3)))
        left = np.minimum(1.0, softness * scale**2)
        return replace(Grain.none(), slope=slope * left, floor=floor * left)

    @cached_property
    def geometry(self) -> Geometry:
        known = np.array(self.finding.blendshapes, np.float32) if self.finding.blendshapes else None
        return Geometry(self.face.points, False, self.finding.pixel_aspect, known)

    @cached_property
    def mirror(self) -> Geometry:
        return self.geometry.mirror()


@dataclass(frozen=True)
class Source:
    """All usable pictures of one person; `skipped` says in words which were left out and why.

    `spare` are pictures too much like those in `views`: used where an artist pins one.
    """

    views: tuple[SourceView, ...]
    skipped: tuple[str, ...]
    spare: tuple[SourceView, ...] = ()

    @property
    def all_views(self) -> tuple[SourceView, ...]:
        return self.views + self.spare

    def embedding(self, finder: FaceFinder) -> np.ndarray:
        """The person's identity, the mean of the views' raw embeddings, float32 (128,)."""
        return np.mean([finder.embed(view.frame, view.face) for view in self.views], axis=0)


def read_source(path: Path, color: ColorConfig, finder: FaceFinder, space: str | None = None) -> Source:
    """Every picture at `path` (whatever `source_files` takes) with the largest face in each.

    Pictures without a face, and files that cannot be read, are skipped and said in `Source.skipped`. Of more than 24
    views those are used that differ most in pose and expression, the others only where they are pinned. Raises
    `UsageError` with code `source-missing` or `source-without-face`.
    """
    notebook, place = open_notebook(path, finder)
    known = dict(notebook.pictures)
    views: list[SourceView] = []
    skipped: list[str] = []
    for file in looked_at(path):
        try:
            found = _views_of(file, color, finder, space, notebook)
        except FaceplateError as error:
            skipped.append(f"{file.name}: {error}")
            continue
        views += found
        if not found:
            skipped.append(f"{file.name}: no face found")
    if notebook.pictures != known:
        notebook.keep(place)
    if not views:
        reason = f" ({skipped[0]})" if skipped else ""
        raise UsageError(
            "source-without-face",
            f"No picture of the source at {path} shows a face{reason}; give clear pictures of it.",
        )
    used = _most_different(views)
    return Source(used, tuple(skipped), tuple(view for view in views if view not in used))


def _views_of(
    path: Path, color: ColorConfig, finder: FaceFinder, space: str | None, notebook: Notebook
) -> list[SourceView]:
    """The views in one file. Raises what reading it raises; of a movie only where no frame of it shows a face."""
    with path.open("rb") as file:  # a clip may be larger than the memory
        content = hashlib.file_digest(file, "sha256").hexdigest()
    digest = f"{content} {space or ''} {color.cache_id[:12]}"
    views: list[SourceView] = []
    failed: FaceplateError | None = None
    for index in frames_of(path):
        key = path.name if index is None else f"{path.name}@{index}"
        finding = notebook.pictures.get(key)
        if finding is None or finding.sha256 != digest:
            try:
                finding = look(read_still(path, color, space, index or 0), finder, digest)
            except FaceplateError as error:
                failed = error
                continue
            notebook.pictures[key] = finding
        if finding.face is not None:
            views.append(SourceView(path, index, finding.face, finding, color, space))
    if failed is not None and not views:
        raise failed
    return views


def _most_different(views: list[SourceView]) -> tuple[SourceView, ...]:
    """At most `_MOST_VIEWS`, by farthest-point choice over pose, mouth, eyes and blendshapes, beginning with the first."""
    if len(views) <= _MOST_VIEWS:
        return tuple(views)
    marks = np.array(
        [
            [
                *np.divide(v.geometry.pose.angles[:2], 10.0),
                v.geometry.mouth / 0.1,
                *np.divide(v.geometry.eyes, 0.1),
                *(v.geometry.expression / 0.7),
            ]
            for v in views
        ]
    )
    chosen = [0]
    away = np.linalg.norm(marks - marks[0], axis=1)
    while len(chosen) < _MOST_VIEWS:
        chosen.append(int(np.argmax(away)))
        away = np.minimum(away, np.linalg.norm(marks - marks[chosen[-1]], axis=1))
    return tuple(views[index] for index in sorted(chosen))
