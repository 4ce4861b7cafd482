"""One frame of a shot, from the plate's file to the written result: the steps in their order.

    locate      the target's face, from the track or searched in the frame          target.py
    load        read the region of interest; heal, working space, outline warp, crop   load.py, prepare.py
    generate    encode, run the generator and its restorer, decode                  generate.py
    composite   mattes, match, the change onto the plate, layers, plate space       matte.py, match.py, composite.py
    merge       lay several faces over each other by their depth                     several.py
    slate       lay the slate over the picture where the show's policy asks for one  slating.py
    write       a whole file or none                                                faceplate.plate

No state passes from frame to frame, and cached results are keyed by all their inputs, so a frame rendered alone is the same
picture as in a full run. Every frame has its own parameters: the shot's at that frame, with a host's values over them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from typing import Any

import numpy as np

from faceplate.cache import NO_CACHE, StageCache
from faceplate.color import ColorConfig
from faceplate.color.reading import proxy_file
from faceplate.comp.grain import Grain
from faceplate.comp.layers import float_layers
from faceplate.errors import RenderError, UsageError
from faceplate.face import Face, FaceFinder
from faceplate.face.face import proxy_face
from faceplate.generators import Generator
from faceplate.image.window import Window
from faceplate.models import Network
from faceplate.plate import GivenPixels, PlateFile, Sequence, Written, write_element, write_over
from faceplate.render.blur import blur_reach, find_blur
from faceplate.render.cache_keys import CacheKeys, FacesKeys
from faceplate.render.composite import CompositeResult, composite, empty_composite
from faceplate.render.faces_resources import FacesResources
from faceplate.render.generate import generate_face
from faceplate.render.load import load_frame, needed_window
from faceplate.render.match import match_face
from faceplate.render.matte import make_mattes
from faceplate.render.metadata import engine_fields, frame_fields
from faceplate.render.pool import ResourcePool
from faceplate.render.resources import RenderResources, default_finder
from faceplate.render.result import GeneratedFrame, LoadedFrame, LocatedFrame, Rendered
from faceplate.render.several import ABSENT, merge_faces, refuse_one_person_twice
from faceplate.render.slating import slate_window, with_slate
from faceplate.render.target import Target, find_target, search_face
from faceplate.shot import Shot
from faceplate.shot.parameters import Parameters
from faceplate.source import Source

__all__ = ["Renderer", "render"]


@dataclass(frozen=True)
class Renderer:
    """Renders the frames of a shot in any order; colour, networks and source are opened once.

    `finder` holds the model store in which networks are looked up by name, the user's unless another is given. `generator`
    takes the place of the one that the shot's parameters name (a studio's own class). `cache` keeps the results of stages;
    the pixels are the same with and without it. Renderers of one shot with other outputs or modes may share a `pool`.

    A shot that lists several faces has a renderer of each (`faces`); every step runs for each of them, and the last ones on
    the faces laid over each other. Those renderers lay no slate (`slated`), because the whole picture gets one.

    `given_pixels` are a host's pixels for one frame, which take the place of the plate file's.
    """

    shot: Shot
    finder: FaceFinder = field(default_factory=default_finder)
    generator: Generator | None = None
    cache: StageCache = NO_CACHE
    pool: ResourcePool = field(default_factory=ResourcePool, repr=False, compare=False)
    slated: bool = True
    given_pixels: GivenPixels | None = field(default=None, repr=False, compare=False)

    @cached_property
    def resources(self) -> RenderResources:
        """The shot's files, networks and decisions."""
        if self.faces:
            faces = [face.resources for face in self.faces]
            return FacesResources(self.shot, faces, self.finder, self.generator, self.pool, self.given_pixels)
        return RenderResources(self.shot, self.finder, self.generator, pool=self.pool, given_pixels=self.given_pixels)

    @cached_property
    def faces(self) -> tuple[Renderer, ...]:
        """A renderer of each face that the shot lists; empty for a shot of one face, which lists none."""
        return tuple(
            Renderer(
                shot,
                self.finder,
                self.generator,
                self.cache,
                self.pool.of_face(shot.person),
                slated=False,
                given_pixels=self.given_pixels,
            )
            for shot in (self.shot.face_shots if self.shot.faces else ())
        )

    # One frame ------------------------------------------------------------------------------------------------------

    def render(
        self,
        frame: int,
        face: Face | None = None,
        grain: Grain | None = None,
        values: Mapping[str, Any] | None = None,
        proxy: int = 1,
    ) -> Rendered:
        """Render one frame. With `face` given (from a track) nothing is searched, and only its region is read.

        `values` are a host's for this frame, by parameter; they override the shot's. `proxy` 2, 4 or 8 renders on the
        plate reduced so many times, prefiltered. Raises `UsageError('bad-proxy')` for another number.
        """
        return self.composite(self.generate(self.load(frame, face, grain, values, proxy)))

    def locate(
        self,
        frame: int,
        face: Face | None = None,
        grain: Grain | None = None,
        values: Mapping[str, Any] | None = None,
        proxy: int = 1,
    ) -> LocatedFrame:
        """Find the target of one frame: in the track, the `face` given with its `grain`, else searched.

        Raises `RenderError('face-outside')` where the face lies outside the plate's picture. Of several faces those that the
        frame does not show are located without a face; where it shows none of them, what the first one raises is raised.
        """
        if self.faces:
            return self._locate_faces(frame, face, values, proxy)
        resources = self.resources
        resources.consent.decision.enforce()
        request = resources.request(frame, values, proxy)
        keys = CacheKeys(resources, request)
        key = keys.frame_key(face)
        if face:
            target = Target(face, grain=grain, views=resources.views_alone(request, face))
        else:
            target = find_target(resources, request, keys, self.cache)
        file = proxy_file(request.file, proxy)
        if target.face is None:
            return LocatedFrame(request, target, file, None, keys, key)
        if target.face.window().intersect(request.file.data).empty:
            raise RenderError("face-outside", f"{file.path.name}: the face lies outside the plate's picture.")
        return LocatedFrame(request, target, file, proxy_face(target.face, proxy), keys, key, face is not None)

    def load(
        self,
        frame: int,
        face: Face | None = None,
        grain: Grain | None = None,
        values: Mapping[str, Any] | None = None,
        proxy: int = 1,
    ) -> LoadedFrame:
        """Find the target, read the region around it and prepare it for the generator."""
        located = self.locate(frame, face, grain, values, proxy)
        if self.faces:
            every = zip(self.faces, (located, *located.others), strict=True)
            first, *others = [load_frame(own.resources, item, self.cache) for own, item in every]
            return replace(first, others=tuple(others))
        return load_frame(self.resources, located, self.cache)

    def generate(self, loaded: LoadedFrame) -> GeneratedFrame:
        """Run the generator and its restorer; does nothing for a frame without the face."""
        if self.faces:
            every = zip(self.faces, (loaded, *loaded.others), strict=True)
            first, *others = [own.generate(item) for own, item in every]
            return replace(first, others=tuple(others))
        if loaded.prepared is None:
            return GeneratedFrame(loaded)
        parameters, views = loaded.located.parameters, loaded.located.target.views
        generator = self.resources.generator(parameters)
        rest = self.resources.resting_faces(parameters)
        return GeneratedFrame(loaded, generate_face(loaded.prepared, generator, parameters, loaded.cache, views, rest))

    def composite(self, generated: GeneratedFrame) -> Rendered:
        """Do everything after the generator, up to the plate's own space."""
        if self.faces:
            return self._composite_faces(generated)
        loaded, result = generated.loaded, generated.result
        located, prepared, cache = loaded.located, loaded.prepared, loaded.cache
        parameters, person = located.parameters, self.shot.person
        if prepared is None or result is None:
            data = located.file.data
            empty = empty_composite(Window(data.x, data.y, 0, 0), parameters, person)
            return self._rendered(located, empty)
        blur = find_blur(prepared, result, parameters, cache)
        prepared = prepared.grown(blur_reach(blur), parameters)
        mattes = make_mattes(
            prepared,
            result,
            parameters,
            inputs=loaded.inputs,
            networks=self.resources.matte_networks(parameters),
            weight=located.target.weight,
            blur=blur,
            cache=cache,
        )
        matched = match_face(prepared, result, mattes, parameters, prepared.tones, cache, blur)
        done = composite(prepared, result, mattes, matched, parameters, grain=loaded.grain, name=person, cache=cache)
        return self._rendered(located, done, self.resources.new_notes(parameters))

    def _rendered(self, located: LocatedFrame, result: CompositeResult, notes: tuple[str, ...] = ()) -> Rendered:
        return Rendered(
            frame=located.frame,
            file=located.file,
            result=with_slate(self.resources, located, result) if self.slated else result,
            face=located.face,
            parameters=located.parameters,
            notes=notes,
            proxy=located.request.proxy,
            key=located.key,
            keys=None if located.is_face_given else located.keys,
        )

    def write(self, rendered: Rendered) -> Written:
        """Write one frame in the shot's mode, complete or not at all.

        In over mode at a proxy only the reduced RGBA picture is written.
        """
        shot, file, result = self.shot, rendered.file, rendered.result
        path = self.output.path(rendered.frame)
        fields = frame_fields(self.resources, rendered)
        if shot.mode == "over" and rendered.proxy == 1:
            return write_over(file, path, result.window, result.over, result.matte > 0, fields, shot.compression)
        if shot.mode == "over":
            return write_element(file, path, file.data, self.over_picture(rendered), {}, fields, shot.compression)
        if rendered.parameters.window == "plate":
            result = result.element_on(file.data)
        return write_element(
            file,
            path,
            result.window,
            result.element,
            result.layers,
            {**fields, **result.attributes},
            shot.compression,
            multipart=shot.multipart,
            float_layers=float_layers(result.layers),
        )

    def over_picture(self, rendered: Rendered) -> np.ndarray:
        """Return the whole picture with the face over it, float32 (h, w, 4) in the plate's space on the file's data window.

        Alpha is 1.
        """
        file, result = rendered.file, rendered.result
        pixels = np.ones((file.data.height, file.data.width, 4), np.float32)
        pixels[..., :3] = self.resources.read_plate(file, file.data, rendered.proxy).pixels
        inside = result.window.slices(file.data)
        pixels[inside][..., :3] = np.where(result.matte[..., None] > 0, result.over, pixels[inside][..., :3])
        return pixels

    # Several faces --------------------------------------------------------------------------------------------------

    def _composite_faces(self, generated: GeneratedFrame) -> Rendered:
        """Finish every face by itself and lay them over each other."""
        every = zip(self.faces, (generated, *generated.others), strict=True)
        made = tuple(own.composite(item) for own, item in every)
        located = generated.loaded.located
        merged = merge_faces(self.resources, located, made)
        return replace(merged, result=with_slate(self.resources, located, merged.result))

    def _locate_faces(
        self, frame: int, face: Face | None, values: Mapping[str, Any] | None, proxy: int
    ) -> LocatedFrame:
        """Locate every face of the shot; the first is returned with the `others`."""
        if face is not None:
            raise UsageError("one-face", "The shot lists several faces: a face cannot be given for it.")
        self.resources.consent.decision.enforce()
        found: list[LocatedFrame] = []
        missing: list[RenderError] = []
        for own, mine in zip(self.faces, self._values_of_faces(frame, values), strict=True):
            try:
                found.append(own.locate(frame, values=mine, proxy=proxy))
            except RenderError as error:
                if error.code not in ABSENT:
                    raise
                missing.append(error)
                found.append(own.locate_nobody(frame, mine, proxy))
        if missing and all(item.face is None for item in found):
            raise missing[0]
        refuse_one_person_twice([own.shot.person for own in self.faces], found)
        return replace(found[0], others=tuple(found[1:]), values=values)

    def _values_of_faces(self, frame: int, values: Mapping[str, Any] | None) -> list[dict[str, Any]]:
        assert isinstance(self.resources, FacesResources)
        return self.resources.values_of_faces(frame, values)

    def locate_nobody(self, frame: int, values: Mapping[str, Any] | None = None, proxy: int = 1) -> LocatedFrame:
        """Return one frame of the shot as one that does not show the face."""
        request = self.resources.request(frame, values, proxy)
        keys = CacheKeys(self.resources, request)
        file = proxy_file(request.file, proxy)
        return LocatedFrame(request, Target(None, 0.0), file, None, keys, keys.frame_key())

    # What a frame depends on ----------------------------------------------------------------------------------------

    def key(self, frame: int, values: Mapping[str, Any] | None = None, proxy: int = 1, content: bool = False) -> str:
        """32 hexadecimal digits that name everything on which the frame's file depends; no pixel is decoded.

        That is: the engine's version, the plate file (`cache.file_mark`: size, time of change, first and last 64 KiB; not
        its place), the source's pictures, the track's face or what finds one, the frame's parameters and number, colour
        config and spaces, the weights' hashes, proxy, mode and compression. The device is no part of it. Raises what
        `RenderResources.request` raises.

        With `content`, plate and mattes are hashed whole and their dates are ignored (the field `faceplate:content`).
        """
        if not self.faces:
            return CacheKeys(self.resources, self.resources.request(frame, values, proxy), whole=content).frame_key()
        every = zip(self.faces, self._values_of_faces(frame, values), strict=True)
        keys = [CacheKeys(own.resources, own.resources.request(frame, mine, proxy)) for own, mine in every]
        return FacesKeys.of(self.shot, keys, content).frame_key()

    def needed_window(self, frame: int, values: Mapping[str, Any] | None = None) -> tuple[Window, Window]:
        """Return the part of the plate whose pixels the frame reads at full size, so that a host need not give more.

        It is all of the display window, which is returned beside it, where a face must be searched, and empty where the frame
        shows none. Raises what `locate` raises.
        """
        if any(own.resources.track is None for own in self.faces or (self,)):
            display = self.resources.request(frame).file.display
            return display, display
        located = self.locate(frame, values=values)
        every = zip(self.faces or (self,), (located, *located.others), strict=True)
        windows = [needed_window(own.resources, item) for own, item in every]
        display = located.request.file.display
        return reduce(Window.union, windows, slate_window(self.resources, located)).intersect(display), display

    def attributes(self, parameters: Parameters | None = None) -> dict[str, str | int | float]:
        """Engine, generator, weights, parameters and colour of a frame, as its file's header names them."""
        return engine_fields(self.resources, parameters or self.shot.parameters)

    def open(self, frame: int) -> PlateFile:
        """Return the header of the plate file that is read for `frame`. Raises what `PlateFile.open` raises."""
        return self.resources.request(frame).file

    def find(self, file: PlateFile, parameters: Parameters | None = None, frame: int | None = None) -> Face | None:
        """Return the target's face searched in one plate file, or None when it shows no face and `no_face` allows that.

        `frame` is the shot's number, for a target that is a point of one frame.
        """
        return search_face(self.resources, file, parameters or self.shot.parameters, frame)[0]

    # The shot -------------------------------------------------------------------------------------------------------

    def prepare(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Open everything that any frame needs (`RenderResources.prepare`)."""
        self.resources.prepare(progress)

    def frames(self) -> tuple[int, ...]:
        """Return the frames to render (`RenderResources.frames`)."""
        return self.resources.frames()

    def plate_frame(self, frame: int) -> int | None:
        """Return the plate frame to read for `frame`, None for one that is skipped (`RenderResources.plate_frame`)."""
        return self.resources.plate_frame(frame)

    def take(self) -> dict[str, str]:
        """Return the fields that all frames of the take have in common (`RenderResources.take`)."""
        return self.resources.take()

    @property
    def color(self) -> ColorConfig:
        """The shot's colour configuration."""
        return self.resources.color

    @property
    def plate(self) -> Sequence:
        """The plate's files."""
        return self.resources.plate

    @property
    def output(self) -> Sequence:
        """The files to write."""
        return self.resources.output

    @property
    def source(self) -> Source:
        """The source's pictures."""
        return self.resources.source

    @property
    def networks(self) -> tuple[Network, ...]:
        """The generators' opened networks, restorers included; empty for `mesh`."""
        return self.resources.networks


def render(shot: Shot, frame: int) -> Rendered:
    """Render one frame of `shot`. For many frames keep a `Renderer`: it opens source and networks once."""
    return Renderer(shot).render(frame)
