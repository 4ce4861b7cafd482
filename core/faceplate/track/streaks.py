"""The shutter of a view: the part of each frame's movement over which its faces are smeared.

Each face has slopes of its own, which are the same in all frames (`comp.edge_energy`); streaks take those along the movement, the
more the longer they are, and defocus takes those of all directions. So each shutter is tried: what the face would be like when
sharp, and how far out of focus each frame is, is fitted to all frames at once, and the shutter that leaves least unexplained is
found. Frames in which the face rests or moves in another direction tell what is its own; where there are none, what invented people
have in common does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from faceplate.comp.edge_energy import OWN, energy_along, energy_table, grid_length, own_along

__all__ = ["measured_shutter"]

# Shutters that are compared, and defocus in pixels of a face of 400.
_SHUTTERS = np.linspace(0.0, 1.0, 41)
_SIGMAS = np.r_[0.0, np.geomspace(0.5, 8.0, 13)]
# Least speed, in fractions of the face's size a frame, of one frame of a view that tells the shutter.
_FAST = 0.016
# Most frames of a face from which the shutter is found.
_FRAMES = 48
# Standard deviation of an energy's logarithm from frame to frame, and of what noise was taken off, over it.
_FRAME, _OFF_NOISE = 0.07, 0.25
# Standard deviation of the level of the slopes beside that between people: haze and flare lower all of them.
_HAZE = 0.3
# Standard deviation of the logarithm of the defocus around its mean over a view, and what is added to the defocus there.
_FOCUS, _LEAST_FOCUS = 0.15, 0.5
# Rounds in which the face's own slopes and each frame's defocus are found in turn, deviations from which a value weighs less, and
# the squared deviation of an outlier.
_ROUNDS, _FAR, _OUTLIER = 3, 2.0, 9.0
# What an open shutter must explain over one that is not, in units of the variance, to be believed.
_GAIN = 0.3


def measured_shutter(faces: Iterable[tuple[Sequence[np.ndarray], Sequence[np.ndarray]]]) -> float | None:
    """Find the shutter of a view.

    Parameters
    ----------
    faces : iterable of (sequence of np.ndarray, sequence of np.ndarray)
        For each face its energy in each frame, (4, 4) as `comp.edge_energy.measure_energy` returns it, and its movement, (2,) in
        fractions of its size from frame to frame.

    Returns
    -------
    float or None
        0..1; 0 where the faces show no streaks. None where no face moves fast enough to tell.
    """
    costs = [_costs(_frames_of(*_chosen(*face))) for face in faces if _tells(face[1])]
    if not costs:
        return None
    cost = np.sum(costs, axis=0)
    best = int(np.argmin(cost))
    return float(_SHUTTERS[best]) if cost[0] - cost[best] >= _GAIN else 0.0


def _tells(movements: Sequence[np.ndarray]) -> bool:
    return any(float(np.hypot(*movement)) > _FAST for movement in movements)


def _chosen(
    energies: Sequence[np.ndarray], movements: Sequence[np.ndarray]
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return the frames that are used, of all speeds."""
    order = np.argsort([float(np.hypot(*movement)) for movement in movements], kind="stable")
    chosen = order[np.unique(np.linspace(0, len(order) - 1, min(_FRAMES, len(order))).round().astype(int))]
    return [energies[k] for k in chosen], [movements[k] for k in chosen]


@dataclass(frozen=True)
class _Frames:
    """The frames of one face: logarithms of energies along and across the movement, and what blur would change of them.

    `told` float64 (n, 4, 2) and `spread`, its standard deviation; `angles` (n,) of the movement; `change`, `scatter` and `share`
    are those of `EnergyTable`, (n, sigmas, shutters, 4, 2).
    """

    told: np.ndarray
    spread: np.ndarray
    angles: np.ndarray
    change: np.ndarray
    scatter: np.ndarray
    share: np.ndarray


def _frames_of(energies: Sequence[np.ndarray], movements: Sequence[np.ndarray]) -> _Frames:
    found = []
    for energy, movement in zip(energies, movements, strict=True):
        angle = float(np.arctan2(movement[1], movement[0]))
        told, noise = energy_along(energy, angle)
        spread = np.hypot(_FRAME, _OFF_NOISE * noise)
        blurs = energy_table().at(_SIGMAS, grid_length(movement) * _SHUTTERS, angle)
        found.append((told, spread, np.float64(angle), *blurs))
    return _Frames(*(np.stack(column) for column in zip(*found, strict=True)))


def _costs(frames: _Frames) -> np.ndarray:
    """Return how badly each shutter explains the frames of a face, (shutters,)."""
    level = np.tile([1.0, 0.0, 0.0], OWN // 3)
    prior = np.linalg.inv(energy_table().covariance + _HAZE**2 * np.outer(level, level))
    return np.array([_cost(frames, shutter, prior) for shutter in range(len(_SHUTTERS))])


def _cost(frames: _Frames, shutter: int, prior: np.ndarray) -> float:
    """Return how badly one shutter explains the frames."""
    change, share = frames.change[:, :, shutter], frames.share[:, :, shutter]
    spread = np.hypot(frames.spread[:, None], frames.scatter[:, :, shutter])
    every, usual = np.arange(len(change)), energy_table().usual

    def fitted(near: np.ndarray, focus: np.ndarray, weight: np.ndarray | float) -> tuple[np.ndarray, np.ndarray, float]:
        """Return how the face differs from the usual one, by the defocus of each frame, what is left in deviations, and its cost.

        `near` (OWN,) is an earlier such difference, around which energies are taken as linear.
        """
        sharp, rows = own_along(usual + near, frames.angles)
        wanted, rows = frames.told - sharp + rows @ near - change[every, focus], rows + share[every, focus]
        deviation = spread[every, focus]
        flat, weighed = rows.reshape(-1, OWN), (rows * (weight / deviation**2)[..., None]).reshape(-1, OWN)
        own = np.linalg.solve(flat.T @ weighed + prior, weighed.T @ wanted.ravel())
        left = (wanted - rows @ own) / deviation
        return own, left, float(np.minimum(left**2, _OUTLIER).sum() + own @ prior @ own)

    one = [fitted(np.zeros(OWN), np.full(len(change), k), 1.0) for k in range(len(_SIGMAS))]
    start = int(np.argmin([cost for _, _, cost in one]))
    (own, _, cost), focus = one[start], np.full(len(change), start)
    scale = np.log(_SIGMAS + _LEAST_FOCUS) / _FOCUS
    for _ in range(_ROUNDS):
        apart = (frames.told - own_along(usual + own, frames.angles)[0])[:, None] - change - share @ own
        each = np.minimum((apart / spread) ** 2, _OUTLIER).sum(axis=(2, 3))
        focus = (each + (scale - scale[focus].mean()) ** 2).argmin(axis=1)
        own, left, _ = fitted(own, focus, 1.0)
        own, _, cost = fitted(own, focus, np.minimum(_FAR / np.maximum(np.abs(left), 1e-9), 1.0))
    return cost + float(((scale[focus] - scale[focus].mean()) ** 2).sum())
