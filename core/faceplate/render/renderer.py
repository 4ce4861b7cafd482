"""Renders a shot's frame from file to file: load (find, read) → generate → comp → write.

The stages between are in `faceplate.render.stages`, frames in flight in `faceplate.render.batch`, what is opened once in
`faceplate.render.resources`. Nothing is remembered from frame to frame but what a cache keeps under a key of all that it
depends on, so a frame alone is the same picture as in the full run. Every frame has its own parameters: the shot's at that
frame, with a host's values over them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from faceplate.cache import NO_CACHE, StageCache
from faceplate.color.reading import proxy_file, read_frame, read_proxy, reduced, space_of
from faceplate.comp.grain import GRAIN_REACH, Grain, measure_grain, reduced_grain
from faceplate.comp.layers import float_layers
from faceplate.errors import RenderError, UsageError
from faceplate.face import Face, choose_face, parse_target
from faceplate.face.choose import Point
from faceplate.face.face import proxy_face
from faceplate.image.frame import Frame
from faceplate.image.inpaint import heal
from faceplate.image.window import Window
from faceplate.plate import PlateFile, Sequence, Written, write_element, write_over
from faceplate.provenance import Provenance, make_slate
from faceplate.render.cache_keys import CacheKeys
from faceplate.render.resources import RenderResources
from faceplate.render.slating import slated
from faceplate.render.stages import (
    CompositeResult,
    FrameCache,
    GeneratorResult,
    InputMattes,
    PreparedPlate,
    element,
    generate,
    look,
    match,
    matte,
    nothing_swapped,
    reach,
    swap_face,
)
from faceplate.shot import Shot
from faceplate.shot.parameters import Parameters
from faceplate.track import Track, TrackedFace
from faceplate_client.version import __version__

__all__ = ["CompositeResult", "Generating", "Loaded", "Rendered", "Renderer", "reach", "render", "swap_face"]


# How bright a slate's letters are, scene-linear: a white shirt in the key light.
_SLATE_WHITE = 0.8


@dataclass(frozen=True)
class Rendered:
    """One frame's result, made with `parameters`. `face` is None, and the swap's window empty, when the frame shows nobody
    and that was allowed. At a `proxy` above 1 file, swap and face are those of the reduced plate.

    `notes` say what gave way since the last frame: a provider, a batch, half precision. `key` names all that the pixels
    depend on.
    """

    frame: int
    file: PlateFile
    swapped: CompositeResult
    face: Face | None
    parameters: Parameters
    notes: tuple[str, ...] = ()
    proxy: int = 1
    key: str = ""
    marks: CacheKeys | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Loaded:
    """One frame ready for its generator: its file, the target's face, and what goes with them.

    `face` is None when the frame shows nobody and that is allowed. `picture` is the plate around the face, None when a cache
    had what was made of it (`looked`). `grain` is the plate's where the track knows it, `weight` 0..1 the track's fade.
    """

    frame: int
    file: PlateFile
    parameters: Parameters
    face: Face | None = None
    picture: Frame | None = None
    looked: PreparedPlate | None = None
    inputs: InputMattes = field(default_factory=InputMattes)
    weight: float = 1.0
    grain: Grain | None = None
    proxy: int = 1
    memo: FrameCache = field(default_factory=FrameCache)
    key: str = ""
    marks: CacheKeys | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Generating:
    """A loaded frame with what the generator made of it; both None for a frame without the face."""

    loaded: Loaded
    looked: PreparedPlate | None = None
    made: GeneratorResult | None = None


@dataclass(frozen=True)
class _Target:
    """Whose face in a frame: where, how much of it (a track's fade), the track's grain, and the picture it was sought in."""

    face: Face | None
    weight: float = 1.0
    grain: Grain | None = None
    seen: Frame | None = None


@dataclass(frozen=True)
class Renderer(RenderResources):
    """A shot made ready: colour, networks and source are prepared once, then any frame in any order.

    `generator` overrides the one that the shot's parameters name (a studio's own class, or a test's). `cache` keeps what
    stages made; the pixels are the same with and without it.
    """

    cache: StageCache = NO_CACHE

    def open(self, frame: int) -> PlateFile:
        """The plate's file for `frame`. Raises `RenderError('plate-missing')` and its kin."""
        number = self.plate_frame(frame)
        number = frame if number is None else number
        return PlateFile.open(self.plate.path(number), layer=self.shot.layer, frame=number)

    def find(self, file: PlateFile, parameters: Parameters | None = None, frame: int | None = None) -> Face | None:
        """The target's face in one plate file, looked at by itself, or None when it shows nobody and `no_face` allows
        that. `frame` is its number, for a target that is a point of a frame."""
        return self._found(file, parameters or self.shot.parameters, frame)[0]

    def key(self, frame: int, values: Mapping[str, Any] | None = None, proxy: int = 1, content: bool = False) -> str:
        """32 hexadecimal digits that name everything on which the frame's file depends; no pixel is decoded.

        That is: the engine's version, the plate file (`cache.file_mark`: size, time of change, first and last 64 KiB; not
        its place), the source's pictures, the track's face or what finds one, the frame's parameters and number, colour
        config and spaces, the weights' hashes, proxy, mode and compression. The device is no part of it. Raises what
        `open` and `values` raise.

        With `content` plate and mattes count by all of their content and not by their dates: `faceplate:content`.
        """
        return CacheKeys(self, self.open(frame), frame, self.values(frame, values), proxy, content).frame_key()

    def load(
        self,
        frame: int,
        face: Face | None = None,
        grain: Grain | None = None,
        values: Mapping[str, Any] | None = None,
        proxy: int = 1,
    ) -> Loaded:
        """Reads one frame: the face from the track (or `face`, with its `grain`), else searched; then its region alone."""
        self.judgement[1].enforce()
        parameters = self.values(frame, values)
        file = self.open(frame)
        marks = CacheKeys(self, file, frame, parameters, proxy)
        key = marks.frame_key(face)
        known_marks = marks if face is None else None
        target = _Target(face, 1.0, grain) if face is not None else self._target(frame, file, parameters, marks)
        small = proxy_file(file, proxy)
        if target.face is None:
            return Loaded(frame, small, parameters, proxy=proxy, key=key, marks=known_marks)
        if target.face.window().intersect(file.data).empty:
            raise RenderError("face-outside", f"{file.path.name}: the face lies outside the plate's picture.")
        known = proxy_face(target.face, proxy)
        around = self._around(small, known, parameters, target.grain is not None)
        grain = target.grain if proxy == 1 else self._proxy_grain(file, target, parameters, marks)
        inputs = InputMattes(
            self._input_matte(parameters.holdout_matte, frame, around, proxy),
            self._input_matte(parameters.garbage_matte, frame, around, proxy),
        )
        memo = (
            FrameCache(self.cache, marks.stages(known, around, grain, target.weight))
            if self.cache.active
            else FrameCache()
        )
        loaded = Loaded(
            frame, small, parameters, known, None, None, inputs, target.weight, grain, proxy, memo, key, known_marks
        )
        return self._with_picture(loaded, file, around, target.seen)

    def generate(self, loaded: Loaded) -> Generating:
        """The generator's step: the network, where there is one."""
        if loaded.face is None:
            return Generating(loaded)
        generator = self._generator(loaded.parameters)
        looked = loaded.looked
        if looked is None:
            assert loaded.picture is not None
            looked = self._look(loaded, loaded.picture)
        return Generating(loaded, looked, generate(looked, generator, loaded.parameters, loaded.memo))

    def comp(self, generating: Generating) -> Rendered:
        """Everything after the generator, up to the plate's own space."""
        loaded, looked, made = generating.loaded, generating.looked, generating.made
        if looked is None or made is None:
            return self._nothing(loaded)
        parameters, memo, networks = loaded.parameters, loaded.memo, self._matte_networks(loaded.parameters)
        mattes = matte(
            looked, made, parameters, inputs=loaded.inputs, networks=networks, weight=loaded.weight, memo=memo
        )
        matched = match(looked, made, mattes, parameters, memo)
        swapped = element(
            looked, made, mattes, matched, parameters, grain=loaded.grain, name=self.shot.person, memo=memo
        )
        notes, swapped = self._new_notes(parameters), self._marked(swapped, loaded)
        return Rendered(
            loaded.frame, loaded.file, swapped, loaded.face, parameters, notes, loaded.proxy, loaded.key, loaded.marks
        )

    def render(
        self,
        frame: int,
        face: Face | None = None,
        grain: Grain | None = None,
        values: Mapping[str, Any] | None = None,
        proxy: int = 1,
    ) -> Rendered:
        """Renders one frame. With `face` given (from a track) nothing is searched, and only its region is read.

        `values` are a host's for this frame, by parameter; they count before the shot's. `proxy` 2, 4 or 8 renders on the
        plate reduced so many times, prefiltered. Raises `UsageError('bad-proxy')` for another number.
        """
        return self.comp(self.generate(self.load(frame, face, grain, values, proxy)))

    def write(self, rendered: Rendered) -> Written:
        """Writes one frame as the shot's mode says: whole, or not at all. A proxy of an over is the reduced picture alone."""
        path = self.output.path(rendered.frame)
        swapped, file = rendered.swapped, rendered.file
        attributes = {**self.attributes(rendered.parameters), **self._provenance(rendered)}
        if rendered.key:
            attributes["faceplate:key"] = rendered.key
        if rendered.marks is not None:
            attributes["faceplate:content"] = replace(rendered.marks, whole=True).frame_key()
        if rendered.proxy > 1:
            attributes["faceplate:proxy"] = rendered.proxy
        compression = self.shot.compression
        if self.shot.mode == "over" and rendered.proxy == 1:
            return write_over(file, path, swapped.window, swapped.over, swapped.matte > 0, attributes, compression)
        if self.shot.mode == "over":
            return write_element(file, path, file.data, self.over_picture(rendered), {}, attributes, compression)
        if rendered.parameters.window == "plate":
            swapped = swapped.element_on(file.data)
        return write_element(
            file,
            path,
            swapped.window,
            swapped.element,
            swapped.layers,
            {**attributes, **swapped.attributes},
            compression,
            multipart=self.shot.multipart,
            float_layers=float_layers(swapped.layers),
        )

    def over_picture(self, rendered: Rendered) -> np.ndarray:
        """The whole picture with the face over it, float32 (h, w, 4) in the plate's space on the file's data window; alpha
        is 1."""
        file, swapped = rendered.file, rendered.swapped
        pixels = np.ones((file.data.height, file.data.width, 4), np.float32)
        pixels[..., :3] = self._read(file, file.data, rendered.proxy).pixels
        inside = swapped.window.slices(file.data)
        pixels[inside][..., :3] = np.where(swapped.matte[..., None] > 0, swapped.over, pixels[inside][..., :3])
        return pixels

    def attributes(self, parameters: Parameters | None = None) -> dict[str, str | int | float]:
        """What makes a frame, for its metadata: engine, generator, weights with hash and licence, parameters, colour."""
        used = parameters or self.shot.parameters
        cards = self._cards(used)
        return {
            "faceplate:engine": f"faceplate {__version__}",
            "faceplate:generator": self._generator(used).name,
            "faceplate:weights": ", ".join(f"{card.name} {card.sha256[:16]} {card.licence}" for card in cards),
            "faceplate:parameters": json.dumps(used.model_dump(), sort_keys=True),
            "faceplate:device": self.device(used),
            "faceplate:ocio": self.color.source,
            "faceplate:working_space": self.color.working_space,
        }

    def _provenance(self, rendered: Rendered) -> dict[str, str]:
        check, decision = self.judgement
        shot, cards = self.shot, self._cards(rendered.parameters)
        made = Provenance(shot.name, shot.id, str(shot.take), shot.purpose, check, decision.slate, cards)
        return made.fields(rendered.parameters.model_dump(), rendered.file.path)

    def _marked(self, swapped: CompositeResult, loaded: Loaded) -> CompositeResult:
        """The swap with the slate that the policy asks for, if it asks for one."""
        text = self.judgement[1].slate
        if not text:
            return swapped
        file = loaded.file
        white = self.color.from_working(
            np.full((1, 1, 3), _SLATE_WHITE, np.float32), space_of(file, self.color, self.shot.space)
        )
        slate = make_slate(text, file.display, file.pixel_aspect)
        return slated(
            swapped, slate, lambda window: self._read(file, window, loaded.proxy).pixels, white[0, 0], file.data
        )

    def device(self, parameters: Parameters | None = None) -> str:
        """Where the networks of a frame really run, as `cuda:0, cuda:1`; `cpu` where no GPU has a part in its pixels."""
        used = parameters or self.shot.parameters
        mattes = self._matte_networks(used)
        looking = () if self._track is not None else self._finder(used).opened
        networks = (*getattr(self._generator(used), "networks", ()), mattes.occluder, mattes.parser, *looking)
        places = {target for network in networks if network is not None for target in network.targets} - {"cpu"}
        return ", ".join(sorted(places)) or "cpu"

    # The face -------------------------------------------------------------------------------------------------------

    def _target(self, frame: int, file: PlateFile, parameters: Parameters, marks: CacheKeys) -> _Target:
        """The target of a frame: what the track says, else what is found in it."""
        track = self._track
        if track is not None:
            tracked = self._tracked(track, frame, file, parameters)
            if tracked is None:
                return _Target(None, 0.0)
            return _Target(tracked.face, tracked.weight, self._kept_grain(frame))
        if not self.cache.active:
            face, seen = self._found(file, parameters, frame)
            return _Target(face, seen=seen)
        # In a tuple, because nobody is an answer too.
        found = self.cache.make("find", marks.found(), lambda: (self._found(file, parameters, frame)[0],), keep=True)
        return _Target(found[0])

    def _tracked(self, track: Track, frame: int, file: PlateFile, parameters: Parameters) -> TrackedFace | None:
        """What the track knows of the target in `frame`; None where there is nothing to swap."""
        number = self.plate_frame(frame)
        number = frame if number is None else number
        if not track.holds(number):
            first, last = track.frames[0], track.frames[-1]
            raise RenderError(
                "not-tracked", f"Frame {number} is not in the track ({first}-{last}); track it, or leave the frame out."
            )
        person = self._person(parameters)
        found = track.face(person, number)
        # A track that was given has been looked at: where it shows nobody, nobody is meant to be there.
        asked = self._given is not None or track.left_out(person, number)
        if found is None and not asked and parameters.no_face == "fail":
            raise RenderError("no-face", f"{file.path.name}: No face was found in the frame.")
        return found

    def _kept_grain(self, frame: int) -> Grain | None:
        """The plate's grain from the track, if that measured it in the space in which this render works."""
        track, wanted = self._track, self.shot.space
        if track is None or track.sidecar.plate.working != self.color.working_space:
            return None
        read = track.sidecar.plate.space
        same = read == wanted or (read and wanted and self.color.resolve(read) == self.color.resolve(wanted))
        number = self.plate_frame(frame)
        return track.grain(frame if number is None else number) if same else None

    def _proxy_grain(self, file: PlateFile, target: _Target, parameters: Parameters, marks: CacheKeys) -> Grain | None:
        """The grain of the reduced plate, from that of the whole one: on few pixels skin would be taken for grain."""
        if parameters.grain == 0 and parameters.plate_skin == 1.0:
            return None
        assert target.face is not None
        window = target.face.window(GRAIN_REACH).intersect(file.data)

        def measured() -> Grain:
            picture = self._read(file, window)
            working = picture.with_pixels(heal(picture.pixels)[0]).working()
            return measure_grain(working)

        known = target.grain or self.cache.make("grain", marks.grain(target.face, window), measured, keep=True)
        return reduced_grain(known, marks.proxy)

    def _found(self, file: PlateFile, parameters: Parameters, frame: int | None) -> tuple[Face | None, Frame]:
        """The target's face, and the picture in which it was searched, as it was read."""
        finder = self._finder(parameters)
        seen = self._read(file, self._search(file))
        picture = seen.with_pixels(heal(seen.pixels)[0])
        faces = finder.find(picture)
        if not faces and parameters.no_face == "pass":
            return None, seen
        target = parse_target(parameters.target)
        if isinstance(target, Point) and target.frame not in (None, frame):
            raise UsageError(
                "bad-target",
                f"The target {parameters.target} is a point of another frame, and only a track knows who of "
                f"{file.path.name} that is: give one with --track.",
            )
        try:
            wanted = self._wanted(parameters)
            return choose_face(faces, target, lambda face: finder.embed(picture, face), wanted), seen
        except RenderError as error:
            raise RenderError(error.code, f"{file.path.name}: {error}") from error

    # Pixels ---------------------------------------------------------------------------------------------------------

    def _around(self, file: PlateFile, face: Face, parameters: Parameters, grain_known: bool) -> Window:
        framing = self._generator(parameters).frame(face, file.pixel_aspect)
        return reach(framing, face, parameters, grain_known).intersect(file.data)

    def _with_picture(self, loaded: Loaded, file: PlateFile, around: Window, seen: Frame | None) -> Loaded:
        """`loaded` with the plate's pixels around the face or, with a cache, with what it makes of them."""
        assert loaded.face is not None

        def picture() -> Frame:
            if seen is not None and loaded.proxy == 1 and around.intersect(seen.window) == around:
                return seen.region(around)
            return self._read(file, around, loaded.proxy)

        if not loaded.memo.cache.active:
            return replace(loaded, picture=picture())
        looked = loaded.memo.make("look", lambda: self._look(loaded, picture()))
        return replace(loaded, looked=looked.with_parameters(loaded.parameters))

    def _look(self, loaded: Loaded, picture: Frame) -> PreparedPlate:
        face, parameters, generator = loaded.face, loaded.parameters, self._generator(loaded.parameters)
        assert face is not None
        return look(picture, face, generator, parameters, frame=loaded.frame, grain=loaded.grain, weight=loaded.weight)

    def _read(self, file: PlateFile, region: Window, proxy: int = 1) -> Frame:
        """Pixels of a plate file; at a proxy `region` is one of the reduced plate, `file` either of the two."""
        if proxy == 1:
            return read_frame(file, self.color, self.shot.space, region)
        whole = PlateFile.open(file.path, self.shot.layer, file.movie_frame or 0)
        return read_proxy(whole, self.color, self.shot.space, region, proxy)

    def _search(self, file: PlateFile) -> Window:
        if self.shot.search is None:
            return file.data
        region = Window(*self.shot.search).intersect(file.data)
        if region.empty:
            raise UsageError("bad-search", f"The search region {self.shot.search} lies outside the plate's picture.")
        return region

    def _nothing(self, loaded: Loaded) -> Rendered:
        """A frame without the face: the plate in over mode, an empty element with the layers that others have."""
        empty = Window(loaded.file.data.x, loaded.file.data.y, 0, 0)
        swapped = self._marked(nothing_swapped(empty, loaded.parameters, self.shot.person), loaded)
        return Rendered(
            loaded.frame, loaded.file, swapped, None, loaded.parameters, (), loaded.proxy, loaded.key, loaded.marks
        )

    def _input_matte(self, pattern: str, frame: int, window: Window, proxy: int) -> np.ndarray | None:
        """The red channel of a matte's file for `frame`, on `window`; 0 where the file has no pixels."""
        if not pattern:
            return None
        file = PlateFile.open(Sequence.parse(pattern).path(frame), frame=frame)
        return np.nan_to_num(reduced(file, window, proxy)[..., 0])


def render(shot: Shot, frame: int) -> Rendered:
    """Renders one frame of `shot`. For many frames keep a `Renderer`: it prepares source and networks once."""
    return Renderer(shot).render(frame)
