"""Fit the network that reads how far eyes are open: core/faceplate/face/eyelids.npz. Needs PyTorch.

    python bench/people/fit_eyelids.py FOLDER core/faceplate/face/eyelids.npz --count 0
    python bench/people/fit_eyelids.py FOLDER /tmp/eyelids.npz --count 0 --samples /tmp/eyes.npz --held 4

The pictures of the tuning people are rendered as the landmarker sees them, their irises moved and their lids drawn down by random
amounts, in two ways: what lies under the lid is squeezed, or covered. Some get a line of lashes, and all are softened, exposed,
turned and made noisy at random. The landmarker finds the face again, and a small convolutional network learns the opening that
was drawn from each eye's picture and the landmarks' opening. `--held N` leaves every Nth person out and prints the correlation of
theirs.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from population import Person
from scenes import Plate, Setup, note, parser_for, setup_of
from sequences import looking
from torch import nn

from faceplate.color import Exposure
from faceplate.face import landmark
from faceplate.face.align import apply, scale_of
from faceplate.face.expression import eye_openness
from faceplate.face.eyelids import EYE_HEIGHT, EYE_WIDTH, EYELID_LAYERS, eye_pictures
from faceplate.face.find import region_of, view
from faceplate.image.window import Window
from faceplate.models import embedded_store, open_network
from track_plates import LIDS

VARIANTS, STEP, SEED = 16, 18, 5
EPOCHS, BATCH, RATE = 60, 128, 2e-3
SQUARE = Window(0, 0, landmark.SIDE, landmark.SIDE)


def drawn(picture: np.ndarray, points: np.ndarray, shut: np.ndarray, covered: bool, lashes: float) -> np.ndarray:
    """Return a display picture with the lids of each eye drawn down by `shut` (2,), and lashes of that darkness at their edge."""
    height, width = picture.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    source, dark, across = y.copy(), np.zeros((height, width), np.float32), np.arange(width)
    for (upper, lower), part in zip(LIDS, shut, strict=True):
        top, low = (np.interp(across, points[list(side), 0], points[list(side), 1]) for side in (upper, lower))
        inside = (across > points[upper[0], 0]) & (across < points[upper[-1], 0])
        opening = np.where(inside, np.maximum(low - top, 0), 0.0)
        start, lid = top - 1.2 * float(opening.max()), top + part * opening
        above = start + (y - start) * (top - start) / np.maximum(lid - start, 1e-6)
        under = y if covered else top + (y - lid) * opening / np.maximum(low - lid, 1e-6)
        moved = (opening > 0) & (y > start) & (y < low)
        source = np.where(moved, np.where(y < lid, above, under), source).astype(np.float32)
        line = lashes * min(4 * part, 1) * np.exp(-(((y - lid) / (0.035 * np.ptp(points[list(upper), 0]))) ** 2))
        dark = np.maximum(dark, np.where(opening > 0, line, 0)).astype(np.float32)
    result = cv2.remap(picture, x, source, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.clip(result * (1 - dark[..., None]), 0, 1)


def varied(picture: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return a random picture of the landmarker's size, and the share of each eye's opening that is left in it, (2,)."""
    one = rng.choice([0.0, 1.0, rng.uniform(), rng.uniform()])
    shut = np.clip(one + rng.normal(0, 0.05, 2), 0, 1) if rng.random() < 0.8 else rng.uniform(0, 1, 2)
    covered = rng.random() < 0.5
    shut = shut * (1.0 if covered else 0.97) * (0.0 if one == 0 and rng.random() < 0.7 else 1.0)
    eyes = points[np.concatenate([np.array(side) for pair in LIDS for side in pair]), 1]
    band = slice(max(int(eyes.min()) - 60, 0), int(eyes.max()) + 40)
    places = points[:, :2] - (0, band.start)
    look = np.array([rng.uniform(-0.12, 0.12), rng.uniform(-0.05, 0.05)]) * (rng.random() < 0.7)
    lashes = rng.uniform(0.2, 0.7) if rng.random() < 0.5 else 0.0
    result = picture.copy()
    result[band] = drawn(looking(picture[band], places, look), places, shut, covered, lashes)
    result = cv2.GaussianBlur(result, (0, 0), max(rng.uniform(-0.5, 2.5), 0.7))
    turned = cv2.getRotationMatrix2D((landmark.SIDE,) * 2, np.degrees(rng.normal(0, 0.04)), rng.uniform(0.48, 0.52))
    turned[:, 2] += rng.normal(0, 2.5, 2) - landmark.SIDE / 2
    small = cv2.warpAffine(
        result, turned, (landmark.SIDE,) * 2, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    small = np.clip(small, 0, 1) ** rng.uniform(0.75, 1.3) * rng.uniform(0.8, 1.1)
    noisy = small + rng.normal(0, rng.choice([0, 0.01, 0.03]), small.shape)
    return np.clip(noisy, 0, 1).astype(np.float32), 1 - shut


def pictures(setup: Setup, person: Person) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Iterate over a person's pictures of twice the landmarker's size, display-referred, with their points (478, 3)."""
    found: list[Plate] = [*setup.views(person), *setup.performance(person, STEP)]
    for plate in found:
        matrix = region_of(plate.face.points, 1.0).matrix() * 2
        picture, _ = view(plate.frame, matrix, 2 * landmark.SIDE, Exposure.of_level(plate.face.level).gain)
        yield (
            picture,
            np.column_stack([apply(matrix, plate.face.points[:, :2]), plate.face.points[:, 2] * scale_of(matrix)]),
        )


def samples(setup: Setup) -> dict[str, np.ndarray]:
    """Return pictures of eyes (n, h, w), their true and landmarked openings (n,), and the person's number (n,)."""
    network, rng = open_network(embedded_store(), "face_landmarker", threads=1), np.random.default_rng(SEED)
    found: dict[str, list[Any]] = {"eyes": [], "truth": [], "landmarked": [], "person": []}
    for number, person in enumerate(setup.people):
        for picture, points in pictures(setup, person):
            for _ in range(VARIANTS):
                small, left = varied(picture, points, rng)
                seen, presence = landmark.landmarks(network, small)
                if presence < 0.5:
                    continue
                found["eyes"].append(eye_pictures(small, SQUARE, seen))
                found["truth"].append(left * eye_openness(points))
                found["landmarked"].append(eye_openness(seen))
                found["person"].append((number, number))
        note(f"{person.name} done")
    return {name: np.concatenate(rows).astype(np.float32) for name, rows in found.items()}


class Reader(nn.Module):
    """The network of `face/eyelids.py`; its parameters lie in the order of `EYELID_LAYERS`."""

    def __init__(self) -> None:
        super().__init__()
        cells = 16 * -(-EYE_HEIGHT // 8) * -(-EYE_WIDTH // 8)
        convolutions = [
            nn.Conv2d(1, 8, 5, 2, 2),
            nn.ReLU(),
            nn.Conv2d(8, 16, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(16, 16, 3, 2, 1),
        ]
        self.seen = nn.Sequential(
            *convolutions, nn.ReLU(), nn.Flatten(), nn.Dropout(0.2), nn.Linear(cells, 32), nn.ReLU()
        )
        self.last = nn.Linear(33, 1)

    def forward(self, eyes: torch.Tensor, landmarked: torch.Tensor) -> torch.Tensor:
        """Return openings (n,) of levelled eyes (n, h, w), beside the landmarks'."""
        contrast = eyes.std((1, 2), keepdim=True) + 0.02
        eyes = (eyes - eyes.mean((1, 2), keepdim=True)) / contrast
        return self.last(torch.cat([self.seen(eyes[:, None]), 5.0 * landmarked[:, None]], 1))[:, 0]


def moved(eyes: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Return eyes turned, scaled and shifted a little, as landmarks err."""
    count, aspect = len(eyes), EYE_HEIGHT / EYE_WIDTH
    turn, scale, shift = rng.normal(0, 0.05, count), 1 + rng.normal(0, 0.05, count), rng.normal(0, 0.05, (count, 2))
    cos, sin = np.cos(turn) * scale, np.sin(turn) * scale
    rows = np.array([[cos, -sin * aspect, shift[:, 0]], [sin / aspect, cos, shift[:, 1]]]).transpose(2, 0, 1)
    grid = nn.functional.affine_grid(torch.tensor(rows, dtype=torch.float32), [count, 1, EYE_HEIGHT, EYE_WIDTH], False)
    return nn.functional.grid_sample(eyes[:, None], grid, padding_mode="border", align_corners=False)[:, 0]


def fitted(data: dict[str, np.ndarray], used: np.ndarray) -> Reader:
    """Return the network trained on the samples where `used` (n,) is true."""
    torch.manual_seed(SEED)
    rng, network = np.random.default_rng(SEED), Reader()
    eyes, truth, landmarked = (torch.tensor(data[name][used]) for name in ("eyes", "truth", "landmarked"))
    step = torch.optim.AdamW(network.parameters(), RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(step, EPOCHS)
    for _ in range(EPOCHS):
        order = rng.permutation(len(eyes))
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            seen = landmarked[chosen] + torch.tensor(rng.normal(0, 0.015, len(chosen)), dtype=torch.float32)
            loss = nn.functional.smooth_l1_loss(20 * network(moved(eyes[chosen], rng), seen), 20 * truth[chosen])
            step.zero_grad()
            loss.backward()
            step.step()
        schedule.step()
    return network.eval()


def main() -> None:
    """Run the command line described at the top of this file."""
    parser = parser_for(__doc__)
    parser.add_argument("result", type=Path, help="the file to write")
    parser.add_argument("--samples", type=Path, help="keep or reuse the pictures of eyes in this file")
    parser.add_argument("--held", type=int, default=0, help="leave every Nth person out and measure on theirs")
    given: argparse.Namespace = parser.parse_args()
    if given.samples and given.samples.exists():
        data = dict(np.load(given.samples))
    else:
        data = samples(setup_of(given))
        if given.samples:
            np.savez_compressed(given.samples, allow_pickle=False, **data)
    held = data["person"] % given.held == 0 if given.held else np.zeros(len(data["person"]), bool)
    network = fitted(data, ~held)
    if held.any():
        with torch.no_grad():
            read = network(torch.tensor(data["eyes"][held]), torch.tensor(data["landmarked"][held])).numpy()
        lines = (np.corrcoef(data["truth"][held], these)[0, 1] for these in (read, data["landmarked"][held]))
        print("people left out: r {:.3f}, of the landmarks {:.3f}".format(*lines))
    values = [value.detach().numpy().astype(np.float16) for value in network.parameters()]
    names = [f"{layer}_{kind}" for layer in EYELID_LAYERS for kind in ("weights", "bias")]
    np.savez_compressed(given.result, allow_pickle=False, **dict(zip(names, values, strict=True)))
    print(f"{given.result}: {given.result.stat().st_size} bytes from {len(data['eyes'])} eyes")


if __name__ == "__main__":
    main()
