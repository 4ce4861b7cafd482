"""The ends of a tracked range agree with a longer track's, and frames beyond it are not rendered."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from faceplate.cli import main
from faceplate.render.metadata import engine_fields
from faceplate.render.resources import RenderResources
from faceplate.shot.parameters import Parameters
from faceplate.track import Track, model, track_shot
from faceplate.track.assembly import build
from faceplate.track.margins import with_margins
from track_plates import path_matrix, portrait, warped, write_frames
from track_sightings import FIRST, PLATE, mean_head, points_at, seen_frames, track_from

SMOOTHING = model.Smoothing()
COLOR = SimpleNamespace(source="", working_space="ACEScg")


def test_margins_are_frames_of_the_plate_with_the_steps_of_the_range() -> None:
    plate = range(1, 41)
    assert with_margins([10, 11, 12], plate, 3) == tuple(range(7, 16))
    assert with_margins([10, 11, 12], [*range(8, 14), 99], 3) == tuple(range(8, 14))
    assert with_margins([10, 12, 14], plate, 2) == (6, 8, 10, 12, 14, 16, 18)
    assert with_margins([10, 11, 30, 31], plate, 2) == (8, 9, 10, 11, 12, 13, 28, 29, 30, 31, 32, 33)
    assert with_margins([12, 11], plate, 0) == (11, 12)
    assert with_margins([20], plate, 5) == (20,)
    assert with_margins(plate, plate) == tuple(plate)


def _nodding(frame: int) -> np.ndarray:
    rng = np.random.default_rng(frame)
    return mean_head(500 + 3 * frame, 300 + 20 * np.sin(frame / 5), 90, 0.05 * np.sin(frame / 7)) + rng.normal(
        0, 0.4, (478, 3)
    )


def test_a_range_with_margins_has_the_faces_of_the_longer_track() -> None:
    seen = seen_frames(60, {1: _nodding})
    whole = track_from(seen)
    wanted = range(FIRST + 20, FIRST + 40)
    part = Track(build(seen, PLATE, SMOOTHING, {}, wanted))
    alone = Track(build([item for item in seen if item.frame in wanted], PLATE, SMOOTHING, {}))
    assert part.frames == part.people[0].frames == tuple(wanted)
    assert part.range_text == f"{wanted[0]}-{wanted[-1]}"
    for frame in (wanted[0], wanted[-1]):
        assert np.array_equal(points_at(part, "p1", frame), points_at(whole, "p1", frame))
        assert np.array_equal(part.movement("p1", frame), whole.movement("p1", frame))  # type: ignore[arg-type]
        assert not np.array_equal(points_at(alone, "p1", frame), points_at(whole, "p1", frame))
    resting, same = part.resting_face("p1"), whole.resting_face("p1")
    assert resting is not None and same is not None and np.array_equal(resting.eyes, same.eyes)
    for beyond in (wanted[0] - 1, wanted[-1] + 1):
        assert not part.holds(beyond)
        assert part.face("p1", beyond) is part.raw("p1", beyond) is part.movement("p1", beyond) is None
    again = part.smoothed(1.0)
    assert np.array_equal(points_at(again, "p1", wanted[-1]), points_at(part, "p1", wanted[-1]))
    assert again.frames == part.frames


def test_somebody_in_the_margin_alone_is_no_person_of_the_track() -> None:
    seen = seen_frames(
        48,
        {
            1: lambda i: mean_head(200, 300) if i < 12 else None,
            2: lambda i: mean_head(600, 300) if i >= 20 else None,
            3: lambda i: mean_head(1000, 300),
        },
    )
    track = Track(build(seen, PLATE, SMOOTHING, {}, range(FIRST + 18, FIRST + 40)))
    assert [person.id for person in track.people] == ["p1", "p2"]
    assert points_at(track, "p1", FIRST + 30)[:, 0].mean() > 900  # in order of their first frame inside the range
    assert track.choose(2) == "p2"


def test_a_plate_is_read_beyond_the_range(tmp_path: Path) -> None:
    def picture(i: int) -> np.ndarray:
        return warped(portrait("ada"), path_matrix(i, "pan", 480, 270, 0.25), 480, 270)

    plate = write_frames(tmp_path, 10, picture)
    whole = track_shot(plate, tmp_path / "whole.json")
    wanted = whole.frames[:6]
    part = track_shot(plate, tmp_path / "part.json", frames=wanted)
    alone = track_shot(plate, tmp_path / "alone.json", frames=wanted, margin=0)
    assert part.frames == alone.frames == wanted
    assert part.sidecar.plate.state == alone.sidecar.plate.state != whole.sidecar.plate.state
    assert np.array_equal(points_at(part, "p1", wanted[-1]), points_at(whole, "p1", wanted[-1]))
    assert not np.array_equal(points_at(alone, "p1", wanted[-1]), points_at(whole, "p1", wanted[-1]))


def test_the_range_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seen = seen_frames(30, {1: _nodding})
    part = Track(build(seen, PLATE, SMOOTHING, {}, [*range(1003, 1007), *range(1011, 1013)]))
    part.save(tmp_path / "part.track.json")
    with pytest.raises(SystemExit) as ended:
        main.run(["tracks", "show", str(tmp_path / "part.track.json")])
    assert ended.value.code == 0
    assert "Tracked frames: 1003-1006,1011-1012\n" in capsys.readouterr().out
    resources = SimpleNamespace(
        track=part, cards=lambda _: [], generator=lambda _: SimpleNamespace(name="null"), color=COLOR
    )
    resources.matte_networks = lambda _: SimpleNamespace(occluder=None, parser=None)
    fields = engine_fields(cast(RenderResources, resources), Parameters())
    assert fields["faceplate:tracked"] == "1003-1006,1011-1012"
