"""Renders a shot's frame from file to file: read → find → swap → write.

The stages between are in `faceplate.stages`. Nothing is remembered from frame to frame, so a frame alone is the same
picture as in the full run. Every frame has its own parameters: the shot's at that frame, with a host's values over them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np
from pydantic import ValidationError

from faceplate import __version__
from faceplate.color import ColorConfig
from faceplate.comp.layers import float_layers
from faceplate.errors import RenderError, UsageError
from faceplate.face import Face, FaceFinder, choose_face, parse_target
from faceplate.frame import Frame, read_frame
from faceplate.models import Card, check_policy
from faceplate.models.devices import Runtime
from faceplate.params import Parameters
from faceplate.plate import PlateFile, Sequence, Written, same_target, write_element, write_over
from faceplate.pyramid import heal
from faceplate.shot import Shot
from faceplate.shotfile import first_fault
from faceplate.stages import (
    InputMattes,
    Swapped,
    keep_regions,
    layer_names,
    network_encoding,
    nothing_swapped,
    reach,
    swap_face,
)
from faceplate.swap import Generator, MeshGenerator, MeshSettings, NullGenerator, Source, parse_pins, read_source
from faceplate.swap.networks import DfmGenerator, NetworkGenerator, needs_source, network_generator
from faceplate.swap.networks.tiles import check_multiple
from faceplate.swap.restore import Restored, Restorer, open_restorer
from faceplate.track import Track
from faceplate.window import Window

__all__ = ["Rendered", "Renderer", "Swapped", "reach", "render", "swap_face"]


@dataclass(frozen=True)
class Rendered:
    """One frame's result, made with `parameters`. `face` is None, and the swap's window empty, when the frame shows nobody
    and that was allowed."""

    frame: int
    file: PlateFile
    swapped: Swapped
    face: Face | None
    parameters: Parameters


@dataclass(frozen=True)
class Renderer:
    """A shot made ready: colour, networks and source are prepared once, then any frame in any order.

    `generator` overrides the one that the shot's parameters name (a studio's own class, or a test's).
    """

    shot: Shot
    finder: FaceFinder = field(default_factory=FaceFinder.embedded)
    generator: Generator | None = None

    @cached_property
    def color(self) -> ColorConfig:
        """The shot's colour configuration."""
        return ColorConfig.load(self.shot.ocio, working=self.shot.working)

    @cached_property
    def plate(self) -> Sequence:
        """The plate's files."""
        return Sequence.parse(self.shot.plate)

    @cached_property
    def output(self) -> Sequence:
        """The files to write. Raises `UsageError('no-output')` when the shot names none."""
        if not self.shot.output:
            raise UsageError("no-output", "The shot names no output; give a pattern such as swap.####.exr.")
        return Sequence.parse(self.shot.output)

    @cached_property
    def source(self) -> Source:
        """The source's pictures. Raises what `read_source` raises, and `UsageError('no-source')`."""
        if self.shot.source is None:
            raise UsageError("no-source", "The generator needs a source; give a picture or a folder of the person.")
        return read_source(self.shot.source, self.color, self.finder, self.shot.source_space)

    def values(self, frame: int, values: Mapping[str, Any] | None = None) -> Parameters:
        """The parameters of `frame`: the shot's there, with a host's `values` by name over them.

        Raises `UsageError('bad-value')`, naming the parameter.
        """
        own = self.shot.at(frame)
        if not values:
            return own
        try:
            return Parameters.model_validate({**own.model_dump(), **values})
        except ValidationError as error:
            raise UsageError("bad-value", f"The values of frame {frame} are wrong: {first_fault(error)}.") from error

    @cached_property
    def _opened(self) -> dict[tuple[str, str], Any]:
        """What was opened for all frames, by kind and name: networks, restorers, people, identities."""
        return {}

    @cached_property
    def _opening(self) -> RLock:
        return RLock()

    def _once(self, kind: str, name: str, make: Callable[[], Any]) -> Any:
        """What `make` gives, made the first time that `name` of this kind is asked for."""
        with self._opening:
            if (kind, name) not in self._opened:
                self._opened[kind, name] = make()
            return self._opened[kind, name]

    def _generator(self, parameters: Parameters) -> Generator:
        """The generator of a frame. Networks are opened once; what varies from frame to frame only sets values on them."""
        made = self.generator or self._named_generator(parameters)
        if self.generator is not None or not parameters.restorer:
            return made
        opened: Restorer = self._once(
            "restorer",
            parameters.restorer,
            lambda: open_restorer(self.finder.store, parameters.restorer, runtime=Runtime.from_environment()),
        )
        restorer = replace(opened, amount=parameters.restore_amount, fidelity=parameters.restore_fidelity)
        return Restored(made, restorer, self.color)

    def _named_generator(self, parameters: Parameters) -> Generator:
        if parameters.generator == "null":
            return NullGenerator(side=parameters.crop)
        if parameters.generator != "mesh":
            return self._network_generator(parameters)
        pins = parse_pins(parameters.pins, tuple(view.name for view in self.source.views))
        return MeshGenerator(self.source, MeshSettings(parameters.shape, parameters.mouth, parameters.eyes, pins))

    def _network_generator(self, parameters: Parameters) -> Generator:
        store, name = self.finder.store, parameters.generator
        opened = self._once(
            "generator",
            name,
            lambda: network_generator(
                store, name, self.source if needs_source(store, name) else None, runtime=Runtime.from_environment()
            ),
        )
        if isinstance(opened, NetworkGenerator):
            check_multiple(opened.family.side, parameters.supersample)
            return replace(opened, supersample=parameters.supersample, identity=parameters.identity)
        assert isinstance(opened, DfmGenerator)
        return replace(opened, morph=parameters.morph, mattes=parameters.dfm_mattes, supersample=parameters.supersample)

    @cached_property
    def _track(self) -> Track | None:
        """The shot's track, if it names one."""
        return None if self.shot.track is None else Track.load(self.shot.track)

    def _person(self, target: str) -> str:
        """The id of the tracked person that `target` means."""
        track = self._track
        assert track is not None
        return self._once("person", target, lambda: track.choose(target, self._embedding_of))

    def _embedding_of(self, picture: Path) -> np.ndarray:
        return read_source(picture, self.color, self.finder, self.shot.source_space).embedding(self.finder)

    def _wanted(self, text: str) -> np.ndarray | None:
        """The identity of the picture that the target `text` names, if it names one."""
        target = parse_target(text)
        if isinstance(target, int) or target in ("auto", "largest", "leftmost", "rightmost"):
            return None
        path = Path(target).expanduser()
        if not path.exists():
            raise UsageError(
                "bad-target",
                f"The target '{target}' is neither auto, largest, leftmost, rightmost, a number, nor a picture that exists.",
            )
        return self._once("wanted", text, lambda: self._embedding_of(path))

    def _kinds_of_frames(self) -> tuple[Parameters, ...]:
        """Parameters that between them name everything that any frame of the shot opens."""
        own = self.shot.parameters
        return (own, *(own.model_copy(update=dict(item.constants)) for item in self.shot.overrides))

    @property
    def left_out(self) -> tuple[str, ...]:
        """What was skipped of the source, in words; empty when no source is used."""
        return self.source.skipped if "source" in self.__dict__ else ()

    def prepare(self) -> None:
        """Opens everything that any frame needs, so that a wrong request is refused before the first frame."""
        for name in (self.shot.space, self.shot.source_space):
            if name is not None:
                self.color.resolve(name)
        if self.shot.output:
            self._refuse_overwriting_the_plate()
        for parameters in self._kinds_of_frames():
            keep_regions(parameters)
            layer_names(parameters)
            network_encoding(parameters, self.color)
            _ = self._generator(parameters)
            _ = self._person(parameters.target) if self._track is not None else self._wanted(parameters.target)
            check_policy(self._cards(parameters), self.shot.allow_noncommercial)
        if self.shot.output:
            self._make_output_folder()

    def frames(self) -> tuple[int, ...]:
        """The frames to render: those asked for, else the pattern's own range, else what lies on disk."""
        wanted = self.shot.frames or self.plate.declared or self.plate.on_disk()
        if not wanted:
            raise UsageError("no-frames", f"No frame of {self.plate} was found; check the pattern and the folder.")
        return tuple(wanted)

    def plate_frame(self, frame: int) -> int | None:
        """The plate's frame to read for `frame`, by the shot's way with holes: None means leave it out."""
        if self.shot.missing == "fail" or self.plate.path(frame).exists():
            return frame
        if self.shot.missing == "skip":
            return None
        earlier = [number for number in self.plate.on_disk() if number < frame]
        if not earlier:
            raise RenderError(
                "plate-missing", f"Frame {frame} of {self.plate} is missing and no earlier one can be held."
            )
        return max(earlier)

    def open(self, frame: int) -> PlateFile:
        """The plate's file for `frame`. Raises `RenderError('plate-missing')` and its kin."""
        number = self.plate_frame(frame)
        return PlateFile.open(self.plate.path(frame if number is None else number), layer=self.shot.layer)

    def find(self, file: PlateFile, parameters: Parameters | None = None) -> Face | None:
        """The target's face in one plate file, or None when it shows nobody and `no_face` allows that."""
        wanted = parameters or self.shot.parameters
        picture = self._read(file, self._search(file))
        picture = picture.with_pixels(heal(picture.pixels)[0])
        faces = self.finder.find(picture)
        if not faces and wanted.no_face == "pass":
            return None
        try:
            target = parse_target(wanted.target)
            return choose_face(
                faces, target, lambda face: self.finder.embed(picture, face), self._wanted(wanted.target)
            )
        except RenderError as error:
            raise RenderError(error.code, f"{file.path.name}: {error}") from error

    def render(self, frame: int, face: Face | None = None, values: Mapping[str, Any] | None = None) -> Rendered:
        """Renders one frame. With `face` given (from a track) nothing is searched, and only its region is read.

        `values` are a host's for this frame, by parameter; they count before the shot's.
        """
        parameters = self.values(frame, values)
        file = self.open(frame)
        weight = 1.0
        if face is None and self._track is not None:
            tracked = self._track.face(self._person(parameters.target), frame)
            if tracked is None:
                return self._nothing(frame, file, parameters)
            face, weight = tracked.face, tracked.weight
        known = face or self.find(file, parameters)
        if known is None:
            return self._nothing(frame, file, parameters)
        return self._swap(frame, file, known, weight, parameters)

    def write(self, rendered: Rendered) -> Written:
        """Writes one frame as the shot's mode says: whole, or not at all."""
        path = self.output.path(rendered.frame)
        attributes = self.attributes(rendered.parameters)
        if self.shot.mode == "over":
            return write_over(
                rendered.file,
                path,
                rendered.swapped.window,
                rendered.swapped.over,
                rendered.swapped.matte > 0,
                attributes,
                self.shot.compression,
            )
        swapped = rendered.swapped
        if self.shot.parameters.window == "plate":
            swapped = swapped.element_on(rendered.file.data)
        return write_element(
            rendered.file,
            path,
            swapped.window,
            swapped.element,
            swapped.layers,
            {**attributes, **swapped.attributes},
            self.shot.compression,
            multipart=self.shot.multipart,
            float_layers=float_layers(swapped.layers),
        )

    def attributes(self, parameters: Parameters | None = None) -> dict[str, str | int | float]:
        """What makes a frame, for its metadata: engine, generator, weights with hash and licence, parameters, colour."""
        used = parameters or self.shot.parameters
        cards = self._cards(used)
        return {
            "faceplate:engine": f"faceplate {__version__}",
            "faceplate:generator": self._generator(used).name,
            "faceplate:weights": ", ".join(f"{card.name} {card.sha256[:16]} {card.licence}" for card in cards),
            "faceplate:parameters": json.dumps(used.model_dump(), sort_keys=True),
            "faceplate:ocio": self.color.source,
            "faceplate:working_space": self.color.working_space,
        }

    def cards(self) -> list[Card]:
        """The cards of every network that any frame of the shot goes through."""
        used = [card for parameters in self._kinds_of_frames() for card in self._cards(parameters)]
        return list({card.name: card for card in used}.values())

    def _cards(self, parameters: Parameters) -> list[Card]:
        names = (self.finder.detector, self.finder.landmarker, *self._generator(parameters).weights)
        return [self.finder.store.card(name) for name in dict.fromkeys(names) if name]

    def _read(self, file: PlateFile, region: Window) -> Frame:
        return read_frame(file, self.color, self.shot.space, region)

    def _search(self, file: PlateFile) -> Window:
        if self.shot.search is None:
            return file.data
        region = Window(*self.shot.search).intersect(file.data)
        if region.empty:
            raise UsageError("bad-search", f"The search region {self.shot.search} lies outside the plate's picture.")
        return region

    def _swap(self, frame: int, file: PlateFile, face: Face, weight: float, parameters: Parameters) -> Rendered:
        generator = self._generator(parameters)
        framing = generator.frame(face, file.pixel_aspect)
        around = reach(framing, face, parameters).intersect(file.data)
        if face.window().intersect(file.data).empty:
            raise RenderError("face-outside", f"{file.path.name}: the face lies outside the plate's picture.")
        swapped = swap_face(
            self._read(file, around),
            face,
            generator,
            parameters,
            frame=frame,
            inputs=InputMattes(
                self._input_matte(parameters.hold_out, frame, around),
                self._input_matte(parameters.garbage, frame, around),
            ),
            name=self.shot.person,
            weight=weight,
        )
        return Rendered(frame, file, swapped, face, parameters)

    def _nothing(self, frame: int, file: PlateFile, parameters: Parameters) -> Rendered:
        """A frame without the face: the plate in over mode, an empty element with the layers that others have."""
        empty = Window(file.data.x, file.data.y, 0, 0)
        return Rendered(frame, file, nothing_swapped(empty, parameters, self.shot.person), None, parameters)

    def _input_matte(self, pattern: str, frame: int, window: Window) -> np.ndarray | None:
        """The red channel of a matte's file for `frame`, on `window`; 0 where the file has no pixels."""
        if not pattern:
            return None
        matte = PlateFile.open(Sequence.parse(pattern).path(frame)).read_rgb(window)[..., 0]
        return np.nan_to_num(matte)

    def _refuse_overwriting_the_plate(self) -> None:
        if same_target(self.plate, self.output, self.frames()):
            raise UsageError(
                "output-is-plate", f"The output {self.output} would overwrite the plate; give another name or folder."
            )

    def _make_output_folder(self) -> None:
        folder = self.output.path(self.frames()[0]).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RenderError(
                "output-unwritable", f"The output folder {folder} cannot be made: {error.strerror}."
            ) from error


def render(shot: Shot, frame: int) -> Rendered:
    """Renders one frame of `shot`. For many frames keep a `Renderer`: it prepares source and networks once."""
    return Renderer(shot).render(frame)
