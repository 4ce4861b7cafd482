"""The plate's lens and shutter as its faces show them: the shutter of each view, and the softness of each face in each frame.

Both follow from the raw edges and the smoothed movement of the whole track, so they are found when the track is assembled, and
found again when it is smoothed again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from faceplate.comp.edge_widths import EdgeWidths, feature_points, softness
from faceplate.errors import UsageError
from faceplate.track import mesh_codec, model
from faceplate.track.samples import unpacked_base, unpacked_mesh
from faceplate.track.sharpness import smooth_softness, unpack_edges
from faceplate.track.smooth import place
from faceplate.track.streaks import measured_shutter

__all__ = ["with_lens"]


@dataclass(frozen=True)
class _Seen:
    """The edges of a face in a frame, and how far it moves from frame to frame, (2,) in fractions of its size."""

    frame: int
    edges: EdgeWidths
    movement: np.ndarray


def with_lens(sidecar: model.Sidecar) -> model.Sidecar:
    """Return a track with its shutters and with the softness of its faces, from its raw edges. Frames marked bad have no weight."""
    bad = {(mark.person, frame) for mark in sidecar.corrections.bad for frame in range(mark.first, mark.last + 1)}
    seen = {person.id: _seen_of(person, sidecar, bad) for person in sidecar.people}
    faces = [[item for items in spans.values() for item in items] for spans in seen.values()]
    if not any(faces):
        return sidecar
    shutters = _shutters(sidecar, faces)
    people = [_with_softness(person, seen[person.id], shutters) for person in sidecar.people]
    return sidecar.model_copy(update={"people": tuple(people), "shutters": shutters})


def _shutters(sidecar: model.Sidecar, faces: list[list[_Seen]]) -> tuple[model.Shutter, ...]:
    """Return the shutter of each view whose faces move; those that the track has, where it stores no energy of the slopes."""
    if not any(item.edges.energy is not None for items in faces for item in items):
        return sidecar.shutters
    frames = [item.frame for items in faces for item in items]
    first = min(sidecar.ranges[0][0], *frames)  # the margins of the range count, too
    last = max(sidecar.ranges[-1][1], *frames)
    starts = [first, *(cut for cut in sidecar.cuts if cut > first)]
    shutters = []
    for start, end in zip(starts, [*(start - 1 for start in starts[1:]), last], strict=True):
        fraction = measured_shutter(_in_view(items, start, end) for items in faces)
        if fraction is not None:
            shutters.append(model.Shutter(first=start, last=end, fraction=round(fraction, 3)))
    return tuple(shutters)


def _in_view(items: list[_Seen], start: int, end: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return the energies and the movements of one face in a view."""
    told = [(item.edges.energy, item.movement) for item in items if start <= item.frame <= end]
    known = [(energy, movement) for energy, movement in told if energy is not None]
    return [energy for energy, _ in known], [movement for _, movement in known]


def _seen_of(person: model.Person, sidecar: model.Sidecar, bad: set[tuple[str, int]]) -> dict[int, list[_Seen]]:
    """Return what each span of a person shows, by span."""
    raw = {line.frame: line for block in person.blocks for line in block.raw}
    spans: dict[int, list[_Seen]] = {}
    places: dict[int, dict[int, np.ndarray]] = {}
    for block in person.blocks:
        base = unpacked_base(block)
        for line in block.smooth:
            places.setdefault(block.span, {})[line.frame] = _face_of(line, base, sidecar.plate.pixel_aspect)
    for span, faces in places.items():
        frames = np.array(sorted(faces))
        centres = np.array([faces[frame][:2] for frame in frames])
        speed = np.gradient(centres, frames, axis=0) if len(frames) > 1 else np.zeros_like(centres)
        for frame, moved in zip(frames.tolist(), speed, strict=True):
            edges = None if frame not in raw else _edges(raw[frame], person.id)
            if edges is not None and (person.id, frame) not in bad:
                spans.setdefault(span, []).append(_Seen(frame, edges, moved / faces[frame][2]))
    return spans


def _face_of(line: model.SmoothLine, base: np.ndarray, aspect: float) -> np.ndarray:
    """Return the place of a face's features and its size, in projected pixels, (3,)."""
    shape = unpacked_mesh(line.mesh, base, mesh_codec.FINE, f"frame {line.frame} smooth mesh")
    x, y, scale, turn = line.rigid
    points = place(np.array([x * aspect, y, math.log(scale), turn]), shape)[:, :2]
    return np.array([*points[feature_points()].mean(axis=0), max(float(np.ptp(points, axis=0).max()), 1e-6)])


def _edges(line: model.RawLine, person: str) -> EdgeWidths | None:
    try:
        return unpack_edges(line.edges)
    except ValueError as error:
        where = f"people.{person} frame {line.frame} raw edges"
        raise UsageError("bad-track", f"The track is damaged: {where} {error}; track the plate again.") from error


def _with_softness(
    person: model.Person, spans: dict[int, list[_Seen]], shutters: tuple[model.Shutter, ...]
) -> model.Person:
    """Return a person with the softness of each smooth line."""
    known: dict[int, float] = {}
    for span, seen in spans.items():
        open_ = [next((s.fraction for s in shutters if s.first <= item.frame <= s.last), 0.0) for item in seen]
        values = [softness(item.edges, item.movement, part) for item, part in zip(seen, open_, strict=True)]
        trust = [float(item.edges.weights.mean()) for item in seen]
        wanted = [line.frame for block in person.blocks if block.span == span for line in block.smooth]
        known |= dict(zip(wanted, smooth_softness([item.frame for item in seen], values, trust, wanted), strict=True))

    def softened(line: model.SmoothLine) -> model.SmoothLine:
        value = known.get(line.frame)
        return line if value is None else line.model_copy(update={"softness": float(f"{value:.4g}")})

    blocks = [
        block.model_copy(update={"smooth": tuple(softened(line) for line in block.smooth)}) for block in person.blocks
    ]
    return person.model_copy(update={"blocks": tuple(blocks)})
