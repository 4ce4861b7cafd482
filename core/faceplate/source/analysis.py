"""Analysis of the source's pictures, and the file beside them that stores it.

`faceplate.source.json`, keyed by each picture's hash, saves the next render from analysing again. Pictures in a folder
that cannot be written are analysed for every render.
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
from faceplate.face.shape import bare_skin, normals, unsqueezed
from faceplate.image.frame import Frame
from faceplate.system.atomic import publish, temporary_beside
from faceplate.system.user_paths import is_dir, read_bytes

__all__ = [
    "FILE_NAME",
    "AnalysisFile",
    "PictureAnalysis",
    "analyse_picture",
    "analysis_path",
    "fit_light",
    "load_analysis",
    "merit_of",
]

FILE_NAME = "faceplate.source.json"
"""Name of the file in a source's folder."""

_VERSION = 4
# Points whose surface has a smaller cosine to the view than this are not used to measure the light.
_LEAST_FACING = 0.25
# Number of fits of the light, and the deviation in natural logarithm at which a point loses weight (hair, a highlight).
_FITS, _OFF = 6, 0.4
# Height of a face in pixels from which a picture counts fully: the atlas shows no more.
_ENOUGH_PIXELS = 500.0
# The light's fall-off up to which it can be removed well, and the further fall-off that divides a picture's merit by e.
_SOFT_LIGHT, _HARDER = 0.5, 0.5


class PictureAnalysis(BaseModel):
    """The analysis of one picture: mesh, scores, exposure, sharpness, expression, light and grain.

    Attributes
    ----------
    sha256 : str
        Hash of the picture, with colour space and colour configuration.
    points : list, optional
        The mesh (478, 3) of the largest face in the picture's pixels; None without a face.
    score, presence, level : float
        As in `Face`.
    pixel_aspect : float
        A pixel's width over its height.
    sharpness : float
        Energy of the finest octave over that of the next: about 1 when sharp, 0.1 when soft.
    blendshapes : list of float
        The expression's 52 coefficients.
    light : list
        For each channel, in natural logarithm over `level`: the light on a surface that faces the camera, and its slopes per
        unit of the surface normal to the right, down and towards the camera.
    noise : list
        Slope, floor and softness of the grain, each for the three channels: slope and floor relative to the level (and its
        square), softness as the number of pixels per grain.
    embedding : list of float
        The recogniser's embedding, of unit length.
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
    embedding: list[float] = []

    @property
    def face(self) -> Face | None:
        """The face, or None."""
        return Face(np.array(self.points), self.score, self.presence, self.level) if self.points else None

    @property
    def contrast(self) -> float:
        """Fall-off of the light over the face in natural logarithm per unit of the normal; 0 is even light."""
        return float(np.linalg.norm(np.mean(np.array(self.light)[:, 1:3], axis=0))) if self.light else 0.0


class AnalysisFile(BaseModel):
    """The file beside the pictures. `weights` are the hashes of the networks; other networks start a new analysis."""

    model_config = ConfigDict(extra="forbid")

    version: int = _VERSION
    weights: list[str]
    pictures: dict[str, PictureAnalysis] = {}

    def save(self, place: Path) -> None:
        """Write the file completely or not at all; ignore a folder that cannot be written."""
        body = ",\n".join(
            f"{json.dumps(name)}: {analysis.model_dump_json()}" for name, analysis in sorted(self.pictures.items())
        )
        text = f'{{"version": {self.version}, "weights": {json.dumps(self.weights)}, "pictures": {{\n{body}\n}}}}\n'
        try:
            with temporary_beside(place) as temporary:
                temporary.write_text(text, encoding="utf-8")
                publish(temporary, place)
        except (OSError, FaceplateError):
            return


def analysis_path(path: Path) -> Path:
    """Return the path of the analysis of the source at `path`: in its folder, else beside it."""
    return path / FILE_NAME if is_dir(path) else path.with_name(f".{path.name}.{FILE_NAME}")


def load_analysis(path: Path, finder: FaceFinder) -> tuple[AnalysisFile, Path]:
    """Load the analysis of the source at `path`, empty unless it is of these networks and this version; also return its path."""
    place = analysis_path(path)
    weights = [finder.store.card(name).sha256 for name in (*finder.networks, finder.expression, finder.recogniser)]
    try:
        stored = AnalysisFile.model_validate_json(read_bytes(place))
        if stored.version == _VERSION and stored.weights == weights:
            return stored, place
    except (OSError, ValidationError):
        pass  # missing, or of another version: it only saves time and is made again
    return AnalysisFile(weights=weights), place


def analyse_picture(frame: Frame, finder: FaceFinder, digest: str) -> PictureAnalysis:
    """Analyse the largest face that `finder` finds in `frame`; `digest` is the hash of the picture."""
    faces = finder.find(frame)
    if not faces:
        return PictureAnalysis(sha256=digest, points=None)
    face = faces[0]
    return PictureAnalysis(
        sha256=digest,
        points=[(round(x, 3), round(y, 3), round(z, 3)) for x, y, z in face.points.tolist()],
        score=face.score,
        presence=face.presence,
        level=face.level,
        pixel_aspect=frame.pixel_aspect,
        sharpness=_measure_sharpness(frame, face),
        blendshapes=[round(float(value), 4) for value in finder.blendshapes(face, frame.pixel_aspect)],
        light=fit_light(frame, face),
        noise=_measure_grain(frame, face),
        embedding=_embedding(frame, face, finder),
    )


def merit_of(analysis: PictureAnalysis, sharpest: float) -> float:
    """Compute how much a picture counts among others of the person, 0..1: less when it is soft, small or under hard light.

    `sharpest` is the greatest sharpness among them.
    """
    focus = min(analysis.sharpness / sharpest, 1.0) if sharpest > 0 else 1.0
    height = float(np.ptp(np.array(analysis.points)[:, 1])) if analysis.points else 0.0
    hard = max(analysis.contrast - _SOFT_LIGHT, 0.0)
    return max(focus**2 * min(height / _ENOUGH_PIXELS, 1.0) ** 2 * float(np.exp(-hard / _HARDER)), 1e-3)


def _embedding(frame: Frame, face: Face, finder: FaceFinder) -> list[float]:
    embedding = finder.embed(frame, face)
    return [round(float(value), 4) for value in embedding / max(float(np.linalg.norm(embedding)), 1e-9)]


def _measure_grain(frame: Frame, face: Face) -> list[list[float]]:
    """Measure the picture's grain around the face, where out-of-focus areas separate it from skin texture."""
    part = frame.region(face.window(GRAIN_REACH).intersect(frame.window)).working()
    grain = measure_grain(part).scaled(1 / max(face.level, 1e-6))
    softness = grain.kernel.sum(axis=(1, 2)) ** 2
    return [[float(f"{value:.4g}") for value in row] for row in (grain.slope, grain.floor, softness)]


def _measure_sharpness(frame: Frame, face: Face) -> float:
    """Compute the energy of the finest octave over that of the next, in the face: about 1 when sharp, 0.1 when soft."""
    part = frame.region(face.window(-0.1).intersect(frame.window))
    luma = np.log(np.maximum(frame.color.luminance(part.working()), 1e-3 * face.level))
    one, two = (cv2.GaussianBlur(luma, (0, 0), sigma) for sigma in (1.0, 2.0))
    return round(float(np.mean((luma - one) ** 2) / max(float(np.mean((one - two) ** 2)), 1e-12)), 4)


def fit_light(frame: Frame, face: Face) -> list[list[float]]:
    """Fit the face's low-order light (see `PictureAnalysis.light`) to the logarithm of the skin over the mesh's normals.

    The first order of spherical harmonics (R. Ramamoorthi and P. Hanrahan, "An efficient representation for irradiance
    environment maps", SIGGRAPH 2001), in the logarithm, where the skin's own colour is a constant. The fit is robust.
    """
    window = face.window(0.02).intersect(frame.window)
    soft = cv2.GaussianBlur(frame.region(window).working(), (0, 0), max(0.015 * face.size, 0.5))
    normal = normals(unsqueezed(face.points, frame.pixel_aspect)) * (1.0, 1.0, -1.0)  # towards the camera
    at = np.floor(face.points[:, :2] - (window.x, window.y)).astype(int)
    inside = (at >= 0).all(axis=1) & (at[:, 0] < window.width) & (at[:, 1] < window.height)
    used = np.flatnonzero(inside & (bare_skin() > 0) & (normal[:, 2] > _LEAST_FACING))
    if len(used) < 40:
        return []
    seen = np.log(np.maximum(soft[at[used, 1], at[used, 0]], 1e-4 * face.level) / face.level).astype(np.float64)
    terms = np.column_stack([np.ones(len(used)), normal[used, 0], normal[used, 1], normal[used, 2] - 1.0])
    # Regularisation: a head that faces the camera hardly determines the last slope.
    ridge = np.diag([0.0, 0.001, 0.001, 0.02])
    trust, fit = normal[used, 2].copy(), np.zeros((4, 3))
    for _ in range(_FITS):
        weighted = terms * trust[:, None]
        fit = np.linalg.solve(weighted.T @ terms + ridge * trust.sum(), weighted.T @ seen)
        off = np.abs(seen - terms @ fit).max(axis=1)
        trust = normal[used, 2] / (1.0 + (off / _OFF) ** 2)
    return [[float(f"{value:.4g}") for value in row] for row in fit.T]
