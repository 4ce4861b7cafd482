"""What a frame and each of its stages depend on, as keys. No pixel is decoded for them.

A stage's key holds the keys of the stages before it and the parameters that it reads itself, and no other: a parameter that
comes later changes none of the earlier keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from faceplate.cache import content_mark, digest, file_mark
from faceplate.color.reading import space_of
from faceplate.comp.grain import Grain
from faceplate.comp.occlusion import NETWORK as OCCLUSION
from faceplate.errors import RenderError
from faceplate.face import Face
from faceplate.generators import Reshaping
from faceplate.generators.networks import needs_source
from faceplate.image.window import Window
from faceplate.models import embedded_store
from faceplate.plate import PlateFile, Sequence
from faceplate.plate.movie import is_movie
from faceplate.shot.parameters import PARAMETERS, Parameters, Stage
from faceplate_client.version import __version__

if TYPE_CHECKING:
    from faceplate.render.resources import RenderResources

__all__ = ["CacheKeys"]

# Files and their contents take the place of these parameters' texts.
_FILES = ("holdout_matte", "garbage_matte")
# What the embedded generators read; a network, or a generator that a caller brought, may read all that is left.
_READ = {"mesh": ("shape", "mouth", "eyes", "pins"), "null": ("crop", "network_view")}
_HULL = ("matte_erode", "matte_feather", "forehead", "edge_jaw", "edge_right", "edge_left")
_OUTLINE = ("forehead", "edge_jaw", "edge_right", "edge_left")
_BLEND = ("blend", "blend_amount", "blend_reach")


@dataclass(frozen=True)
class CacheKeys:
    """The keys of one frame of a shot that is `opened`, with the frame's own `parameters`.

    `whole` takes files by all of their content in place of `file_mark`: dear, but the same for a copy that has another
    date, as on a farm that sends its nodes copies.
    """

    opened: RenderResources
    file: PlateFile
    frame: int
    parameters: Parameters
    proxy: int
    whole: bool = False

    def frame_key(self, face: Face | None = None) -> str:
        """The key of everything that the frame's file depends on; `face` where a caller gave one."""
        shot, parameters = self.opened.shot, self.parameters
        return digest(
            "frame",
            __version__,
            self._plate,
            ("given", _face_mark(face)) if face is not None else self._target,
            self._generator,
            self._weights(self.opened._finder(parameters).networks),
            [self._occluder, self._network(parameters.parser)],
            parameters.model_dump(exclude={*_FILES, "target"}),
            self._mattes,
            self.frame,
            self.proxy,
            (shot.mode, shot.compression, shot.multipart, shot.person),
            (shot.purpose, self.opened.judgement[0].id, self.opened.judgement[1].slate),
        )

    def found(self) -> str:
        """The key of the face that is found in this plate frame."""
        opened, parameters = self.opened, self.parameters
        finder = opened._finder(parameters)
        networks = self._weights((*finder.networks, finder.recogniser))
        wanted = opened._wanted(parameters)
        search = opened.shot.search
        return digest("found", self._plate, networks, search, parameters.target, wanted, parameters.no_face, self.frame)

    def stages(self, face: Face, around: Window, grain: Grain | None, weight: float = 1.0) -> Mapping[str, str]:
        """The key of every stage that is kept, for a `face` on the plate's pixels `around` (the proxy's at a proxy).

        `weight` is the swap's fade, `grain` the plate's where it is known.
        """
        parameters, opened = self.parameters, self.opened
        generator = opened._generator(parameters)
        framing = generator.frame(face, self.file.pixel_aspect)
        seen = digest("picture", self._plate, self.proxy, around, _face_mark(face))
        shape = (self._generator, self._values(("shape",)), weight, grain) if isinstance(generator, Reshaping) else None
        look = digest("look", seen, shape, framing.matrix, framing.window, self.frame)
        inner = digest("inner", look, self._generator, self._values(self._read))
        restoring = (self._values_of(Stage.RESTORE), parameters.network_view) if parameters.restorer else None
        made = digest("generate", inner, restoring)
        hidden = digest("hidden", look, parameters.occlusion, self._occluder)
        light = digest("light", made, hidden, self._values(("enhance", "light_scale", "light_highlights")))
        lit = digest("lit", light, parameters.light_luminance, parameters.light_color)
        return {
            "look": look,
            "generate": made,
            "inner": inner,
            "parsed": digest("parsed", look, self._network(parameters.parser)),
            "hidden": hidden,
            "coverage": digest("coverage", made, self._values(_OUTLINE)),
            "light": light,
            "lit": lit,
            "matched": digest("matched", lit, self._values(_HULL), self._values(_BLEND)),
            "grain": digest("grain", look, grain),
        }

    def grain(self, face: Face, window: Window) -> str:
        """The key of the grain of the whole plate around a face."""
        return digest("plate grain", self._plate, window, _face_mark(face))

    @cached_property
    def _plate(self) -> str:
        """The plate frame and how it is read."""
        shot, color = self.opened.shot, self.opened.color
        space = space_of(self.file, color, shot.space)
        try:
            return digest(
                self._content(self.file.path),
                self.file.movie_frame,
                self.file.part,
                self.file.rgb,
                space,
                color.cache_id,
                color.working_space,
            )
        except OSError as error:
            raise RenderError("plate-unreadable", f"{self.file.path} cannot be read ({error.strerror}).") from error

    @cached_property
    def _target(self) -> Any:
        """The tracked face of the frame, or what finds one."""
        opened = self.opened
        track = opened._track
        if track is None:
            return self.found()
        number = opened.plate_frame(self.frame)
        number = self.frame if number is None else number
        tracked = track.face(opened._person(self.parameters), number)
        grain = track.grain(number)
        return "nobody" if tracked is None else (_face_mark(tracked.face), tracked.weight, grain)

    @cached_property
    def _generator(self) -> str:
        """The generator, its weights and the source's pictures; one that a caller brought is only itself."""
        opened = self.opened
        if opened.generator is not None:
            return opened._once(("mark", "generator"), lambda: _own_mark(opened.generator))
        generator = opened._generator(self.parameters)
        weights = self._weights(generator.weights)
        named = self.parameters.generator
        shows = named == "mesh" or (named != "null" and needs_source(opened.finder.store, named))
        source = opened._once(("mark", "source"), self._source) if shows else ""
        return digest(generator.name, weights, source)

    def _source(self) -> str:
        views = [(view.name, view.analysis.model_dump_json()) for view in self.opened.source.all_views]
        return digest(views, self.opened.color.cache_id)

    @cached_property
    def _mattes(self) -> list[str]:
        """What the mattes from outside hold in this frame."""
        return [self._matte_file(getattr(self.parameters, name)) for name in _FILES]

    def _matte_file(self, pattern: str) -> str:
        if not pattern:
            return ""
        path = Sequence.parse(pattern).path(self.frame)
        try:
            return self._content(path) + (f" {self.frame}" if is_movie(path) else "")
        except OSError:
            return f"missing {path}"  # rendering says so

    def _content(self, path: Path) -> str:
        return content_mark(path) if self.whole else file_mark(path)

    def _weights(self, names: Iterable[str]) -> list[str]:
        return [self._network(name) for name in dict.fromkeys(names) if name]

    @property
    def _occluder(self) -> str:
        """What finds things in front of the face: the network that is named, or the one that ships."""
        return self._network(self.parameters.occluder) or f"{OCCLUSION} {embedded_store().card(OCCLUSION).sha256}"

    def _network(self, name: str) -> str:
        return f"{name} {self.opened.finder.store.card(name).sha256}" if name else ""

    @property
    def _read(self) -> tuple[str, ...]:
        """The parameters that this frame's generator reads."""
        if self.opened.generator is None and self.parameters.generator in _READ:
            return _READ[self.parameters.generator]
        return _of(Stage.GENERATE)

    def _values(self, names: tuple[str, ...]) -> list[Any]:
        return [getattr(self.parameters, name) for name in names]

    def _values_of(self, *stages: Stage) -> list[Any]:
        """The values of all parameters that name these stages as the first that they change."""
        return self._values(_of(*stages))


def _of(*stages: Stage) -> tuple[str, ...]:
    return tuple(item.name for item in PARAMETERS if item.about.invalidates in stages)


def _face_mark(face: Face) -> tuple[Any, ...]:
    return (face.points, face.score, face.presence, face.level)


def _own_mark(generator: Any) -> str:
    """A studio's own generator may say what it is by `identity`; another's results are of use in this process alone."""
    return str(getattr(generator, "identity", "") or f"{generator.name} {uuid4().hex}")
