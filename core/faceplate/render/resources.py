"""What a shot needs opened once: colour, plate, source, networks, track. `Renderer` renders frames with it.

Everything that the parameters name is opened the first time that a frame asks for it and then kept, so that values which vary
from frame to frame open nothing again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np
from pydantic import ValidationError

from faceplate.color import ColorConfig
from faceplate.comp.matte_networks import check_matte_network
from faceplate.comp.occlusion import NETWORK as OCCLUSION
from faceplate.consent import Decision, Policy, ReleaseCheck, ReleaseState, Request, judge
from faceplate.errors import RenderError, UsageError
from faceplate.face import FaceFinder, parse_target
from faceplate.face.recognisers import RECOGNISERS
from faceplate.generators import Generator, MeshGenerator, MeshSettings, NullGenerator, parse_pins
from faceplate.generators.networks import DfmGenerator, NetworkGenerator, needs_source, network_generator
from faceplate.generators.networks.tiles import check_multiple
from faceplate.generators.restorers import Restored, Restorer, open_restorer
from faceplate.models import Card, Network, check_policy, embedded_store, open_network, single_precision
from faceplate.models.devices import Runtime
from faceplate.plate import Sequence, same_target
from faceplate.render.stages import MatteNetworks, keep_regions, layer_names, network_encoding
from faceplate.render.tracking import tracker_for
from faceplate.shot import Shot, first_fault
from faceplate.shot.parameters import Parameters, current_names
from faceplate.source import Source, read_source
from faceplate.system.user_paths import exists, make_folder
from faceplate.track import AutoTrack, Track, auto_track_path

__all__ = ["RenderResources"]


@dataclass(frozen=True)
class RenderResources:
    """A shot's files and networks. `generator` overrides the one that the parameters name (a studio's own, a test's)."""

    shot: Shot
    finder: FaceFinder = field(default_factory=FaceFinder.embedded)
    generator: Generator | None = None
    _kept: list[AutoTrack] = field(default_factory=list, init=False, repr=False, compare=False)

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
        return read_source(self.shot.source, self.color, self._finder(self.shot.parameters), self.shot.source_space)

    @property
    def left_out(self) -> tuple[str, ...]:
        """What was skipped of the source, in words; empty when no source is used."""
        return self.source.skipped if "source" in self.__dict__ else ()

    @property
    def kept(self) -> AutoTrack | None:
        """The track that `prepare` made or found beside the output, where the shot names none."""
        return self._kept[0] if self._kept else None

    @cached_property
    def judgement(self) -> tuple[ReleaseCheck, Decision]:
        """What the source's release is worth for this shot, and what the show's policy makes of it.

        A render that puts nobody's face in needs nobody's word.
        """
        source = self._whose
        if source is None and all(used.generator == "null" for used in self._kinds_of_frames()):
            return ReleaseCheck(ReleaseState.NONE, "no source is used"), Decision(True, "", "release-none", "")
        policy = Policy(**self.shot.policy.model_dump(exclude_none=True))
        request = Request(self.shot.production, self.shot.name, use=self.shot.use)
        return judge(policy, self.shot.purpose, source, request)

    @property
    def _whose(self) -> Path | None:
        """Where the pictures of the person lie who is put in: the shot's source, else that of a generator that was given."""
        given = getattr(self.generator, "source", None)
        if self.shot.source is None and isinstance(given, Source):
            return given.views[0].path.parent
        return self.shot.source

    def take(self) -> dict[str, str]:
        """What is the same for all frames of the take, for its manifest and the audit log."""
        check, decision = self.judgement
        return {
            "shot": self.shot.name,
            "shot_id": self.shot.id,
            "take": str(self.shot.take),
            "production": self.shot.production,
            "purpose": self.shot.purpose,
            "output": Path(self.shot.output).name,
            "generator": ", ".join(dict.fromkeys(self._generator(used).name for used in self._kinds_of_frames())),
            "weights": ", ".join(f"{card.name} {card.sha256} {card.licence}" for card in self.cards()),
            "release": check.id,
            "release_state": str(check.state),
            "slate": decision.slate,
        }

    def values(self, frame: int, values: Mapping[str, Any] | None = None) -> Parameters:
        """The parameters of `frame`: the shot's there, with a host's `values` by name over them.

        Raises `UsageError('bad-value')`, naming the parameter.
        """
        own = self.shot.at(frame)
        if not values:
            return own
        try:
            return Parameters.model_validate({**own.model_dump(), **current_names(values)})
        except ValidationError as error:
            raise UsageError("bad-value", f"The values of frame {frame} are wrong: {first_fault(error)}.") from error

    def prepare(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Opens everything that any frame needs, so that a wrong request is refused before the first frame.

        A range without a track is tracked last of all, unless a track kept beside the output still fits; `progress` is
        then called with (frames done, frames in all). A single frame takes a kept track too, but makes none.
        """
        for name in (self.shot.space, self.shot.source_space):
            if name is not None:
                self.color.resolve(name)
        self.judgement[1].enforce()
        if self.shot.output:
            self._refuse_overwriting_the_plate()
        kinds = self._kinds_of_frames()
        for parameters in kinds:
            keep_regions(parameters)
            layer_names(parameters)
            network_encoding(parameters, self.color)
            self._check_policy(self._named_cards(parameters))
            _ = self._generator(parameters), self._matte_networks(parameters)
        known = self.shot.track is not None or (self.shot.output and exists(auto_track_path(self.output)))
        for parameters in kinds if not known else ():
            _ = self._wanted(parameters)  # only a track that is there already knows names
        if self.shot.output:
            self._make_output_folder()
            known = self.shot.track is not None or exists(auto_track_path(self.output))
            for parameters in () if known else kinds:
                _ = self._wanted(parameters)  # only a track that is there already knows names
            self._take_kept_track(progress)
        for parameters in kinds:
            _ = self._person(parameters) if self._track is not None else self._wanted(parameters)
        self._check_policy(self.cards())

    def frames(self) -> tuple[int, ...]:
        """The frames to render: those asked for, else the pattern's own range, else what lies on disk."""
        wanted = self.shot.frames or self.plate.declared or self.plate.on_disk()
        if not wanted:
            raise UsageError("no-frames", f"No frame of {self.plate} was found; check the pattern and the folder.")
        return tuple(wanted)

    def plate_frame(self, frame: int) -> int | None:
        """The plate's frame to read for `frame`, by the shot's way with holes: None means leave it out."""
        if self.shot.missing == "fail" or self.plate.has(frame):
            return frame
        if self.shot.missing == "skip":
            return None
        earlier = [number for number in self.plate.on_disk() if number < frame]
        if not earlier:
            raise RenderError(
                "plate-missing", f"Frame {frame} of {self.plate} is missing and no earlier one can be held."
            )
        return max(earlier)

    def cards(self) -> list[Card]:
        """The cards of every network that any frame of the shot goes through."""
        used = [card for parameters in self._kinds_of_frames() for card in self._cards(parameters)]
        return list({card.name: card for card in used}.values())

    @property
    def networks(self) -> tuple[Network, ...]:
        """The generators' opened networks, restorers too; none of `mesh`."""
        found = [
            network
            for parameters in self._kinds_of_frames()
            for network in getattr(self._generator(parameters), "networks", ())
        ]
        return tuple(dict.fromkeys(found))

    def _kinds_of_frames(self) -> tuple[Parameters, ...]:
        """Parameters that between them name everything that any frame of the shot opens."""
        own = self.shot.parameters
        return (own, *(own.model_copy(update=dict(item.constants)) for item in self.shot.overrides))

    # Opened once ----------------------------------------------------------------------------------------------------

    @cached_property
    def _held(self) -> dict[tuple[Any, ...], Any]:
        """What was opened, by kind and name."""
        return {}

    @cached_property
    def _opening(self) -> RLock:
        return RLock()

    def _once(self, name: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        """What `make` gives, made the first time that `name` is asked for."""
        with self._opening:
            if name not in self._held:
                self._held[name] = make()
            return self._held[name]

    def _finder(self, parameters: Parameters) -> FaceFinder:
        """The finder with the networks that the parameters name."""
        names = (parameters.detector, parameters.landmarker, parameters.recogniser)
        return self._once(("finder", *names), lambda: self.finder.choosing(*names))

    def _matte_networks(self, parameters: Parameters) -> MatteNetworks:
        """The user's own matte networks."""
        store = self.finder.store
        for name, parser in ((parameters.occluder, False), (parameters.parser, True)):
            if name:
                check_matte_network(name, store.card(name).kind, parser)

        def opened(name: str) -> Network | None:
            return self._once(("matte", name), lambda: open_network(store, name)) if name else None

        return MatteNetworks(opened(parameters.occluder), opened(parameters.parser))

    def _generator(self, parameters: Parameters) -> Generator:
        """The generator of a frame. Networks are opened once; what varies from frame to frame only sets values on them."""
        made = self.generator or self._named_generator(parameters)
        if self.generator is not None or not parameters.restorer:
            return made
        name = parameters.restorer
        opened: Restorer = self._once(
            ("restorer", name), lambda: open_restorer(self.finder.store, name, runtime=Runtime.from_environment())
        )
        restorer = replace(opened, amount=parameters.restore_amount, fidelity=parameters.restore_fidelity)
        return Restored(made, restorer, self.color)

    def _named_generator(self, parameters: Parameters) -> Generator:
        if parameters.generator == "null":
            return NullGenerator(side=parameters.crop)
        if parameters.generator != "mesh":
            return self._network_generator(parameters)
        pins = parse_pins(parameters.pins, tuple(view.name for view in self.source.all_views))
        return MeshGenerator(self.source, MeshSettings(parameters.shape, parameters.mouth, parameters.eyes, pins))

    def _network_generator(self, parameters: Parameters) -> Generator:
        store, name = self.finder.store, parameters.generator
        opened = self._once(
            ("generator", name),
            lambda: network_generator(
                store, name, self.source if needs_source(store, name) else None, runtime=Runtime.from_environment()
            ),
        )
        if isinstance(opened, NetworkGenerator):
            check_multiple(opened.family.side, parameters.supersample)
            return replace(opened, supersample=parameters.supersample, identity=parameters.identity)
        assert isinstance(opened, DfmGenerator)
        return replace(opened, morph=parameters.morph, mattes=parameters.dfm_mattes, supersample=parameters.supersample)

    def _check_policy(self, cards: list[Card]) -> None:
        """Refuses what the show forbids, also where it would only come in after half precision overflows."""
        store = self.finder.store
        spare = [single for card in cards if (single := single_precision(store, card)) is not None]
        check_policy([*cards, *spare], self.shot.allow_noncommercial)

    def _named_cards(self, parameters: Parameters) -> list[Card]:
        """The cards that the parameters name, before any of their files is opened."""
        names = [
            parameters.detector, parameters.landmarker, parameters.recogniser, parameters.restorer, parameters.occluder,
            parameters.parser,
        ]  # fmt: skip
        if self.generator is None and parameters.generator not in ("mesh", "null"):
            names.append(parameters.generator)
        return [self.finder.store.card(name) for name in dict.fromkeys(names) if name]

    def _cards(self, parameters: Parameters) -> list[Card]:
        """The cards of every network that a frame with these parameters goes through."""
        finder = self._finder(parameters)
        generator = self._generator(parameters)
        # A generator that was given brings its own networks, which the store may not hold; and what gave way to its
        # single-precision file did not make the pixels.
        own = {network.card.name: network.running for network in self._open_networks(parameters)}
        names = [*generator.weights, parameters.occluder, parameters.parser]
        if self._track is None:
            names[:0] = [*finder.networks, *([finder.recogniser] if self._wanted(parameters) is not None else ())]
        else:
            names[:0] = [name for name in self._track.sidecar.weights if name in finder.store.cards]
        shipped = [embedded_store().card(OCCLUSION)] if parameters.occlusion > 0 and not parameters.occluder else []
        cards = [*(own.get(name) or finder.store.card(name) for name in dict.fromkeys(names) if name), *shipped]
        return list({card.name: card for card in cards}.values())

    def _new_notes(self, parameters: Parameters) -> tuple[str, ...]:
        """What gave way in any network since this was asked last, in words."""
        return tuple(note for network in self._open_networks(parameters) for note in network.new_notes())

    def _open_networks(self, parameters: Parameters) -> tuple[Network, ...]:
        """Every network that is open for frames with these parameters."""
        own = self._matte_networks(parameters)
        generator = getattr(self._generator(parameters), "networks", ())
        networks = dict.fromkeys((*generator, own.occluder, own.parser, *self._finder(parameters).opened))
        return tuple(network for network in networks if network is not None)

    # Who is meant ---------------------------------------------------------------------------------------------------

    @cached_property
    def _given(self) -> Track | None:
        return None if self.shot.track is None else Track.load(self.shot.track)

    @property
    def _track(self) -> Track | None:
        """The shot's track, else the one kept beside its output."""
        return self._given or (self._kept[0].track if self._kept else None)

    def _person(self, parameters: Parameters) -> str:
        """The id of the tracked person that `target` means."""
        track, target = self._track, parameters.target
        assert track is not None
        return self._once(
            ("person", target), lambda: track.choose(target, lambda path: self._identity(path, self._as_tracked(track)))
        )

    def _as_tracked(self, track: Track) -> FaceFinder:
        """The finder with the recogniser that made the track's identities, whatever the parameters name now."""
        store = self.finder.store
        known = [name for name in track.sidecar.weights if name in store.cards and store.card(name).kind in RECOGNISERS]
        return self.finder.choosing(recogniser=known[0] if known else "")

    def _identity(self, picture: Path, finder: FaceFinder) -> np.ndarray:
        return read_source(picture, self.color, finder, self.shot.source_space).embedding(finder)

    def _wanted(self, parameters: Parameters) -> np.ndarray | None:
        """The identity of the picture that `target` names, if it names one."""
        target = parse_target(parameters.target)
        if not isinstance(target, str) or target in ("auto", "largest", "leftmost", "rightmost"):
            return None
        path = Path(target).expanduser()
        if not exists(path):
            raise UsageError(
                "bad-target",
                f"The target '{target}' is neither auto, largest, leftmost, rightmost, a number, a point x,y, nor a "
                "picture that exists (a name needs a track).",
            )
        return self._once(("wanted", target), lambda: self._identity(path, self._finder(parameters)))

    def _take_kept_track(self, progress: Callable[[int, int], None] | None) -> None:
        shot = self.shot
        if shot.track is not None or not shot.track_first or self._kept:
            return
        frames = [number for frame in self.frames() if (number := self.plate_frame(frame)) is not None]
        tracker = tracker_for(shot, self.color, self.finder)
        made = tracker.auto_track(auto_track_path(self.output), frames, make=len(set(frames)) > 1, progress=progress)
        if made is not None:
            self._kept.append(made)

    # Where it goes --------------------------------------------------------------------------------------------------

    def _refuse_overwriting_the_plate(self) -> None:
        if same_target(self.plate, self.output, self.frames()):
            raise UsageError(
                "output-is-plate", f"The output {self.output} would overwrite the plate; give another name or folder."
            )

    def _make_output_folder(self) -> None:
        make_folder(self.output.path(self.frames()[0]).parent)
