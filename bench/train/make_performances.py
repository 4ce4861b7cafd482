"""Make the performances of two invented people on which `faceplate train` is measured: an actor and a double.

    python bench/people/make_people.py directions POPULATION     once, see bench/people/README.md
    python bench/train/make_performances.py POPULATION FOLDER [--actor p3128] [--double p3187] [--frames 240] [--size 512]

`FOLDER/actor/actor.####.exr` are frames of the actor. `FOLDER/double/sh010/plate.####.exr` and `sh020` are two plates of the
double, half the frames each, with a shot file beside them. All are half-float EXR in ACEScg with sensor noise; a face is about
two thirds of the picture. `FOLDER/truth.json` holds for each frame what was asked of the face. Each person has a release
that says that they do not exist, signed by a key that the script makes, with its public half in `FOLDER/keyring`.

The head turns and the mouth opens and smiles by the generator's own directions. Nod, lids, look and light are put on its
picture: a warp on the mesh, and a factor over the mesh's normals. Frames that exist are left alone.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "support"))
sys.path.insert(0, str(Path(__file__).parents[1] / "people"))

from make_people import Faces, measured
from population import PEOPLE, Person
from sequences import rotation, warped_mesh

from faceplate.color import ColorConfig
from faceplate.consent.release import Permitted, Release, release_path
from faceplate.errors import FaceplateError
from faceplate.face import Face, FaceFinder, topology
from faceplate.face.raster import rasterise
from faceplate.face.shape import normals, pose_of
from faceplate.image.frame import Frame
from faceplate.image.inpaint import fill
from faceplate.image.window import Window
from faceplate.signing import load_key, new_key, sign
from faceplate.signing.keys import signature_path, write_json
from faceplate.system.file_hash import sha256_of
from track_plates import blinking, looking, noisy, write

FIRST = 1001
SPACE = "sRGB - Texture"
NOISE = 0.35
# Mouth and smile, in the units of `make_people.measured`, below the front picture's: lips closed, without a smile.
REST = (-0.07, -0.08)


@dataclass(frozen=True)
class Acted:
    """What one frame asks of the face.

    `yaw` and `pitch` in degrees, `mouth` and `smile` in the units of `make_people.measured`, `lids` 0 open to 1 shut, `look` in
    widths of an eye. The key light comes from `azimuth` degrees (positive from the picture's right) with `contrast` 0..1;
    `stops` is the exposure, `warmth` the balance of red over blue in stops.
    """

    yaw: float
    pitch: float
    mouth: float
    smile: float
    lids: float
    look: tuple[float, float]
    azimuth: float
    contrast: float
    stops: float
    warmth: float


def acted(index: int, person: str, frames: int) -> Acted:
    """Return what frame `index` of `frames` asks: the same at any time for the same numbers.

    All periods differ from each other, so that turn, nod, mouth, lids and light meet in many combinations.
    """
    rng = np.random.default_rng([len(person), *person.encode()])
    phase = rng.uniform(0, 2 * np.pi, 10)

    def wave(period: float, k: int) -> float:
        return float(np.sin(2 * np.pi * index / period + phase[k]))

    syllable = 0.5 - 0.5 * np.cos(2 * np.pi * index / 11.0)
    loudness = float(np.clip(0.55 + 0.6 * wave(67.0, 2), 0, 1))
    blink = 1.4 - abs((index + int(20 * phase[5])) % 31 - 8) / 2.2
    half = index < frames // 2
    return Acted(
        yaw=21.0 * wave(83.0, 0),
        pitch=9.0 * wave(59.0, 1),
        mouth=0.21 * syllable * loudness,
        smile=0.16 * max(0.0, wave(101.0, 3)),
        lids=float(np.clip(blink, 0, 1)),
        look=(0.10 * wave(37.0, 6), 0.035 * wave(29.0, 7)),
        azimuth=(55.0 if half else -35.0) + 30.0 * wave(151.0, 8),
        contrast=0.35 + 0.3 * wave(127.0, 9),
        stops=(0.3 if half else -0.9) + 0.4 * wave(113.0, 4),
        warmth=0.25 if half else -0.2,
    )


class Stage:
    """Makes the frames of one person: the generator, the finder and the person's front style."""

    def __init__(self, folder: Path, person: Person, size: int) -> None:
        with np.load(folder / "directions.npz") as kept:
            self._directions = np.stack([kept["yaw"], kept["mouth"], kept["smile"]])
        self._faces, self._finder = Faces(), FaceFinder.embedded()
        self._color, self._size = ColorConfig.load(environ={}), size
        style = self._faces.style(person.seed)
        value = measured(self._faces.picture(style), self._find_bgr)
        if value is None:
            raise SystemExit(f"{person.name}: the generator's picture shows no face")
        self._front = style + np.array([-value[0], *REST]) @ self._directions

    def frame(self, asked: Acted, number: int) -> np.ndarray | None:
        """Return a frame, scene-linear ACEScg float32 (size, size, 3) with noise; None where the picture shows no face."""
        style = self._front + np.array([asked.yaw, asked.mouth, asked.smile]) @ self._directions
        still = self._frame_of(self._faces.picture(style))
        found = self._finder.find(still)
        if not found:
            return None
        soft = cv2.GaussianBlur(still.working(), (0, 0), 0.5 * max(1.0, still.window.height / self._size))
        points = found[0].points
        pixels = looking(soft, points[:, :2], np.array(asked.look))
        pixels = blinking(pixels, points[:, :2], asked.lids)
        drift = 0.012 * soft.shape[0] * np.array([np.sin(number / 19.0), np.cos(number / 23.0)])
        moved = nodded(found[0], asked.pitch) + np.array([*drift, 0.0])
        scale = self._size / soft.shape[0]
        small = warped_mesh(pixels, points, moved, self._size, drift)
        return noisy(relit(np.maximum(small, 0), moved * scale, asked), number, NOISE)

    def _frame_of(self, picture: np.ndarray) -> Frame:
        pixels = np.ascontiguousarray(picture[..., ::-1], np.float32) / np.float32(255)
        window = Window(0, 0, picture.shape[1], picture.shape[0])
        return Frame(pixels, window, self._color.resolve(SPACE), self._color)

    def _find_bgr(self, picture: np.ndarray) -> Any:
        faces = self._finder.find(self._frame_of(picture))
        return faces[0] if faces else None


def nodded(face: Face, pitch: float) -> np.ndarray:
    """Return the mesh (478, 3) of `face` turned by `pitch` degrees about the middle of the head."""
    pose = pose_of(face.points)
    pivot = np.array([0.0, 0.0, face.size * 0.5])
    turn = rotation(0.0, float(np.radians(pitch)))
    return (pose.place(pose.canonical) - pivot) @ turn.T + pivot + pose.centre


def relit(pixels: np.ndarray, points: np.ndarray, asked: Acted) -> np.ndarray:
    """Return `pixels` (h, w, 3) under another key light: a factor over the mesh's normals that fades beyond the face."""
    size = float(np.ptp(points[:, 1]))
    window = Window(0, 0, pixels.shape[1], pixels.shape[0])
    azimuth = np.radians(asked.azimuth)
    towards = np.array([np.sin(azimuth), -0.45, -np.cos(azimuth)])
    lit = np.clip(normals(points) @ (towards / np.linalg.norm(towards)), 0, 1)
    factor = (1 - asked.contrast) + asked.contrast * 1.5 * lit
    raster = rasterise(points, topology().closed, window, size)
    logs = np.log(factor)[:, None].astype(np.float32)
    covered = raster.covered.astype(np.float32)
    field = fill(raster.interpolate(logs), covered).reshape(raster.covered.shape)
    field = cv2.GaussianBlur(field, (0, 0), 0.03 * size * covered.shape[1] / window.width)
    away = cv2.distanceTransform((covered == 0).astype(np.uint8), cv2.DIST_L2, 5) * window.width / covered.shape[1]
    near = np.clip(1 - away / (0.5 * size), 0, 1)
    field = cv2.resize(field * near * near * (3 - 2 * near), (window.width, window.height))
    balance = np.exp2(np.array([asked.warmth, 0.0, -asked.warmth], np.float32) * 0.5 + np.float32(asked.stops))
    return pixels * np.exp(field)[..., None] * balance


def make_person(population: Path, person: Person, folder: Path, frames: int, size: int, double: bool) -> dict[str, Any]:
    """Write the frames of one person and return what was asked of them by file."""
    stage, truth = Stage(population, person, size), {}
    for index in range(frames):
        part, number = divmod(index, -(-frames // 2)) if double else (0, index)
        name = f"sh0{part + 1}0/plate.{FIRST + number}.exr" if double else f"actor.{FIRST + number}.exr"
        asked = acted(index, person.name, frames)
        path = folder / name
        if not path.exists():
            made = stage.frame(asked, FIRST + index)
            if made is None:
                print(f"{person.name}: no face at frame {index}", file=sys.stderr, flush=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path, made)
        truth[f"{folder.name}/{name}"] = asdict(asked)
        if index % 20 == 0:
            print(f"{person.name}: {index} of {frames}", file=sys.stderr, flush=True)
    return truth


def write_shots(folder: Path) -> None:
    """Write a shot file beside each plate of the double."""
    for plate in sorted(folder.glob("sh*/")):
        shot = {"name": plate.name, "plate": f"{plate.name}/plate.####.exr", "track": f"{plate.name}.track.json"}
        shot |= {"faceplate_shot": 1, "source": "../actor", "output": f"{plate.name}_swap/swap.####.exr"}
        write_json(folder / f"{plate.name}.shot.json", shot)


def write_release(folder: Path, person: Person, key_file: Path) -> None:
    """Write and sign a release over all frames in `folder` that says that the person does not exist."""
    release = Release(
        id=f"invented-{person.name}",
        performer=person.name,
        rights_holder="Nobody: the person does not exist",
        production="*",
        permitted=Permitted(uses=("test",)),
        contact="the Faceplate project",
        issued=dt.datetime.now(dt.UTC).date(),
        pictures=tuple(sorted({sha256_of(path) for path in folder.rglob("*.exr")})),
        fictitious=True,
    )
    path = release_path(folder)
    write_json(path, release.model_dump(mode="json"))
    write_json(signature_path(path), sign(release.model_dump(mode="json"), load_key(key_file)).model_dump())


def key_in(folder: Path) -> Path:
    """Return the private key of the folder; it is made where it is missing, with its public half in the keyring."""
    path, ring = folder / "invented.pem", folder / "keyring"
    if not path.exists():
        ring.mkdir(parents=True, exist_ok=True)
        public = new_key(path)
        shutil.copyfile(public, ring / public.name)
    return path


def main() -> None:
    """Run the command line described at the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("population", type=Path, help="folder that make_people.py filled")
    parser.add_argument("folder", type=Path, help="folder to write into")
    parser.add_argument("--actor", default="p3128")
    parser.add_argument("--double", default="p3187")
    parser.add_argument("--frames", type=int, default=240, help="frames of each person")
    parser.add_argument("--size", type=int, default=512, help="side of a frame in pixels")
    options = parser.parse_args()
    people = {person.name: person for person in PEOPLE}
    options.folder.mkdir(parents=True, exist_ok=True)
    truth, key_file = {}, key_in(options.folder)
    for role in ("actor", "double"):
        person, place = people[getattr(options, role)], options.folder / role
        made = make_person(options.population, person, place, options.frames, options.size, role == "double")
        truth |= made
        write_release(place, person, key_file)
    write_shots(options.folder / "double")
    (options.folder / "truth.json").write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
    print(f"{len(truth)} frames in {options.folder}")


if __name__ == "__main__":
    try:
        main()
    except FaceplateError as error:
        raise SystemExit(str(error)) from None
