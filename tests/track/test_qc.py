"""Quality control of a track: plots, contact sheet and movie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faceplate.errors import UsageError
from faceplate.track import Track
from faceplate.track.qc import jitter, write_qc, write_qc_movie
from track_sightings import jittery, mean_head, seen_frames, track_from


def test_the_plotted_jitter_is_the_noise_that_was_put_in() -> None:
    def still(i: int) -> np.ndarray:
        return mean_head(400, 300, 150)

    track = track_from(seen_frames(48, {1: jittery(still, 0.3)}, truth={1: still}))
    _, raw, smooth = jitter(track, "p1")
    assert np.nanmedian(raw) == pytest.approx(0.3 * np.sqrt(2), rel=0.25) and np.nanmedian(smooth) < 0.03


def test_the_qc_sheet_shows_plate_and_plots(damaged_plate: Path, damaged_track: Track, tmp_path: Path) -> None:
    import cv2

    sheet = cv2.imread(str(write_qc(damaged_track, tmp_path / "qc.png", "p1", tiles=6)))
    assert sheet is not None and sheet.shape == (320 + 300, 1920, 3)
    assert sheet[:320, :320].std() > 20 and len(np.unique(sheet[320:].reshape(-1, 3), axis=0)) > 10


def test_the_qc_movie_shows_every_frame(damaged_track: Track, tmp_path: Path) -> None:
    import cv2

    track = damaged_track.in_out("p1", 1001, 1004)
    movie = cv2.VideoCapture(str(write_qc_movie(track, tmp_path / "qc.mp4", "p1", rate=24)))
    shown = []
    while True:
        there, picture = movie.read()
        if not there:
            break
        shown.append(picture)
    assert len(shown) == 4 and shown[0].shape == (720 + 300, 720, 3)
    lines = [np.flatnonzero(picture[1000, 55:705].max(axis=1) < 120) for picture in shown]
    assert all(len(line) for line in lines) and lines[0].mean() < lines[1].mean() < lines[3].mean()
    write_qc_movie(track, tmp_path / "qc.####.jpg", "p1")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "qc.1001.jpg",
        "qc.1002.jpg",
        "qc.1003.jpg",
        "qc.1004.jpg",
        "qc.mp4",
    ]
    with pytest.raises(UsageError, match="is not a movie"):
        write_qc_movie(track, tmp_path / "qc.gif", "p1")
