"""The energy of a face's slopes: what it is of a pattern, what noise and blur do to it, and what the table says of that."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.comp.edge_energy import (
    ENERGY_SCALES,
    MIRRORED,
    OWN,
    energy_along,
    energy_from,
    energy_table,
    energy_to,
    grid_length,
    measure_energy,
    own_along,
    own_of,
)
from faceplate.comp.edge_widths import EdgePlaces, edge_places
from faceplate.face import FaceFinder
from faceplate.image.window import Window
from pictures import ReadPicture
from streaks import smeared

SIDE = 240


def places(clear: float = 1.0) -> EdgePlaces:
    """Features in the left half of a square, skin in the right one."""
    features = np.zeros((SIDE, SIDE), np.uint8)
    features[:, : SIDE // 2] = 1
    return EdgePlaces(np.eye(2, 3), Window(0, 0, SIDE, SIDE), features, 1 - features, clear)


def waves(angle: float, period: float = 24.0) -> np.ndarray:
    """Waves that run along `angle` over the features, even skin beside them."""
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    phase = 2 * np.pi / period * (x * np.cos(angle) + y * np.sin(angle))
    return np.where(x < SIDE // 2, 1 + 0.2 * np.sin(phase), 1.0).astype(np.float32)


def energy(picture: np.ndarray) -> np.ndarray:
    found = measure_energy(picture, places())
    assert found is not None
    return found


@pytest.mark.parametrize("angle", [0.0, 0.6, 2.2])
def test_waves_have_their_energy_along_their_own_direction(angle: float) -> None:
    found = energy(waves(angle))
    for k, sigma in enumerate(ENERGY_SCALES[:2]):
        slope = 0.2 * 2 * np.pi / 24 * np.exp(-0.5 * (2 * np.pi / 24 * sigma) ** 2)
        along, across = np.exp(energy_along(found, angle)[0][k])
        assert along == pytest.approx(slope**2 / 2, rel=0.15)
        assert across < 0.2 * along


def test_energy_does_not_change_with_exposure() -> None:
    assert energy(4.0 * waves(0.3)) == pytest.approx(energy(waves(0.3)), rel=1e-4)


def test_noise_is_taken_off() -> None:
    clean = waves(0.0)
    noisy = clean + np.random.default_rng(3).normal(0, 0.02, clean.shape).astype(np.float32)
    for k, (told, before) in enumerate(
        zip(*(energy_along(energy(one), 0.0)[0] for one in (noisy, clean)), strict=True)
    ):
        assert told[0] == pytest.approx(before[0], abs=0.3 if k == 0 else 0.1)


def test_what_is_hidden_tells_nothing() -> None:
    assert measure_energy(waves(0.0), places(clear=0.5)) is None
    assert measure_energy(np.zeros((SIDE, SIDE), np.float32), places()) is None
    bare = places()
    assert measure_energy(waves(0.0), EdgePlaces(bare.matrix, bare.grid, bare.features, 0 * bare.skin, 1.0)) is None


def test_energies_come_back_from_their_logarithms() -> None:
    found = energy(waves(0.7) + waves(2.0))
    assert energy_from(energy_to(found)) == pytest.approx(found, rel=1e-9, abs=1e-8)
    steps = np.round(energy_to(found) * 64) / 64
    assert energy_along(energy_from(steps), 0.7)[0] == pytest.approx(energy_along(found, 0.7)[0], abs=0.05)


def test_a_faces_own_numbers_give_its_energy_in_every_direction() -> None:
    found = energy(waves(0.0) + 0.9 * waves(1.5))
    own = own_of(found)
    assert own.shape == (OWN,)
    for angle in (0.0, 0.4, np.pi / 4, 2.0):
        told, rows = own_along(own, np.array([angle]))
        assert told[0] == pytest.approx(energy_along(found, angle)[0], abs=0.05)
        other = own + 0.01 * np.arange(OWN)
        assert own_along(other, np.array([angle]))[0] == pytest.approx(told + rows @ (other - own), abs=0.01)
    assert own_of(energy(waves(0.4)[:, ::-1].copy()[:, np.r_[SIDE // 2 : SIDE, : SIDE // 2]])) == pytest.approx(
        own_of(energy(waves(0.4))) * MIRRORED, abs=0.35
    )


def test_streaks_take_what_lies_along_them() -> None:
    table = energy_table()
    change, scatter, share = table.at(np.array([0.0, 2.0]), np.array([0.0, 8.0, 16.0]), 0.0)
    assert change.shape == scatter.shape == (2, 3, 4, 2) and share.shape == (2, 3, 4, 2, OWN)
    assert np.abs(change[0, 0]).max() < 0.01
    assert (np.diff(change[..., 0], axis=1) < 0).all()  # longer streaks leave less along them
    assert (change[:, 1:, :, 0] < change[:, 1:, :, 1]).all()  # and less than across them
    assert (np.diff(change, axis=0)[:, 0] < 0).all()  # defocus leaves less in both
    mirrored = table.at(np.array([0.0]), np.array([8.0]), -0.5)
    assert mirrored[0] == pytest.approx(table.at(np.array([0.0]), np.array([8.0]), 0.5)[0])


def test_the_table_holds_for_a_face_that_it_was_not_made_from(read_picture: ReadPicture, finder: FaceFinder) -> None:
    frame = read_picture("bea/front.jpg")
    face = finder.find(frame)[0]
    light, window = frame.color.luminance(frame.working()), frame.window
    room, table = edge_places(window, face), energy_table()
    sharp = measure_energy(room.read(light, window), room)
    assert sharp is not None
    own = own_of(sharp) - table.usual
    for length, angle in ((8.0, 0.0), (12.0, 0.5), (20.0, 1.2)):
        path = length * face.size / 400 * np.array([np.cos(angle), np.sin(angle)])
        moved = measure_energy(room.read(smeared(light, (path[0], path[1])), window), room)
        assert moved is not None
        change, _, share = table.at(np.array([0.0]), np.array([length]), angle)
        lost = energy_along(moved, angle)[0] - energy_along(sharp, angle)[0]
        assert lost == pytest.approx((change + share @ own)[0, 0], abs=0.15)


def test_a_movements_length_is_that_on_the_picture_that_is_measured() -> None:
    assert grid_length(np.array([0.03, 0.04])) == pytest.approx(20.0)
