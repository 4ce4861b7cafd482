"""Measure how people's skin differs in tone where light does not: what the light's fit must leave to the person.

    python bench/people/make_skin_model.py FOLDER

Reads pictures and performances of the people to tune on (`make_people.py pictures FOLDER`); those set aside are not read. In each
picture the most likely soft light is taken from the tones' luminance, and what remains is the person. The remainders' covariance
goes to `core/faceplate/comp/skin_tones.npz`. The light's prior needs that covariance, so it is found in three rounds, from one
in which near tones of a person are alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from make_people import VIEWS
from scenes import note, parser_for, setup_of

from faceplate.comp.light import soft_light
from faceplate.comp.occlusion import occlusion_matte
from faceplate.comp.skin_tones import SkinTones, measure_tones, tone_places

OUT = Path(__file__).parents[2] / "core" / "faceplate" / "comp" / "skin_tones.npz"
# The first round's standard deviation of a tone, in natural logarithm, and the distance over which tones are alike.
FIRST, ALIKE = 0.18, 0.09
# Every so many frames of a performance are read; a remainder counts up to this much; the least number of pictures of a pair.
STEP, MOST, PICTURES = 12, 0.7, 8.0
ROUNDS, LEAST = 3, 4e-4


@dataclass(frozen=True)
class Sample:
    """The tones of one picture and their places in units of the face's size."""

    tones: SkinTones
    places: np.ndarray


def samples(folder: Path, given: object) -> list[Sample]:
    """Measure the pictures of all people to tune on."""
    setup = setup_of(given)  # pyright: ignore[reportArgumentType]
    found = []
    for person in setup.people:
        place = folder / person.name
        paths = [place / f"{name}.jpg" for name in VIEWS] + sorted((place / "performance").glob("*.jpg"))[::STEP]
        for path in paths:
            plate = setup.plate(person, path)
            if plate is not None:
                window = plate.face.window(0.15).intersect(plate.frame.window)
                pixels = np.ascontiguousarray(plate.frame.working()[window.slices(plate.frame.window)])
                hidden = occlusion_matte(pixels, plate.face, window, setup.color)
                tones = measure_tones(pixels, window, plate.face, 1 - hidden)
                found.append(Sample(tones, tone_places(plate.face) / plate.face.size))
        note(person.name)
    return found


def model(found: list[Sample]) -> np.ndarray:
    """Return the covariance of the tones' remainders, float64 (112, 112)."""
    people: np.ndarray | None = None
    mean = np.zeros(len(found[0].places))
    for _ in range(ROUNDS):
        rest, weight = [], []
        for sample in found:
            trust = np.clip((sample.tones.trust - 0.5) / 0.5, 0, 1)
            square = ((sample.places[:, None] - sample.places[None]) ** 2).sum(axis=2)
            own = FIRST**2 * np.exp(square * (-0.5 / ALIKE**2)) if people is None else people
            luminance = sample.tones.log.mean(axis=1)
            rest.append(luminance - soft_light(sample.places, luminance - mean, trust, own))
            weight.append(trust)
        values, weights = np.array(rest), np.array(weight)
        mean = (values * weights).sum(axis=0) / np.maximum(weights.sum(axis=0), 1.0)
        away = np.clip(values - mean, -MOST, MOST) * weights
        covariance = away.T @ away / np.maximum(weights.T @ weights, PICTURES)
        # Pairs of tones are seen in different pictures, so the matrix may miss being positive by a little.
        power, axes = np.linalg.eigh((covariance + covariance.T) / 2)
        people = (axes * np.maximum(power, LEAST)) @ axes.T
    assert people is not None
    return people


def main() -> None:
    """Measure all people and write the model."""
    parser = parser_for(__doc__)
    parser.set_defaults(count=0)
    given = parser.parse_args()
    found = samples(given.folder, given)
    people = model(found)
    np.savez_compressed(OUT, people=people.astype(np.float32))
    spread = np.sqrt(np.diag(people))
    print(f"{len(found)} pictures; standard deviation of a tone {np.median(spread):.2f}, at most {spread.max():.2f}")


if __name__ == "__main__":
    main()
