"""Windows found in masks."""

from __future__ import annotations

import numpy as np

from faceplate.image.window import Window

WINDOW = Window(-16, 12, 40, 30)


def test_the_window_of_a_mask_holds_all_its_pixels_and_no_more() -> None:
    mask = np.zeros((30, 40), bool)
    mask[3, 7] = mask[21, 5] = True
    found = Window.of_mask(mask, WINDOW)
    assert found == Window(-11, 15, 3, 19)
    rest = mask.copy()
    rest[found.slices(WINDOW)] = False
    assert not rest.any()


def test_the_window_of_an_empty_mask_is_empty() -> None:
    assert Window.of_mask(np.zeros((30, 40), bool), WINDOW).empty
    assert Window.of_mask(np.ones((30, 40), bool), WINDOW) == WINDOW
