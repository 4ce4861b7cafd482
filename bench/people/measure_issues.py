"""Measure what the thresholds of `faceplate issues` are compared with, on steady sequences and on ones with known trouble.

    python bench/people/measure_issues.py FOLDER
    python bench/people/measure_issues.py FOLDER --count 3 --motions hand,shake

A sequence of 24 frames is tracked, and a row shows the series of `track/steadiness.py`: the lowest confidence, and the largest of
tremble (thousandths of the face's size), light (stops), turn (degrees a frame), hidden (part of the face more than before) and
mouth (thousandths), then the issues as kind and frames. `performance`, `warp` and `still` are those of `sequences.py`: they should
have no issue. `hand` is the still with a bar that comes in from the right in frames 1010 to 1014 and stays; `shake` is the still
moved by noise of 6 pixels in every frame.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from population import Person
from scenes import Setup, header, note, parser_for, row, setup_of
from sequences import MOTIONS, still, write_plate

from faceplate.issues import merged_issues
from faceplate.track import Track, track_shot
from faceplate.track.issues import track_marks
from faceplate.track.steadiness import series_of

FRAMES, NOISE = 24, 0.3
SERIES = ("confidence", "tremble", "light", "turn", "hidden", "mouth")
# The bar: frame indices at which it begins and has arrived, its width in face sizes, and its scene-linear tone.
BEGINS, ARRIVED, WIDE, TONE = 9, 13, 0.35, (0.25, 0.15, 0.1)
SHAKE = 6.0


def hand(setup: Setup, person: Person, count: int) -> Iterator[tuple[np.ndarray, None]]:
    """Iterate over frames of a still over whose left half, in the picture's right, a bar of skin's tone moves."""
    left, _, width, _ = setup.views(person)[0].face.box
    for index, (pixels, _) in enumerate(still(setup, person, count)):
        part = float(np.clip((index - BEGINS) / (ARRIVED - BEGINS), 0.0, 1.0))
        covered = pixels.copy()
        if part > 0:
            covered[:, int(left + width - part * WIDE * width) :] = TONE
        yield covered, None


def shake(setup: Setup, person: Person, count: int) -> Iterator[tuple[np.ndarray, None]]:
    """Iterate over frames of a still that jumps by whole pixels in every frame."""
    jumps = np.random.default_rng(person.seed).normal(0, SHAKE, (count, 2)).round().astype(int)
    for (pixels, _), (x, y) in zip(still(setup, person, count), jumps, strict=True):
        yield np.roll(pixels, (y, x), axis=(0, 1)), None


MOTIONS.update(hand=hand, shake=shake)


def measured(track: Track, name: str) -> None:
    """Print one row for each person of the track."""
    issues = merged_issues(track_marks(track))
    for person in track.people:
        series = series_of(track, person.id)
        values = [list(getattr(series, item).values()) or [float("nan")] for item in SERIES]
        found = "; ".join(f"{item.kind} {item.frames}" for item in issues if item.face == person.id)
        row(
            name,
            *(f"{(min if item == 'confidence' else max)(own):.3f}" for item, own in zip(SERIES, values, strict=True)),
            found,
        )


def main() -> None:
    """Track every motion of every person and print the table."""
    parser = parser_for(__doc__)
    parser.add_argument("--motions", default="performance,warp,still,hand,shake", help="motions, separated by commas")
    options = parser.parse_args()
    setup = setup_of(options)
    header("sequence", *SERIES, "issues", words=1)
    for motion in options.motions.split(","):
        for person in setup.people:
            note(f"{motion} {person.name}")
            with tempfile.TemporaryDirectory() as folder:
                plate = write_plate(setup, person, motion, FRAMES, NOISE, Path(folder))
                track = track_shot(plate.pattern, Path(folder) / "track.json", finder=setup.finder)
                measured(track, f"{motion} {person.name}")


if __name__ == "__main__":
    main()
