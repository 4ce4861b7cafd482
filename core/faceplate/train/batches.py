"""The batch of a training step: a pure function of seed, step and rank, so that a resumed training sees the same faces.

Nothing here imports PyTorch: arrays are numpy, (n, 3, S, S) as networks take them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from faceplate.face import Face
from faceplate.face.align import compose, crop_matrix, invert
from faceplate.face.recognisers import SIDE, TEMPLATE
from faceplate.train.augment import AUGMENTATION, Augmentation, augment
from faceplate.train.pack import EYES, MOUTH, Pack
from faceplate.train.sampling import chances

__all__ = ["Batch", "BatchMaker", "plain_batch"]

# From a pixel's `Pack.regions` to 255 where it belongs to the eyes, and to the mouth.
_TABLES = tuple(((np.arange(256) & bit) > 0).astype(np.uint8) * np.uint8(255) for bit in (EYES, MOUTH))


@dataclass(frozen=True)
class Batch:
    """Faces of one step, the people in their order, the same number of each.

    Attributes
    ----------
    faces, targets : ndarray
        float32 (n, 3, S, S), RGB in network space.
    layers : ndarray
        float32 (n, 3, S, S): matte, eyes, mouth, 0..1.
    who : ndarray
        float32 (n, people), 1 for the row's person.
    to_recogniser : ndarray
        float32 (n, 2, 3), from the recogniser's crop (112 pixels) to the row's crop, continuous pixels.
    """

    faces: np.ndarray
    targets: np.ndarray
    layers: np.ndarray
    who: np.ndarray
    to_recogniser: np.ndarray


@dataclass(frozen=True)
class BatchMaker:
    """Draws batches: `rows` faces of each of `people`, augmented, from the faces that are not held out.

    Up to the first step of `ease` the augmentation is `ranges`; it falls to `ranges.eased(0)` at the second.
    """

    packs: tuple[Pack, ...]
    rows: int
    seed: int
    rank: int = 0
    people_at_once: int = 2
    ranges: Augmentation = AUGMENTATION
    ease: tuple[int, int] | None = None

    @cached_property
    def train_rows(self) -> tuple[np.ndarray, ...]:
        """For each person the indices of the faces to train on."""
        return tuple(np.flatnonzero(~np.asarray(pack.held_out)) for pack in self.packs)

    @cached_property
    def cumulated(self) -> tuple[np.ndarray, ...]:
        """For each person the cumulated probabilities of `train_rows`."""
        return tuple(
            np.cumsum(chances(np.asarray(pack.landmarks)[rows]))
            for pack, rows in zip(self.packs, self.train_rows, strict=True)
        )

    def ranges_at(self, step: int) -> Augmentation:
        """Return the augmentation of a step."""
        if self.ease is None:
            return self.ranges
        return self.ranges.eased(1 - float(np.interp(step, self.ease, (0.0, 1.0))))

    def batch(self, step: int) -> Batch:
        """Return the batch of `step` (from 0) of this rank."""
        rng = np.random.default_rng([self.seed, step, self.rank])
        count = len(self.packs)
        people = range(count)
        if count > self.people_at_once:  # a base of many people
            people = np.sort(rng.choice(count, self.people_at_once, replace=False)).tolist()
        ranges = self.ranges_at(step)
        rows = [self._row(person, rng, ranges) for person in people for _ in range(self.rows)]
        who = np.repeat(np.eye(count, dtype=np.float32)[list(people)], self.rows, axis=0)
        faces, targets, layers, matrices = zip(*rows, strict=True)
        return Batch(_planes(faces), _planes(targets), _layer_planes(layers), who, np.stack(matrices))

    def _row(self, person: int, rng: np.random.Generator, ranges: Augmentation) -> tuple[np.ndarray, ...]:
        pack, indices = self.packs[person], self.train_rows[person]
        drawn = int(np.searchsorted(self.cumulated[person], rng.random(), side="right"))
        index = int(indices[min(drawn, len(indices) - 1)])
        face, target, layers, placed = augment(pack.pixels[index], _layers(pack, index), rng, ranges)
        matrix = compose(placed, self._from_recogniser(person, index)).astype(np.float32)
        return face, target, layers, matrix

    def _from_recogniser(self, person: int, index: int) -> np.ndarray:
        """Return the matrix from the recogniser's crop to a stored crop; a face is drawn often, so it is kept."""
        known = self._matrices.get((person, index))
        if known is None:
            known = self._matrices[person, index] = _recogniser_matrix(self.packs[person], index)
        return known

    @cached_property
    def _matrices(self) -> dict[tuple[int, int], np.ndarray]:
        return {}


def plain_batch(packs: tuple[Pack, ...], rows: tuple[np.ndarray, ...]) -> Batch:
    """Return faces as they are in the packs, without augmentation: for each person the faces `rows`."""
    pixels, layers, matrices, who = [], [], [], []
    for person, (pack, indices) in enumerate(zip(packs, rows, strict=True)):
        for index in indices:
            pixels.append(np.asarray(pack.pixels[index], np.float32))
            layers.append(_layers(pack, int(index)))
            matrices.append(_recogniser_matrix(pack, int(index)).astype(np.float32))
            who.append(np.eye(len(packs), dtype=np.float32)[person])
    faces = _planes(pixels)
    return Batch(faces, faces, _layer_planes(layers), np.stack(who), np.stack(matrices))


def _layers(pack: Pack, index: int) -> np.ndarray:
    """Return matte, eyes, mouth, and the matte once more, uint8 (S, S, 4): OpenCV moves four channels faster than three."""
    matte, regions = (np.asarray(part[index]) for part in (pack.matte, pack.regions))
    eyes, mouth = (cv2.LUT(regions, table) for table in _TABLES)
    return cv2.merge([matte, eyes, mouth, matte])


def _planes(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Return the first three channels of pictures (S, S, 3 or 4) as one array (n, 3, S, S)."""
    planes = np.empty((len(pictures), 3, *pictures[0].shape[:2]), np.float32)
    for picture, three in zip(pictures, planes, strict=True):
        three[:] = picture[..., :3].transpose(2, 0, 1)
    return planes


def _layer_planes(layers: Sequence[np.ndarray]) -> np.ndarray:
    planes = _planes(layers)
    planes *= np.float32(1 / 255)
    return planes


def _recogniser_matrix(pack: Pack, index: int) -> np.ndarray:
    """Return the matrix (2, 3) from the recogniser's crop to a stored crop."""
    points = np.asarray(pack.landmarks[index], np.float64)
    face = Face(np.column_stack([points, np.zeros(len(points))]).astype(np.float32), 1.0, 1.0, 1.0)
    return invert(crop_matrix(face.five, TEMPLATE, SIDE))
