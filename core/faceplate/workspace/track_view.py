"""What the page shows of a track: people, plots over time, the view plan as a lane, and corrections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import ValidationError

from faceplate.errors import FaceplateError, UsageError
from faceplate.render import Renderer
from faceplate.service.shot_info import people
from faceplate.service.view_lists import view_list
from faceplate.shot import first_fault
from faceplate.track import Track
from faceplate.track.corrections import region_weight
from faceplate.track.model import Corrections

__all__ = ["edited_track", "track_answer"]

Edit = Mapping[str, Any]

# A small move of a region, as a fraction of the face's size, to measure how far it goes in pixels.
_TRIAL = 0.01


def track_answer(renderer: Renderer, track: Track) -> dict[str, Any]:
    """Return the track of a renderer's shot for the page."""
    chosen = _chosen(renderer, track)
    return {
        "people": people(track),
        "chosen": chosen,
        "cuts": list(track.sidecar.cuts),
        "plots": {person.id: _plots(track, person.id) for person in track.people},
        "grain": _grain(track),
        "views": view_list(renderer, track, chosen) if chosen is not None else {"names": [], "lane": []},
        "corrections": track.sidecar.corrections.model_dump(mode="json"),
        "orphans": list(track.orphans),
    }


def edited_track(track: Track, edit: Edit) -> Track:
    """Return the track with one correction.

    Raises
    ------
    UsageError
        `bad-edit`, and what the track's own functions raise.
    """
    do = edit.get("do")
    try:
        if do == "undo-to":
            return _with_corrections(track, edit["corrections"])
        person = str(edit["person"])
        if do == "drag":
            return _dragged(track, person, edit)
        if do == "move":
            dx, dy = edit.get("pixels", (0.0, 0.0))
            return track.key(
                person, edit["frame"], (float(dx), float(dy)), edit.get("scale", 1.0), edit.get("rotate", 0.0)
            )
        if do == "bad":
            return track.mark_bad(person, edit["first"], edit.get("last"), bool(edit.get("exclude", False)))
        if do == "view":
            return track.key_view(person, edit["first"], edit["last"], edit["view"])
        simple = {"clear-views": track.clear_views, "clear": track.clear}
        if do in simple:
            return simple[do](person)
        if do == "rename":
            return track.rename(person, edit["name"])
    except KeyError as error:
        raise UsageError("bad-edit", f"The edit '{do}' lacks the field {error.args[0]!r}.") from error
    except (TypeError, ValueError) as error:
        raise UsageError("bad-edit", f"The edit '{do}' is wrong: {error}.") from error
    raise UsageError(
        "bad-edit", f"There is no edit '{do}'; it can be drag, move, bad, view, clear-views, rename, clear or undo-to."
    )


def _dragged(track: Track, person: str, edit: Edit) -> Track:
    """Return the track with a region moved by `pixels` of the plate more than it is moved at that frame.

    How far the region moves in pixels for a move along the face's own axes is measured, because the face's turn, its size, and
    the keys of the whole mesh change it.
    """
    frame, region, wanted = edit["frame"], edit["region"], np.array([float(value) for value in edit["pixels"]])
    if wanted.shape != (2,):
        raise UsageError("bad-edit", "The field pixels of a drag holds two numbers.")
    held = next(
        (
            np.array(drag.move)
            for drag in track.sidecar.corrections.drags
            if (drag.person, drag.region, drag.frame) == (person, region, frame)
        ),
        np.zeros(2),
    )

    def centre(move: np.ndarray) -> np.ndarray:
        found = track.drag(person, region, frame, (float(move[0]), float(move[1]))).face(person, frame)
        if found is None:
            raise UsageError("no-face", f"The track has no face of {person} in frame {frame}.")
        return found.face.points[region_weight(region) >= 1, :2].mean(axis=0)

    begin, steps = centre(held), np.where(held > 0, -_TRIAL, _TRIAL)
    moved = np.stack([(centre(held + step * axis) - begin) / step for step, axis in zip(steps, np.eye(2), strict=True)])
    move = held + np.linalg.solve(moved.T, wanted)
    return track.drag(person, region, frame, (round(float(move[0]), 5), round(float(move[1]), 5)))


def _with_corrections(track: Track, given: Any) -> Track:
    """Return the track with all corrections replaced."""
    try:
        layer = Corrections.model_validate(given)
    except ValidationError as error:
        raise UsageError("bad-edit", f"The corrections are wrong: {first_fault(error)}.") from error
    return Track(track.sidecar.model_copy(update={"corrections": layer}), track.path)


def _chosen(renderer: Renderer, track: Track) -> str | None:
    """Return the person whom the shot's target names; None where it is not settled."""
    try:
        return track.choose(renderer.shot.parameters.target)
    except (FaceplateError, TypeError):
        return None


def _plots(track: Track, person: str) -> dict[str, Any]:
    """Return a person's values over the frames in which they are rendered."""
    frames: list[int] = []
    rows: dict[str, list[Any]] = {
        name: []
        for name in ("box", "confidence", "yaw", "pitch", "roll", "weight", "bad", "seen", "sharpness", "level")
    }
    for frame in track.person(person).frames:
        found = track.face(person, frame)
        if found is None:
            continue
        frames.append(frame)
        softness = found.look.softness if found.look is not None else None
        values = (
            [round(value, 2) for value in found.face.box],
            round(found.confidence, 4),
            *(round(angle, 2) for angle in found.pose),
            round(found.weight, 4),
            found.bad,
            found.seen,
            None if not softness else round(1.0 / softness, 2),
            round(found.face.level, 5),
        )
        for name, value in zip(rows, values, strict=True):
            rows[name].append(value)
    return {"frames": frames, **rows}


def _grain(track: Track) -> dict[str, Any]:
    """Return the grain's strength by frame: the standard deviation of green at 18 % grey, in the working space."""
    frames, strength = [], []
    for frame in track.frames:
        frames.append(frame)
        grain = track.grain(frame)
        strength.append(None if grain is None else round(float(np.sqrt(grain.slope[1] * 0.18 + grain.floor[1])), 6))
    return {"frames": frames, "strength": strength}
