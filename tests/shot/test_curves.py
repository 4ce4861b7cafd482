"""Curves: exact at their keys, monotone between, held beyond."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceplate.shot.curves import Curve, Key

values = st.floats(-1e3, 1e3).map(lambda value: round(value, 3))
curves = st.lists(
    st.tuples(st.integers(-200, 200), values, st.sampled_from(["hold", "linear", "smooth"])),
    min_size=1, max_size=8, unique_by=lambda key: key[0],
).map(lambda keys: Curve(keys=tuple(Key._make(key) for key in sorted(keys))))  # fmt: skip


@given(curves)
@settings(max_examples=150, deadline=None)
def test_a_curve_is_exact_at_its_keys_and_holds_beyond_them(curve: Curve) -> None:
    for key in curve.keys:
        assert curve.at(key.frame) == key.value
    assert curve.at(curve.keys[0].frame - 7) == curve.keys[0].value
    assert curve.at(curve.keys[-1].frame + 7) == curve.keys[-1].value


@given(curves)
@settings(max_examples=150, deadline=None)
def test_a_segment_is_monotone_and_stays_between_its_keys(curve: Curve) -> None:
    for start, end in zip(curve.keys, curve.keys[1:], strict=False):
        steps = [start.frame + (end.frame - start.frame) * k / 32 for k in range(33)]
        seen = [curve.at(step) for step in steps[:-1]]
        low, high = sorted((start.value, end.value))
        assert all(low <= value <= high for value in seen)
        if start.interpolation == "hold":
            assert set(seen) == {start.value}
            continue
        sign = 1 if end.value >= start.value else -1
        rises = [sign * (later - earlier) for earlier, later in itertools.pairwise(seen)]
        assert min(rises, default=0.0) >= -1e-9 * max(abs(low), abs(high), 1.0)


@given(curves.filter(lambda curve: all(key.interpolation == "smooth" for key in curve.keys)))
@settings(max_examples=80, deadline=None)
def test_a_smooth_curve_has_no_corner(curve: Curve) -> None:
    reach = max(key.value for key in curve.keys) - min(key.value for key in curve.keys)
    for key in curve.keys:
        before = (key.value - curve.at(key.frame - 1e-5)) / 1e-5
        after = (curve.at(key.frame + 1e-5) - key.value) / 1e-5
        assert abs(before - after) <= 2e-3 * (1 + reach)


def test_known_values_of_each_interpolation() -> None:
    def between(interpolation: Any) -> float:
        return Curve(keys=(Key(1001, 0.0, interpolation), Key(1011, 1.0))).at(1006)

    assert (between("hold"), between("linear"), between("smooth")) == (0.0, 0.5, 0.5)
    ease = Curve(keys=(Key(0, 0.0, "smooth"), Key(4, 1.0)))
    assert ease.at(1) == pytest.approx(0.15625)  # 3t² − 2t³
    # Through an uneven middle key: Fritsch and Butland's tangent there is 3 / (1.25 / 1 + 1.75 / 0.5) per frame.
    bent = Curve(keys=(Key(0, 0.0, "smooth"), Key(4, 4.0, "smooth"), Key(8, 6.0)))
    assert bent.at(2) == pytest.approx(2.0 - 4 * (2 / (1 / 1.0 + 1 / 0.5)) / 8)
