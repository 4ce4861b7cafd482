"""Defocus: a Gaussian of the wanted width, narrower across squeezed pixels, and nothing below what can be seen."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.comp.defocus import LEAST_SIGMA, defocused


def spread(picture: np.ndarray) -> tuple[float, float]:
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]] - 40.0
    return float(np.sqrt((picture * x * x).sum())), float(np.sqrt((picture * y * y).sum()))


@pytest.mark.parametrize("aspect", [1.0, 2.0])
def test_width(aspect: float) -> None:
    point = np.zeros((81, 81), np.float32)
    point[40, 40] = 1.0
    across, down = spread(defocused(point, 4.0, aspect))
    assert down == pytest.approx(4.0, rel=0.03) and across == pytest.approx(4.0 / aspect, rel=0.03)


def test_too_little_is_nothing() -> None:
    picture = np.random.default_rng(0).random((9, 9, 3)).astype(np.float32)
    assert defocused(picture, 0.9 * LEAST_SIGMA) is picture
