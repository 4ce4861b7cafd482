"""Prints how many specks the occlusion matte holds and how much it flickers on people whom nobody covered, as a Markdown table.

    python bench/occlusion_speck_table.py FOLDER NAME ...

FOLDER holds a folder for each invented person, made by `bench/people`; each NAME's performance is tracked, and the mattes of its
frames are computed once from the frame alone and once with the track's look.

    regions   connected regions of the matte (above 0.25) that reach into the hull and are smaller than 1 % of the face, in a frame;
              strands and the frame of glasses are among them
    specks    those that are shorter than 5 % of the face
    flicker   mean absolute change of the matte from a frame to the next inside the hull, on a crop that follows the mesh, in %
    hidden    mean of the matte inside the hull, in %
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import astuple, dataclass
from pathlib import Path

import cv2
import numpy as np

from faceplate.color import ColorConfig
from faceplate.color.reading import read_still
from faceplate.comp.matte import hull_matte
from faceplate.comp.occlusion import SIDE, occlusion_matte, occlusion_window, square_matrix
from faceplate.face.align import resample
from faceplate.image.window import Window
from faceplate.track import Track, TrackedFace, track_shot


@dataclass(frozen=True)
class Row:
    """Regions and specks in a frame, flicker and hidden part, as the table prints them."""

    regions: float
    specks: float
    flicker: float
    hidden: float


def main(folder: Path, names: list[str], tracks: Path) -> None:
    print("| person | regions | specks | flicker | hidden | with the track: regions | specks | flicker | hidden |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    rows: list[tuple[Row, Row]] = []
    sizes: list[float] = []
    for name in names:
        track = track_of(folder / name / "performance" / f"{name}.####.jpg", tracks / f"{name}.track.json")
        pair = measured(track, folder, name, False), measured(track, folder, name, True)
        rows.append(pair)
        sizes.append(look_bytes(track))
        print_row(name, *pair)
    mean = [Row(*np.mean([astuple(row) for row in side], axis=0)) for side in zip(*rows, strict=True)]
    print_row("mean", *mean)
    print(f"\nThe look takes {np.mean(sizes):.0f} bytes a frame in the track, raw and smoothed together.")


def track_of(pattern: Path, file: Path) -> Track:
    return Track.load(file) if file.exists() else track_shot(str(pattern), file)


def print_row(name: str, alone: Row, tracked: Row) -> None:
    cells = [f"{row.regions:.2f} | {row.specks:.2f} | {row.flicker:.3f} | {row.hidden:.2f}" for row in (alone, tracked)]
    print(f"| {name} | {' | '.join(cells)} |", flush=True)


def measured(track: Track, folder: Path, name: str, with_look: bool) -> Row:
    color, who = ColorConfig.load(environ={}), track.people[0].id
    counts, hidden, changes = [], [], []
    before = None
    for number in track.frames:
        tracked = track.face(who, number)
        if tracked is None:
            continue
        matte, hull = matte_of(folder / name / "performance" / f"{name}.{number}.jpg", tracked, color, with_look)
        counts.append(small_regions(matte, hull, tracked.face.size))
        hidden.append(float(matte[hull].mean()))
        crop = on_crop(matte * hull, tracked)
        if before is not None:
            changes.append(float(np.abs(crop - before).mean()))
        before = crop
    regions, specks = np.mean(counts, axis=0)
    return Row(float(regions), float(specks), 100 * float(np.mean(changes)), 100 * float(np.mean(hidden)))


def matte_of(path: Path, tracked: TrackedFace, color: ColorConfig, with_look: bool) -> tuple[np.ndarray, np.ndarray]:
    frame = read_still(path, color)
    window = occlusion_window(tracked.face).intersect(frame.window)
    usual = tracked.look.hidden if with_look and tracked.look is not None else None
    matte = occlusion_matte(frame.region(window).working(), tracked.face, window, color, usual=usual)
    return matte, hull_matte(tracked.face, window, erode=0.0, feather=0.0) > 0.5


def look_bytes(track: Track) -> float:
    """Compute the mean length of a frame's looks in the track file."""
    blocks = track.sidecar.people[0].blocks
    texts = [line.look or "" for block in blocks for line in (*block.raw, *block.smooth)]
    return sum(map(len, texts)) / sum(len(block.smooth) for block in blocks)


def small_regions(matte: np.ndarray, hull: np.ndarray, size: float) -> tuple[int, int]:
    """Count the matte's regions in the hull that are smaller than 1 % of the face, and those of them shorter than 5 %."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((matte > 0.25).astype(np.uint8), connectivity=8)
    reached = np.isin(np.arange(count), np.unique(labels[hull])) & (np.arange(count) > 0)
    small = reached & (stats[:, cv2.CC_STAT_AREA] < 0.01 * size * size)
    short = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1) < 0.05 * size
    return int(small.sum()), int((small & short).sum())


def on_crop(matte: np.ndarray, tracked: TrackedFace) -> np.ndarray:
    window = occlusion_window(tracked.face).intersect(Window(0, 0, 1 << 20, 1 << 20))
    window = Window(window.x, window.y, matte.shape[1], matte.shape[0])
    return resample(matte, window, square_matrix(tracked.face, 1.0), Window(0, 0, SIDE, SIDE))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as scratch:
        main(Path(sys.argv[1]), sys.argv[2:], Path(scratch))
