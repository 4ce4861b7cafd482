"""The keys of a frame and of each of its stages: a hash of exactly what they depend on. No pixel is decoded for them.

A stage's key holds the keys of the stages before it and the parameters that it reads itself, and no other: a parameter that
comes later changes none of the earlier keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

from faceplate.cache import code_mark, content_mark, digest, file_mark
from faceplate.color.reading import space_of
from faceplate.comp.grain import Grain
from faceplate.comp.occlusion import NETWORK as OCCLUSION
from faceplate.errors import RenderError
from faceplate.face import Face
from faceplate.generators import CacheIdentity, Generator, Reshaping
from faceplate.image.window import Window
from faceplate.models import embedded_store
from faceplate.plate import GivenPlate, Sequence
from faceplate.plate.movie import is_movie
from faceplate.render.depth_order import tracked_size
from faceplate.render.dials import dials_of
from faceplate.render.expression_match import LANDMARKER as EXPRESSION_LANDMARKER
from faceplate.render.expression_match import match_amounts
from faceplate.render.lens import PlateLens
from faceplate.render.request import FrameRequest
from faceplate.render.resources import RenderResources
from faceplate.shot import Shot
from faceplate.shot.parameters import PARAMETERS, Stage
from faceplate.track.look import Look
from faceplate.track.view_plan import Views
from faceplate_client.version import __version__

__all__ = ["CacheKeys", "FacesKeys"]

# The content of the files that these parameters name takes the place of their text.
_FILES = ("holdout_matte", "garbage_matte")
# The parameters that the embedded generators read; a network, or a given generator, may read all of the stage's.
_READ = {"mesh": ("shape", "mouth", "eyes", "pins"), "null": ("crop", "network_view")}
_HULL = ("matte_erode", "matte_feather", "forehead", "edge_jaw", "edge_right", "edge_left")
_OUTLINE = ("forehead", "edge_jaw", "edge_right", "edge_left")
_LIGHT = ("light_scale", "light_luminance", "light_color", "grade_features")
_LENS = ("shutter", "motion_blur", "defocus", "defocus_amount", "defocus_falloff")
_BLEND = ("blend", "blend_amount", "blend_reach")


@dataclass(frozen=True)
class CacheKeys:
    """The keys of one requested frame of a shot with its `resources`.

    `whole` takes files by all of their content in place of size, date and first and last bytes (`file_mark`): slower, but
    the same for a copy with another date, as on a farm that sends its nodes copies.
    """

    resources: RenderResources
    request: FrameRequest
    whole: bool = False

    def frame_key(self, face: Face | None = None) -> str:
        """Return the key of everything that the frame's file depends on; `face` where a caller gave one."""
        resources, request = self.resources, self.request
        shot, parameters = resources.shot, request.parameters
        return digest(
            "frame",
            __version__,
            code_mark(),
            self._plate,
            ("given", _face_values(face)) if face is not None else self._target,
            self._generator,
            self._acting,
            self._weights(resources.finder(parameters).networks),
            [self._occluder, self._network(parameters.parser)],
            parameters.model_dump(exclude={*_FILES, "target"}),
            self._mattes,
            request.frame,
            request.proxy,
            (shot.mode, shot.compression, shot.multipart, shot.person),
            (shot.purpose, resources.consent.check.id, resources.consent.decision.slate),
        )

    def find_key(self) -> str:
        """Return the key of the face that is searched in this plate frame."""
        resources, parameters = self.resources, self.request.parameters
        finder = resources.finder(parameters)
        return digest(
            "found",
            self._plate,
            self._weights((*finder.networks, finder.recogniser)),
            resources.shot.search,
            parameters.target,
            resources.wanted_identity(parameters),
            parameters.no_face,
            self.request.frame,
        )

    def stage_keys(
        self,
        face: Face,
        region: Window,
        grain: Grain | None,
        weight: float = 1.0,
        views: Views | None = None,
        look: Look | None = None,
        lens: PlateLens | None = None,
    ) -> Mapping[str, str]:
        """Return the key of every stage that is kept, for a `face` on the plate's pixels `region` (the proxy's at a proxy).

        `weight` is the fade of the whole change, `grain` the plate's and `look` the face's from the track, if known, and `views`
        those that lead. `lens` is what is known of the plate's lens and shutter.
        """
        parameters = self.request.parameters
        generator = self.resources.generator(parameters)
        transform = generator.frame(face, self.request.file.pixel_aspect)
        picture = digest("picture", self._plate, self.request.proxy, region, _face_values(face))
        shape = (self._generator, self._values(("shape",)), weight, grain) if isinstance(generator, Reshaping) else None
        dials = dials_of(parameters)
        turned = (dials, weight, grain) if dials.any else None
        prepare = digest(
            "prepare", picture, shape, turned, transform.matrix, transform.window, self.request.frame, look, lens
        )
        inner = digest("inner", prepare, self._generator, self._values(self._read), views)
        restoring = (self._values(_named(Stage.RESTORE)), parameters.network_view) if parameters.restorer else None
        generate = digest("generate", inner, restoring)
        occlusion = digest("occlusion", prepare, parameters.occlusion, self._occluder)
        expression = digest("expression", generate, acting) if (acting := self._acting) else generate
        light = digest("light", expression, occlusion, self._values(("enhance", "light_highlights")))
        blur = digest("blur", expression, self._values(_LENS))
        return {
            "prepare": prepare,
            "generate": generate,
            "expression": expression,
            "inner": inner,
            "parsed": digest("parsed", prepare, self._network(parameters.parser)),
            "occlusion": occlusion,
            "blur": blur,
            "coverage": digest("coverage", generate, self._values((*_OUTLINE, *_LENS))),
            "light": light,
            "matched": digest("matched", light, blur, self._values((*_LIGHT, *_HULL, *_BLEND))),
            "grain": digest("grain", prepare, grain),
        }

    def plate_grain(self, face: Face, window: Window) -> str:
        """Return the key of the full plate's grain, measured on `window` around a face."""
        return digest("plate grain", self._plate, window, _face_values(face))

    @cached_property
    def _plate(self) -> str:
        """The plate frame and how it is read."""
        shot, color, file = self.resources.shot, self.resources.color, self.request.file
        space = space_of(file, color, shot.space)
        try:
            content = file.given_mark if isinstance(file, GivenPlate) else self._content(file.path)
        except OSError as error:
            raise RenderError("plate-unreadable", f"{file.path} cannot be read ({error.strerror}).") from error
        return digest(content, file.movie_frame, file.part, file.rgb, space, color.cache_id, color.working_space)

    @cached_property
    def _target(self) -> Any:
        """The tracked face of the frame and the views that lead in it, or the key of the search for a face."""
        track = self.resources.track
        if track is None:
            return self.find_key()
        number = self.request.plate_frame
        person = self.resources.person(self.request.parameters)
        tracked = track.face(person, number)
        grain = track.grain(number)
        if tracked is None:
            return "nobody"
        views = self.resources.planned_views(self.request)
        measured_in = (track.sidecar.plate.working, track.sidecar.plate.space)
        lens = (track.movement(person, number), track.shutter(number))
        return (_face_values(tracked.face), tracked.weight, grain, tracked.look, views, measured_in, lens)

    @cached_property
    def _generator(self) -> str:
        """The generator, its weights and the source's pictures; a given generator by its cache identity."""
        resources, parameters = self.resources, self.request.parameters
        given = resources.given_generator
        if given is not None:
            return resources.pool.get(("cache identity", "generator"), lambda: _identity_of(given))
        generator = resources.generator(parameters)
        source = ""
        if resources.needs_source(parameters):
            source = resources.pool.get(("cache identity", "source"), self._source)
        return digest(generator.name, self._weights(generator.weights), source)

    def _source(self) -> str:
        return digest(self.resources.source.cache_identity(), self.resources.color.cache_id)

    @cached_property
    def _acting(self) -> str:
        """What the expression match depends on beside the generated face; empty where it is off."""
        parameters = self.request.parameters
        amounts = match_amounts(parameters)
        if not amounts.any:
            return ""
        rest = self.resources.resting_faces(parameters)
        # The face is landmarked as the composite will show it.
        detail = parameters.plate_detail
        return digest(amounts, rest, detail, embedded_store().card(EXPRESSION_LANDMARKER).sha256)

    @cached_property
    def _mattes(self) -> list[str]:
        """The content of the artist's mattes in this frame."""
        return [self._matte_file(getattr(self.request.parameters, name)) for name in _FILES]

    def _matte_file(self, pattern: str) -> str:
        if not pattern:
            return ""
        frame = self.request.frame
        path = Sequence.parse(pattern).path(frame)
        try:
            return self._content(path) + (f" {frame}" if is_movie(path) else "")
        except OSError:
            return f"missing {path}"  # rendering reports it

    def _content(self, path: Path) -> str:
        return content_mark(path) if self.whole else file_mark(path)

    def _weights(self, names: Iterable[str]) -> list[str]:
        return [self._network(name) for name in dict.fromkeys(names) if name]

    @property
    def _occluder(self) -> str:
        """The network that finds occluders: the one that is named, else the embedded one."""
        named = self._network(self.request.parameters.occluder)
        return named or f"{OCCLUSION} {embedded_store().card(OCCLUSION).sha256}"

    def _network(self, name: str) -> str:
        return f"{name} {self.resources.store.card(name).sha256}" if name else ""

    @property
    def _read(self) -> tuple[str, ...]:
        """The parameters that this frame's generator reads."""
        name = self.request.parameters.generator
        if self.resources.given_generator is None and name in _READ:
            return _READ[name]
        return _named(Stage.GENERATE)

    def _values(self, names: tuple[str, ...]) -> list[Any]:
        return [getattr(self.request.parameters, name) for name in names]


@dataclass(frozen=True)
class FacesKeys:
    """The keys of one frame of a shot of several faces: each face's name, what its depth depends on, and its keys."""

    faces: tuple[tuple[str, tuple[float, float | None], CacheKeys], ...]
    whole: bool = False

    @classmethod
    def of(cls, shot: Shot, keys: Iterable[CacheKeys], whole: bool = False) -> FacesKeys:
        """Return the keys of a frame from those of its faces, in the shot's order."""
        pairs = zip(shot.faces, keys, strict=True)
        return cls(
            tuple((face.name, (face.head_size, tracked_size(own.resources, own.request)), own) for face, own in pairs),
            whole,
        )

    def frame_key(self) -> str:
        """Return the key of everything that the frame's file depends on."""
        keys = [(name, depth, replace(keys, whole=self.whole).frame_key()) for name, depth, keys in self.faces]
        return digest("faces", keys)


def _named(stage: Stage) -> tuple[str, ...]:
    """Return the parameters that name `stage` as the first that they change."""
    return tuple(item.name for item in PARAMETERS if item.about.invalidates is stage)


def _face_values(face: Face) -> tuple[Any, ...]:
    return (face.points, face.score, face.presence, face.level, face.rest)


def _identity_of(generator: Generator) -> str:
    """Return a given generator's cache identity; without one its results are kept for this process alone."""
    own = generator.cache_identity() if isinstance(generator, CacheIdentity) else ""
    return own or f"{generator.name} {uuid4().hex}"
