"""What was found in each picture of the source, and the notebook beside the pictures that keeps it.

`faceplate.source.json`, keyed by each picture's hash, saves the next render from looking again. A folder that cannot be
written is looked at anew each time.
"""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from faceplate.comp.grain import GRAIN_REACH, measure_grain
from faceplate.errors import FaceplateError
from faceplate.face import Face, FaceFinder
from faceplate.face.shape import normals, unsqueezed
from faceplate.image.frame import Frame
from faceplate.source.views import bare_skin
from faceplate.system.atomic import publish, temporary_beside
from faceplate.system.user_paths import is_dir, read_bytes

__all__ = ["Finding", "Notebook", "look", "notebook_place", "open_notebook"]

_NOTE = "faceplate.source.json"
_VERSION = 3
# Points whose surface is turned further than this from the camera (its cosine) tell little about the light.
_FACING = 0.25
# How many fits of the light, and how far, in natural logarithm, a point may be off before it counts less: hair, a gleam.
_FITS, _OFF = 6, 0.4


class Finding(BaseModel):
    """What was found in one picture: mesh, scores, exposure, sharpness, the expression's 52 coefficients.

    `light` holds for each channel, in natural logarithm over `level`, the light of a surface that faces the camera and its
    slopes per unit of the surface's normal to the right, down and towards the camera. `noise` holds slope, floor and
    softness of its grain for each channel: the first two in parts of the level (and of its square), the last the pixels
    that one grain takes. `pixel_aspect` is a pixel's width over its height.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str
    points: list[tuple[float, float, float]] | None
    score: float = 0.0
    presence: float = 0.0
    level: float = 0.0
    pixel_aspect: float = 1.0
    sharpness: float = 0.0
    blendshapes: list[float] = []
    light: list[list[float]] = []
    noise: list[list[float]] = []

    @property
    def face(self) -> Face | None:
        return Face(np.array(self.points), self.score, self.presence, self.level) if self.points else None

    @property
    def contrast(self) -> float:
        """How much the light falls off over the face, in natural logarithm per unit of the normal; 0 is even light."""
        return float(np.linalg.norm(np.mean(np.array(self.light)[:, 1:3], axis=0))) if self.light else 0.0


class Notebook(BaseModel):
    """The file beside the pictures. `weights` are the networks' hashes: other networks look for themselves."""

    model_config = ConfigDict(extra="forbid")

    version: int = _VERSION
    weights: list[str]
    pictures: dict[str, Finding] = {}

    def keep(self, place: Path) -> None:
        """Written whole or not at all; a read-only share is no error, its pictures are looked at again next time."""
        body = ",\n".join(
            f"{json.dumps(name)}: {finding.model_dump_json()}" for name, finding in sorted(self.pictures.items())
        )
        text = f'{{"version": {self.version}, "weights": {json.dumps(self.weights)}, "pictures": {{\n{body}\n}}}}\n'
        try:
            with temporary_beside(place) as temporary:
                temporary.write_text(text, encoding="utf-8")
                publish(temporary, place)
        except (OSError, FaceplateError):
            return


def notebook_place(path: Path) -> Path:
    """Where the notebook of the source at `path` lies: in its folder, else beside it."""
    return path / _NOTE if is_dir(path) else path.with_name(f".{path.name}.{_NOTE}")


def open_notebook(path: Path, finder: FaceFinder) -> tuple[Notebook, Path]:
    """The notebook of the source at `path`, empty where there is none of these networks and this version, and its place."""
    place = notebook_place(path)
    weights = [finder.store.card(name).sha256 for name in (*finder.networks, finder.expression)]
    try:
        notebook = Notebook.model_validate_json(read_bytes(place))
        if notebook.version == _VERSION and notebook.weights == weights:
            return notebook, place
    except (OSError, ValidationError):
        pass  # none yet, or one that somebody else wrote: it is only a saving, and is made anew
    return Notebook(weights=weights), place


def look(frame: Frame, finder: FaceFinder, digest: str) -> Finding:
    """What `finder` finds in `frame`, whose pixels have the hash `digest`: of the largest face in it."""
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
        pixel_aspect=frame.pixel_aspect,
        sharpness=_sharpness(frame, face),
        blendshapes=[round(float(value), 4) for value in finder.blendshapes(face, frame.pixel_aspect)],
        light=_light(frame, face),
        noise=_noise(frame, face),
    )


def _noise(frame: Frame, face: Face) -> list[list[float]]:
    """Grain of the picture around the face, where what is out of focus tells it from skin."""
    part = frame.region(face.window(GRAIN_REACH).intersect(frame.window)).working()
    grain = measure_grain(part).scaled(1 / max(face.level, 1e-6))
    softness = grain.kernel.sum(axis=(1, 2)) ** 2
    return [[float(f"{value:.4g}") for value in row] for row in (grain.slope, grain.floor, softness)]


def _sharpness(frame: Frame, face: Face) -> float:
    """The energy of the finest detail over that of the next octave, in the face: about 1 when sharp, 0.1 when soft."""
    part = frame.region(face.window(-0.1).intersect(frame.window))
    luma = np.log(np.maximum(frame.color.luminance(part.working()), 1e-3 * face.level))
    one, two = (cv2.GaussianBlur(luma, (0, 0), sigma) for sigma in (1.0, 2.0))
    return round(float(np.mean((luma - one) ** 2) / max(float(np.mean((one - two) ** 2)), 1e-12)), 4)


def _light(frame: Frame, face: Face) -> list[list[float]]:
    """The face's low-order light, as `Finding.light` says: a robust fit of the skin's logarithm over the mesh's normals.

    The first order of spherical harmonics (R. Ramamoorthi and P. Hanrahan, "An efficient representation for irradiance
    environment maps", SIGGRAPH 2001), in the logarithm, where the skin's own colour is a constant.
    """
    window = face.window(0.02).intersect(frame.window)
    soft = cv2.GaussianBlur(frame.region(window).working(), (0, 0), max(0.015 * face.size, 0.5))
    normal = normals(unsqueezed(face.points, frame.pixel_aspect)) * (1.0, 1.0, -1.0)  # towards the camera
    at = np.floor(face.points[:, :2] - (window.x, window.y)).astype(int)
    inside = (at >= 0).all(axis=1) & (at[:, 0] < window.width) & (at[:, 1] < window.height)
    used = np.flatnonzero(inside & (bare_skin() > 0) & (normal[:, 2] > _FACING))
    if len(used) < 40:
        return []
    seen = np.log(np.maximum(soft[at[used, 1], at[used, 0]], 1e-4 * face.level) / face.level).astype(np.float64)
    terms = np.column_stack([np.ones(len(used)), normal[used, 0], normal[used, 1], normal[used, 2] - 1.0])
    # What holds the slopes back a little: a head that looks straight ahead tells little about the last of them.
    ridge = np.diag([0.0, 0.001, 0.001, 0.02])
    trust, fit = normal[used, 2].copy(), np.zeros((4, 3))
    for _ in range(_FITS):
        weighted = terms * trust[:, None]
        fit = np.linalg.solve(weighted.T @ terms + ridge * trust.sum(), weighted.T @ seen)
        off = np.abs(seen - terms @ fit).max(axis=1)
        trust = normal[used, 2] / (1.0 + (off / _OFF) ** 2)
    return [[float(f"{value:.4g}") for value in row] for row in fit.T]
