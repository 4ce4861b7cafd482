"""Tones in the track: their text, and their smoothing over time."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.comp.skin_tones import COUNT, SkinTones, edge_points, tone_points
from faceplate.face.shape import head_model
from faceplate.track.tones import FINE, RAW, between_tones, mean_tones, pack_tones, smooth_tones, unpack_tones

PLACES = head_model().reference[tone_points()]
RIGHT_CHEEK, LEFT_CHEEK = PLACES[:, 0] < -0.4, PLACES[:, 0] > 0.4
LIGHT = np.log(0.2) + np.outer(0.5 * PLACES[:, 0], [1.0, 1.0, 1.0]) + np.array([0.2, 0.0, -0.3])


def tones(log: np.ndarray, trust: np.ndarray | float = 1.0) -> SkinTones:
    return SkinTones(log, np.broadcast_to(np.asarray(trust, float), (COUNT,)).copy())


def noise(frame: int, strength: float = 0.01) -> np.ndarray:
    return np.random.default_rng([7, frame]).standard_normal((COUNT, 3)) * strength


def smoothed(series: list[SkinTones | None]) -> tuple[np.ndarray, np.ndarray]:
    """Smooth one value a frame, rounded as the track stores it: logarithms (n, 112, 3) and trust (n, 112)."""
    stored = [unpack_tones(pack_tones(item, RAW), RAW) for item in series]
    frames = range(len(series))
    found = smooth_tones(frames, stored, frames, 1)
    fine = [unpack_tones(pack_tones(item, FINE), FINE) for item in found]
    return np.array([item.log for item in fine if item]), np.array([item.trust for item in fine if item])


def unrest(series: np.ndarray) -> float:
    """The standard deviation of the change from frame to frame."""
    return float(np.diff(series, axis=0).std())


# The text ---------------------------------------------------------------------------------------------------------------


def test_tones_come_back_as_they_were_stored() -> None:
    given = tones(LIGHT + noise(1, 0.3), np.random.default_rng(2).uniform(0, 1, COUNT))
    for steps in (RAW, FINE):
        stored = unpack_tones(pack_tones(given, steps), steps)
        assert stored is not None
        assert np.abs(stored.log - given.log).max() <= 0.5 / steps[0] + 1e-12
        assert np.abs(stored.trust - given.trust).max() <= 0.5 / steps[1] + 1e-12
        again = unpack_tones(pack_tones(stored, steps), steps)
        assert again is not None and np.array_equal(again.log, stored.log) and np.array_equal(again.trust, stored.trust)
    assert pack_tones(None, RAW) is None and unpack_tones(None, RAW) is None


def test_a_base_makes_the_text_shorter_and_changes_no_value() -> None:
    base = unpack_tones(pack_tones(tones(LIGHT + noise(1, 0.3), 0.8), RAW), RAW)
    given = tones(LIGHT + noise(1, 0.3) + noise(2, 0.003), 0.8)
    for steps in (RAW, FINE):
        alone, text = pack_tones(given, steps), pack_tones(given, steps, base)
        assert alone is not None and text is not None and len(text) < 0.7 * len(alone)
        first, second = unpack_tones(alone, steps), unpack_tones(text, steps, base)
        assert first is not None and second is not None
        assert np.array_equal(first.log, second.log) and np.array_equal(first.trust, second.trust)


@pytest.mark.parametrize("text", ["", "AAAA", "not base 64", "7cExAQAAAMKg9U9tCj+gAAAA"])
def test_text_that_is_no_tones_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"numbers|packed"):
        unpack_tones(text, RAW)


def test_the_mean_and_what_lies_between() -> None:
    first, second = tones(LIGHT), tones(LIGHT + 1.0, 0.5)
    mean = mean_tones([first, None, second])
    assert mean is not None and np.allclose(mean.log, LIGHT + 0.5) and np.allclose(mean.trust, 0.75)
    assert mean_tones([None]) is None
    between = between_tones(first, second, 0.25)
    assert between is not None and np.allclose(between.log, LIGHT + 0.25)
    assert between_tones(None, second, 0.5) is second and between_tones(first, None, 0.5) is first


# Smoothing over time ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strength", [0.003, 0.01, 0.04])
@pytest.mark.parametrize("count", [16, 60])
def test_still_light_with_noise_stands_still(strength: float, count: int) -> None:
    raw = [tones(LIGHT + noise(i, strength)) for i in range(count)]
    log, _ = smoothed(list(raw))
    assert unrest(log) < unrest(np.array([item.log for item in raw])) / 8
    assert np.abs(log.mean(axis=0) - LIGHT).max() < strength + 0.5 / RAW[0]


def test_a_light_that_is_switched_on_does_not_lag() -> None:
    on = 20
    log, _ = smoothed([tones(LIGHT + noise(i) + 0.7 * (i >= on)) for i in range(40)])
    part = (log - LIGHT).mean(axis=(1, 2)) / 0.7
    assert np.abs(part[: on - 1]).max() < 0.03 and np.abs(part[on + 1 :] - 1).max() < 0.03
    assert part[on - 1] < 0.3 and part[on] > 0.7


def test_a_flash_of_one_frame_keeps_its_height() -> None:
    log, _ = smoothed([tones(LIGHT + noise(i) + 0.7 * (i == 12)) for i in range(25)])
    part = (log - LIGHT).mean(axis=(1, 2)) / 0.7
    assert part[12] > 0.95 and np.abs(np.delete(part, 12)).max() < 0.05


def test_light_that_fades_slowly_is_followed() -> None:
    fade = np.linspace(0, 1, 48)
    log, _ = smoothed([tones(LIGHT + noise(i) + fade[i]) for i in range(48)])
    assert np.abs((log - LIGHT).mean(axis=(1, 2)) - fade).max() < 0.01


def test_a_face_that_turns_and_then_stops_leaves_the_light_still() -> None:
    turned = 0.6 * np.clip(np.arange(16) / 12, 0, 1)
    log, _ = smoothed([tones(LIGHT + noise(i, 0.003) + turned[i] * PLACES[:, :1]) for i in range(16)])
    speed = np.abs(np.diff(log, axis=0)).mean(axis=(1, 2))
    assert speed[13:].max() < 0.2 * speed[2:10].mean()


def test_a_shadow_on_one_cheek_leaves_the_other_still() -> None:
    shadow = np.where(RIGHT_CHEEK, -0.8, 0.0)[:, None]
    log, _ = smoothed([tones(LIGHT + noise(i) + shadow * (14 <= i < 18)) for i in range(32)])
    away = log - LIGHT
    assert away[15:17, RIGHT_CHEEK].mean() == pytest.approx(-0.8, abs=0.05)
    assert unrest(away[:, LEFT_CHEEK]) < 0.01 * np.sqrt(2) / 8


def test_a_mesh_that_slides_over_the_skin_of_a_talking_face_changes_no_light() -> None:
    """Around the mouth tones wander by a few percent, at the jaw by ten, smoothly over a syllable."""
    near_mouth = np.linalg.norm(PLACES[:, :2] - (0.0, 1.2), axis=1) < 0.7
    jaw = edge_points() & (PLACES[:, 1] > 1.2)
    size = np.where(jaw, 0.1, np.where(near_mouth, 0.04, 0.0))[:, None]
    log, _ = smoothed([tones(LIGHT + noise(i, 0.003) + size * np.sin(2 * np.pi * i / 14)) for i in range(60)])
    away = (log - LIGHT)[8:-8]
    assert np.abs(away[:, near_mouth & ~jaw]).max() < 0.01 and np.abs(away[:, jaw]).max() < 0.025


def test_hair_that_comes_and_goes_does_not_show() -> None:
    """What is hidden for a while is dark and not trusted, its edge half trusted: the tones stay as they are."""
    series: list[SkinTones | None] = []
    for i in range(40):
        hidden = float(np.interp(i, [9, 12, 20, 23], [0, 1, 1, 0]))
        series.append(
            tones(
                LIGHT + noise(i) - np.where(RIGHT_CHEEK, 2.0 * hidden, 0.0)[:, None],
                np.where(RIGHT_CHEEK, (1 - hidden) ** 2, 1.0),
            )
        )
    log, trust = smoothed(series)
    assert np.abs((log - LIGHT)[:, RIGHT_CHEEK].mean(axis=(1, 2))).max() < 0.15
    assert np.abs(np.diff((log - LIGHT).mean(axis=2), axis=0)).max() < 0.08
    assert np.abs(np.diff(trust, axis=0)).max() < 0.25
    assert trust[16, RIGHT_CHEEK].max() < 0.1 and trust[0].min() > 0.99


def test_what_is_hidden_for_long_follows_the_light() -> None:
    dimmed = np.linspace(0, -1, 120)
    trust = np.where(RIGHT_CHEEK, 0.0, 1.0)
    series: list[SkinTones | None] = [
        tones(LIGHT + noise(i) + dimmed[i], trust if 30 <= i < 110 else 1.0) for i in range(120)
    ]
    log, _ = smoothed(series)
    assert np.abs((log - LIGHT)[:, RIGHT_CHEEK].mean(axis=(1, 2)) - dimmed).max() < 0.08


def test_frames_without_tones_are_interpolated() -> None:
    series: list[SkinTones | None] = [None if i in (7, 8) else tones(LIGHT + noise(i) + 0.05 * i) for i in range(20)]
    log, trust = smoothed(series)
    assert np.abs((log - LIGHT)[5:11].mean(axis=(1, 2)) - 0.05 * np.arange(5, 11)).max() < 0.02
    assert trust.min() > 0.99
    assert smooth_tones(range(3), [None] * 3, range(3), 1) == [None] * 3


def test_every_other_frame() -> None:
    found = smooth_tones([10, 14], [tones(LIGHT), tones(LIGHT + 0.2)], [8, 10, 12, 14, 16], 2)
    levels = [(item.log - LIGHT).mean() for item in found if item is not None]
    assert levels == pytest.approx([0.0, 0.0, 0.1, 0.2, 0.2], abs=0.03)


def test_a_point_that_is_never_seen_takes_the_light_of_its_neighbours() -> None:
    trust = np.ones(COUNT)
    trust[60] = 0.0
    log, found = smoothed([tones(np.where(trust[:, None] > 0, LIGHT, -9.0), trust)] * 12)
    near = np.argsort(np.linalg.norm(PLACES - PLACES[60], axis=1))[1:5]
    assert np.abs(log[:, 60] - LIGHT[near].mean(axis=0)).max() < 0.2 and found[:, 60].max() == 0.0
