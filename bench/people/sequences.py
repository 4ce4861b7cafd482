"""Plate sequences of invented people as scene-linear EXR files: a performance, one still that moves, one still that does not."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from population import Person
from scenes import Setup, pairs_of

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "support"))

import damage

from faceplate.color.reading import read_still
from faceplate.face import Face, topology
from faceplate.face.raster import rasterise
from faceplate.face.shape import pose_of
from faceplate.image.frame import Frame
from faceplate.image.inpaint import fill
from faceplate.image.window import Window
from track_plates import LIDS, SHUT, blinking, looking, noisy, write

FIRST = 1001
# Frames after which the motion of `warp` repeats: about two seconds.
PERIOD = 48.0
# Yaw and pitch in degrees on either side of the still's own.
TURN, NOD = 7.0, 3.0
# How much of the difference between an open mouth and the front picture's mouth is closed again.
CLOSING = 0.75
# The largest camera drift, as a fraction of the plate's side.
DRIFT = 0.02
# Distance from the mesh over which the motion fades into the still background, in face sizes.
FADE = 0.9
# Points of the person's right iris and the left one.
IRISES = (slice(468, 473), slice(473, 478))


def folders_of_pairs(people: Sequence[Person], keep: Path | None) -> Iterator[tuple[Person, Person, Path]]:
    """Yield target, source and a folder for each pair of people: in `keep`, or removed before the next one."""
    for target, source in pairs_of(people):
        with tempfile.TemporaryDirectory() as temporary:
            yield target, source, (keep or Path(temporary)) / f"{source.name}_on_{target.name}"


@dataclass(frozen=True)
class Motion:
    """A still to move: scene-linear pixels, the face in them, and canonical offsets that close its mouth, (478, 3)."""

    pixels: np.ndarray
    face: Face
    closing: np.ndarray

    def meshes(self, index: int, mouth: float | None = None) -> np.ndarray:
        """Return the mesh at frame `index`, float64 (478, 3), in the still's pixels; `mouth` 0..1 is how far it is closed."""
        t = 2 * np.pi * index / PERIOD
        pose = pose_of(self.face.points)
        closed = 0.5 - 0.5 * np.cos(3 * t) if mouth is None else mouth
        canonical = pose.canonical + CLOSING * closed * self.closing
        turn = rotation(np.radians(TURN) * np.sin(t), np.radians(NOD) * np.sin(2 * t + 0.5))
        pivot = np.array([0.0, 0.0, self.face.size * 0.5])  # about the middle of the head
        return (pose.place(canonical) - pivot) @ turn.T + pivot + pose.centre

    def acted(self, lids: float, look: np.ndarray) -> Motion:
        """Return the same still with lids shut by `lids` (0..1) and irises moved by `look` (2,), in widths of an eye."""
        points = self.face.points.copy()
        for (upper, lower), iris in zip(LIDS, IRISES, strict=True):
            points[iris, :2] += look * np.ptp(self.face.points[list(upper), 0])
            gap = self.face.points[list(lower)[1:-1], :2] - self.face.points[list(upper)[1:-1], :2]
            points[list(upper)[1:-1], :2] += SHUT * lids * gap
        pixels = looking(self.pixels, self.face.points[:, :2], look)
        return replace(self, pixels=blinking(pixels, self.face.points[:, :2], lids), face=self.face.moved(points))

    def shut(self, index: int) -> float:
        """Return how far the lids are shut at frame `index`: a blink of 9 frames, twice in a period."""
        from_middle = abs((index % (PERIOD / 2)) - 12)
        return 0.9 * float(np.clip(1.5 - from_middle / 3.0, 0.0, 1.0))


def performance(setup: Setup, person: Person, count: int) -> Iterator[tuple[np.ndarray, None]]:
    """Iterate over the frames of the performance: scene-linear pixels, no known mesh."""
    paths = sorted((setup.place(person) / "performance").glob("*.jpg"))
    for path in paths[:count]:
        yield setup.still(path).pixels, None


def still(setup: Setup, person: Person, count: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Iterate over equal frames of the front picture, with its mesh."""
    view = setup.views(person)[0]
    for _ in range(count):
        yield view.frame.pixels, view.face.points


def warp(setup: Setup, person: Person, count: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Iterate over frames of one picture warped on its own mesh, with the mesh: turn, nod, mouth, blinks and camera drift."""
    motion = _motion_of(setup, person)
    scale = setup.size / motion.pixels.shape[0]
    for index in range(count):
        points = motion.meshes(index)
        t = 2 * np.pi * index / PERIOD
        drift = DRIFT * motion.pixels.shape[0] * np.array([np.sin(0.7 * t), np.cos(1.1 * t)])
        picture = blinking(motion.pixels, motion.face.points[:, :2], motion.shut(index))
        moved = points + np.array([*drift, 0.0])
        pixels = warped_mesh(picture, motion.face.points, moved, setup.size, drift)
        yield pixels, moved * scale


def acting(setup: Setup, person: Person, count: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Iterate over frames of one picture that blinks, looks about and speaks by parameters, with the true mesh."""
    motion = _motion_of(setup, person)
    scale = setup.size / motion.pixels.shape[0]
    for index in range(count):
        acted = motion.acted(blink_at(index), look_at(index))
        still, moved = (one.meshes(index // 3, 1.2 * (1 - word_at(index))) for one in (motion, acted))
        pixels = warped_mesh(acted.pixels, motion.face.points, still, setup.size, np.zeros(2))
        yield pixels, moved * scale


def blink_at(index: int) -> float:
    """Return how far the lids are shut at frame `index`: a whole blink and a half one in 36 frames."""
    whole, half = 1.5 - abs(index % 36 - 7) / 3.0, 0.8 - abs(index % 36 - 25) / 4.0
    return float(np.clip(max(whole, min(half, 0.5)), 0.0, 1.0))


def look_at(index: int) -> np.ndarray:
    """Return the look at frame `index`, (2,) in widths of an eye: to the sides, and up and down."""
    return np.array([0.10 * np.sin(2 * np.pi * index / 24), 0.035 * np.sin(2 * np.pi * index / 18)])


def word_at(index: int) -> float:
    """Return how far the mouth is open at frame `index`, 0..1: syllables of different size."""
    t = 2 * np.pi * index / 36
    return float(np.clip(0.5 - 0.5 * np.cos(3 * t), 0, 1) * (0.7 + 0.3 * np.sin(t)))


MOTIONS: dict[str, Callable[[Setup, Person, int], Iterator[tuple[np.ndarray, np.ndarray | None]]]] = {
    "performance": performance,
    "warp": warp,
    "still": still,
    "acting": acting,
}


@dataclass(frozen=True)
class WrittenPlate:
    """A plate on disk: its pattern, its frame numbers, and the meshes (478, 3) where they are known."""

    pattern: str
    frames: tuple[int, ...]
    meshes: tuple[np.ndarray | None, ...]


def write_plate(setup: Setup, person: Person, motion: str, count: int, noise: float, folder: Path) -> WrittenPlate:
    """Write a sequence as half-float EXR files in ACEScg, with damage and sensor noise of strength `noise`."""
    folder.mkdir(parents=True, exist_ok=True)
    setup, meshes = _with_face_size(setup, person), []
    for index, (pixels, mesh) in enumerate(MOTIONS[motion](setup, person, count)):
        number = FIRST + index
        if setup.damage:
            pixels = _damaged(setup, pixels, number)
        write(folder / f"plate.{number}.exr", noisy(pixels, number, noise) if noise else pixels)
        meshes.append(mesh)
    return WrittenPlate(str(folder / "plate.####.exr"), tuple(range(FIRST, FIRST + len(meshes))), tuple(meshes))


def _with_face_size(setup: Setup, person: Person) -> Setup:
    """Return the setup with the plate's side that gives the face the size named as damage, the same in every frame."""
    pixels = damage.FACE_SIZES.get(setup.damage)
    if pixels is None:
        return setup
    front = setup.views(person)[0]
    return replace(setup, size=round(setup.size * pixels / front.face.size), damage="")


def _damaged(setup: Setup, pixels: np.ndarray, number: int) -> np.ndarray:
    frame = Frame(pixels, Window(0, 0, setup.size, setup.size), setup.color.working_space, setup.color)
    faces = setup.finder.find(frame)
    return damage.DAMAGE[setup.damage](frame, faces[0], number).pixels if faces else pixels


def _motion_of(setup: Setup, person: Person) -> Motion:
    """Read the picture with the open mouth at its own size and the offsets that close it towards the front picture's."""
    frames = [read_still(setup.place(person) / f"{name}.jpg", setup.color) for name in ("open", "front")]
    faces = [setup.finder.find(frame)[0] for frame in frames]
    canonical = [pose_of(face.points).canonical for face in faces]
    soft = cv2.GaussianBlur(frames[0].working(), (0, 0), 0.5 * max(1.0, frames[0].window.height / setup.size))
    lips = _jaw_weight(canonical[0])
    return Motion(soft, faces[0], (canonical[1] - canonical[0]) * lips[:, None])


def _jaw_weight(canonical: np.ndarray) -> np.ndarray:
    """Return 1 for points of the mouth and jaw and 0 from the nose upwards, (478,); y of a canonical mesh grows down."""
    nose, lip = canonical[1, 1], canonical[0, 1]
    return np.clip((canonical[:, 1] - nose) / max(lip - nose, 1e-6), 0.0, 1.0)


def rotation(yaw: float, pitch: float) -> np.ndarray:
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    return np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]]) @ np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])


def warped_mesh(picture: np.ndarray, old: np.ndarray, new: np.ndarray, side: int, drift: np.ndarray) -> np.ndarray:
    """Return `picture` with its mesh moved from `old` to `new`, scaled to a square of `side` pixels."""
    scale = side / picture.shape[0]
    window = Window(0, 0, side, side)
    size = float(np.ptp(new[:, 1])) * scale
    raster = rasterise(new * scale, topology().closed, window, size)
    offsets = raster.interpolate(np.column_stack([old[:, :2] - new[:, :2], np.zeros(len(old))]))[..., :2]
    covered = raster.covered.astype(np.float32)
    field = fill(np.ascontiguousarray(offsets, np.float32), covered)
    field = cv2.GaussianBlur(field, (0, 0), 0.008 * size * covered.shape[1] / side)
    away = cv2.distanceTransform((covered == 0).astype(np.uint8), cv2.DIST_L2, 5) * side / covered.shape[1]
    near = np.clip(1 - away / (FADE * size), 0, 1)[..., None]
    near = near * near * (3 - 2 * near)
    field = near * field - (1 - near) * drift.astype(np.float32)
    field = cv2.resize(field, (side, side), interpolation=cv2.INTER_CUBIC)
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    at = (np.stack([x, y], axis=-1) + 0.5) / np.float32(scale) + field - 0.5
    at = at.astype(np.float32)
    return cv2.remap(picture, at[..., 0], at[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
