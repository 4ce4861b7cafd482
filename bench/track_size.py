"""How large a track of 10,000 frames is, and how long it takes to smooth, write, load and ask: `python
bench/track_size.py [frames]`.

The true way from sightings to file: what was seen in the demo performance is played forwards and backwards at HD size
with a camera's movement and the landmarker's jitter, and then associated, levelled, smoothed, packed and written as
`faceplate track` does; only the looking is left out.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from faceplate.color import ColorConfig
from faceplate.color.reading import read_still
from faceplate.demo import performance
from faceplate.face import FaceFinder
from faceplate.track import Track, model
from faceplate.track.assembly import build
from faceplate.track.sidecar import save_sidecar
from track_sightings import FIRST, PLATE, seen_frames

JITTER = 0.26
"""Pixels RMS: what the landmarker's points do on a still face at HD with four times the demo camera's noise."""


def meshes() -> list[np.ndarray]:
    """The performance's faces (478, 3), 480 pixels tall, in the middle of an HD plate."""
    color, finder = ColorConfig.load(environ={}), FaceFinder.embedded()
    found = [finder.find(read_still(path, color))[0].points for path in performance("ada")]
    scale = 480 / np.ptp(found[0][:, 1])
    centre = found[0].mean(axis=0)
    return [(points - centre) * scale + np.array([960, 540, 0]) for points in found]


def sized(frames: int, still: bool) -> None:
    shown = meshes()

    def there(i: int) -> np.ndarray:
        k = i % (2 * len(shown) - 2)
        points = shown[0] if still else shown[min(k, 2 * len(shown) - 2 - k)]
        return points if still else points + np.array([80 * np.sin(i / 40), 30 * np.sin(i / 23), 0])

    def seen(i: int) -> np.ndarray:
        noise = np.random.default_rng([3, i]).standard_normal((478, 3)) * JITTER / np.sqrt(2)
        return there(i) + noise

    sightings = seen_frames(frames, {1: seen}, truth={1: there})
    clock = [time.perf_counter()]

    def lap() -> float:
        clock.append(time.perf_counter())
        return clock[-1] - clock[-2]

    sidecar = build(sightings, PLATE, model.Smoothing(), {})
    built = lap()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shot.track.json"
        save_sidecar(sidecar, path)
        written = lap()
        size = path.stat().st_size
        track = Track.load(path)
        loaded = lap()
        tracked = track.face("p1", FIRST + frames // 2)
        asked = lap()
    assert tracked is not None and len(track.people[0].frames) == frames
    print(
        f"{frames} frames, {'still' if still else 'turning and talking'}: {size / 1e6:.1f} MB, {size / frames:.0f} bytes "
        f"a frame; built and smoothed in {built:.1f} s, written in {written:.1f} s, loaded in {loaded:.2f} s, "
        f"the first face after {asked * 1e3:.0f} ms"
    )


if __name__ == "__main__":
    for at_rest in (True, False):
        sized(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000, at_rest)
