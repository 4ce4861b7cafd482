"""Dense hair over the face's outline is found by its streaks; shadows, hard light and grain are not taken for it."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from faceplate.color import ColorConfig
from faceplate.comp.occlusion import occlusion_matte, square_matrix
from faceplate.comp.occlusion.hair import hair_odds, hair_zone, with_hair
from faceplate.comp.occlusion.square import SIDE, SquareMesh
from faceplate.face import Face, topology
from faceplate.face.align import apply, resample
from faceplate.face.raster import MeshRaster, rasterise
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from lights import hard_key

SQUARE = Window(0, 0, SIDE, SIDE)


@pytest.fixture(scope="module")
def bare(read_picture: Callable[[str], Frame], face_in: Callable[[str], Face]) -> tuple[Frame, Face]:
    """Cal, whose hair lies beside the mesh, on its square: a frame in linear Rec.709 and the face in it."""
    frame, face = read_picture("cal/front.jpg"), face_in("cal/front.jpg")
    matrix = square_matrix(face, 1.0)
    seen = resample(frame.color.to_linear709(frame.working()), frame.window, matrix, SQUARE)
    points = np.column_stack([apply(matrix, face.points[:, :2]), face.points[:, 2]])
    return Frame(seen, SQUARE, frame.color.working_space, frame.color), face.moved(points)


@pytest.fixture(scope="module")
def raster(bare: tuple[Frame, Face]) -> MeshRaster:
    return rasterise(bare[1].points, topology().closed, SQUARE, SIDE)


@pytest.fixture(scope="module")
def forehead(bare: tuple[Frame, Face], raster: MeshRaster) -> np.ndarray:
    """The half of the forehead on one side, bool (SIDE, SIDE)."""
    zone = raster.interpolate(hair_zone()[:, None])[..., 0]
    y, x = np.mgrid[:SIDE, :SIDE]
    middle = bare[1].points[:, :2].mean(axis=0)
    return (zone > 0.9) & raster.covered & (x > middle[0]) & (y < middle[1] - 0.2 * SIDE)


def found(bare: tuple[Frame, Face], pixels: np.ndarray, raster: MeshRaster) -> np.ndarray:
    """Return where hair is found on the face, bool (SIDE, SIDE)."""
    levels = np.median(bare[0].pixels[raster.covered], axis=0)
    return (hair_odds(pixels.astype(np.float32), levels, SquareMesh(bare[1].points)) > 0) & raster.covered


def streaks(lean: float) -> np.ndarray:
    """Return the logarithm of strands that hang down, float32 (SIDE, SIDE), of deviation 0.3."""
    noise = np.random.default_rng(3).standard_normal((SIDE, SIDE)).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), sigmaX=1.0, sigmaY=14.0)
    sheared = cv2.warpAffine(noise, np.array([[1, lean, -lean * SIDE / 2], [0, 1, 0]]), (SIDE, SIDE), borderMode=2)
    return 0.3 * sheared / sheared.std()


@pytest.mark.parametrize("lean", [0.0, 0.5])
@pytest.mark.parametrize("stops", [3.0, 4.0])
def test_a_fringe_is_found(
    lean: float, stops: float, bare: tuple[Frame, Face], raster: MeshRaster, forehead: np.ndarray
) -> None:
    hair = bare[0].pixels.mean(axis=(0, 1)) * np.exp(streaks(lean) - stops * np.log(2.0))[..., None]
    hidden = found(bare, np.where(forehead[..., None], hair, bare[0].pixels), raster)
    assert hidden[forehead].mean() > 0.5
    assert hidden[~forehead & raster.covered].mean() < 0.01


@pytest.mark.parametrize("stops", [0.0, 0.5])
def test_hair_that_is_only_yellower_than_skin_is_found(
    stops: float, bare: tuple[Frame, Face], raster: MeshRaster, forehead: np.ndarray
) -> None:
    yellow = np.array([1.0, 1.0, 0.65], np.float32) * 2.0**-stops
    hair = bare[0].pixels * yellow * np.exp(streaks(0.0))[..., None]
    assert found(bare, np.where(forehead[..., None], hair, bare[0].pixels), raster)[forehead].mean() > 0.5
    shade = cv2.GaussianBlur(forehead.astype(np.float32), (0, 0), 5)[..., None]
    assert found(bare, bare[0].pixels * yellow**shade, raster).mean() < 0.002


def test_a_shadow_as_dark_is_skin(bare: tuple[Frame, Face], raster: MeshRaster, forehead: np.ndarray) -> None:
    shadow = cv2.GaussianBlur(forehead.astype(np.float32), (0, 0), 5)[..., None]
    assert found(bare, bare[0].pixels * 2.0 ** (-3 * shadow), raster).mean() < 0.002


def test_hard_light_and_grain_are_skin(bare: tuple[Frame, Face], raster: MeshRaster) -> None:
    lit = bare[0].pixels * hard_key(*bare)
    grain = np.random.default_rng(1).standard_normal(lit.shape) * np.sqrt(2e-4 * np.maximum(lit, 0) + 1e-5)
    assert found(bare, lit + grain, raster).mean() < 0.002


def followed(bare: tuple[Frame, Face], pixels: np.ndarray, raster: MeshRaster, roots: np.ndarray) -> np.ndarray:
    """Return where hair is found on the face by a network that finds nothing but `roots`, bool (SIDE, SIDE)."""
    levels = np.median(bare[0].pixels[raster.covered], axis=0)
    odds = np.where(roots, 4.0, -8.0).astype(np.float32)
    return (with_hair(odds, pixels.astype(np.float32), levels, SquareMesh(bare[1].points))[1] > 0) & raster.covered


@pytest.fixture(scope="module")
def brow_high(bare: tuple[Frame, Face], raster: MeshRaster) -> np.ndarray:
    """The half of the forehead on one side, down to where brows begin, bool (SIDE, SIDE)."""
    zone = raster.interpolate(hair_zone()[:, None])[..., 0]
    y, x = np.mgrid[:SIDE, :SIDE]
    middle = bare[1].points[:, :2].mean(axis=0)
    return (zone > 0.75) & raster.covered & (x > middle[0]) & (y < bare[1].points[topology().left_brow, 1].min())


@pytest.fixture(scope="module")
def roots(bare: tuple[Frame, Face], brow_high: np.ndarray) -> np.ndarray:
    """The uppermost part of that half, bool (SIDE, SIDE)."""
    return brow_high & (np.mgrid[:SIDE, :SIDE][0] < bare[1].points[:, 1].min() + 0.04 * SIDE)


@pytest.mark.parametrize("lean", [0.0, 0.5])
def test_a_fringe_is_followed_to_its_ends(
    lean: float, bare: tuple[Frame, Face], raster: MeshRaster, brow_high: np.ndarray, roots: np.ndarray
) -> None:
    """Locks with skin between them, too thin for dense hair, are found below their roots, and the skin is not."""
    y, x = np.mgrid[:SIDE, :SIDE]
    locks = brow_high & ((x - lean * y) % 20 < 10)
    hair = bare[0].pixels * np.exp(0.5 * streaks(lean) - 1.4)[..., None]
    shown = np.where(locks[..., None], hair, bare[0].pixels)
    below = locks & ~cv2.dilate(roots.astype(np.uint8), np.ones((9, 9))).astype(bool)
    assert below.sum() > 300
    assert found(bare, shown, raster)[below].mean() < 0.1
    seen = followed(bare, shown, raster, roots)
    assert seen[below].mean() > 0.4
    assert (seen & ~cv2.dilate(locks.astype(np.uint8), np.ones((5, 5))).astype(bool) & ~roots).mean() < 0.002


@pytest.mark.parametrize("stops", [0.0, 1.0, 2.0])
def test_a_soft_shadow_below_the_hair_is_not_followed(
    stops: float, bare: tuple[Frame, Face], raster: MeshRaster, brow_high: np.ndarray, roots: np.ndarray
) -> None:
    shadow = cv2.GaussianBlur(brow_high.astype(np.float32), (0, 0), 8)[..., None]
    seen = followed(bare, bare[0].pixels * 2.0 ** (-stops * shadow), raster, roots)
    assert (seen & ~roots)[raster.covered].mean() < 0.005


def below_a_brim(bare: tuple[Frame, Face], reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a cap, and what reaches so many pixels below its brim, bool (SIDE, SIDE) each; the second covers the first."""
    y, x = np.mgrid[:SIDE, :SIDE]
    points = bare[1].points
    brim = points[:, 1].min() + 0.06 * SIDE + 0.05 * SIDE * (2 * (x - points[:, 0].mean()) / np.ptp(points[:, 0])) ** 2
    return y < brim, y < brim + reach


def capped(
    bare: tuple[Frame, Face], raster: MeshRaster, pixels: np.ndarray, cap: np.ndarray, below: np.ndarray
) -> float:
    """Return the part of what lies below a cap that is taken for hair; the cap itself is found by the network."""
    colour = 0.6 * np.median(bare[0].pixels[raster.covered])
    shown = cv2.GaussianBlur(np.where(cap[..., None], colour, pixels), (0, 0), 0.7)
    zone = below & ~cv2.dilate(cap.astype(np.uint8), np.ones((7, 7))).astype(bool) & raster.covered
    assert zone.sum() > 700
    return float(followed(bare, shown, raster, cap & raster.covered)[zone].mean())


@pytest.mark.parametrize(("reach", "light", "edge"), [(14, 0.2, 0.5), (16, 0.25, 1.2), (24, 0.3, 2.0)])
def test_the_shadow_of_a_brim_is_skin(
    reach: float, light: float, edge: float, bare: tuple[Frame, Face], raster: MeshRaster
) -> None:
    """The shadow below a cap has hard edges and no strands."""
    cap, shaded = below_a_brim(bare, reach)
    lit = cv2.GaussianBlur(np.where(shaded, light, 1.0).astype(np.float32), (0, 0), edge)[..., None]
    assert capped(bare, raster, bare[0].pixels * lit, cap, shaded) < 0.1


def test_a_blue_brim_is_no_shadow(bare: tuple[Frame, Face], raster: MeshRaster) -> None:
    cap, brim = below_a_brim(bare, 14)
    blue = 0.2 * np.median(bare[0].pixels[raster.covered]) * np.array((0.3, 1.0, 2.5))
    assert capped(bare, raster, np.where(brim[..., None], blue, bare[0].pixels), cap, brim) > 0.8


def test_a_lock_over_a_brow_is_followed_and_the_brow_is_not(
    bare: tuple[Frame, Face], raster: MeshRaster, roots: np.ndarray
) -> None:
    brow = np.zeros((SIDE, SIDE), np.uint8)
    cv2.fillPoly(brow, [np.round(bare[1].points[topology().left_brow, :2]).astype(np.int32)], 1)
    y, x = np.mgrid[:SIDE, :SIDE]
    low = bare[1].points[topology().left_brow, 1].max()
    middle = bare[1].points[topology().left_brow, 0].mean()
    lock = (np.abs(x - middle) < 9) & (y < low) & raster.covered
    hair = bare[0].pixels.mean(axis=(0, 1)) * np.exp(streaks(0.0) - 1.8)[..., None]
    seen = followed(bare, np.where(lock[..., None], hair, bare[0].pixels), raster, roots)
    beside = (brow > 0) & ~cv2.dilate(lock.astype(np.uint8), np.ones((9, 9))).astype(bool)
    assert seen[lock & (brow > 0)].mean() > 0.6
    assert seen[beside].mean() < 0.02


def test_hair_over_the_mesh_stays_in_front(
    color: ColorConfig, read_picture: Callable[[str], Frame], face_in: Callable[[str], Face]
) -> None:
    """Bea's hair lies over the temple in this picture; the cheek in front of it is free."""
    face = face_in("bea/right.jpg")
    frame, window = read_picture("bea/right.jpg"), face.window()
    window = window.intersect(frame.window)
    matte = occlusion_matte(frame.working()[window.slices(frame.window)], face, window, color)
    at = (face.points[[21, 54, 103, 50, 101, 205], :2] - (window.x, window.y)).astype(int)
    temple, cheek = np.split(matte[at[:, 1], at[:, 0]], 2)
    assert temple.mean() > 0.6 and cheek.max() < 0.05
