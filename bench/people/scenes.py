"""What the scripts of this folder share: options, people, plates with a face, recognisers, Markdown rows and face crops."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import damage
import numpy as np
from population import Person, drawn

from faceplate import FaceSwapper, Parameters
from faceplate.color import ColorConfig
from faceplate.color.reading import read_still
from faceplate.face import Face, FaceFinder
from faceplate.face.align import TEMPLATES, compose, resample
from faceplate.face.shape import pose_of
from faceplate.image.frame import Frame
from faceplate.image.window import Window

VIEWS = ("front", "left", "right", "open", "closed", "smile")
# Yaw in degrees at which a performance frame is chosen; "open" is the frame with the widest mouth.
TURNS = {"-15°": -15.0, "0°": 0.0, "+15°": 15.0, "open": None}
SRGB = "sRGB - Texture"
# Seed of the draw of `count` people from a group.
DRAW = 19


@dataclass(frozen=True)
class Plate:
    """One picture used as a plate: the scene-linear frame, the face in it, and its frame number."""

    person: Person
    number: int
    frame: Frame
    face: Face

    @property
    def yaw(self) -> float:
        """Yaw of the head in degrees, positive to the picture's right."""
        return pose_of(self.face.points).angles[0]

    @property
    def opening(self) -> float:
        """Distance of the inner lips over the width of the mouth."""
        return opening(self.face.points)


@dataclass(frozen=True)
class Setup:
    """The options that all scripts share, and what they open once."""

    folder: Path
    people: tuple[Person, ...]
    parameters: Parameters
    size: int
    damage: str

    @cached_property
    def color(self) -> ColorConfig:
        """The built-in colour configuration."""
        return ColorConfig.load(environ={})

    @cached_property
    def finder(self) -> FaceFinder:
        """The finder with the networks of the package."""
        return FaceFinder.embedded()

    def place(self, person: Person) -> Path:
        """Return the folder of the person's pictures."""
        return self.folder / person.name

    def swapper(self, person: Person) -> FaceSwapper:
        """Return the swapper that puts `person` on a plate."""
        return FaceSwapper(self.place(person), self.parameters, self.finder, color=self.color)

    def still(self, path: Path) -> Frame:
        """Read a picture as a scene-linear frame, `size` pixels high and wide, without damage."""
        whole = read_still(path, self.color)
        scale = self.size / whole.window.height
        window = Window(0, 0, self.size, self.size)
        matrix = np.array([[scale, 0, 0], [0, scale, 0]], np.float64)
        return Frame(
            resample(whole.working(), whole.window, matrix, window), window, self.color.working_space, self.color
        )

    def plate(self, person: Person, path: Path, number: int = 0) -> Plate | None:
        """Read a picture as a plate with the damage that the options name; None where no face is found."""
        frame = self.still(path)
        if self.damage:
            faces = self.finder.find(frame)
            if not faces:
                return None
            frame = damage.DAMAGE[self.damage](frame, faces[0], number)
        faces = self.finder.find(frame)
        return Plate(person, number, frame, faces[0]) if faces else None

    def views(self, person: Person) -> list[Plate]:
        """Read the six pictures of a person, without damage; those in which no face is found are left out."""
        found = []
        for name in VIEWS:
            frame = self.still(self.place(person) / f"{name}.jpg")
            faces = self.finder.find(frame)
            found += [Plate(person, 0, frame, faces[0])] if faces else []
        return found

    def performance(self, person: Person, step: int = 1, count: int = 0) -> list[Plate]:
        """Read the person's performance, every `step`-th frame and at most `count` (0: all)."""
        paths = sorted((self.place(person) / "performance").glob("*.jpg"))[::step]
        plates_ = [self.plate(person, path, int(path.stem[-4:])) for path in paths[: count or None]]
        return [plate for plate in plates_ if plate is not None]


def parser_for(text: str | None) -> argparse.ArgumentParser:
    """Return a parser with the options that all scripts share; `text` is the script's docstring."""
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder that make_people.py filled")
    parser.add_argument("--people", choices=("tuning", "aside"), default="tuning", help="group to measure")
    parser.add_argument("--count", type=int, default=8, help="number of people, drawn from the group by seed; 0: all")
    parser.add_argument("--only", default="", help="names of people, separated by commas, in place of the draw")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="shot parameter")
    parser.add_argument("--size", type=int, default=512, help="side of the plate in pixels")
    parser.add_argument(
        "--damage", choices=tuple(damage.DAMAGE), default="", help="damage put on the plate (damage.py)"
    )
    return parser


def setup_of(options: argparse.Namespace, has: Callable[[Person], bool] = lambda person: True) -> Setup:
    """Return the shared options; the people are drawn among those for whom `has` holds."""
    names = {name for name in options.only.split(",") if name}
    group = drawn(options.people, DRAW, has)
    named = sorted((person for person in group if person.name in names), key=lambda person: person.seed)
    wanted = named if names else group
    there = [person for person in wanted if _is_complete(options.folder / person.name)]
    missing = [person.name for person in wanted if person not in there]
    if missing:
        note(f"left out, because pictures are missing: {', '.join(missing)}")
    values = dict(item.split("=", 1) for item in options.set)
    people = tuple(there if names else there[: options.count or None])
    return Setup(options.folder, people, Parameters.model_validate(values), options.size, options.damage)


def _is_complete(place: Path) -> bool:
    return all((place / f"{name}.jpg").is_file() for name in VIEWS) and len(list(place.glob("performance/*.jpg"))) >= 2


# What is measured -------------------------------------------------------------------------------------------------------


def opening(points: np.ndarray) -> float:
    """Distance of the inner lips over the width of the mouth."""
    return float(np.hypot(*(points[13] - points[14])[:2]) / np.hypot(*(points[61] - points[291])[:2]))


def at_turns(plates_: Sequence[Plate]) -> dict[str, Plate]:
    """Return the frame nearest to each of `TURNS`."""
    chosen = {}
    for name, yaw in TURNS.items():
        off = [-plate.opening if yaw is None else abs(plate.yaw - yaw) for plate in plates_]
        chosen[name] = plates_[int(np.argmin(off))]
    return chosen


class Recogniser:
    """A face embedding of unit length, of the SFace that ships or of an ArcFace file."""

    def __init__(self, finder: FaceFinder, arcface: Path | None = None) -> None:
        self._finder = finder
        self._session = None
        if arcface is not None:
            import onnxruntime

            runtime = onnxruntime.SessionOptions()
            runtime.intra_op_num_threads = 1
            self._session = onnxruntime.InferenceSession(str(arcface), runtime, providers=["CPUExecutionProvider"])

    def embed(self, frame: Frame, face: Face) -> np.ndarray:
        """Compute the embedding of `face` in `frame`, float32 (n,), of unit length."""
        if self._session is None:
            return unit(self._finder.embed(frame, face))
        crop = arcface_crop(frame, face)
        blob = (crop * 2 - 1).transpose(2, 0, 1)[None].astype(np.float32)
        return unit(np.asarray(self._session.run(None, {self._session.get_inputs()[0].name: blob})[0]).reshape(-1))

    def of_views(self, views: Iterable[Plate]) -> np.ndarray:
        """Compute the mean embedding of the pictures of one person, of unit length."""
        return unit(np.mean([self.embed(view.frame, view.face) for view in views], axis=0))


def arcface_crop(frame: Frame, face: Face) -> np.ndarray:
    """Render a face on ArcFace's five points as plain sRGB, float32 (112, 112, 3), 0..1.

    The similarity is a robust fit (least median of squares), so that the nose of a turned head does not shift it.
    """
    matrix = cv2.estimateAffinePartial2D(face.five, TEMPLATES["arcface_112_v2"] * 112, method=cv2.LMEDS)[0]
    shown = display(frame)
    return np.clip(resample(shown, frame.window, matrix, Window(0, 0, 112, 112)), 0, 1)


def display(frame: Frame) -> np.ndarray:
    """Return a frame as plain sRGB, clipped, float32 (h, w, 3), 0..1."""
    linear = np.clip(frame.color.to_linear709(frame.working()), 0, 1)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055).astype(np.float32)


def unit(vector: np.ndarray) -> np.ndarray:
    """Return `vector` at length 1."""
    return vector / max(float(np.linalg.norm(vector)), 1e-12)


def refound(setup: Setup, frame: Frame, face: Face) -> Face:
    """Return the face of a result, landmarked again from the plate's."""
    return setup.finder.refine(frame, face)


def linear709(frame: Frame) -> np.ndarray:
    """Return a frame as scene-linear Rec.709, float32 (h, w, 3)."""
    return frame.color.to_linear709(frame.working())


_XYZ_OF_709 = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def lab(linear: np.ndarray) -> np.ndarray:
    """Convert scene-linear Rec.709 to CIELAB with its white at 1, float64 (..., 3)."""
    ratio = np.maximum(linear, 0) @ (_XYZ_OF_709 / _XYZ_OF_709.sum(axis=1, keepdims=True)).T
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


def filled(points: np.ndarray, frame: Frame) -> np.ndarray:
    """Return the pixels of `frame` inside a polygon of continuous points (n, 2 or more), bool (h, w)."""
    mask = np.zeros(frame.pixels.shape[:2], np.uint8)
    at = points[:, :2] - (frame.window.x + 0.5, frame.window.y + 0.5)
    cv2.fillPoly(mask, [np.round(at).astype(np.int32)], 1)
    return mask > 0


def pairs_of(people: Sequence[Person]) -> list[tuple[Person, Person]]:
    """Return (source, target) pairs in which everybody is source once and target once, nobody of themselves."""
    return list(zip(people, (*people[1:], *people[:1]), strict=True))


# What is printed --------------------------------------------------------------------------------------------------------


def note(text: str) -> None:
    """Print progress to the error stream."""
    print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)


def header(*columns: str, words: int = 1) -> None:
    """Print the head of a Markdown table, of which the first `words` columns are text."""
    row(*columns)
    print("|" + "---|" * words + "---:|" * (len(columns) - words), flush=True)


def row(*cells: str | float) -> None:
    """Print one row of a Markdown table; numbers have two decimals, and NaN is a dash."""
    shown = [cell if isinstance(cell, str) else "–" if cell != cell else f"{cell:.2f}" for cell in cells]
    print("| " + " | ".join(shown) + " |", flush=True)


def column_means(rows: Sequence[tuple[float, ...]]) -> list[float]:
    """Return the mean of each column without its NaN; NaN for a column that has nothing else."""
    columns = np.array(rows).T
    return [float(np.nanmean(column)) if np.isfinite(column).any() else float("nan") for column in columns]


# Sheets -----------------------------------------------------------------------------------------------------------------


def face_crop(
    frame: Frame, face: Face, side: int, margin: float = 0.22, centre: np.ndarray | None = None
) -> np.ndarray:
    """Return the square around a face as it is displayed, uint8 (side, side, 3), RGB.

    `margin` is what is shown beyond the mesh's box, as a fraction of the face's size on every side. With `centre` the square
    is around that point, and `margin` + 0.5 is half its side over the face's size.
    """
    middle = face.points[:, :2].min(axis=0) / 2 + face.points[:, :2].max(axis=0) / 2 if centre is None else centre
    reach = (0.5 + margin) * face.size
    scale = side / (2 * reach)
    matrix = compose(
        np.array([[scale, 0, 0], [0, scale, 0]]), np.array([[1, 0, reach - middle[0]], [0, 1, reach - middle[1]]])
    )
    shown = resample(display(frame), frame.window, matrix, Window(0, 0, side, side))
    return (np.clip(shown, 0, 1) * 255 + 0.5).astype(np.uint8)


def labelled(tile: np.ndarray, text: str) -> np.ndarray:
    """Return `tile` with a line of text at its lower edge."""
    tile = np.ascontiguousarray(tile)
    at = (6, tile.shape[0] - 8)
    cv2.putText(tile, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 3, cv2.LINE_AA)
    cv2.putText(tile, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1, cv2.LINE_AA)
    return tile


def write_sheet(path: Path, strips: Sequence[np.ndarray], across: int) -> None:
    """Write strips of tiles, uint8 RGB of one size, as a JPEG with `across` of them side by side."""
    if not strips:
        return
    blank = np.zeros_like(strips[0])
    filled = [*strips, *[blank] * (-len(strips) % across)]
    lines = [np.hstack(filled[start : start + across]) for start in range(0, len(filled), across)]
    cv2.imwrite(str(path), np.ascontiguousarray(np.vstack(lines)[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 92])
    note(f"wrote {path}")
