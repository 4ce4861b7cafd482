"""Sclera and teeth along a track: stored, smoothed slowly, carried over closed eyes and mouths."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.comp.feature_tones import FeatureTones
from faceplate.track.features import between_features, pack_features, smooth_features, unpack_features

LOG = np.array([[-0.3, 0.1, 0.4], [0.2, 0.5, 0.6]])


def features(change: float = 0.0, certainty: tuple[float, float] = (1.0, 1.0)) -> FeatureTones:
    return FeatureTones(LOG + change, np.array(certainty))


def test_features_come_back_as_they_were_stored() -> None:
    stored = unpack_features(pack_features(features(0.123456, (0.3, 0.77))))
    assert stored is not None
    assert np.abs(stored.log - LOG - 0.123456).max() <= 0.5 / 1024
    assert np.abs(stored.certainty - (0.3, 0.77)).max() <= 0.5 / 60
    assert pack_features(stored) == pack_features(unpack_features(pack_features(stored)))
    assert pack_features(None) is None and unpack_features(None) is None


def test_text_that_is_no_features_is_refused() -> None:
    with pytest.raises(ValueError):
        unpack_features("AAAA")


def test_noise_is_smoothed_away_and_a_grade_that_changes_is_followed_slowly() -> None:
    noise = np.random.default_rng(3).normal(0, 0.05, 100)
    found = smooth_features(range(100), [features(value) for value in noise], range(100))
    logs = np.array([one.log for one in found if one is not None])
    assert np.abs(np.diff(logs, axis=0)).max() < 0.005 and np.abs(logs - LOG).max() < 0.04


def test_closed_eyes_and_mouths_keep_what_was_seen() -> None:
    series = [features(0.0) if i < 20 or i > 180 else features(5.0, (0.0, 0.0)) for i in range(200)]
    found = smooth_features(range(200), series, range(200))
    for one in found:
        assert one is not None and np.abs(one.log - LOG).max() < 1e-6 and one.certainty.min() > 0.99
    never = smooth_features(range(3), [features(5.0, (0.0, 0.0))] * 3, range(3))
    assert all(one is not None and not one.certainty.any() and np.isfinite(one.log).all() for one in never)


def test_frames_without_features_are_filled() -> None:
    series = [None if i % 3 else features(0.01 * i) for i in range(30)]
    assert all(one is not None for one in smooth_features(range(30), series, range(30)))
    assert smooth_features(range(3), [None] * 3, range(3)) == [None] * 3
    between = between_features(features(0.0), features(1.0, (0.0, 0.0)), 0.25)
    assert between is not None and np.allclose(between.log, LOG + 0.25) and np.allclose(between.certainty, 0.75)
    assert between_features(None, series[0], 0.5) is series[0]
