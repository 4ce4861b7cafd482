"""The files, networks and decisions that the frames of a shot share, each opened once.

Whatever the parameters name is opened the first time that a frame asks for it and then kept, so that values which vary
from frame to frame open nothing again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pydantic import ValidationError

from faceplate.color import ColorConfig
from faceplate.comp.matte_networks import check_matte_network
from faceplate.comp.occlusion import NETWORK as OCCLUSION
from faceplate.consent import Decision, Policy, ReleaseCheck, ReleaseState, Request, judge
from faceplate.errors import RenderError, UsageError
from faceplate.face import Face, FaceFinder, parse_target
from faceplate.face.recognisers import RECOGNISERS
from faceplate.generators import Generator, MeshGenerator, MeshSettings, NullGenerator, parse_pins
from faceplate.generators.mesh.texture_sizes import TextureSizes
from faceplate.generators.networks import DfmGenerator, NetworkGenerator, needs_source, network_generator
from faceplate.generators.networks.tiles import check_multiple
from faceplate.generators.restorers import Restored, Restorer, open_restorer
from faceplate.models import (
    Card,
    ModelStore,
    Network,
    check_policy,
    default_store,
    embedded_store,
    open_network,
    single_precision,
)
from faceplate.models.devices import Runtime
from faceplate.plate import GivenPixels
from faceplate.provenance.fields import training_releases
from faceplate.render.composite import layer_names
from faceplate.render.expression_match import RestingFaces, match_amounts
from faceplate.render.generate import network_encoding
from faceplate.render.leading_views import mesh_in, runs_for
from faceplate.render.matte import MatteNetworks, keep_regions
from faceplate.render.pool import ResourcePool
from faceplate.render.request import FrameRequest
from faceplate.render.shot_files import ShotFiles
from faceplate.render.tracking import tracker_for
from faceplate.shot import Shot, first_fault
from faceplate.shot.parameters import Parameters, current_names
from faceplate.source import Source, read_source
from faceplate.system.user_paths import exists
from faceplate.track import AutoTrack, Track, auto_track_path
from faceplate.track.model import ViewRun
from faceplate.track.view_plan import Views, weights_at
from faceplate.track.view_planner import with_plans

__all__ = ["Consent", "RenderResources", "default_finder"]


class Consent(NamedTuple):
    """The state of the source's release for a shot, and the policy's decision on it."""

    check: ReleaseCheck
    decision: Decision


def default_finder() -> FaceFinder:
    """Return a finder on the user's model store, with the embedded networks for finding faces."""
    return FaceFinder(default_store())


class RenderResources(ShotFiles):
    """Resources shared by all frames of `shot`: colour, plate, source, networks, track, consent.

    `base_finder` holds the model store and the networks that find faces where the parameters name no others;
    `given_generator` takes the place of the generator that the parameters name. A `pool` of other resources may be shared
    where only output, mode or values differ; `color` is given by a caller who has opened the configuration already, and
    `given_pixels` by a host that has other pixels for one frame of the plate.
    """

    def __init__(
        self,
        shot: Shot,
        base_finder: FaceFinder | None = None,
        given_generator: Generator | None = None,
        *,
        pool: ResourcePool | None = None,
        color: ColorConfig | None = None,
        given_pixels: GivenPixels | None = None,
    ) -> None:
        super().__init__(shot, pool or ResourcePool(), given_pixels)
        self.base_finder = base_finder or default_finder()
        self.given_generator = given_generator
        self.auto_track: AutoTrack | None = None
        """The track that `prepare` made or found beside the output, where the shot names none."""
        if color is not None:
            self.pool.get(("color",), lambda: color)

    @property
    def store(self) -> ModelStore:
        """The model store in which networks are looked up by name."""
        return self.base_finder.store

    # Files ----------------------------------------------------------------------------------------------------------

    @property
    def source(self) -> Source:
        """The source's pictures. Raises `UsageError('no-source')` and what `read_source` raises."""
        return self.pool.get(("source",), self._read_source)

    @property
    def skipped_pictures(self) -> tuple[str, ...]:
        """A sentence for each picture of the source that was left out; empty until the source is read."""
        source = self.pool.opened(("source",))
        return () if source is None else source.skipped

    def _read_source(self) -> Source:
        if self.shot.source is None:
            raise UsageError("no-source", "The generator needs a source; give a picture or a folder of the person.")
        return read_source(self.shot.source, self.color, self.finder(self.shot.parameters), self.shot.source_space)

    # Frames ---------------------------------------------------------------------------------------------------------

    def values(self, frame: int, values: Mapping[str, Any] | None = None) -> Parameters:
        """Return the parameters of `frame`: the shot's there, with a host's `values` by name over them.

        Raises `UsageError('bad-value')`, naming the parameter.
        """
        own = self.shot.at(frame)
        if not values:
            return own
        try:
            return Parameters.model_validate({**own.model_dump(), **current_names(values)})
        except ValidationError as error:
            raise UsageError("bad-value", f"The values of frame {frame} are wrong: {first_fault(error)}.") from error

    def request(self, frame: int, values: Mapping[str, Any] | None = None, proxy: int = 1) -> FrameRequest:
        """`frame` with its plate frame opened and its parameters settled. Raises what `values` and `open_plate` raise."""
        parameters = self.values(frame, values)
        number = self.plate_frame(frame)
        if number is None:
            raise RenderError("plate-missing", f"Frame {frame} of {self.plate} is missing, and the shot skips it.")
        return FrameRequest(frame, number, self.open_plate(number), parameters, proxy)

    # Networks -------------------------------------------------------------------------------------------------------

    def finder(self, parameters: Parameters) -> FaceFinder:
        """Return the finder with the networks that the parameters name."""
        names = (parameters.detector, parameters.landmarker, parameters.recogniser)
        return self.pool.get(("finder", *names), lambda: self.base_finder.choosing(*names))

    def matte_networks(self, parameters: Parameters) -> MatteNetworks:
        """Return the user's own matte networks that the parameters name."""
        for name, parser in ((parameters.occluder, False), (parameters.parser, True)):
            if name:
                check_matte_network(name, self.store.card(name).kind, parser)

        def opened(name: str) -> Network | None:
            return self.pool.get(("matte", name), lambda: open_network(self.store, name)) if name else None

        return MatteNetworks(opened(parameters.occluder), opened(parameters.parser))

    def generator(self, parameters: Parameters) -> Generator:
        """Return the generator of a frame, its restorer behind it. Values that vary from frame to frame open nothing again."""
        if self.given_generator is not None:
            return self.given_generator
        generator = self._named_generator(parameters)
        if not parameters.restorer:
            return generator
        name = parameters.restorer
        opened: Restorer = self.pool.get(
            ("restorer", name), lambda: open_restorer(self.store, name, runtime=Runtime.from_environment())
        )
        restorer = replace(opened, amount=parameters.restore_amount, fidelity=parameters.restore_fidelity)
        return Restored(generator, restorer, self.color)

    def needs_source(self, parameters: Parameters) -> bool:
        """Whether the generator that the parameters name is given the source's pictures."""
        name = parameters.generator
        return name == "mesh" or (name != "null" and needs_source(self.store, name))

    def _named_generator(self, parameters: Parameters) -> Generator:
        if parameters.generator == "null":
            return NullGenerator(side=parameters.crop)
        if parameters.generator != "mesh":
            return self._network_generator(parameters)
        pins = parse_pins(parameters.pins, tuple(view.name for view in self.source.all_views))
        settings = MeshSettings(parameters.shape, parameters.mouth, parameters.eyes, pins)
        # The generator is made anew for each frame's values; the reduced textures belong to the source.
        return MeshGenerator(self.source, settings, sizes=self.pool.get(("texture sizes",), TextureSizes))

    def _network_generator(self, parameters: Parameters) -> Generator:
        name = parameters.generator
        opened = self.pool.get(
            ("generator", name),
            lambda: network_generator(
                self.store,
                name,
                self.source if needs_source(self.store, name) else None,
                runtime=Runtime.from_environment(),
            ),
        )
        if isinstance(opened, NetworkGenerator):
            check_multiple(opened.family.side, parameters.supersample)
            return replace(opened, supersample=parameters.supersample, identity=parameters.identity)
        assert isinstance(opened, DfmGenerator)
        return replace(opened, morph=parameters.morph, mattes=parameters.dfm_mattes, supersample=parameters.supersample)

    @property
    def networks(self) -> tuple[Network, ...]:
        """The generators' opened networks, restorers included; empty for `mesh`."""
        found = [
            network
            for parameters in self._all_parameters()
            for network in getattr(self.generator(parameters), "networks", ())
        ]
        return tuple(dict.fromkeys(found))

    def open_networks(self, parameters: Parameters) -> tuple[Network, ...]:
        """Every network that is open for frames with these parameters."""
        mattes = self.matte_networks(parameters)
        generator = getattr(self.generator(parameters), "networks", ())
        networks = dict.fromkeys((*generator, mattes.occluder, mattes.parser, *self.finder(parameters).opened))
        return tuple(network for network in networks if network is not None)

    def new_notes(self, parameters: Parameters) -> tuple[str, ...]:
        """Return a sentence for each fallback of a network since the last call: a provider, a batch, half precision."""
        return tuple(note for network in self.open_networks(parameters) for note in network.new_notes())

    def cards(self, parameters: Parameters | None = None) -> list[Card]:
        """Return the cards of every network that a frame with these parameters uses; without them, of any frame of the shot."""
        if parameters is None:
            used = [card for variant in self._all_parameters() for card in self.cards(variant)]
            return list({card.name: card for card in used}.values())
        finder = self.finder(parameters)
        # A given generator brings its own networks, which the store may not hold; and a network that fell back to its
        # single-precision file did not make the pixels.
        own = {network.card.name: network.running for network in self.open_networks(parameters)}
        names = [*self.generator(parameters).weights, parameters.occluder, parameters.parser]
        track = self.track
        if track is None:
            recognised = self.wanted_identity(parameters) is not None
            names[:0] = [*finder.networks, *([finder.recogniser] if recognised else ())]
        else:
            names[:0] = [name for name in track.sidecar.weights if name in self.store.cards]
        shipped = [embedded_store().card(OCCLUSION)] if parameters.occlusion > 0 and not parameters.occluder else []
        cards = [*(own.get(name) or self.store.card(name) for name in dict.fromkeys(names) if name), *shipped]
        return list({card.name: card for card in cards}.values())

    def _named_cards(self, parameters: Parameters) -> list[Card]:
        """Return the cards that the parameters name, before any of their files is opened."""
        names = [
            parameters.detector, parameters.landmarker, parameters.recogniser, parameters.restorer, parameters.occluder,
            parameters.parser,
        ]  # fmt: skip
        if self.given_generator is None and parameters.generator not in ("mesh", "null"):
            names.append(parameters.generator)
        return [self.store.card(name) for name in dict.fromkeys(names) if name]

    def _check_licences(self, cards: list[Card]) -> None:
        """Refuse weights that the show forbids, also those that would be used after half precision overflows."""
        spare = [single for card in cards if (single := single_precision(self.store, card)) is not None]
        check_policy([*cards, *spare], self.shot.allow_noncommercial)

    def _all_parameters(self) -> tuple[Parameters, ...]:
        """Parameters that between them name everything that any frame of the shot opens."""
        own = self.shot.parameters
        return (own, *(own.model_copy(update=dict(item.constants)) for item in self.shot.overrides))

    # The target -----------------------------------------------------------------------------------------------------

    @property
    def given_track(self) -> Track | None:
        """The track that the shot names."""
        path = self.shot.track
        return None if path is None else self.pool.get(("track", path), lambda: Track.load(path))

    @property
    def track(self) -> Track | None:
        """The shot's track, else the one kept beside its output."""
        return self.given_track or (self.auto_track.track if self.auto_track else None)

    def person(self, parameters: Parameters) -> str:
        """Return the id of the tracked person that the parameter `target` names; only for a shot with a track."""
        track, target = self.track, parameters.target
        assert track is not None

        def identity(picture: Path) -> np.ndarray:
            return self._identity(picture, self._tracking_finder(track))

        return self.pool.get(("person", target), lambda: track.choose(target, identity))

    def planned_views(self, request: FrameRequest) -> Views | None:
        """Return the source's views that lead in a frame of a shot with a track, by its view plan.

        The pinned views where there are some; None for a generator that does not use views.
        """
        mesh, track = mesh_in(self.generator(request.parameters)), self.track
        if mesh is None or track is None:
            return None
        person = self.person(request.parameters)

        def runs() -> tuple[ViewRun, ...]:
            return runs_for(track, person, mesh.source)

        pinned = mesh.pinned_views(request.frame)
        return pinned or weights_at(self.pool.get(("view runs", person, track.path), runs), request.plate_frame)

    def with_view_plans(self, track: Track) -> Track:
        """Return the track with a view plan of every person for the shot's source, where a generator of the shot uses views.

        It is the same track where nothing is missing.
        """
        given = None if self.given_generator is None else mesh_in(self.given_generator)
        if given is not None:
            return with_plans(track, given.source)
        used = self.given_generator is None and any(item.generator == "mesh" for item in self._all_parameters())
        return with_plans(track, self.source) if used else track

    def views_alone(self, request: FrameRequest, face: Face | None) -> Views | None:
        """Return the one view that suits a face best, without a look at other frames; pins and None as in `planned_views`."""
        mesh = mesh_in(self.generator(request.parameters))
        if mesh is None or face is None:
            return None
        return mesh.views_alone(request.frame, face, request.file.pixel_aspect)

    def resting_faces(self, parameters: Parameters) -> RestingFaces:
        """Return the resting faces that the expression match compares with; none are worked out where it is off."""
        if not match_amounts(parameters).any:
            return RestingFaces()
        track, performer, own = self.track, None, None
        if track is not None:
            person = self.person(parameters)
            performer = self.pool.get(("rest", person, track.path), lambda: track.resting_face(person))
        given = getattr(self.given_generator, "source", None)
        if isinstance(given, Source):
            own = given.resting_face
        elif self.shot.source is not None and (self.given_generator is not None or self.needs_source(parameters)):
            own = self.source.resting_face
        return RestingFaces(performer, own)

    def wanted_identity(self, parameters: Parameters) -> np.ndarray | None:
        """Return the identity embedding of the picture that the parameter `target` names; None where it names no picture."""
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
        return self.pool.get(("wanted", target), lambda: self._identity(path, self.finder(parameters)))

    def _tracking_finder(self, track: Track) -> FaceFinder:
        """Return the finder with the recogniser that made the track's identities, not the one that the parameters name now."""
        cards = [self.store.card(name) for name in track.sidecar.weights if name in self.store.cards]
        known = [card.name for card in cards if card.kind in RECOGNISERS]
        return self.base_finder.choosing(recogniser=known[0] if known else "")

    def _identity(self, picture: Path, finder: FaceFinder) -> np.ndarray:
        return read_source(picture, self.color, finder, self.shot.source_space).embedding(finder)

    # Consent and provenance -----------------------------------------------------------------------------------------

    @cached_property
    def consent(self) -> Consent:
        """The source's release for this shot, and what the show's policy decides on it.

        No release is required when only the null generator is used. A model that was trained under a revoked release is refused.
        """
        source = self._source_folder
        if source is None and all(used.generator == "null" for used in self._all_parameters()):
            check = ReleaseCheck(ReleaseState.NONE, "no source is used")
            return Consent(check, Decision(True, "", "release-none", ""))
        policy = Policy(**self.shot.policy.model_dump(exclude_none=True))
        request = Request(self.shot.production, self.shot.name, use=self.shot.use)
        trained = {card.name: card.releases for card in self._making_cards() if card.releases}
        return Consent(*judge(policy, self.shot.purpose, source, request, trained=trained))

    def _making_cards(self) -> tuple[Card, ...]:
        """Return the known cards of the networks that make the face in any frame, before any of their files is opened."""
        if self.given_generator is not None:
            return tuple(network.card for network in getattr(self.given_generator, "networks", ()))
        names = dict.fromkeys(name for used in self._all_parameters() for name in (used.generator, used.restorer))
        return tuple(self.store.card(name) for name in names if name in self.store.cards)

    @property
    def _source_folder(self) -> Path | None:
        """The place of the pictures of the person who is put in: the shot's source, else a given generator's."""
        given = getattr(self.given_generator, "source", None)
        if self.shot.source is None and isinstance(given, Source):
            return given.views[0].path.parent
        return self.shot.source

    def take(self) -> dict[str, str]:
        """Return the fields that all frames of the take have in common, for its manifest and the audit log."""
        shot, (check, decision) = self.shot, self.consent
        return {
            "shot": shot.name,
            "shot_id": shot.id,
            "take": str(shot.take),
            "production": shot.production,
            "purpose": shot.purpose,
            "output": Path(shot.output).name,
            "generator": ", ".join(dict.fromkeys(self.generator(used).name for used in self._all_parameters())),
            "weights": ", ".join(f"{card.name} {card.sha256} {card.licence}" for card in self.cards()),
            "release": check.id,
            "release_state": str(check.state),
            "slate": decision.slate,
            **self._training_field(),
        }

    def _training_field(self) -> dict[str, str]:
        """Return the releases under which the models were trained, for the take; nothing where there is none."""
        releases = training_releases(self.cards())
        return {"training_releases": releases} if releases else {}

    # Before the first frame -----------------------------------------------------------------------------------------

    def prepare(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Open everything that any frame needs, so that a wrong request is refused before the first frame.

        A range without a track is tracked last of all, unless a track kept beside the output still fits; `progress` is
        then called with (frames done, frames in all). A single frame uses a kept track too, but none is made for it.
        """
        for name in (self.shot.space, self.shot.source_space):
            if name is not None:
                self.color.resolve(name)
        self.consent.decision.enforce()
        if self.shot.output:
            self.refuse_overwriting_the_plate()
        variants = self._all_parameters()
        for parameters in variants:
            keep_regions(parameters)
            layer_names(parameters)
            network_encoding(parameters, self.color)
            self._check_licences(self._named_cards(parameters))
            _ = self.generator(parameters), self.matte_networks(parameters)
        self._check_targets(variants)
        if self.shot.output:
            self.make_output_folder()
            self.take_kept_track(progress)
        for parameters in variants:
            _ = self.person(parameters) if self.track is not None else self.wanted_identity(parameters)
        self._keep_view_plans()
        self._check_licences(self.cards())

    def _check_targets(self, variants: tuple[Parameters, ...]) -> None:
        """Refuse a target that is not an existing picture, unless there is a track: names exist only in a track."""
        tracked = self.shot.track is not None or (self.shot.output and exists(auto_track_path(self.output)))
        for parameters in () if tracked else variants:
            _ = self.wanted_identity(parameters)

    def take_kept_track(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Track the plate, or take the track kept beside the output, where the shot asks for that (`prepare`)."""
        shot = self.shot
        if shot.track is not None or not shot.track_first or self.auto_track:
            return
        frames = [number for frame in self.frames() if (number := self.plate_frame(frame)) is not None]
        tracker = tracker_for(shot, self.color, self.base_finder)
        self.auto_track = tracker.auto_track(
            auto_track_path(self.output), frames, make=len(set(frames)) > 1, progress=progress
        )

    def _keep_view_plans(self) -> None:
        """Store the view plans in the track that is kept beside the output of a range; a given track is not changed."""
        kept = self.auto_track
        if kept is None or len(self.frames()) < 2:
            return
        planned = self.with_view_plans(kept.track)
        if planned is not kept.track:
            self.auto_track = replace(kept, track=planned)
            with suppress(RenderError):  # where it cannot be stored, the same plan is made again
                planned.save()
