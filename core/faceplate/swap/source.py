"""The source: pictures of the person who is put in, each with its face found and measured once.

What was found is kept beside the pictures, in `faceplate.source.json`, keyed by each picture's hash, so that the next
render does not look again. A folder that cannot be written is looked at anew each time.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from faceplate.color import ColorConfig
from faceplate.comp.grain import GRAIN_REACH, Grain, measure_grain
from faceplate.comp.occlusion import occlusion_matte
from faceplate.errors import FaceplateError, UsageError
from faceplate.face import Face, FaceFinder
from faceplate.frame import Frame, read_still
from faceplate.plate.atomic import publish, temporary_beside
from faceplate.swap.movie import MOVIES, frame_of, frames_of
from faceplate.swap.views import Geometry

__all__ = ["Source", "SourceView", "read_source", "source_files"]

_PICTURES = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".exr", ".dpx", ".webp", ".bmp"}
_NOTE = "faceplate.source.json"
_VERSION = 2
# A clip holds hundreds of frames that differ little; these many, as different as can be, tell all that it has.
_MOST_VIEWS = 24
# How far beyond the mesh hair is looked for, and how near to it a point counts as hidden by half, in parts of the face's size.
_BESIDE = 0.04


class Finding(BaseModel):
    """What was found in one picture: mesh, scores, exposure, sharpness, the expression's 52 coefficients.

    `noise` holds slope, floor and softness of its grain for each channel: the first two in parts of the level (and of
    its square), the last the pixels that one grain takes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str
    points: list[tuple[float, float, float]] | None
    score: float = 0.0
    presence: float = 0.0
    level: float = 0.0
    sharpness: float = 0.0
    blendshapes: list[float] = []
    noise: list[list[float]] = []

    @property
    def face(self) -> Face | None:
        return Face(np.array(self.points), self.score, self.presence, self.level) if self.points else None


class Notebook(BaseModel):
    """The file beside the pictures. `weights` are the networks' hashes: other networks look for themselves."""

    model_config = ConfigDict(extra="forbid")

    version: int = _VERSION
    weights: list[str]
    pictures: dict[str, Finding] = {}


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
        """The picture itself, read when it is first needed and then kept."""
        return _read(self.path, self.index, self.color, self.space)

    @cached_property
    def pixels(self) -> np.ndarray:
        """The picture in the working space, float32 (h, w, 3)."""
        return self.frame.working()

    @cached_property
    def hidden(self) -> np.ndarray:
        """How far hair, a hand or the like hides the face, float32 (h, w) in 0..1 on the picture's own pixels."""
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
        return Geometry.of(self.face)

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
    """Every picture at `path` (a picture, a movie, or a folder of them in name order) with the largest face in each.

    Pictures without a face, and files that cannot be read, are skipped and said in `Source.skipped`. Of more than 24
    views those are used that differ most in pose and expression, the others only where they are pinned. Raises
    `UsageError` with code `source-missing` or `source-without-face`.
    """
    files = source_files(path)
    notebook, place = _open_notebook(path, finder)
    known = dict(notebook.pictures)
    views: list[SourceView] = []
    skipped: list[str] = []
    for file in files:
        try:
            views += _views_of(file, color, finder, space, notebook)
        except FaceplateError as error:
            skipped.append(f"{file.name}: {error}")
    found = {view.path for view in views}
    said = {line.split(":")[0] for line in skipped}
    skipped += [f"{file.name}: no face found" for file in files if file not in found and file.name not in said]
    if notebook.pictures != known:
        _keep(notebook, place)
    if not views:
        reason = f" ({skipped[0]})" if skipped else ""
        raise UsageError(
            "source-without-face",
            f"No picture of the source at {path} shows a face{reason}; give clear pictures of it.",
        )
    used = _most_different(views)
    return Source(used, tuple(skipped), tuple(view for view in views if view not in used))


def source_files(path: Path) -> list[Path]:
    """The pictures and movies at `path`, in name order. Raises what `read_source` raises."""
    if path.is_dir():
        found = sorted(
            item
            for item in path.iterdir()
            if item.suffix.lower() in _PICTURES | MOVIES and item.is_file() and not item.name.startswith(".")
        )
        if not found:
            raise UsageError(
                "source-without-face", f"The source folder {path} holds no picture; put the person's in it."
            )
        return found
    if not path.is_file():
        raise UsageError("source-missing", f"There is no source at {path}; give a picture or a folder of pictures.")
    return [path]


def _views_of(
    path: Path, color: ColorConfig, finder: FaceFinder, space: str | None, notebook: Notebook
) -> list[SourceView]:
    with path.open("rb") as file:  # a clip may be larger than the memory
        content = hashlib.file_digest(file, "sha256").hexdigest()
    digest = f"{content} {space or ''} {color.cache_id[:12]}"
    indices = frames_of(path) if path.suffix.lower() in MOVIES else [None]
    views = []
    for index in indices:
        key = path.name if index is None else f"{path.name}@{index}"
        finding = notebook.pictures.get(key)
        if finding is None or finding.sha256 != digest:
            finding = _look(_read(path, index, color, space), finder, digest)
            notebook.pictures[key] = finding
        if finding.face is not None:
            views.append(SourceView(path, index, finding.face, finding, color, space))
    return views


def _read(path: Path, index: int | None, color: ColorConfig, space: str | None) -> Frame:
    return read_still(path, color, space) if index is None else frame_of(path, index, color, space)


def _look(frame: Frame, finder: FaceFinder, digest: str) -> Finding:
    faces = finder.find(frame)
    if not faces:
        return Finding(sha256=digest, points=None)
    face = faces[0]
    return Finding(
        sha256=digest,
        points=[(round(x, 3), round(y, 3), round(z, 3)) for x, y, z in face.points.tolist()],
        score=face.score,
        presence=face.presence,
        level=face.level,
        sharpness=_sharpness(frame, face),
        blendshapes=[round(float(value), 4) for value in finder.blendshapes(face)],
        noise=_noise(frame, face),
    )


def _noise(frame: Frame, face: Face) -> list[list[float]]:
    """Grain of the picture around the face, where what is out of focus tells it from skin."""
    part = frame.region(face.window(GRAIN_REACH).intersect(frame.window)).working()
    grain = measure_grain(part).scaled(1 / max(face.level, 1e-6))
    softness = grain.kernel.sum(axis=(1, 2)) ** 2
    return [[float(f"{value:.4g}") for value in row] for row in (grain.slope, grain.floor, softness)]


def _sharpness(frame: Frame, face: Face) -> float:
    """The energy of the finest detail over that of the next octave, in the face: about 0.2 when sharp, 0.05 when soft."""
    part = frame.region(face.window(-0.1).intersect(frame.window))
    luma = np.log(np.maximum(frame.color.luminance(part.working()), 1e-3 * face.level))
    one, two = (cv2.GaussianBlur(luma, (0, 0), sigma) for sigma in (1.0, 2.0))
    return round(float(np.mean((luma - one) ** 2) / max(float(np.mean((one - two) ** 2)), 1e-12)), 4)


def _open_notebook(path: Path, finder: FaceFinder) -> tuple[Notebook, Path]:
    place = path / _NOTE if path.is_dir() else path.with_name(f".{path.name}.{_NOTE}")
    weights = [finder.store.card(name).sha256 for name in finder.networks]
    try:
        notebook = Notebook.model_validate_json(place.read_bytes())
        if notebook.version == _VERSION and notebook.weights == weights:
            return notebook, place
    except (OSError, ValidationError):
        pass  # none yet, or one that somebody else wrote: it is only a saving, and is made anew
    return Notebook(weights=weights), place


def _keep(notebook: Notebook, place: Path) -> None:
    body = ",\n".join(
        f"{json.dumps(name)}: {finding.model_dump_json()}" for name, finding in sorted(notebook.pictures.items())
    )
    text = f'{{"version": {notebook.version}, "weights": {json.dumps(notebook.weights)}, "pictures": {{\n{body}\n}}}}\n'
    try:
        with temporary_beside(place) as temporary:
            temporary.write_text(text, encoding="utf-8")
            publish(temporary, place)
    except (OSError, FaceplateError):
        return  # a read-only share: the pictures are looked at again next time


def _most_different(views: list[SourceView]) -> tuple[SourceView, ...]:
    """At most `_MOST_VIEWS`, by farthest-point choice over pose, mouth and eyes, beginning with the first."""
    if len(views) <= _MOST_VIEWS:
        return tuple(views)
    marks = np.array(
        [
            [*np.divide(v.geometry.pose.angles[:2], 10.0), v.geometry.mouth / 0.1, *np.divide(v.geometry.eyes, 0.1)]
            for v in views
        ]
    )
    chosen = [0]
    away = np.linalg.norm(marks - marks[0], axis=1)
    while len(chosen) < _MOST_VIEWS:
        chosen.append(int(np.argmax(away)))
        away = np.minimum(away, np.linalg.norm(marks - marks[chosen[-1]], axis=1))
    return tuple(views[index] for index in sorted(chosen))
