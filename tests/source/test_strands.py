"""Hair of the skin's brightness is found by its streaks, and skin that shows between strands is not trusted."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from faceplate.source import Source, SourceView
from faceplate.source.maps import find_maps
from faceplate.source.strands import find_cracks, find_gaps, find_holes, find_slits, find_under_fringe
from source_views import maps_of, repainted


@pytest.fixture(scope="module")
def front(source_bea: Source) -> SourceView:
    return next(view for view in source_bea.views if view.path.stem == "front")


def streaked_forehead(view: SourceView) -> tuple[np.ndarray, np.ndarray]:
    """The view with upright streaks over the upper forehead, as bright as its skin and less red, and their mask."""
    points = view.face.points[:, :2] - (view.frame.window.x, view.frame.window.y)
    rows, columns = np.indices(view.pixels.shape[:2])
    top, brow = points[10, 1], points[9, 1]
    patch = (rows > top) & (rows < top + 0.55 * (brow - top)) & (np.abs(columns - points[10, 0]) < 0.2 * view.face.size)
    soft = cv2.GaussianBlur(patch.astype(np.float32), (0, 0), 0.03 * view.face.size)
    streaks = 0.2 * np.sin(columns / view.face.size * 2 * np.pi / 0.02)[..., None] + (0.0, 0.1, 0.2)
    return view.pixels * np.exp(soft[..., None] * streaks), soft > 0.8


def test_hair_as_bright_as_skin_is_found(front: SourceView) -> None:
    """Hair without an edge and without a dark place is found by its streaks alone."""
    pixels, inside = streaked_forehead(front)
    inside &= front.texture.clean > 0.9
    assert (maps_of(repainted(front, pixels)).hair > 0.5)[inside].mean() > 0.8
    assert (maps_of(front).hair > 0.5)[inside].mean() < 0.05


def test_wrinkles_across_the_forehead_are_not_hair(front: SourceView) -> None:
    """A line across the forehead, darker by a fourth, stays skin."""
    points = front.face.points[:, :2] - (front.frame.window.x, front.frame.window.y)
    rows, columns = np.indices(front.pixels.shape[:2])
    middle = np.exp(-(((columns - points[10, 0]) / (0.18 * front.face.size)) ** 2))
    line = points[10, 1] + 0.5 * (points[9, 1] - points[10, 1])
    depth = np.exp(-0.5 * ((rows - line) / (0.004 * front.face.size)) ** 2) * middle
    wrinkled = repainted(front, front.pixels * np.exp(-0.3 * depth)[..., None])
    assert (maps_of(wrinkled).hair > 0.5)[depth > 0.3].mean() < 0.1


def test_thin_and_small_pieces_of_skin_are_gaps() -> None:
    cells, covered = 384.0, np.ones((400, 400), np.float32)
    front = np.zeros((400, 400), np.float32)
    front[:200] = 1.0
    front[:200, 190:200] = 0.0  # a slit between two strands
    front[80:110, 60:90] = 0.0  # a hole in a fringe
    zone = np.ones_like(front)
    found = find_gaps(front, zone, covered, cells)
    assert found[20:180, 190:200].min() == 1 and found[80:110, 60:90].min() == 1
    assert found[220:].max() == 0  # the face below
    assert find_gaps(front, 0 * zone, covered, cells).max() == 0


def test_slits_between_strands_are_hidden_and_a_brow_below_a_fringe_is_not() -> None:
    """A slit as wide as a tenth of the face, less than a twentieth each way; the brow is low and wide, between fringe and rim."""
    cells, covered = 384.0, np.ones((400, 400), np.float32)
    front = np.zeros((400, 400), np.float32)
    front[:200] = 1.0
    front[60:200, 180:215] = 0.0  # a slit that is open below
    front[150:175, 20:150] = 0.0  # a brow
    zone = np.ones_like(front)
    found = find_slits(front, zone, covered, cells)
    assert found[70:180, 182:213].min() == 1
    assert found[155:170, 45:125].max() == 0 and found[215:].max() == 0
    assert find_slits(front, 0 * zone, covered, cells).max() == 0


def test_a_line_of_skin_within_hair_is_hidden() -> None:
    """A line a hundredth of the face wide that leads to the face below; an edge of hair stays where it is."""
    cells, covered = 384.0, np.ones((400, 400), np.float32)
    front = np.zeros((400, 400), np.float32)
    front[:200] = 1.0
    front[100:200, 200:204] = 0.0
    found = find_cracks(front, np.ones_like(front), covered, cells)
    assert found[102:195, 200:204].min() == 1 and found[202:].max() == 0
    assert find_cracks(front, 0 * front, covered, cells).max() == 0


@pytest.mark.parametrize(("end", "hidden"), [(150, 1.0), (60, 0.0)])
def test_the_strip_between_a_fringe_and_a_brow_is_hidden(end: int, hidden: float) -> None:
    """It goes below a fringe that ends a twentieth of the face above the brow, not below a higher one; the brow stays."""
    cells = 384.0
    front, over, brows = (np.zeros((400, 400), np.float32) for _ in range(3))
    front[:end] = over[:190] = brows[170:190, 100:300] = 1.0
    found = find_under_fringe(front, over, brows > 0, cells)
    assert np.abs(found[152:160, 120:280] - hidden).max() < 0.05
    assert found[170:, 100:300].max() == 0


def test_a_lock_on_the_cheek_is_hidden_to_its_end(front: SourceView) -> None:
    """Of a streaked lock the network finds only the upper half."""
    points, size = front.face.points[:, :2] - (front.frame.window.x, front.frame.window.y), front.face.size
    rows, columns = np.indices(front.pixels.shape[:2])
    outer, inner, eye, nose = points[454, 0], points[280, 0], points[386, 1], points[4, 1]
    lock = (
        (columns > inner + 0.4 * (outer - inner)) & (columns < outer) & (rows > eye) & (rows < eye + 0.8 * (nose - eye))
    )
    soft = cv2.GaussianBlur(lock.astype(np.float32), (0, 0), 0.003 * size)[..., None]
    streaks = 0.35 * np.sin(columns / size * 2 * np.pi / 0.02)[..., None] - 0.5
    upper = (lock & (rows < eye + 0.3 * (nose - eye))).astype(np.float32)
    photograph = repainted(front, front.pixels * np.exp(soft * streaks)).photograph
    hidden = photograph.to_picture(find_maps(photograph, upper, upper).hidden)
    below = lock & (rows > eye + 0.5 * (nose - eye)) & (front.texture.clean > 0.9)
    assert below.sum() > 200 and (hidden > 0.5)[below].mean() > 0.4


def test_a_small_hole_is_no_skin_of_its_own() -> None:
    cells, covered = 384.0, np.ones((400, 400), np.float32)
    front = np.ones((400, 400), np.float32)
    front[100:120, 100:120] = 0.0  # an end of a brow between strands
    front[300:] = 0.0  # the face below
    found = find_holes(front, covered, cells)
    assert found[100:120, 100:120].min() == 1
    assert found[:90].max() == 0 and found[300:].max() == 0


def test_skin_between_two_locks_is_hidden_too(front: SourceView) -> None:
    """The network finds two locks over the forehead; the skin between them, a thirtieth of the face's size, is left out as well."""
    points, size = front.face.points[:, :2] - (front.frame.window.x, front.frame.window.y), front.face.size
    rows, columns = np.indices(front.pixels.shape[:2])
    over = (rows > points[10, 1] - 0.1 * size) & (rows < points[10, 1] + 0.6 * (points[9, 1] - points[10, 1]))
    away = np.abs(columns - points[10, 0]) / size
    locks = (over & (away > 0.033) & (away < 0.1)).astype(np.float32)
    hair = front.photograph.to_picture(find_maps(front.photograph, locks, locks).hair)
    gap = over & (away < 0.004) & (front.texture.clean > 0.9)
    assert gap.sum() > 100 and (hair > 0.5)[gap].mean() > 0.9
