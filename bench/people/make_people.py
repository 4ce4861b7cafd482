"""Make the pictures of the working population: six views and a performance of every invented person.

    pip install -e . openvino && pip install --no-deps random-face==2021.7.21.1
    python bench/people/make_people.py directions FOLDER     fit the directions; 5 minutes on two cores
    python bench/people/make_people.py pictures FOLDER       all people; 10 seconds each on two cores
    python bench/people/make_people.py pictures FOLDER 3003 3010   some of them

`FOLDER/directions.npz` holds linear directions of the generator's style for turning, opening the mouth and smiling, from a
least-squares fit over 600 samples. `FOLDER/<name>/` then holds `front`, `left`, `right`, `open`, `closed`, `smile` and
`performance/<name>.1001.jpg` onwards, 1024 x 1024, 8-bit sRGB. Nothing of it is committed. The generator is MobileStyleGAN
of PyPI `random-face` (Apache License 2.0; see NOTICE for what is known of its training). Small changes of identity, light
and background along a performance come from the generator; thin glasses and grey hair come and go with it.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from population import PEOPLE, Person

# Part of the way from the generator's mean face at which a person lies: nearer is plainer, farther breaks.
TRUNCATION = 0.75
SAMPLES = 600
# Of yaw, mouth and smile: much ridge gives what usually comes with a measure, which for a turn is the turn itself, but for a smile
# age and glasses; little follows noise.
RIDGES = (10.0, 1.0, 0.5)
CALIBRATION = 8
FRAMES = 36
# Each view as changes of yaw in degrees, of mouth opening and of smile in the units of `measured`.
VIEWS = {
    "front": (0.0, 0.0, 0.0),
    "left": (-24.0, 0.0, 0.0),
    "right": (24.0, 0.0, 0.0),
    "open": (0.0, 0.2, 0.0),
    "closed": (0.0, -0.1, -0.12),
    "smile": (0.0, 0.0, 0.22),
}


class Faces:
    """The generator: latents in, pictures out."""

    @cached_property
    def _core(self) -> Any:
        import openvino  # pyright: ignore[reportMissingImports]

        return openvino.Core()

    @cached_property
    def _data(self) -> Path:
        package = importlib.util.find_spec("random_face")
        if package is None or package.origin is None:
            raise SystemExit("random-face is missing: pip install --no-deps random-face==2021.7.21.1")
        return Path(package.origin).parent / "data"

    @cached_property
    def _mapping(self) -> Any:
        model = self._core.read_model(self._data / "MappingNetwork.xml")
        model.reshape({model.inputs[0].any_name: [64, 512]})
        return self._core.compile_model(model, "CPU")

    @cached_property
    def _synthesis(self) -> Any:
        return self._core.compile_model(self._core.read_model(self._data / "SynthesisNetwork.xml"), "CPU")

    @cached_property
    def mean(self) -> np.ndarray:
        """The mean style, float32 (512,)."""
        rng = np.random.default_rng(7)
        return np.mean([self._styles(rng).mean(axis=0) for _ in range(32)], axis=0)

    def _styles(self, rng: np.random.Generator) -> np.ndarray:
        return self._mapping({0: rng.normal(size=(64, 512)).astype(np.float32)})[self._mapping.outputs[0]]

    def style(self, seed: int) -> np.ndarray:
        """The style of one seed, float32 (512,)."""
        return self.mean + TRUNCATION * (self._styles(np.random.default_rng(seed))[0] - self.mean)

    def picture(self, style: np.ndarray) -> np.ndarray:
        """The picture of a style, uint8 (1024, 1024, 3), BGR."""
        made = self._synthesis({0: style[None].astype(np.float32)})[self._synthesis.outputs[0]][0]
        return np.clip((made.transpose(1, 2, 0)[..., ::-1] + 1) * 127.5 + 0.5, 0, 255).astype(np.uint8)


def measured(picture: np.ndarray, find: Callable[[np.ndarray], Any]) -> np.ndarray | None:
    """Yaw in degrees, opening of the lips and lift of the mouth's corners over the eyes' distance; None without a face."""
    face = find(picture)
    if face is None:
        return None
    points = face.points
    right, left = points[[33, 133]].mean(axis=0), points[[362, 263]].mean(axis=0)
    across, eyes = left - right, float(np.hypot(*(left - right)[:2]))
    yaw = np.degrees(np.arctan2(across[2], eyes))
    opening = np.hypot(*(points[14] - points[13])[:2]) / eyes
    corners = points[[61, 291], :2]
    smile = np.hypot(*(corners[1] - corners[0])) / eyes - 0.8
    return np.array([yaw, opening, smile])


def make_samples(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return styles (n, 512) and their measures (n, 3) of the samples; they are made once and kept in `folder`."""
    kept = folder / "samples.npz"
    if not kept.exists():
        faces, find = Faces(), face_finder()
        styles, values = [], []
        for seed in range(SAMPLES):
            style = faces.style(100_000 + seed)
            value = measured(faces.picture(style), find)
            if value is not None:
                styles.append(style)
                values.append(value)
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(kept, styles=np.array(styles), values=np.array(values))
    with np.load(kept) as table:
        return table["styles"], table["values"]


def make_directions(folder: Path) -> None:
    """Fit the directions and keep them: each moves its own measure by one unit and leaves the other two."""
    styles, values = make_samples(folder)
    x, y = styles - styles.mean(axis=0), values - values.mean(axis=0)
    spread, identity = x.T @ x / len(x), np.eye(x.shape[1])
    scale = np.trace(spread) / len(spread)
    columns = zip(RIDGES, (x.T @ y / len(x)).T, strict=True)
    slopes = np.stack([np.linalg.solve(spread + ridge * scale * identity, column) for ridge, column in columns], axis=1)
    directions = (slopes @ np.linalg.inv(slopes.T @ slopes)).T
    gains = gains_of(directions, styles[:CALIBRATION])
    directions /= gains[:, None]
    np.savez(folder / "directions.npz", yaw=directions[0], mouth=directions[1], smile=directions[2])
    print(f"{len(x)} samples; measured change per unit before scaling: yaw, mouth, smile {gains.round(2)}")


def gains_of(directions: np.ndarray, styles: np.ndarray) -> np.ndarray:
    """Return how far each measure really moves for one unit of its direction, (3,), the median over `styles`."""
    faces, find = Faces(), face_finder()
    steps = np.array([12.0, 0.1, 0.1])
    found = []
    for style in styles:
        gains = []
        for k, (direction, step) in enumerate(zip(directions, steps, strict=True)):
            low = measured(faces.picture(style - step * direction), find)
            high = measured(faces.picture(style + step * direction), find)
            if low is not None and high is not None:
                gains.append((high[k] - low[k]) / (2 * step))
        if len(gains) == len(directions):
            found.append(gains)
    return np.median(np.array(found), axis=0)


def make_pictures(folder: Path, people: tuple[Person, ...]) -> None:
    """Make the views and the performance of `people`; what is there already is left alone."""
    faces, find = Faces(), face_finder()
    with np.load(folder / "directions.npz") as kept:
        directions = np.stack([kept["yaw"], kept["mouth"], kept["smile"]])
    for person in people:
        place = folder / person.name
        (place / "performance").mkdir(parents=True, exist_ok=True)
        style = faces.style(person.seed)
        value = measured(faces.picture(style), find)
        if value is None:
            print(f"{person.name}: no face was found")
            continue
        front = style - value[0] * directions[0]  # every person begins square to the camera
        for name, change in VIEWS.items():
            save(place / f"{name}.jpg", faces, front + np.array(change) @ directions)
        for number in range(FRAMES):
            path = place / "performance" / f"{person.name}.{1001 + number}.jpg"
            save(path, faces, front + performance(number, person.seed) @ directions)
        print(person.name, ", ".join(sorted(person.traits)), flush=True)


def performance(number: int, seed: int) -> np.ndarray:
    """Changes of yaw, mouth and smile at one frame: a slow turn, speech, and a smile that comes and goes."""
    phase = (seed % 7) / 7 * 2 * np.pi
    t = number / FRAMES * 2 * np.pi
    yaw = 17 * np.sin(t + phase)
    mouth = 0.1 * (1 - np.cos(3 * t)) / 2 * (1 + np.sin(2 * t + phase)) + 0.02
    smile = 0.15 * max(0.0, np.sin(t - phase))
    return np.array([yaw, mouth, smile])


def save(path: Path, faces: Faces, style: np.ndarray) -> None:
    """Write the picture of `style` to `path` unless the file is there."""
    if not path.exists():
        cv2.imwrite(str(path), faces.picture(style), [cv2.IMWRITE_JPEG_QUALITY, 95])


def face_finder() -> Callable[[np.ndarray], Any]:
    """A function from a BGR picture to its largest face, or None."""
    from faceplate.color import ColorConfig
    from faceplate.face import FaceFinder
    from faceplate.image import Frame, Window

    color, finder = ColorConfig.load(environ={}), FaceFinder.embedded()

    def find(picture: np.ndarray) -> Any:
        pixels = np.ascontiguousarray(picture[..., ::-1], np.float32) / np.float32(255)
        window = Window(0, 0, picture.shape[1], picture.shape[0])
        faces = finder.find(Frame(pixels, window, color.resolve("sRGB - Texture"), color))
        return faces[0] if faces else None

    return find


def main() -> None:
    """Run the command line described at the top of this file."""
    words = sys.argv[1:]
    if len(words) < 2 or words[0] not in ("directions", "pictures"):
        raise SystemExit(__doc__)
    folder = Path(words[1])
    if words[0] == "directions":
        make_directions(folder)
        return
    wanted = {int(word) for word in words[2:]}
    make_pictures(folder, tuple(person for person in PEOPLE if not wanted or person.seed in wanted))


if __name__ == "__main__":
    main()
