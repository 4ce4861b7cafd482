"""The resources of a shot of several faces: each face has its own, and this is what they have in common.

Weights, releases and notes are those of all faces together. A policy that stops one face stops the shot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from faceplate.consent import joint_decision
from faceplate.errors import UsageError
from faceplate.face import FaceFinder
from faceplate.generators import Generator
from faceplate.models import Card, Network
from faceplate.plate import GivenPixels
from faceplate.render.pool import ResourcePool
from faceplate.render.resources import Consent, RenderResources
from faceplate.shot import Shot
from faceplate.shot.parameters import Parameters
from faceplate.track import Track

__all__ = ["FacesResources"]

_OF_FACES = "faces"


class FacesResources(RenderResources):
    """What the faces of `shot` share; `faces` are the resources of each, in the shot's order."""

    def __init__(
        self,
        shot: Shot,
        faces: Sequence[RenderResources],
        base_finder: FaceFinder,
        given_generator: Generator | None,
        pool: ResourcePool,
        given_pixels: GivenPixels | None = None,
    ) -> None:
        super().__init__(shot, base_finder, given_generator, pool=pool, given_pixels=given_pixels)
        self.faces = tuple(faces)

    def values(self, frame: int, values: Mapping[str, Any] | None = None) -> Parameters:
        """Return the parameters that the faces have in common in `frame`; a host's values of single faces are left out."""
        common = {name: value for name, value in (values or {}).items() if name != _OF_FACES}
        return super().values(frame, common)

    def values_of_faces(self, frame: int, values: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return a host's values for each face: those for all faces, less what the face sets itself in `frame`, and its own.

        The values of single faces stand under `faces`, by the person's name. Raises `UsageError('bad-value')`.
        """
        common = dict(values or {})
        given = common.pop(_OF_FACES, None) or {}
        if not isinstance(given, Mapping) or not all(isinstance(item, Mapping) for item in given.values()):
            raise UsageError("bad-value", "The value faces is no object of values by each face's name.")
        names = [face.name for face in self.shot.faces]
        unknown = sorted(set(given) - set(names))
        if unknown:
            raise UsageError("bad-value", f"The shot has no face '{unknown[0]}'; its faces: {', '.join(names)}.")
        found: list[dict[str, Any]] = []
        for face in self.shot.faces:
            own = face.at(frame)
            kept = {name: value for name, value in common.items() if name not in own}
            found.append({**kept, **given.get(face.name, {})})
        return found

    @property
    def skipped_pictures(self) -> tuple[str, ...]:
        """A sentence for each picture that was left out of a face's source."""
        return tuple(dict.fromkeys(line for face in self.faces for line in face.skipped_pictures))

    @property
    def networks(self) -> tuple[Network, ...]:
        """The opened networks of all faces' generators."""
        return tuple(dict.fromkeys(network for face in self.faces for network in face.networks))

    def cards(self, parameters: Parameters | None = None) -> list[Card]:
        """Return the cards of every network that any face uses; `parameters` changes nothing, as each face has its own."""
        return list({card.name: card for face in self.faces for card in face.cards()}.values())

    def with_view_plans(self, track: Track) -> Track:
        """Return the track with the view plans of all faces that read it."""
        for face in self.faces:
            if face.shot.track in (None, track.path):
                track = face.with_view_plans(track)
        return track

    @cached_property
    def consent(self) -> Consent:
        """The releases of all faces as one: the least of their states, and the strictest decision."""
        people = [(face.shot.person, face.consent.check, face.consent.decision) for face in self.faces]
        return Consent(*joint_decision(people))

    def take(self) -> dict[str, str]:
        """Return the fields of the take, with every person who is put in."""
        takes = [face.take() for face in self.faces]

        def joined(name: str) -> str:
            parts = [part for take in takes for part in take[name].split(", ") if part]
            return ", ".join(dict.fromkeys(parts))

        check, decision = self.consent
        return {
            **takes[0],
            "people": ", ".join(face.shot.person for face in self.faces),
            "generator": joined("generator"),
            "weights": joined("weights"),
            "release": check.id,
            "release_state": str(check.state),
            "slate": decision.slate,
            **self._training_field(),
        }

    def prepare(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Open everything that any frame of any face needs; the faces without a track of their own share one.

        Raises `UsageError('same-person')` where two faces replace the same person.
        """
        self.consent.decision.enforce()
        if self.shot.output:
            self.refuse_overwriting_the_plate()
            self.make_output_folder()
            if any(face.shot.track is None for face in self.faces):
                self.take_kept_track(progress)
        kept = self.auto_track
        for face in self.faces:
            face.auto_track = kept if face.shot.track is None else None
            face.prepare(progress)
            kept = face.auto_track or kept
        for face in self.faces:
            if face.auto_track is not None:
                face.auto_track = kept
        self.auto_track = kept
        self._refuse_one_person_twice()

    def _refuse_one_person_twice(self) -> None:
        seen: dict[tuple[Any, str], str] = {}
        for face in self.faces:
            if face.track is None:
                continue
            place = (face.track.path, face.person(face.shot.parameters))
            if place in seen:
                raise UsageError(
                    "same-person",
                    f"The faces {seen[place]} and {face.shot.person} both replace {place[1]} of the track: set the "
                    "parameter target of each face.",
                )
            seen[place] = face.shot.person
