"""Assembly of the track file: association, levelled seams, smoothing, packing; and smoothing again without pixels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from faceplate.comp.grain import Grain
from faceplate.errors import UsageError
from faceplate.face import likeness
from faceplate.track import mesh_codec, model
from faceplate.track.associate import Association, Person, associate
from faceplate.track.checkpoint import FrameRecord
from faceplate.track.grain_models import grain_models
from faceplate.track.lens import with_lens
from faceplate.track.samples import Sample, pack_blocks, samples_of, stored_samples
from faceplate_client.version import __version__

__all__ = [
    "build",
    "resmoothed",
    "retracked",
]

_IDENTITY_STEPS = 4096.0


def build(
    seen: Sequence[FrameRecord],
    plate: model.Plate,
    smoothing: model.Smoothing,
    weights: dict[str, str],
    wanted: Sequence[int] | None = None,
) -> model.Sidecar:
    """Build the track file of a shot, without corrections.

    `wanted` are the tracked frames, by default all that were `seen`; those beyond them are their margin
    (`track/margins.py`). A person who appears in the margin alone is left out.

    Raises
    ------
    UsageError
        `no-frames` when nothing could be read.
    """
    found = associate(seen, smoothing.gap)
    frames = sorted(item.frame for item in seen if not item.tail)
    if not frames:
        raise UsageError("no-frames", f"No frame of {plate.pattern} was tracked.")
    step = _step(frames)
    inside = set(frames if wanted is None else wanted)
    first_frames = [_first_inside(person, inside) for person in found.people]
    present = sorted((first, k) for k, first in enumerate(first_frames) if first is not None)
    people = []
    for number, person in enumerate((found.people[k] for _, k in present), start=1):
        rows = [row for chain in person.chains for row in samples_of(chain.moments, plate.pixel_aspect)]
        spans = _spans_of(rows, found, smoothing.gap, step)
        blocks = [
            block for index, span in enumerate(spans) for block in pack_blocks(index, span, plate, smoothing, step)
        ]
        identity = None if person.identity is None else mesh_codec.pack_numbers(person.identity, _IDENTITY_STEPS)
        people.append(model.Person(id=f"p{number}", identity=identity, blocks=tuple(blocks)))
    sidecar = model.Sidecar(
        made_by=f"faceplate {__version__}",
        plate=plate,
        ranges=_ranges([frame for frame in frames if frame in inside], step),
        weights=weights,
        cuts=found.cuts,
        grain=grain_models(_grain_samples(seen), found.cuts, frames[0], frames[-1]),
        unread=tuple(
            model.Unread(frame=s.frame, why=s.error)
            for s in seen
            if s.observation is None and not s.tail and s.frame in inside
        ),
        smoothing=smoothing,
        people=tuple(people),
    )
    return with_lens(sidecar)


def _first_inside(person: Person, inside: set[int]) -> int | None:
    """Return the first of a person's frames that is tracked and not a margin; None where there is none."""
    frames = sorted(moment.frame for chain in person.chains for moment in chain.moments)
    return next((frame for frame in frames if frame in inside), None)


def _grain_samples(seen: Sequence[FrameRecord]) -> list[tuple[int, float, Grain]]:
    faces = (
        (item.frame, face) for item in seen if item.observation and not item.tail for face in item.observation.faces
    )
    return [(frame, face.level, face.grain) for frame, face in faces if face.grain is not None]


def resmoothed(sidecar: model.Sidecar, smoothing: model.Smoothing) -> model.Sidecar:
    """Smooth a track again from its raw values. Frames marked bad have no weight."""
    step = _step([frame for first, last, by in sidecar.ranges for frame in range(first, last + 1, by)])
    bad = {(mark.person, frame) for mark in sidecar.corrections.bad for frame in range(mark.first, mark.last + 1)}
    people = []
    for person in sidecar.people:
        rows = stored_samples(person, sidecar.plate.pixel_aspect)
        spans = _split_at(rows, sidecar.cuts, smoothing.gap, step)
        believed = {row.frame for row in rows if (person.id, row.frame) not in bad}
        blocks = [
            block
            for index, span in enumerate(spans)
            for block in pack_blocks(index, span, sidecar.plate, smoothing, step, believed)
        ]
        people.append(person.model_copy(update={"blocks": tuple(blocks)}))
    return with_lens(sidecar.model_copy(update={"people": tuple(people), "smoothing": smoothing}))


def retracked(new: model.Sidecar, old: model.Sidecar) -> model.Sidecar:
    """Return `new` with the corrections of `old`, and with its people under the ids that they have there.

    A person is the same when the faces coincide in common frames, else by identity.
    """
    pairs = []
    for i, person in enumerate(new.people):
        for j, before in enumerate(old.people):
            alike = _similarity_of(person, new, before, old)
            if alike > 0.3:
                pairs.append((alike, i, j))
    names: dict[int, str] = {}
    taken: set[int] = set()
    for _, i, j in sorted(pairs, reverse=True):
        if i not in names and j not in taken:
            names[i] = old.people[j].id
            taken.add(j)
    used = {person.id for person in old.people} | {e.new for e in old.corrections.people if isinstance(e, model.Split)}
    fresh = (f"p{n}" for n in range(1, len(used) + len(new.people) + 1))
    free = (name for name in fresh if name not in used)
    people = [person.model_copy(update={"id": names.get(i) or next(free)}) for i, person in enumerate(new.people)]
    return new.model_copy(update={"people": tuple(people), "corrections": old.corrections})


def _similarity_of(a: model.Person, in_a: model.Sidecar, b: model.Person, in_b: model.Sidecar) -> float:
    """Compute the similarity of two tracked people: 1 to 2 by common frames and position, below 1 by identity alone."""
    places = [
        {line.frame: np.array([*line.rigid[:2], line.rigid[2]]) for block in person.blocks for line in block.smooth}
        for person in (a, b)
    ]
    common = sorted(places[0].keys() & places[1].keys())
    near = [np.linalg.norm(places[0][f][:2] - places[1][f][:2]) < places[0][f][2] for f in common]
    if common and np.mean(near) > 0.3:
        return 1.0 + float(np.sum(near)) / max(len(places[0]), len(places[1]))
    if common or a.identity is None or b.identity is None:
        return 0.0
    return likeness(*(mesh_codec.unpack_numbers(p.identity or "", 128, _IDENTITY_STEPS) for p in (a, b)))


def _step(frames: Sequence[int]) -> int:
    return int(min(np.diff(frames), default=1))


def _ranges(frames: Sequence[int], step: int) -> tuple[tuple[int, int, int], ...]:
    found: list[list[int]] = []
    for frame in frames:
        if found and frame - found[-1][1] == step:
            found[-1][1] = frame
        else:
            found.append([frame, frame])
    return tuple((first, last, step) for first, last in found)


def _spans_of(rows: list[Sample], found: Association, gap: int, step: int) -> list[list[Sample]]:
    return _split_at(sorted(rows, key=lambda row: row.frame), found.cuts, gap, step)


def _split_at(rows: Iterable[Sample], cuts: Sequence[int], gap: int, step: int) -> list[list[Sample]]:
    """Split sorted samples at cuts and at absences longer than `gap` frames."""
    spans: list[list[Sample]] = []
    for row in rows:
        last = spans[-1][-1].frame if spans else None
        parted = last is None or row.frame - last > (gap + 1) * step or any(last < cut <= row.frame for cut in cuts)
        if parted:
            spans.append([])
        spans[-1].append(row)
    return spans
