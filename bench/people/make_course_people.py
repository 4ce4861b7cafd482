"""Make the pictures of the course: one invented man, and the same man younger. Both are adults.

    python bench/people/make_people.py directions FOLDER            once; 5 minutes on two cores
    python bench/people/make_course_people.py FOLDER --sheet FILE   ages from 1.5 below to 1.8 above, to choose from by eye
    python bench/people/make_course_people.py FOLDER                write core/faceplate/course/people; half a minute

The direction of age is fitted to styles of the generator. For each of the people of `population.py` the traits were read off
the picture by eye, "older" among them; the fit asks for a direction along which "older" changes while the other eight traits,
the turn of the head, the mouth and the smile do not. Its unit is one standard deviation of the generator's styles.
The pictures in the package were made while `population.py` held 63 people; with the 62 of today the direction differs a little.
No network that estimates age was used. The two places on the line, `YOUNGER` and `OLDER`, were chosen by eye on the sheet.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
from make_people import RIDGES, VIEWS, Faces, face_finder, measured
from population import PEOPLE

SEED = 4026
YOUNGER, OLDER = -0.75, 1.45
TRAITS = ("older", "glasses", "beard", "hard light", "fringe", "make-up", "dark", "light", "stubble")
# Of the traits: with 62 people for 512 numbers the fit leans on the spread of all styles.
RIDGE = 0.5
FRAMES = 16
SHEET = (-1.5, -1.0, -0.5, 0.0, 0.6, 1.2, 1.8)
# JPEG qualities of the source's views and of the performance, whose light is changed afterwards.
VIEW_QUALITY, FRAME_QUALITY = 85, 83
MATTE_SIDE, MATTES_ACROSS = 128, 4
CORE = Path(__file__).parents[2] / "core" / "faceplate"
COURSE, WEIGHTS = CORE / "course" / "people", CORE / "models" / "weights"


def age_direction(folder: Path, faces: Faces) -> np.ndarray:
    """Fit the direction of age, float32 (512,), a standard deviation of the generator's styles long."""
    with np.load(folder / "samples.npz") as table:
        styles, poses = table["styles"], table["values"]
    spread, mean = np.cov(styles.T), styles.mean(axis=0)
    scale, identity = np.trace(spread) / len(spread), np.eye(len(spread))
    seen = np.array([[trait in person.traits for trait in TRAITS] for person in PEOPLE], float)
    known = np.array([faces.style(person.seed) for person in PEOPLE])

    def slopes(x: np.ndarray, y: np.ndarray, ridge: float) -> np.ndarray:
        moment = (x - x.mean(axis=0)).T @ (y - y.mean(axis=0)) / len(x)
        return np.linalg.solve(spread + ridge * scale * identity, moment)

    columns = np.concatenate([slopes(known, seen, RIDGE), slopes(styles - mean, poses, RIDGES[1])], axis=1)
    columns /= np.linalg.norm(columns, axis=0)
    direction = (columns @ np.linalg.inv(columns.T @ columns))[:, 0]
    return direction / np.sqrt(direction @ spread @ direction)


def squared(style: np.ndarray, faces: Faces, poses: np.ndarray, find: Callable[[np.ndarray], Any]) -> np.ndarray:
    """Return the style turned square to the camera, with its smile taken back."""
    value = measured(faces.picture(style), find)
    if value is None:
        raise SystemExit("No face was found in the person's picture.")
    return style - np.array([value[0], 0, max(value[2], 0)]) @ poses


def acting(number: int) -> np.ndarray:
    """Changes of yaw, mouth and smile at a frame of the performance: a turn from the left to the right, and a short shout."""
    t = number / (FRAMES - 1)
    yaw = -12 + 26 * (t * t * (3 - 2 * t))
    mouth = 0.13 * np.sin(np.pi * min(max((t - 0.3) / 0.6, 0), 1)) ** 2 - 0.05
    return np.array([yaw, mouth, 0.04 * t])


def head_matte(picture: np.ndarray, session: Any) -> np.ndarray:
    """Find the person in a BGR picture, uint8 (MATTE_SIDE, MATTE_SIDE); what the generator drew of others is left out."""
    small = cv2.resize(picture, (256, 256), interpolation=cv2.INTER_AREA)[..., ::-1].astype(np.float32) / 255
    found = session.run(None, {session.get_inputs()[0].name: small[None]})[0].reshape(256, 256)
    _, labels, stats, _ = cv2.connectedComponentsWithStats((found > 0.5).astype(np.uint8))
    person = labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    matte = found * cv2.dilate(person.astype(np.float32), np.ones((9, 9)))
    return (cv2.resize(matte, (MATTE_SIDE, MATTE_SIDE), interpolation=cv2.INTER_AREA) * 255).round().astype(np.uint8)


def write(path: Path, picture: np.ndarray, quality: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
    if not cv2.imwrite(str(path), picture, options):
        raise SystemExit(f"{path} cannot be written.")


def make_course(folder: Path) -> None:
    """Write the younger man's six views, and the older man's performance with what the plate must know of it."""
    faces, find = Faces(), face_finder()
    with np.load(folder / "directions.npz") as kept:
        poses = np.stack([kept["yaw"], kept["mouth"], kept["smile"]])
    age, style = age_direction(folder, faces), faces.style(SEED)
    younger = squared(style + YOUNGER * age, faces, poses, find)
    for name, change in VIEWS.items():
        picture = faces.picture(younger + np.array(change) @ poses)
        # Beside the head turned this way the generator draws a piece of somebody else.
        write(COURSE / "gus_younger" / f"{name}.jpg", picture[:, :750] if name == "right" else picture, VIEW_QUALITY)
    older = squared(style + OLDER * age, faces, poses, find)
    write(COURSE / "gus" / "front.jpg", faces.picture(older), VIEW_QUALITY)
    session = onnxruntime.InferenceSession(str(WEIGHTS / "selfie_segmentation.onnx"))
    eyes, mattes = {}, []
    for number in range(FRAMES):
        picture = faces.picture(older + acting(number) @ poses)
        write(COURSE / "gus" / "performance" / f"gus.{1001 + number}.jpg", picture, FRAME_QUALITY)
        mattes.append(head_matte(picture, session))
        points = find(picture).points
        eyes[str(1001 + number)] = [points[side, :2].mean(axis=0).round(2).tolist() for side in ([33, 133], [362, 263])]
    guide = COURSE / "gus" / "performance" / "guide"
    guide.mkdir(exist_ok=True)
    rows = [np.hstack(mattes[start : start + MATTES_ACROSS]) for start in range(0, FRAMES, MATTES_ACROSS)]
    cv2.imwrite(str(guide / "mattes.png"), np.vstack(rows))
    (guide / "eyes.json").write_text(json.dumps(eyes, indent=1) + "\n")


def make_sheet(folder: Path, path: Path) -> None:
    """Draw the man along the line of age, with the values of `SHEET` under the pictures."""
    faces = Faces()
    age, style, tiles = age_direction(folder, faces), faces.style(SEED), []
    for value in SHEET:
        tile = cv2.resize(faces.picture(style + value * age), (384, 384), interpolation=cv2.INTER_AREA)
        cv2.putText(tile, f"{value:+.1f}", (8, 372), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (255, 255, 255), 2, cv2.LINE_AA)
        tiles.append(tile)
    cv2.imwrite(str(path), np.hstack(tiles))


def main() -> None:
    """Run the command line described at the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder with directions.npz and samples.npz")
    parser.add_argument("--sheet", type=Path, help="only draw the line of age into this picture")
    options = parser.parse_args()
    if options.sheet:
        make_sheet(options.folder, options.sheet)
    else:
        make_course(options.folder)


if __name__ == "__main__":
    main()
