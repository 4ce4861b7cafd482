"""A track as a render uses it: its people, and a person's face in any frame, from the track file alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from pydantic import BaseModel, ValidationError

from faceplate.comp.grain import Grain
from faceplate.errors import RenderError, UsageError
from faceplate.face import Face, likeness
from faceplate.face.choose import CLEARLY_LARGER, distance_to, parse_point
from faceplate.face.expression import RestingFace
from faceplate.face.shape import unsqueezed
from faceplate.system.user_paths import exists
from faceplate.track import corrections, mesh_codec, model
from faceplate.track.assembly import resmoothed
from faceplate.track.grain_models import grain_at
from faceplate.track.look import Look, between_looks
from faceplate.track.samples import unpacked_base, unpacked_look, unpacked_mesh
from faceplate.track.sidecar import first_fault, load_sidecar, save_sidecar
from faceplate.track.smooth import decompose, place
from faceplate.track.tones import FINE
from faceplate.track.view_plan import with_keys

__all__ = ["Track", "TrackedFace", "TrackedPerson", "made"]

# Two pictures of one person under very different light can be less alike than SFace's threshold of 0.363; they reach this.
_LIKENESS_FLOOR = 0.25
# Frames on which a person's resting face is measured.
_RESTING_FRAMES = 64
# Decoded frames that are kept: each is asked for several times, also by the frames beside it.
_DECODED = 64
_IDENTITY_STEPS = 4096.0
_Made = TypeVar("_Made", bound=BaseModel)


@dataclass(frozen=True)
class TrackedPerson:
    """A person of the shot: `number` from 1 in order of appearance, stable `id`, and `name` (the id unless it was changed)."""

    number: int
    id: str
    name: str
    frames: tuple[int, ...]


@dataclass(frozen=True)
class TrackedFace:
    """A person in a frame.

    Attributes
    ----------
    face : Face
        The face, smoothed and corrected.
    weight : float
        0..1, how much of the new face is used (fades).
    bad : bool
        Whether the artist marked the frame.
    seen : bool
        Whether the face was observed; False when it was interpolated.
    confidence : float
        0..1.
    pose : tuple of float
        Yaw, pitch, roll in degrees.
    look : Look, optional
        What was measured of the face's pixels, smoothed over time; None in a track without looks.
    """

    face: Face
    weight: float
    bad: bool
    seen: bool
    confidence: float
    pose: tuple[float, float, float]
    look: Look | None = None


@dataclass(frozen=True)
class _Place:
    line: model.SmoothLine
    block: model.Block
    raw: model.RawLine | None


@dataclass(frozen=True)
class Track:
    """A loaded track. `face` depends on the track file and the frame number alone, so any frame can be rendered anywhere."""

    sidecar: model.Sidecar
    path: Path | None = None

    @classmethod
    def load(cls, path: str | Path) -> Track:
        """Read a track file.

        Raises
        ------
        UsageError
            `no-track`, `newer-track` or `bad-track`, with the field at fault.
        """
        return cls(load_sidecar(Path(path)), Path(path))

    def save(self, path: str | Path | None = None) -> None:
        """Write the track (to its own path when `path` is None), completely or not at all."""
        target = path or self.path
        if target is None:
            raise UsageError("no-output", "The track has no file yet; say where to save it.")
        save_sidecar(self.sidecar, Path(target))

    @cached_property
    def people(self) -> tuple[TrackedPerson, ...]:
        """The people after the artist's edits."""
        found = []
        for id_ in self._people.pieces:
            frames = tuple(frame for frame in sorted(self._places(id_)) if self.holds(frame))
            found.append(TrackedPerson(len(found) + 1, id_, self._people.names.get(id_, id_), frames))
        return tuple(found)

    @property
    def orphans(self) -> tuple[str, ...]:
        """Descriptions of corrections whose people are not in the track."""
        known = set(self._people.pieces)
        layer = self.sidecar.corrections
        lost = [
            f"corrections.{name}[{k}] ({item.person})"
            for name in ("keys", "drags", "bad", "spans", "views")
            for k, item in enumerate(getattr(layer, name))
            if item.person not in known
        ]
        return (*self._people.orphans, *lost)

    @cached_property
    def frames(self) -> tuple[int, ...]:
        """The tracked frames."""
        return tuple(f for first, last, step in self.sidecar.ranges for f in range(first, last + 1, step))

    @property
    def range_text(self) -> str:
        """The frames that the track was made from, as `1001-1048`, `1001-1048x2` or `1001-1010,1020-1030`."""
        parts = []
        for first, last, step in self.sidecar.ranges:
            by = f"x{step}" if step > 1 and last > first else ""
            parts.append(f"{first}-{last}{by}" if last > first else str(first))
        return ",".join(parts)

    def person(self, id_: str) -> TrackedPerson:
        """Return the person of that id. Raises `UsageError('no-such-person')`."""
        corrections.check_person(list(self._people.pieces), id_)
        return next(person for person in self.people if person.id == id_)

    def face(self, person: str, frame: int) -> TrackedFace | None:
        """Return the person's face in `frame`, smoothed, corrected and ready to render; None when the person is not in the frame.

        It is also None for a frame that the artist left out (`bad`, `exclude`) and outside the person's spans.
        """
        corrections.check_person(list(self._people.pieces), person)
        layer = self.sidecar.corrections
        weight = corrections.fade(frame, [span for span in layer.spans if span.person == person])
        marks = [mark for mark in layer.bad if mark.person == person and mark.first <= frame <= mark.last]
        spot = self._places(person).get(frame) if self.holds(frame) else None
        if spot is None or weight <= 0 or any(mark.use == "exclude" for mark in marks):
            return None
        known, look = self._uncorrected(person, frame)
        rest = self.resting_face(person)
        face = replace(known, points=self._moved(known, person, frame), rest=None if rest is None else rest.shape)
        line = spot.line
        return TrackedFace(face, weight, bool(marks), line.seen, line.confidence, line.pose, look)

    def movement(self, person: str, frame: int) -> np.ndarray | None:
        """Return how far each point moves from frame to frame at `frame`, float64 (478, 2) in plate pixels.

        It is half the way from the frame before to the frame after; at the ends of a view, and beside an absence, the way from or
        to the one neighbour. Corrections count; where the person is replaced does not. None without a neighbour.
        """
        corrections.check_person(list(self._people.pieces), person)
        places, step = self._places(person), min((by for _, _, by in self.sidecar.ranges), default=1)
        spot = places.get(frame) if self.holds(frame) else None
        if spot is None:
            return None
        beside = [
            number
            for number in (frame - step, frame + step)
            if number in places and places[number].block.span == spot.block.span
        ]
        if not beside:
            return None
        first, last = (beside[0], beside[1]) if len(beside) == 2 else sorted((frame, beside[0]))
        return (self._points(person, last) - self._points(person, first))[:, :2] / (last - first)

    def shutter(self, frame: int) -> float | None:
        """Return the fraction of a frame's time for which the plate's shutter is open, as tracking measured it; None if unknown."""
        return next((item.fraction for item in self.sidecar.shutters if item.first <= frame <= item.last), None)

    def holds(self, frame: int) -> bool:
        """Check whether `frame` was tracked, with or without people."""
        return any(first <= frame <= last and (frame - first) % step == 0 for first, last, step in self.sidecar.ranges)

    def left_out(self, person: str, frame: int) -> bool:
        """Check whether the artist left the person out of `frame`: outside their spans, deleted, or marked `exclude`."""
        corrections.check_person(list(self._people.pieces), person)
        layer = self.sidecar.corrections
        spans = [span for span in layer.spans if span.person == person]
        marks = [mark for mark in layer.bad if mark.person == person and mark.first <= frame <= mark.last]
        held = any(piece.holds(frame) for piece in self._people.pieces[person])
        return not held or corrections.fade(frame, spans) <= 0 or any(mark.use == "exclude" for mark in marks)

    def grain(self, frame: int) -> Grain | None:
        """Return the plate's grain in `frame`, in the working space `sidecar.plate.working`; None where it was not measured."""
        return grain_at(self.sidecar.grain, frame)

    def raw(self, person: str, frame: int) -> Face | None:
        """Return the face as the landmarker found it, without smoothing and corrections; None where it was not observed."""
        corrections.check_person(list(self._people.pieces), person)
        spot = self._places(person).get(frame) if self.holds(frame) else None
        if spot is None or spot.raw is None:
            return None
        raw = spot.raw
        shape = unpacked_mesh(raw.mesh, self._base(spot.block), mesh_codec.RAW, f"frame {frame} raw mesh")
        return Face(self._placed(raw.rigid, shape), raw.score, raw.presence, raw.level)

    def uncorrected(self, person: str) -> tuple[tuple[int, ...], Iterator[Face], tuple[bool, ...]]:
        """Return the person's frames, their smoothed faces without corrections, and whether each is free of `bad` marks."""
        frames, places = self.person(person).frames, self._places(person)
        marks = [mark for mark in self.sidecar.corrections.bad if mark.person == person]
        good = tuple(not any(mark.first <= frame <= mark.last for mark in marks) for frame in frames)
        return frames, (self._known(places[frame]) for frame in frames), good

    def resting_face(self, person: str) -> RestingFace | None:
        """Measure the person's resting face on frames spread evenly over the track and its margins; None without a frame.

        What is read of shut and open eyes is that of all frames. Frames that the artist marked do not count where there are others.
        """
        if self._checked(person) not in self._rests:
            places = self._places(person)
            marks = [mark for mark in self.sidecar.corrections.bad if mark.person == person]
            good = [f for f in sorted(places) if not any(mark.first <= f <= mark.last for mark in marks)]
            frames = good or sorted(places)
            chosen = frames[:: max(len(frames) // _RESTING_FRAMES, 1)]
            aspect = self.sidecar.plate.pixel_aspect
            meshes = []
            for frame in chosen:
                with suppress(UsageError):  # a damaged frame is told where it is rendered
                    meshes.append(unsqueezed(self._known(places[frame]).points, aspect))
            lines = [places[frame].raw for frame in frames]
            lids = np.array([line.lids for line in lines if line is not None and line.lids is not None])
            self._rests[person] = RestingFace.of(meshes, lids) if meshes else None
        return self._rests[person]

    def view_plan(self, person: str, source: str) -> model.ViewPlan | None:
        """Return the stored view plan of a person for the source of that identity (`view_planner.source_identity`).

        None where there is none, or where it leaves out frames that the person has, such as those of somebody joined to them.
        """
        frames = self.person(person).frames
        for plan in self.sidecar.plans:
            if (plan.person, plan.source) == (person, source):
                held = np.zeros(len(frames), bool)
                for run in plan.runs:
                    held |= (np.array(frames) >= run.first) & (np.array(frames) <= run.last)
                return plan if held.all() else None
        return None

    def view_runs(self, plan: model.ViewPlan, names: Collection[str]) -> tuple[model.ViewRun, ...]:
        """Return the runs of a plan with the artist's keys laid over them; keys of views that are not in `names` have no effect."""
        keys = [key for key in self.sidecar.corrections.views if key.person == plan.person and key.view in names]
        return with_keys(plan.runs, keys)

    def choose(self, who: str | int | None, embed: Callable[[Path], np.ndarray] | None = None) -> str:
        """Choose the person that `who` names; return their id.

        Parameters
        ----------
        who : str, int or None
            A number from 1, a name, an id, `frame:x,y` (the face at that point of a frame, or the nearest; without a frame the
            first that shows anybody), or the path of a picture. None or `auto` means the only person, or one twice as large on
            average as any other; `largest`, `leftmost` and `rightmost` are averages too.
        embed : callable, optional
            Returns the embedding of a picture.

        Raises
        ------
        UsageError
            `no-such-person` or `bad-target`.
        RenderError
            `no-face`, `several-faces` or `no-likeness`.
        """
        people = self.people
        if not people:
            raise RenderError("no-face", "The track contains no person.")
        text = "auto" if who is None else str(who).strip()
        if text in ("auto", ""):
            return self._obvious()
        for person in people:
            if text in (person.id, person.name):
                return person.id
        if text.isdigit():
            if not 1 <= int(text) <= len(people):
                raise UsageError("no-such-person", f"Person {text} was asked for; the track holds {len(people)}.")
            return people[int(text) - 1].id
        if text in ("largest", "leftmost", "rightmost"):
            return self._extreme(text)
        point = parse_point(text)
        if point is not None:
            frame = self._first_shown() if point.frame is None else point.frame
            return self.at(frame, point.x, point.y)
        return self._likest(text, embed)

    def at(self, frame: int, x: float, y: float) -> str:
        """Return the id of the person whose face lies at plate point (x, y) in `frame`, or nearest to it.

        Raises
        ------
        RenderError
            `no-face` when the frame shows nobody.
        """
        found = []
        for person in self.people:
            tracked = self.face(person.id, frame)
            if tracked is not None:
                found.append((*distance_to(tracked.face, x, y), person.id))
        if not found:
            raise RenderError("no-face", f"The track shows no person in frame {frame}.")
        return min(found)[2]

    def like(self, embedding: np.ndarray) -> tuple[str, float]:
        """Return the id of the person most like `embedding` (128,), and the likeness, -1..1. Raises `RenderError('no-face')`."""
        sources = {person.id: person.identity for person in self.sidecar.people}
        found = []
        for id_, pieces in self._people.pieces.items():
            for piece in pieces:
                text = sources.get(piece.source)
                if text is not None:
                    found.append((likeness(_identity(text, piece.source), embedding), id_))
        if not found:
            raise RenderError("no-face", "The track contains no person with a known identity.")
        best = max(found)
        return best[1], best[0]

    # Corrections: each returns a new track. --------------------------------------------------------------------------

    def corrected(self, **layers: tuple[Any, ...]) -> Track:
        """Return this track with whole layers of corrections replaced (`keys`, `drags`, `bad`, `spans`, `views`, `people`)."""
        layer = model.Corrections.model_validate({**self.sidecar.corrections.model_dump(), **{
            name: [item.model_dump() for item in items] for name, items in layers.items()
        }})  # fmt: skip
        return Track(self.sidecar.model_copy(update={"corrections": layer}), self.path)

    def rename(self, person: str, name: str) -> Track:
        """Give a person a name."""
        return self._edited(made(model.Rename, person=self._checked(person), name=name))

    def delete(self, person: str, first: int | None = None, last: int | None = None) -> Track:
        """Remove the person: everywhere, or from `first` to `last`."""
        return self._edited(made(model.Delete, person=self._checked(person), first=first, last=last))

    def split(self, person: str, frame: int, new: str | None = None) -> Track:
        """Make the person another one from `frame` on, with the id `new` (by default the first free `person.2`, `.3` and so on)."""
        taken = {*self._people.pieces, *(p.id for p in self.sidecar.people)}
        fresh = new or next(f"{person}.{n}" for n in range(2, 10_000) if f"{person}.{n}" not in taken)
        if fresh in taken:
            raise UsageError("person-taken", f"The track has a person '{fresh}' already; give another id.")
        return self._edited(made(model.Split, person=self._checked(person), frame=frame, new=fresh))

    def join(self, person: str, into: str) -> Track:
        """Make `person` a part of `into`."""
        return self._edited(made(model.Join, person=self._checked(person), into=self._checked(into)))

    def key(
        self, person: str, frame: int, move: tuple[float, float] = (0, 0), scale: float = 1.0, rotate: float = 0.0
    ) -> Track:
        """Set a keyframe of the whole face; an existing one at this frame is replaced."""
        key = made(model.Key, person=self._checked(person), frame=frame, move=move, scale=scale, rotate=rotate)
        kept = [k for k in self.sidecar.corrections.keys if (k.person, k.frame) != (person, frame)]
        return self.corrected(keys=tuple(sorted([*kept, key], key=lambda k: (k.person, k.frame))))

    def drag(self, person: str, region: str, frame: int, move: tuple[float, float]) -> Track:
        """Set a keyframe of a region (`faceplate.track.REGIONS`); an existing one at this frame is replaced."""
        if region not in corrections.REGIONS:
            raise UsageError(
                "bad-region", f"There is no region '{region}'; it can be {', '.join(corrections.REGIONS)}."
            )
        drag = made(model.Drag, person=self._checked(person), region=region, frame=frame, move=move)
        name = (person, region, frame)
        kept = [d for d in self.sidecar.corrections.drags if (d.person, d.region, d.frame) != name]
        return self.corrected(drags=tuple(sorted([*kept, drag], key=lambda d: (d.person, d.region, d.frame))))

    def mark_bad(self, person: str, first: int, last: int | None = None, exclude: bool = False) -> Track:
        """Mark frames as wrong: interpolated, or left out with `exclude`."""
        mark = made(
            model.Bad,
            person=self._checked(person),
            first=first,
            last=first if last is None else last,
            use="exclude" if exclude else "interpolate",
        )
        return self.corrected(bad=(*self.sidecar.corrections.bad, mark))

    def in_out(self, person: str, first: int, last: int, fade_in: int = 0, fade_out: int = 0) -> Track:
        """Set where the person is replaced, with fades in frames. Several calls add several spans."""
        span = made(
            model.Span, person=self._checked(person), first=first, last=last, fade_in=fade_in, fade_out=fade_out
        )
        return self.corrected(spans=(*self.sidecar.corrections.spans, span))

    def key_view(self, person: str, first: int, last: int, view: str) -> Track:
        """Let a view of the source lead on these frames, whatever the view plan says; the newest key of a frame is used."""
        key = made(model.ViewKey, person=self._checked(person), first=first, last=last, view=view)
        kept = [
            old
            for old in self.sidecar.corrections.views
            if old.person != person or old.first < first or old.last > last
        ]
        return self.corrected(views=(*kept, key))

    def clear_views(self, person: str) -> Track:
        """Remove the person's keyed views."""
        return self.corrected(views=tuple(key for key in self.sidecar.corrections.views if key.person != person))

    def with_plan(self, plan: model.ViewPlan) -> Track:
        """Return this track with a view plan; an existing one of the same person and source is replaced."""
        name = (self._checked(plan.person), plan.source)
        kept = tuple(old for old in self.sidecar.plans if (old.person, old.source) != name)
        return Track(self.sidecar.model_copy(update={"plans": (*kept, plan)}), self.path)

    def clear(self, person: str) -> Track:
        """Remove the person's keys, drags, bad frames, spans and keyed views; edits of identities stay."""
        layer = self.sidecar.corrections
        return self.corrected(
            **{
                name: tuple(item for item in getattr(layer, name) if item.person != person)
                for name in ("keys", "drags", "bad", "spans", "views")
            }
        )

    def smoothed(self, amount: float = 1.0, gap: int | None = None) -> Track:
        """Smooth again from the raw values, without reading pixels. Frames marked bad have no weight."""
        before = self.sidecar.smoothing
        smoothing = made(model.Smoothing, amount=amount, gap=before.gap if gap is None else gap)
        return Track(resmoothed(self.sidecar, smoothing), self.path)

    # ------------------------------------------------------------------------------------------------------------

    @cached_property
    def _people(self) -> corrections.People:
        return corrections.people_of([p.id for p in self.sidecar.people], self.sidecar.corrections.people)

    @cached_property
    def _index(self) -> dict[str, dict[int, _Place]]:
        table: dict[str, dict[int, _Place]] = {}
        for person in self.sidecar.people:
            rows = table.setdefault(person.id, {})
            for block in person.blocks:
                raw = {line.frame: line for line in block.raw}
                for line in block.smooth:
                    rows[line.frame] = _Place(line, block, raw.get(line.frame))
        return table

    @cached_property
    def _cache(self) -> dict[str, dict[int, _Place]]:
        return {}

    @cached_property
    def _rests(self) -> dict[str, RestingFace | None]:
        return {}

    def _places(self, person: str) -> dict[int, _Place]:
        """Return where the person is by frame, the margins of the tracked ranges included."""
        found = self._cache.get(person)
        if found is None:
            found = {}
            for piece in reversed(self._people.pieces[person]):
                rows = self._index.get(piece.source, {})
                found |= {frame: spot for frame, spot in rows.items() if piece.holds(frame)}
            self._cache[person] = found
        return found

    def _base(self, block: model.Block) -> np.ndarray:
        try:
            return unpacked_base(block)
        except ValueError as error:
            raise UsageError("bad-track", f"The track is damaged: a block's field base {error}.") from error

    def _placed(self, rigid: tuple[float, float, float, float], shape: np.ndarray) -> np.ndarray:
        aspect = self.sidecar.plate.pixel_aspect
        whole = np.array([rigid[0] * aspect, rigid[1], math.log(rigid[2]), rigid[3]])
        return place(whole, shape) / np.array([aspect, 1.0, 1.0])

    def _known(self, spot: _Place) -> Face:
        line = spot.line
        shape = unpacked_mesh(line.mesh, self._base(spot.block), mesh_codec.FINE, f"frame {line.frame} smooth mesh")
        raw = spot.raw
        score, presence = (raw.score, raw.presence) if raw else (line.confidence, line.confidence)
        return Face(self._placed(line.rigid, shape), score, presence, line.level)

    def _look(self, spot: _Place) -> Look | None:
        line = spot.line
        return unpacked_look(line, spot.block, FINE, f"frame {line.frame} smooth look")

    def _uncorrected(self, person: str, frame: int) -> tuple[Face, Look | None]:
        """Return the face and its look, interpolated where the frame is marked bad."""
        marks = self.sidecar.corrections.bad
        if any(mark.person == person and mark.first <= frame <= mark.last for mark in marks):
            return self._through(person, frame)
        found = self._decoded.get((person, frame))
        if found is None:
            spot = self._places(person)[frame]
            found = self._known(spot), self._look(spot)
            if len(self._decoded) >= _DECODED:
                self._decoded.clear()
            self._decoded[person, frame] = found
        return found

    @cached_property
    def _decoded(self) -> dict[tuple[str, int], tuple[Face, Look | None]]:
        return {}

    def _moved(self, known: Face, person: str, frame: int) -> np.ndarray:
        """Return the points of a face after the artist's keys and drags."""
        layer = self.sidecar.corrections
        return corrections.moved(known.points, frame, person, layer, self.sidecar.plate.pixel_aspect)

    def _points(self, person: str, frame: int) -> np.ndarray:
        """Return the points (478, 3) of a frame that has the person."""
        return self._moved(self._uncorrected(person, frame)[0], person, frame)

    def _through(self, person: str, frame: int) -> tuple[Face, Look | None]:
        """Interpolate the face and its look from the nearest frames that are not marked, in the same span."""
        places = self._places(person)
        spot = places[frame]
        marks = [mark for mark in self.sidecar.corrections.bad if mark.person == person]
        good = [
            f
            for f, other in places.items()
            if other.block.span == spot.block.span and not any(mark.first <= f <= mark.last for mark in marks)
        ]
        earlier, later = [f for f in good if f < frame], [f for f in good if f > frame]
        if not earlier and not later:
            return self._known(spot), self._look(spot)
        low = max(earlier) if earlier else min(later)
        high = min(later) if later else max(earlier)
        a, b = self._known(places[low]), self._known(places[high])
        part = (frame - low) / (high - low) if high != low else 0.0
        level = math.exp(math.log(a.level) * (1 - part) + math.log(b.level) * part)
        points = _between(a.points, b.points, part, self.sidecar.plate.pixel_aspect)
        face = Face(points, min(a.score, b.score), min(a.presence, b.presence), level)
        return face, between_looks(self._look(places[low]), self._look(places[high]), part)

    def _obvious(self) -> str:
        """Return the only person, or one who is clearly larger than all others."""
        people = self.people
        sizes = {p.id: float(np.mean([self._places(p.id)[f].line.rigid[2] for f in p.frames] or [0.0])) for p in people}
        ranked = sorted(sizes, key=lambda id_: -sizes[id_])
        if len(ranked) > 1 and sizes[ranked[0]] < CLEARLY_LARGER * sizes[ranked[1]]:
            names = ", ".join(f"{p.number} {p.name}" for p in people)
            raise RenderError(
                "several-faces",
                f"The track holds {len(people)} people ({names}); choose one by number, name, a picture of them, or a "
                "point such as 1001:640,360.",
            )
        return ranked[0]

    def _first_shown(self) -> int:
        return min((person.frames[0] for person in self.people if person.frames), default=0)

    def _extreme(self, which: str) -> str:
        def measure(person: TrackedPerson) -> float:
            rigid = [self._places(person.id)[frame].line.rigid for frame in person.frames]
            if which == "largest":
                return -float(np.mean([r[2] for r in rigid]))
            return float(np.mean([r[0] for r in rigid])) * (1 if which == "leftmost" else -1)

        return min(self.people, key=measure).id

    def _likest(self, text: str, embed: Callable[[Path], np.ndarray] | None) -> str:
        path = Path(text).expanduser()
        if embed is None or not exists(path):
            names = ", ".join(f"{p.number} {p.name}" for p in self.people)
            raise UsageError(
                "bad-target",
                f"'{text}' is not a person of the track ({names}), a point such as 1001:640,360, or an existing picture.",
            )
        id_, alike = self.like(embed(path))
        if alike < _LIKENESS_FLOOR:
            raise RenderError(
                "no-likeness",
                f"No person of the track is like {text} (best likeness {alike:.2f}, {_LIKENESS_FLOOR:.2f} is needed).",
            )
        return id_

    def _edited(self, edit: model.Rename | model.Delete | model.Split | model.Join) -> Track:
        return self.corrected(people=(*self.sidecar.corrections.people, edit))

    def _checked(self, person: str) -> str:
        corrections.check_person(list(self._people.pieces), person)
        return person


def made(kind: type[_Made], **values: Any) -> _Made:
    """Create a part of a track file from an artist's values.

    Raises
    ------
    UsageError
        `bad-correction`, with the fault.
    """
    try:
        return kind(**values)
    except ValidationError as error:
        raise UsageError("bad-correction", f"Invalid {kind.__name__.lower()}: {first_fault(error)}.") from error


def _identity(text: str, person: str) -> np.ndarray:
    try:
        return mesh_codec.unpack_numbers(text, 128, _IDENTITY_STEPS)
    except ValueError as error:
        raise UsageError("bad-track", f"The track is damaged: people.{person}.identity {error}.") from error


def _between(a: np.ndarray, b: np.ndarray, part: float, aspect: float) -> np.ndarray:
    """Interpolate between two meshes, including rotation and scale."""
    squeeze = np.array([aspect, 1.0, 1.0])
    (rigid_a, shape_a), (rigid_b, shape_b) = decompose(a * squeeze), decompose(b * squeeze)
    turn = math.remainder(rigid_b[3] - rigid_a[3], math.tau)
    rigid = rigid_a + (np.array([*rigid_b[:3], rigid_a[3] + turn]) - rigid_a) * part
    return place(rigid, shape_a + (shape_b - shape_a) * part) / squeeze
