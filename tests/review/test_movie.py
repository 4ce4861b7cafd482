"""Review movies and stills with their burn-in."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from faceplate.color import ColorConfig
from faceplate.demo import person
from faceplate.face import FaceFinder
from faceplate.plate import Sequence
from faceplate.render import Renderer
from faceplate.review.movie import review
from marked_takes import marking_renderer

WIDTH, HEIGHT = 400, 300


def test_review_stills_carry_the_burn_in_and_the_picture(
    marked_take: Renderer, color: ColorConfig, tmp_path: Path
) -> None:
    made = review(marked_take.output, tmp_path / "r" / "review.####.png", color)
    plain = review(marked_take.output, tmp_path / "p" / "review.####.png", color, burn=False)
    burnt, clean = (cv2.imread(str(item.files[0])) for item in (made, plain))
    assert burnt is not None and clean is not None
    assert burnt.shape == (HEIGHT, WIDTH, 3) and len(made.files) == 2
    rows = np.flatnonzero((burnt != clean).any(axis=(1, 2)))
    assert rows[0] < 5 and rows[-1] < 0.2 * HEIGHT  # across the top, and nothing else
    assert made.fields["faceplate:shot"] == "sh010"


def test_a_review_of_an_element_is_laid_over_its_plate(
    marked_take: Renderer, small_plate: Path, color: ColorConfig, finder: FaceFinder, tmp_path: Path
) -> None:
    element = marking_renderer(small_plate, person("bea"), tmp_path / "e.####.exr", finder)
    element.prepare()
    element.write(element.render(1001))
    plate = Sequence.parse(str(small_plate))
    one = Sequence.parse(str(tmp_path / "e.1001.exr"))
    made = review(one, tmp_path / "r.1001.png", color, plate=plate, burn=False)
    over = review(Sequence.parse(str(marked_take.output.path(1001))), tmp_path / "o.1001.png", color, burn=False)
    one, two = (cv2.imread(str(item.files[0])) for item in (made, over))
    assert one is not None and two is not None
    assert np.abs(one.astype(int) - two.astype(int)).max() <= 2
