"""A thin piece that hangs from nothing is removed; what reaches in from the outline, what is thick and glasses stay."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from faceplate.color import ColorConfig
from faceplate.comp.occlusion import edged_matte, measure_odds, mesh_maps, occlusion_matte, square_matrix
from faceplate.comp.occlusion.regions import without_floating
from faceplate.comp.occlusion.roots import needs_root
from faceplate.comp.occlusion.square import SIDE, SquareMesh
from faceplate.face import Face
from faceplate.face.align import apply
from faceplate.image.frame import Frame
from occluders import DARK_HAIR, as_plate

SIZE = 300
INNER = np.zeros((SIZE, SIZE), np.float32)
INNER[30:] = 1.0


def strand(top: int, bottom: int, width: int = 4, value: float = 1.0) -> np.ndarray:
    matte = np.zeros((SIZE, SIZE), np.float32)
    matte[top:bottom, 150 : 150 + width] = value
    return cv2.GaussianBlur(matte, (0, 0), 1.0)


def test_a_strand_from_the_outline_stays() -> None:
    matte = strand(0, 120)
    assert np.array_equal(without_floating(matte, INNER, SIZE), matte)


def test_a_strand_that_floats_goes_with_its_soft_edge() -> None:
    assert without_floating(strand(60, 120), INNER, SIZE).max() < 0.02


def test_a_faint_way_is_no_root() -> None:
    matte = np.maximum(strand(60, 120), strand(0, 80, value=0.15))
    assert without_floating(matte, INNER, SIZE)[75:].max() < 0.02


def test_a_short_gap_is_bridged() -> None:
    matte = np.maximum(strand(0, 60), strand(62, 120))
    assert np.abs(without_floating(matte, INNER, SIZE) - matte).max() < 0.02


def test_what_is_thick_needs_no_root() -> None:
    matte = strand(100, 150, width=40)
    assert np.abs(without_floating(matte, INNER, SIZE) - matte).max() < 0.02


def test_a_root_fades_with_its_value() -> None:
    """Nothing pops when a strand's root fades."""
    shares = []
    for value in np.linspace(0, 1, 41):
        matte = strand(26, 120)
        matte[:30] *= value
        shares.append(float(without_floating(matte, INNER, SIZE)[110, 151]))
    assert shares[0] < 0.05 and shares[-1] > 0.9
    assert np.abs(np.diff(shares)).max() < 0.15


def test_glasses_need_no_root_where_they_sit(face_in: Callable[[str], Face]) -> None:
    face = face_in("bea/front.jpg")
    square = square_matrix(face, 1.0)
    points = np.column_stack([apply(square, face.points[:, :2]), face.points[:, 2]])
    hull = mesh_maps(points[:, :2]).hull
    bare, worn = (needs_root(hull, SquareMesh(points), share) for share in (0.0, 0.5))
    bridge, forehead, chin, beside = (tuple(np.round(points[index, 1::-1]).astype(int)) for index in (6, 151, 152, 234))
    assert bare[bridge] > 0.9 and bare[forehead] > 0.9
    assert worn[bridge] < 0.1 and worn[forehead] > 0.9
    assert bare[chin] == worn[chin] == 0 and bare[beside] == 0
    assert bare.shape == (SIDE, SIDE)


def test_dense_hair_at_the_eyes_is_no_glasses(
    color: ColorConfig,
    read_picture: Callable[[str], Frame],
    face_in: Callable[[str], Face],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whether somebody wears glasses is decided by what is found before dense hair is added."""
    pixels, face, window = as_plate(read_picture("bea/front.jpg"), face_in("bea/front.jpg"))
    everywhere = np.full((SIDE, SIDE), 4.0, np.float32)
    monkeypatch.setattr("faceplate.comp.occlusion.matte.with_hair", lambda *_: (everywhere, everywhere))
    found = measure_odds(color.to_linear709(pixels), face, window)
    assert found is not None and found.odds.min() > 3
    assert found.around_eyes < 0.1


@pytest.mark.parametrize("name", ["cal/front.jpg", "dot/front.jpg"])
def test_a_dark_line_on_the_forehead_is_not_in_front(
    color: ColorConfig, read_picture: Callable[[str], Frame], face_in: Callable[[str], Face], name: str
) -> None:
    pixels, face, window = as_plate(read_picture(name), face_in(name))
    free = occlusion_matte(pixels, face, window, color)
    middle = face.points[[10, 9], :2].mean(axis=0) - (window.x, window.y)
    drawn = np.zeros(free.shape, np.uint8)
    ends = [np.round(middle + sign * np.array([6.0, 22.0])).astype(int).tolist() for sign in (-1, 1)]
    cv2.line(drawn, tuple(ends[0]), tuple(ends[1]), 255, 4, cv2.LINE_AA)
    alpha = cv2.GaussianBlur(drawn.astype(np.float32) / 255, (0, 0), 0.8)[..., None]
    marked = (pixels * (1 - alpha) + alpha * DARK_HAIR).astype(np.float32)
    there = alpha[..., 0] > 0.5
    assert (occlusion_matte(marked, face, window, color) - free)[there].mean() < 0.1
    linear = color.to_linear709(marked)
    odds = measure_odds(linear, face, window, rims=False)
    assert odds is not None
    in_source = edged_matte(odds, linear, face, window, photograph=True)
    assert in_source[there].mean() > 0.5, "a source must not show it"
