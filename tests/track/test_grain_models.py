"""Grain of the plate, stored in its track."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from commands import render_null
from faceplate.comp.grain import Grain, measure_grain
from faceplate.demo.plate import PATTERN
from faceplate.track import Track, track_shot
from faceplate.track.grain_models import grain_at, grain_models, pack_grain, unpack_grain
from faceplate.track.model import VERSION
from track_plates import FLOOR, GRAIN, background, over, portrait, write_frames


def grain_of(factor: float) -> Grain:
    return Grain(
        GRAIN.astype(np.float64) * factor, np.full(3, FLOOR) * factor, Grain.none().kernel, np.eye(3, dtype=np.float32)
    )


def test_a_track_keeps_the_grain_of_its_plate(tmp_path: Path) -> None:
    wall = background(640, 360, 3)
    plate = write_frames(tmp_path, 3, lambda i: over(wall, portrait("bea"), (320, 180), 300), strength=4.0)
    track = track_shot(plate, tmp_path / "t.json")
    assert track.sidecar.plate.working == "ACEScg"
    grain = track.grain(1002)
    assert grain is not None
    signal = np.array([[[0.05] * 3, [0.2] * 3]], np.float32)
    truth = 4 * (signal * GRAIN + FLOOR)
    assert np.allclose(grain.variance(signal), truth, rtol=0.25)
    assert track.grain(999) is None
    again = Track.load(tmp_path / "t.json").grain(1002)
    assert again is not None and np.array_equal(again.kernel, grain.kernel) and np.array_equal(again.slope, grain.slope)


def test_views_have_their_own_grain_and_what_varies_is_followed() -> None:
    steady = [(frame, 0.2, grain_of(1 + 0.05 * (-1) ** frame)) for frame in range(1001, 1100, 12)]
    fading = [(frame, 0.2, grain_of(8 * 2.0 ** ((frame - 1100) / 24))) for frame in range(1100, 1200, 12)]
    first, second = grain_models(steady + fading, (1100,), 1001, 1199)
    assert (first.first, first.last, second.first, second.last) == (1001, 1099, 1100, 1199)
    assert first.amounts == () and np.allclose(first.slope, GRAIN, rtol=0.06)
    for frame in (1112, 1136, 1160, 1180):
        found = grain_at((first, second), frame)
        assert found is not None
        assert np.allclose(found.slope, GRAIN * 8 * 2.0 ** ((frame - 1100) / 24), rtol=0.08)


def test_a_sample_survives_the_work_file() -> None:
    noise = np.random.default_rng(2).standard_normal((96, 96, 3)).astype(np.float32)
    grain = measure_grain(0.2 + 0.01 * cv2.GaussianBlur(noise, (0, 0), 0.6), np.ones((96, 96), bool))
    back = unpack_grain(json.loads(json.dumps(pack_grain(grain))))
    for name in ("slope", "floor", "kernel", "mixing"):
        assert np.array_equal(getattr(back, name), getattr(grain, name)) and not grain.empty
        assert getattr(back, name).dtype == getattr(grain, name).dtype


def test_a_track_of_version_1_is_read_and_its_grain_measured_on_the_fly(walking_frames: Path, tmp_path: Path) -> None:
    track = track_shot(str(walking_frames / PATTERN), tmp_path / "t.json")
    item = json.loads((tmp_path / "t.json").read_text())
    item["faceplate_track"] = 1
    del item["grain"], item["plate"]["working"], item["plate"]["search"], item["plate"]["state"]
    (tmp_path / "old.json").write_text(json.dumps(item))
    old = Track.load(tmp_path / "old.json")
    assert old.grain(1002) is None and track.grain(1002) is not None
    assert old.sidecar.people == track.sidecar.people
    render_null(walking_frames, tmp_path / "old", "--track", tmp_path / "old.json", "-f", "1002")
    old.rename("p1", "Eve").save()
    assert json.loads((tmp_path / "old.json").read_text())["faceplate_track"] == VERSION
