"""The surround: the plate around a face moves to meet the source's shape, without folds and without touching what it must not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from faceplate.color import ColorConfig
from faceplate.comp.surround import REACH, folding, follow_outline
from faceplate.demo import person
from faceplate.face import Face, FaceFinder
from faceplate.frame import Frame
from faceplate.params import Parameters
from faceplate.stages import swap_face
from faceplate.swap import MeshGenerator, MeshSettings, NullGenerator, read_source
from faceplate.swap.reshape import shape_offset
from faceplate.swap.views import Geometry
from faceplate.window import Window

PEOPLE = ("ada", "bea", "cal", "dot", "eve", "fox")
Found = Callable[[str], Face]


def pair(found: Found, source: str, target: str) -> tuple[Face, Face, Window]:
    """The face of `target`, the same with the shape of `source`, and the plate's pixels that may move."""
    face = found(f"{target}/front.jpg")
    poses = (Geometry.of(found(f"{source}/front.jpg")).pose,)
    wanted = face.moved(face.points + shape_offset(face.points, poses))
    return face, wanted, face.window(REACH).union(wanted.window(REACH))


@pytest.mark.parametrize("target", PEOPLE)
def test_the_plate_is_never_folded(found: Found, target: str) -> None:
    for source in PEOPLE:
        if source == target:
            continue
        face, wanted, window = pair(found, source, target)
        around = follow_outline(face, wanted, window, np.zeros((window.height, window.width), np.float32))
        assert around is not None
        assert np.abs(around.shift).max() > 1.0
        assert folding(around.shift).min() > 0.0


def test_a_shape_that_stays_moves_nothing(found: Found) -> None:
    face, _, window = pair(found, "bea", "ada")
    assert follow_outline(face, face, window, np.zeros((window.height, window.width), np.float32)) is None


def test_beyond_the_cover_the_plate_is_kept_bit_for_bit(found: Found) -> None:
    face, wanted, window = pair(found, "fox", "ada")
    around = follow_outline(face, wanted, window, np.zeros((window.height, window.width), np.float32))
    assert around is not None
    plate = np.random.default_rng(1).normal(0.2, 0.3, (window.height, window.width, 3)).astype(np.float32)
    moved = around.plate(plate, None)
    still = around.cover == 0
    assert still.any() and np.array_equal(moved[still], plate[still])
    assert not np.array_equal(moved, plate)
    # The cover ends inside its window: nothing is cut off there.
    assert not around.cover[[0, -1]].any() and not around.cover[:, [0, -1]].any()


def test_what_hides_the_face_stays_still(found: Found) -> None:
    face, wanted, window = pair(found, "fox", "ada")
    hidden = np.zeros((window.height, window.width), np.float32)
    jaw = face.points[152, :2] - (window.x, window.y)
    reach = int(0.08 * face.size)
    across, down = slice(int(jaw[0]) - reach, int(jaw[0]) + reach), slice(int(jaw[1]) - reach, int(jaw[1]) + reach)
    free = follow_outline(face, wanted, window, hidden)
    hidden[down, across] = 1.0
    around = follow_outline(face, wanted, window, hidden)
    assert free is not None and around is not None
    core = slice(down.start + reach // 2, down.stop - reach), slice(across.start + reach // 2, across.stop - reach // 2)
    assert np.abs(free.shift[core]).max() > 1.0
    assert np.abs(around.shift[core]).max() < 0.05
    assert folding(around.shift).min() > 0.0


def test_shape_in_a_swap(still: Callable[[str], Frame], found: Found, color: ColorConfig, finder: FaceFinder) -> None:
    frame, face = still("ada/front.jpg"), found("ada/front.jpg")
    source = read_source(person("bea"), color, finder)
    keeps, moves = (
        swap_face(frame, face, MeshGenerator(source, MeshSettings(shape)), Parameters(shape=shape, layers="matte"))
        for shape in (0.0, 1.0)
    )
    assert not any("surround" in name for name in keeps.layers)
    assert (moves.matte > 0).sum() > (keeps.matte > 0).sum()
    plate = frame.pixels[moves.window.slices(frame.window)]
    assert np.array_equal(moves.over[moves.matte == 0], plate[moves.matte == 0])
    alone = swap_face(frame, face, NullGenerator(), Parameters(shape=1.0, grain=0, occlusion=0))
    assert np.array_equal(alone.over, frame.pixels[alone.window.slices(frame.window)])
