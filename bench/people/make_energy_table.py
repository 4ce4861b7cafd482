"""Measure what known blurs leave of the slopes of invented people's features and write the table of `comp/edge_energy.py`.

python bench/people/make_energy_table.py FOLDER core/faceplate/comp/edge_energy.npz
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import make_blur_table
import numpy as np
from make_blur_table import PICTURES, scene_of
from population import tuning

from faceplate.color import ColorConfig
from faceplate.comp.edge_energy import ENERGY_SCALES, MIRRORED, OWN, energy_along, measure_energy, own_of
from faceplate.comp.edge_widths import edge_places
from faceplate.face import FaceFinder

SIGMAS = (0.0, 0.75, 1.5, 3.0, 5.0, 9.0)
LENGTHS = (0.0, 3.0, 6.0, 10.0, 16.0, 25.0, 38.0, 56.0)
# Directions of the streaks, in quarters of half a turn; those of a column of the table.
TURNS, COLUMNS = range(4), ((0,), (1, 3), (2,))
# How much the share of a number is drawn to 0, and what is added to the variances between people.
RIDGE, BESIDE = 2.0, 0.01
make_blur_table.ROOM = 110.0


def main(folder: Path, target: Path) -> None:
    """Measure all people that may be tuned on and write the table."""
    color, finder = ColorConfig.load(environ={}), FaceFinder.embedded()
    found = []
    for number, person in enumerate(tuning()):
        found.append(energies_of(folder / person.name / PICTURES[number % 3], color, finder))
        print(person.name, file=sys.stderr, flush=True)
    np.savez_compressed(target, allow_pickle=False, **table_of(np.array(found)))


def energies_of(path: Path, color: ColorConfig, finder: FaceFinder) -> np.ndarray:
    """Return the energy of a picture under each blur, float64 (SIGMAS, LENGTHS, 4 turns, 4, 4)."""
    light, window, face = scene_of(path, color, finder)
    places, blurs = edge_places(window, face), Blurs(light)
    table = np.zeros((len(SIGMAS), len(LENGTHS), len(TURNS), len(ENERGY_SCALES), 4))
    for i, sigma in enumerate(SIGMAS):
        for j, length in enumerate(LENGTHS):
            for turn in TURNS if length else (0,):
                energy = measure_energy(places.read(blurs.blurred(sigma, length, turn * np.pi / 4), window), places)
                assert energy is not None, path
                table[i, j, turn if length else slice(None)] = energy
    return table


class Blurs:
    """Blurs a picture (h, w) exactly, in the frequency domain."""

    def __init__(self, picture: np.ndarray) -> None:
        self.shape = picture.shape
        room = int(max(LENGTHS))
        padded = cv2.copyMakeBorder(picture, room, room, room, room, cv2.BORDER_REFLECT)
        self.room, self.whole, self.spectrum = room, padded.shape, np.fft.rfft2(padded)
        self.y, self.x = np.fft.fftfreq(padded.shape[0])[:, None], np.fft.rfftfreq(padded.shape[1])[None]

    def blurred(self, sigma: float, length: float, angle: float) -> np.ndarray:
        """Return the picture under a defocus of `sigma` pixels and streaks of `length` pixels along `angle`."""
        passed = np.exp(-2 * (np.pi * sigma) ** 2 * (self.x**2 + self.y**2))
        passed = passed * np.sinc(length * (np.cos(angle) * self.x + np.sin(angle) * self.y))
        seen = np.fft.irfft2((self.spectrum * passed).astype(np.complex64), s=self.whole)
        inside = slice(self.room, self.room + self.shape[0]), slice(self.room, self.room + self.shape[1])
        return np.ascontiguousarray(seen[inside], np.float32)


def table_of(energies: np.ndarray) -> dict[str, np.ndarray]:
    """Fit the table to the `energies` (people, SIGMAS, LENGTHS, 4 turns, 4, 4) of all people."""
    own = own_of(energies[:, 0, 0, 0])
    usual = own.mean(axis=0)
    usual[2::3] = 0.0  # a mirrored person is as usual
    own = own - usual
    shape = (len(SIGMAS), len(LENGTHS), len(COLUMNS), len(ENERGY_SCALES), 2)
    change, scatter, share = np.zeros(shape), np.zeros(shape), np.zeros((*shape, OWN))
    for column, turns in enumerate(COLUMNS):
        told = [energy_along(energies[:, :, :, turn], turn * np.pi / 4)[0] for turn in turns]
        changed = np.concatenate([one - one[:, :1, :1] for one in told])
        people = np.concatenate([own * (MIRRORED if turn == 3 else 1.0) for turn in turns])
        rows = np.column_stack([np.ones(len(people)), people])
        gram = rows.T @ rows + np.diag([0.0] + [RIDGE] * OWN)
        fitted = np.linalg.solve(gram, rows.T @ changed.reshape(len(people), -1))
        left = changed.reshape(len(people), -1) - rows @ fitted
        fitted = fitted.reshape(OWN + 1, *changed.shape[1:])
        change[:, :, column], share[:, :, column] = fitted[0], np.moveaxis(fitted[1:], 0, -1)
        scatter[:, :, column] = left.std(axis=0).reshape(changed.shape[1:])
    tables = {"change": change, "scatter": scatter, "share": share}
    return {
        **{name: table.astype(np.float16) for name, table in tables.items()},
        "sigmas": np.array(SIGMAS),
        "lengths": np.array(LENGTHS),
        "usual": usual,
        "covariance": own.T @ own / len(own) + BESIDE * np.eye(OWN),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
