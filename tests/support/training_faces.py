"""Writes a small dataset of two invented faces, drawn with ellipses: enough for every part of a training to run."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from faceplate.train.pack import (
    EYES,
    MOUTH,
    Pack,
    TrainingSet,
    dataset_folder,
    pack_digest,
    write_pack,
    write_training_set,
)

__all__ = ["drawn_pack", "write_drawn_dataset"]

_LOOKS = {"actor": ((0.82, 0.62, 0.50), (0.25, 0.45, 0.70)), "double": ((0.50, 0.34, 0.26), (0.30, 0.18, 0.08))}


def write_drawn_dataset(model: Path, side: int = 64, count: int = 24, held_out: int = 6) -> TrainingSet:
    """Write packs of `count` faces of an actor and a double, the last `held_out` of them held out, and the document."""
    folder = dataset_folder(model)
    for seed, person in enumerate(_LOOKS):
        write_pack(folder, person, drawn_pack(person, side, count, held_out, seed))
    people = {person: (f"{person}.####.exr",) for person in _LOOKS}
    document = TrainingSet(size=side, people=people, releases=("release-1",), sha256=pack_digest(folder, people))
    write_training_set(folder, document)
    return document


def drawn_pack(person: str, side: int, count: int, held_out: int, seed: int) -> Pack:
    """Draw the faces of one person: turned, lit and speaking in a random way."""
    rng = np.random.default_rng(seed)
    drawn = [_face(person, side, rng) for _ in range(count)]
    pixels, mattes, regions, landmarks = (np.stack(part) for part in zip(*drawn, strict=True))
    embedding = np.tile(rng.standard_normal(128).astype(np.float32), (count, 1))
    embedding /= np.linalg.norm(embedding, axis=1, keepdims=True)
    return Pack(pixels, mattes, regions, landmarks, embedding, np.arange(count) >= count - held_out)


def _face(person: str, side: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    skin, iris = _LOOKS[person]
    big = side * 4
    turn, nod = rng.uniform(-0.04, 0.04, 2)
    mouth = rng.uniform(0.005, 0.06)
    lid = rng.uniform(0.008, 0.03)
    eyes = [(0.36 + turn, 0.40 + nod), (0.64 + turn, 0.40 + nod)]
    lips = (0.5 + turn, 0.69 + nod)
    canvas = np.full((big, big, 3), rng.uniform(0.1, 0.3), np.float32)
    matte, region = np.zeros((big, big), np.uint8), np.zeros((big, big), np.uint8)

    def ellipse(picture: np.ndarray, at: tuple[float, float], size: tuple[float, float], value: object) -> None:
        centre, axes = (tuple(int(part * big) for part in pair) for pair in (at, size))
        cv2.ellipse(picture, centre, axes, 0, 0, 360, value, -1)  # type: ignore[call-overload]

    ellipse(canvas, (0.5, 0.52), (0.33, 0.44), skin)
    ellipse(matte, (0.5, 0.52), (0.33, 0.44), 255)
    for eye in eyes:
        ellipse(canvas, eye, (0.07, lid), (0.92, 0.9, 0.88))
        ellipse(canvas, eye, (min(0.025, lid * 1.5), lid), iris)
        ellipse(region, eye, (0.09, 0.05), EYES)
    ellipse(canvas, lips, (0.12, mouth + 0.02), (0.7, 0.3, 0.3))
    ellipse(canvas, lips, (0.10, mouth), (0.15, 0.05, 0.05))
    ellipse(region, lips, (0.14, 0.1), MOUTH)
    light = 1 + rng.uniform(-0.3, 0.3) * np.linspace(-1, 1, big, dtype=np.float32)[None, :, None]
    picture = cv2.resize(canvas * light, (side, side), interpolation=cv2.INTER_AREA)
    points = np.tile(np.array([0.5, 0.55], np.float32), (478, 1))
    points[468:473], points[473:478] = eyes[0], eyes[1]
    points[1], points[61], points[291] = (0.5 + turn, 0.55 + nod), (0.38 + turn, 0.69 + nod), (0.62 + turn, 0.69 + nod)
    small = cv2.resize(matte, (side, side), interpolation=cv2.INTER_AREA)
    return picture, small, cv2.resize(region, (side, side), interpolation=cv2.INTER_NEAREST), points * side
