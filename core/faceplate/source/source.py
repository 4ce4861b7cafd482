"""The source: pictures of the person who is put in, each with its face found and analysed once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from faceplate.cache import digest
from faceplate.color import ColorConfig
from faceplate.color.reading import read_still
from faceplate.comp.feature_tones import FeatureTones, combine_features, measure_features
from faceplate.comp.occlusion import SquareOdds, edged_matte, measure_odds
from faceplate.comp.skin_tones import SkinTones, measure_tones
from faceplate.errors import FaceplateError, UsageError
from faceplate.face import Face, FaceFinder
from faceplate.face.expression import RestingFace
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from faceplate.source.agreement import agreed_darkness, find_remains
from faceplate.source.analysis import AnalysisFile, PictureAnalysis, analyse_picture, load_analysis, merit_of
from faceplate.source.atlas import Atlas, Vote, atlas_points, cast_vote, make_atlas
from faceplate.source.fill import fill_texture
from faceplate.source.light import Light, SkinSamples, agreed_shading, find_light, sample_skin, without_hair_shade
from faceplate.source.maps import Maps, find_maps
from faceplate.source.photograph import Photograph
from faceplate.source.pictures import sampled_files, sampled_frames
from faceplate.source.rims import find_rims
from faceplate.source.strands import find_holes
from faceplate.source.teeth import find_teeth
from faceplate.source.texture import ViewTexture, make_texture
from faceplate.source.tone_step import tone_step
from faceplate.source.views import Geometry

__all__ = ["Source", "SourceView", "read_source"]

Made = TypeVar("Made")

# A clip has hundreds of frames that differ little; this many of the most different ones represent it.
_MAX_VIEWS = 24
# Distance beyond the mesh within which occluders are searched; half of it is the radius around a point within which they
# count. Fractions of the face's size.
_HAIR_MARGIN = 0.04
# Sensitivity of the occlusion network at which its doubts count, for places where the picture confirms them.
_DOUBT = 0.9
# Level at which a texture's tones are measured, low enough that none of its values is clipped.
_TEXTURE_LEVEL = 1e-6
# Columns of the mouth's chart that hold the front teeth.
_FRONT_TEETH = slice(12, -12)
# Margin around the face that is kept of a picture, as a fraction of the face's size; nothing beyond it is read.
_PICTURE_MARGIN = 0.6


@dataclass(frozen=True)
class SourceView:
    """One picture of the source. `face` is in its pixels; `analysis` holds what else was measured in it.

    `typical` is how like the person it is: its likeness to the mean of all pictures over the largest, 1 for the most typical.
    """

    path: Path
    index: int | None
    face: Face
    analysis: PictureAnalysis
    color: ColorConfig
    space: str | None
    typical: float = 1.0

    @property
    def name(self) -> str:
        """The file's name, with the frame number for a movie."""
        return self.path.name if self.index is None else f"{self.path.name}@{self.index}"

    @cached_property
    def frame(self) -> Frame:
        """The picture around the face, read on first use."""
        whole = read_still(self.path, self.color, self.space, self.index or 0)
        part = whole.region(self.face.window(_PICTURE_MARGIN))
        return part.with_pixels(part.pixels.copy())

    @cached_property
    def pixels(self) -> np.ndarray:
        """`frame` in the working space, float32 (h, w, 3)."""
        return self.frame.working()

    @cached_property
    def occlusion(self) -> np.ndarray:
        """How far hair, a hand or another object hides the face, float32 (h, w) in 0..1 on the same pixels."""
        return self._occlusion(0.5)

    def _occlusion(self, sensitivity: float) -> np.ndarray:
        occlusion = np.zeros(self.pixels.shape[:2], np.float32)
        if self._odds is not None:
            window, linear = self._around_face
            matte = edged_matte(self._odds, linear, self.face, window, sensitivity=sensitivity, photograph=True)
            occlusion[window.slices(self.frame.window)] = matte
        return occlusion

    @cached_property
    def _odds(self) -> SquareOdds | None:
        """The odds that the face is hidden, which serve every sensitivity; None where the face is black."""
        window, linear = self._around_face
        return measure_odds(linear, self.face, window, rims=False)

    @property
    def _around_face(self) -> tuple[Window, np.ndarray]:
        """The window in which occluders are searched, and the picture there in linear Rec.709."""
        window = self.face.window(_HAIR_MARGIN).intersect(self.frame.window)
        return window, self.color.to_linear709(self.pixels[window.slices(self.frame.window)])

    @cached_property
    def grid_maps(self) -> Maps:
        """Where the picture shows skin, hair, glasses and shadow, on the photograph's grid."""
        return find_maps(self.photograph, self.occlusion, self._occlusion(_DOUBT))

    @cached_property
    def visibility(self) -> np.ndarray:
        """How far each of the 478 points and its surroundings are free of occlusion, float64 (478,)."""
        reach = 2 * max(round(_HAIR_MARGIN / 2 * self.face.size), 1) + 1
        grown = cv2.dilate(self.occlusion, np.ones((reach, reach), np.uint8))
        at = (self.face.points[:, :2] - (self.frame.window.x + 0.5, self.frame.window.y + 0.5)).astype(np.float32)
        read = cv2.remap(grown, at[None, :, 0], at[None, :, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return 1.0 - read[0].astype(np.float64)

    @cached_property
    def geometry(self) -> Geometry:
        """The view's mesh with its expression."""
        known = np.array(self.analysis.blendshapes, np.float32) if self.analysis.blendshapes else None
        return Geometry(self.face.points, False, self.analysis.pixel_aspect, known)

    @cached_property
    def mirror(self) -> Geometry:
        """The view's mesh mirrored."""
        return self.geometry.mirror()

    @cached_property
    def photograph(self) -> Photograph:
        """The picture as the stages of the texture read it."""
        return Photograph(self.pixels, self.frame.window, self.face, self.geometry)

    @cached_property
    def skin(self) -> SkinSamples:
        """The picture's bare skin around the mesh's points, without what hides it."""
        return sample_skin(self.photograph, self.grid_maps.skin)

    @cached_property
    def light(self) -> Light:
        """The picture's light, found in this picture alone."""
        return find_light(self.skin)

    @cached_property
    def features(self) -> FeatureTones:
        """The picture's sclera and teeth over the skin, in its own pixels."""
        visible, aspect = 1.0 - self.occlusion, self.analysis.pixel_aspect
        tones = measure_tones(self.pixels, self.frame.window, self.face, visible, aspect)
        return measure_features(self.pixels, self.frame.window, self.face, tones, visible, aspect)

    @cached_property
    def teeth(self) -> np.ndarray:
        """The picture's teeth on the mouth's chart, float32, 0..1 (`teeth.find_teeth`)."""
        return find_teeth(self.photograph)

    @cached_property
    def teeth_height(self) -> float:
        """Height of the front teeth that the picture shows, in the units of `Geometry.mouth`."""
        return self.geometry.mouth * float(self.teeth[:, _FRONT_TEETH].mean())

    @cached_property
    def texture(self) -> ViewTexture:
        """The picture without the light that was found in it alone; what hides the face is still in it."""
        return make_texture(self.photograph, self.light.whole, self.grid_maps.hidden)


@dataclass(frozen=True)
class Source:
    """All usable pictures of one person.

    Attributes
    ----------
    views : tuple of SourceView
        The views that a generator mixes.
    skipped : tuple of str
        A sentence for each picture that was left out.
    spare : tuple of SourceView
        Pictures too similar to those in `views`; used only when an artist pins one.
    """

    views: tuple[SourceView, ...]
    skipped: tuple[str, ...]
    spare: tuple[SourceView, ...] = ()

    @property
    def all_views(self) -> tuple[SourceView, ...]:
        """`views` and `spare`."""
        return self.views + self.spare

    @cached_property
    def resting_face(self) -> RestingFace:
        """The person's face at rest, against which an expression is measured."""
        return RestingFace.of(view.geometry.square for view in self.views)

    @cached_property
    def shading(self) -> np.ndarray:
        """The person's own shading of the skin, on which the pictures agree, float64 (478,)."""
        return agreed_shading([view.light for view in self.views], [view.skin.weight for view in self.views])

    @cached_property
    def _wears_glasses(self) -> bool:
        """Whether at least half of the views show glasses."""
        return 2 * sum(bool(view.grid_maps.glasses.any()) for view in self.views) >= len(self.views)

    @cached_property
    def grid_maps(self) -> Mapping[str, Maps]:
        """What hides the face in each view, on the view's grid, by name: its own maps, and the rims of the person's glasses."""
        return _ByView(self.all_views, self._with_rims)

    @cached_property
    def features(self) -> FeatureTones:
        """The person's sclera and teeth over the skin: the weighted median of all views."""
        return combine_features([view.features for view in self.views])

    @cached_property
    def _votes(self) -> Mapping[str, Vote]:
        """The views on the atlas by name, as each was analysed alone."""
        sharpest = max(view.analysis.sharpness for view in self.views)
        best = max(merit_of(view.analysis, sharpest) for view in self.views)
        return _ByView(
            self.all_views,
            lambda view: cast_vote(view.photograph, self._alone(view), merit_of(view.analysis, sharpest) / best),
        )

    @cached_property
    def _agreed(self) -> tuple[np.ndarray, np.ndarray]:
        return agreed_darkness([self._votes[view.name] for view in self.views])

    @cached_property
    def _remains(self) -> Mapping[str, np.ndarray]:
        """What still hides each view, on the atlas, by name."""
        return _ByView(self.all_views, lambda view: find_remains(self._votes[view.name], *self._agreed))

    @cached_property
    def atlas(self) -> Atlas:
        """The person's albedo on one layout of the mesh."""
        votes = [
            replace(self._votes[name], weight=self._votes[name].weight * (1 - self._remains[name]))
            for name in (view.name for view in self.views)
        ]
        return make_atlas(votes)

    @cached_property
    def textures(self) -> Mapping[str, ViewTexture]:
        """The views' textures by name, each made on first use: without light, with what was hidden filled in."""
        return _ByView(self.all_views, lambda view: fill_texture(view.photograph, self.delit(view), self.atlas))

    @cached_property
    def lights(self) -> Mapping[str, np.ndarray]:
        """The views' light as the new face has it, float32 (478, 3) each, by name: without the shade of the person's own hair."""
        return _ByView(
            self.all_views,
            lambda view: without_hair_shade(self._lights[view.name], view.photograph, self.grid_maps[view.name].hair),
        )

    @cached_property
    def _lights(self) -> Mapping[str, Light]:
        """The views' light by name, as all pictures together tell it from the person's own shading."""
        return _ByView(self.all_views, lambda view: find_light(view.skin, self.shading))

    @cached_property
    def tones(self) -> Mapping[str, SkinTones]:
        """The tones of the views' textures by name, in the symmetric logarithm of the textures; each is measured on first use."""
        return _ByView(self.all_views, self._texture_tones)

    def tone_step(self, view: str, leader: str) -> np.ndarray:
        """Return how the broad tone of the skin in the texture `leader` differs from that in `view`, float64 (478, 3).

        It is measured where both show skin, and continued smoothly over the mesh's points.
        """
        if (view, leader) not in self._tone_steps:
            self._tone_steps[view, leader] = tone_step(self.tones[view], self.tones[leader])
        return self._tone_steps[view, leader]

    @cached_property
    def _tone_steps(self) -> dict[tuple[str, str], np.ndarray]:
        return {}

    def _texture_tones(self, view: SourceView) -> SkinTones:
        face = replace(view.face, level=_TEXTURE_LEVEL)
        return measure_tones(np.exp(self.textures[view.name].log), view.frame.window, face)

    def delit(self, view: SourceView) -> ViewTexture:
        """Remove the light of a view, as all pictures together tell it from the person's own shading; nothing is filled.

        What the person's other pictures show to be hair or glasses is not clean either.
        """
        texture, photograph = self._alone(view), view.photograph
        places = photograph.over_grid(atlas_points()[:, :2] - 0.5)
        x, y = (np.ascontiguousarray(places[..., axis]) for axis in (0, 1))
        remains = cv2.remap(self._remains[view.name], x, y, cv2.INTER_LINEAR)
        return replace(texture, clean=texture.clean * (1 - photograph.to_picture(remains)))

    def _alone(self, view: SourceView) -> ViewTexture:
        """Remove the light of a view; what is hidden in it is what `grid_maps` hold of it."""
        hidden = self.grid_maps[view.name].hidden
        return make_texture(view.photograph, self._lights[view.name].whole, hidden)

    def _with_rims(self, view: SourceView) -> Maps:
        found = view.grid_maps
        if not self._wears_glasses:
            return found
        photograph = view.photograph
        rims = np.maximum(found.glasses, find_rims(photograph, frame=bool(found.glasses.any())) - found.hair)
        between = find_holes(np.minimum(found.hair + rims, 1), photograph.raster.covered, photograph.cells)
        return replace(found, glasses=np.maximum(rims, between - found.hair))

    def cache_identity(self) -> str:
        """Return a text that is the same exactly when the pictures, their colour and their analysis are."""
        return digest([(view.name, view.analysis.model_dump_json()) for view in self.all_views])

    def embedding(self, finder: FaceFinder) -> np.ndarray:
        """Compute the person's identity, the mean of the views' raw embeddings, float32 (128,)."""
        return np.mean([finder.embed(view.frame, view.face) for view in self.views], axis=0)


class _ByView(Mapping[str, Made]):
    """Something of each view by its name, each made once, when it is first asked for."""

    def __init__(self, views: tuple[SourceView, ...], make: Callable[[SourceView], Made]) -> None:
        self._views = {view.name: view for view in views}
        self._make = make
        self._made: dict[str, Made] = {}

    def __getitem__(self, name: str) -> Made:
        if name not in self._made:
            self._made[name] = self._make(self._views[name])
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._views)

    def __len__(self) -> int:
        return len(self._views)


def read_source(path: Path, color: ColorConfig, finder: FaceFinder, space: str | None = None) -> Source:
    """Read every picture at `path` (as in `source_files`) with the largest face in each.

    Pictures without a face and unreadable files are skipped and listed in `Source.skipped`. Of more than 24 views those that
    differ most in pose and expression are used; the others are used only where they are pinned.

    Raises
    ------
    UsageError
        `source-missing` or `source-without-face`.
    """
    stored, place = load_analysis(path, finder)
    known = dict(stored.pictures)
    views: list[SourceView] = []
    skipped: list[str] = []
    for file in sampled_files(path):
        try:
            found = _views_of(file, color, finder, space, stored)
        except FaceplateError as error:
            skipped.append(f"{file.name}: {error}")
            continue
        views += found
        if not found:
            skipped.append(f"{file.name}: no face found")
    if stored.pictures != known:
        stored.save(place)
    if not views:
        reason = f" ({skipped[0]})" if skipped else ""
        raise UsageError(
            "source-without-face",
            f"No picture of the source at {path} shows a face{reason}; give clear pictures of it.",
        )
    views = _with_typical(views)
    used = _most_different(views)
    return Source(used, tuple(skipped), tuple(view for view in views if view not in used))


def _views_of(
    path: Path, color: ColorConfig, finder: FaceFinder, space: str | None, stored: AnalysisFile
) -> list[SourceView]:
    """Read the views in one file. Raises what reading raises; for a movie only when no frame of it shows a face."""
    with path.open("rb") as file:  # hashed in blocks, because a clip may exceed the memory
        content = hashlib.file_digest(file, "sha256").hexdigest()
    identity = f"{content} {space or ''} {color.cache_id[:12]}"
    views: list[SourceView] = []
    failed: FaceplateError | None = None
    for index in sampled_frames(path):
        key = path.name if index is None else f"{path.name}@{index}"
        analysis = stored.pictures.get(key)
        if analysis is None or analysis.sha256 != identity:
            try:
                analysis = analyse_picture(read_still(path, color, space, index or 0), finder, identity)
            except FaceplateError as error:
                failed = error
                continue
            stored.pictures[key] = analysis
        if analysis.face is not None:
            views.append(SourceView(path, index, analysis.face, analysis, color, space))
    if failed is not None and not views:
        raise failed
    return views


def _with_typical(views: list[SourceView]) -> list[SourceView]:
    """Return the views with how typical of the person each is."""
    embeddings = np.array([view.analysis.embedding for view in views])
    mean = embeddings.mean(axis=0)
    likeness = embeddings @ mean / max(float(np.linalg.norm(mean)), 1e-9)
    typical = np.clip(likeness / max(float(likeness.max()), 1e-9), 0.0, 1.0)
    return [replace(view, typical=round(float(value), 3)) for view, value in zip(views, typical, strict=True)]


def _most_different(views: list[SourceView]) -> tuple[SourceView, ...]:
    """Choose at most `_MAX_VIEWS` by farthest-point sampling over pose, mouth, eyes and blendshapes, starting with the first."""
    if len(views) <= _MAX_VIEWS:
        return tuple(views)
    features = np.array(
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
    away = np.linalg.norm(features - features[0], axis=1)
    while len(chosen) < _MAX_VIEWS:
        chosen.append(int(np.argmax(away)))
        away = np.minimum(away, np.linalg.norm(features - features[chosen[-1]], axis=1))
    return tuple(views[index] for index in sorted(chosen))
