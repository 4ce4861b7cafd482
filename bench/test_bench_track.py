"""Tracking speed at HD and UHD, beside the naive way in the same run: `pytest bench/test_bench_track.py
--benchmark-only`.

Naive is what tools do that find every frame anew: read the whole frame, convert it to a display picture at full size,
run the detector and the landmarker on it. The last test prints the ratio; pytest-benchmark prints the times.
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from faceplate.color import ColorConfig, encode, to_uint8
from faceplate.color.reading import read_frame
from faceplate.face import FaceFinder
from faceplate.image.frame import Frame
from faceplate.image.inpaint import heal
from faceplate.plate import PlateFile, Sequence
from faceplate.track import track_shot
from track_plates import path_matrix, portrait, warped, write_frames

SIZES = {"hd": (1920, 1080, 0.75), "uhd": (3840, 2160, 1.5)}
FRAMES = 24


@pytest.fixture(scope="module", params=sorted(SIZES))
def plate(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    width, height, scale = SIZES[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    picture = portrait("ada")
    if scale > 1:
        picture = cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)

    def seen(i: int) -> np.ndarray:
        matrix = path_matrix(i, "all", width, height, scale)
        if scale > 1:
            matrix = matrix @ np.array([[0.5, 0, 0], [0, 0.5, 0], [0, 0, 1]])
        return warped(picture, matrix, width, height)

    # Frame numbers of one segment: a short shot should not pay for a seam that a long one pays every 24 frames.
    return write_frames(folder, FRAMES, seen, first=1008)


def tracked(plate: str) -> None:
    folder = Path(plate).parent / "track"
    shutil.rmtree(folder, ignore_errors=True)
    track_shot(plate, folder / "t.json")


def naive(plate: str) -> None:
    color, finder = ColorConfig.load(), FaceFinder.embedded()
    sequence = Sequence.parse(plate)
    for frame in sequence.on_disk():
        file = PlateFile.open(sequence.path(frame))
        whole = read_frame(file, color, None, file.data)
        whole = whole.with_pixels(heal(whole.pixels)[0])
        shown = to_uint8(encode(color.to_linear709(whole.working())))
        picture = Frame(shown.astype(np.float32) / 255, whole.window, "sRGB - Texture", color)
        assert finder.find(picture)


@pytest.mark.parametrize("way", [tracked, naive], ids=["tracked", "naive"])
def test_bench_track(benchmark, plate: str, way) -> None:  # type: ignore[no-untyped-def]
    way(plate)
    benchmark.extra_info["frames"] = FRAMES
    benchmark.pedantic(way, args=(plate,), rounds=2, iterations=1)
    print(f"\n{Path(plate).parent.name} {way.__name__}: {FRAMES / benchmark.stats.stats.min:.2f} frames/s")


def test_bench_ratio(plate: str) -> None:
    """The promise: at least twice as fast as the naive way, in the same run (the two take turns)."""
    times: dict[str, list[float]] = {"tracked": [], "naive": []}
    for _ in range(2):
        for way in (tracked, naive):
            start = time.perf_counter()
            way(plate)
            times[way.__name__].append(time.perf_counter() - start)
    best = {name: min(values) for name, values in times.items()}
    print(
        f"\n{Path(plate).parent.name}: tracked {FRAMES / best['tracked']:.2f} frames/s, "
        f"naive {FRAMES / best['naive']:.2f}, "
        f"ratio {best['naive'] / best['tracked']:.2f}"
    )
    assert best["naive"] >= 2 * best["tracked"]
