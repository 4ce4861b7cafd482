"""Prints how far frames of a part's track differ from the whole plate's: `python bench/range_edges.py [FOLDER]`.

A demo plate of 96 frames is tracked whole, and its frames 1036-1047 with margins of 0, 12 and 24 frames. Three of them are rendered
with each track. FOLDER keeps plate and tracks for the next run.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

from faceplate.demo import people_folder
from faceplate.demo.plate import make_plate
from faceplate.render import Renderer
from faceplate.render.result import Rendered
from faceplate.shot import Shot
from faceplate.track import track_shot

FIRST, COUNT = 1001, 96
PART = range(1036, 1048)
FRAMES = (PART[0], PART[5], PART[-1])
MARGINS = (0, 12, 24)
SCALE = 6.0  # standard deviation in pixels of the Gaussian that leaves fine detail out
DARKEST = 0.02


def main(folder: Path) -> None:
    """Print the table of docs/tracks.md."""
    plate = folder / "plate"
    if not (plate / f"plate.{FIRST + COUNT - 1}.exr").exists():
        make_plate(plate, frames=COUNT)
    pattern = str(plate / "plate.####.exr")
    whole = _rendered(pattern, folder / "whole.track.json", None, 0)
    print("| margin | frame | single pixels | scale of 6 pixels | colour of the face, R, G, B |\n|---|---|---|---|---|")
    for margin in MARGINS:
        part = _rendered(pattern, folder / f"margin{margin}.track.json", PART, margin)
        for frame in FRAMES:
            pixels, low, colour = _differences(part[frame], whole[frame])
            told = ", ".join(f"{value:+.1%}" for value in colour)
            print(f"| {margin} | {frame} | {pixels:.1%} | {low:.1%} | {told} |")


def _rendered(pattern: str, path: Path, frames: range | None, margin: int) -> dict[int, Rendered]:
    if not path.exists():
        track_shot(pattern, path, frames=frames, margin=margin)
    renderer = Renderer(Shot(plate=pattern, source=people_folder() / "bea", track=path))
    return {frame: renderer.render(frame) for frame in FRAMES}


def _differences(part: Rendered, whole: Rendered) -> tuple[float, float, np.ndarray]:
    """Return the mean relative difference over the face, of pixels and at the coarser scale, and that of its mean colour."""
    window = part.result.window.intersect(whole.result.window)
    a, b = (_cut(item, item.result.over, window)[..., :3] for item in (part, whole))
    matte = np.squeeze(_cut(part, part.result.matte, window)) > 0.5
    coarse = [cv2.GaussianBlur(np.ascontiguousarray(picture), (0, 0), SCALE) for picture in (a, b)]
    means = [float(_relative(*pair)[matte].mean()) for pair in ((a, b), coarse)]
    return means[0], means[1], a[matte].mean(axis=0) / b[matte].mean(axis=0) - 1


def _relative(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.abs(a - b).max(axis=2) / np.maximum(np.abs(b).max(axis=2), DARKEST)


def _cut(item: Rendered, pixels: np.ndarray, window: object) -> np.ndarray:
    own = item.result.window
    x, y, width, height = (getattr(window, name) for name in ("x", "y", "width", "height"))
    return pixels[y - own.y : y - own.y + height, x - own.x : x - own.x + width]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as place:
            main(Path(place))
