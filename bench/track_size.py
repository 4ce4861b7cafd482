"""How large a track of 10,000 frames is, and how long it takes to smooth, write, load and ask: `python
bench/track_size.py [frames]`.

Observations are made from the demo performance, played forwards and backwards at HD size: its meshes with a camera's motion and
the landmarker's jitter, and its looks with noise. They are associated, levelled, smoothed, packed and written as `faceplate track`
does; only the measuring on pixels is left out. The bytes of meshes, looks and tones are printed apart.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from faceplate.color import ColorConfig
from faceplate.color.reading import read_still
from faceplate.demo import performance
from faceplate.face import FaceFinder
from faceplate.track import Track, model
from faceplate.track.assembly import build
from faceplate.track.checkpoint import FrameRecord
from faceplate.track.look import Look, measure_look
from faceplate.track.sidecar import save_sidecar
from track_sightings import FIRST, PLATE, seen_frames

JITTER = 0.26
"""Pixels RMS: what the landmarker's points do on a still face at HD with four times the demo camera's noise."""

TONE_NOISE, ODDS_NOISE = 0.003, 0.15
"""Standard deviations of a tone's logarithm and of the odds on a still face with the same noise."""


def observed() -> tuple[list[np.ndarray], list[Look]]:
    """The performance's faces (478, 3), 480 pixels tall, in the middle of an HD plate, and their looks."""
    color, finder = ColorConfig.load(environ={}), FaceFinder.embedded()
    pictures = [read_still(path, color) for path in performance("ada")]
    faces = [finder.find(picture)[0] for picture in pictures]
    scale = 480 / np.ptp(faces[0].points[:, 1])
    centre = faces[0].points.mean(axis=0)
    meshes = [(face.points - centre) * scale + np.array([960, 540, 0]) for face in faces]
    return meshes, [measure_look(picture, face) for picture, face in zip(pictures, faces, strict=True)]


def with_looks(seen: list[FrameRecord], looks: list[Look], still: bool) -> list[FrameRecord]:
    """The records with the look of each frame, and noise."""
    changed = []
    for item in seen:
        assert item.observation is not None
        rng, k = np.random.default_rng([5, item.frame]), (item.frame - FIRST) % (2 * len(looks) - 2)
        look = looks[0] if still else looks[min(k, 2 * len(looks) - 2 - k)]
        assert look.tones is not None
        tones = replace(look.tones, log=look.tones.log + rng.normal(0, TONE_NOISE, look.tones.log.shape))
        look = Look(look.hidden + rng.normal(0, ODDS_NOISE, look.hidden.shape).astype(np.float32), tones)
        faces = tuple(replace(face, look=look) for face in item.observation.faces)
        changed.append(replace(item, observation=replace(item.observation, faces=faces)))
    return changed


def bytes_by_kind(sidecar: model.Sidecar) -> dict[str, int]:
    """The bytes of meshes, looks and tones, in raw and smoothed lines together."""
    sizes: dict[str, int] = {"mesh": 0, "look": 0, "tones": 0}
    for block in (block for person in sidecar.people for block in person.blocks):
        for line in (*block.raw, *block.smooth):
            for kind in sizes:
                sizes[kind] += len(getattr(line, kind) or "")
    return sizes


def sized(frames: int, still: bool) -> None:
    shown, looks = observed()

    def there(i: int) -> np.ndarray:
        k = i % (2 * len(shown) - 2)
        points = shown[0] if still else shown[min(k, 2 * len(shown) - 2 - k)]
        return points if still else points + np.array([80 * np.sin(i / 40), 30 * np.sin(i / 23), 0])

    def seen(i: int) -> np.ndarray:
        noise = np.random.default_rng([3, i]).standard_normal((478, 3)) * JITTER / np.sqrt(2)
        return there(i) + noise

    sightings = with_looks(seen_frames(frames, {1: seen}, truth={1: there}), looks, still)
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
    print("bytes a frame:", ", ".join(f"{kind} {size / frames:.0f}" for kind, size in bytes_by_kind(sidecar).items()))


if __name__ == "__main__":
    for at_rest in (True, False):
        sized(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000, at_rest)
