"""Pictures of an actor, a tracked plate of a double, and their releases: what the datasets of the tests are made from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from faceplate.color import ColorConfig
from faceplate.demo import VIEWS, person
from faceplate.face import FaceFinder
from faceplate.render.tracking import tracker_for
from faceplate.shot import load_shot
from faceplate.signing import sign
from faceplate.signing.keys import write_json
from faceplate.train.dataset import DatasetRequest
from faceplate.train.pack import Pack, TrainingSet
from releases import a_release, key_of
from track_plates import performed, write_frames

__all__ = ["FAULTY", "GOOD", "MadeDataset", "release_for", "write_actor", "write_double"]

SIDE = 384
GOOD = 10
"""The usable pictures that `write_actor` writes."""

FAULTY = {
    "y1_blurred.png": "blurred",
    "y2_hidden.png": "occluded",
    "y3_other.png": "another person",
    "y4_again.png": "near-duplicate",
    "y5_none.png": "no face found",
    "y6_small.png": "small",
    "y7_damaged.png": "unreadable",
}
"""The other pictures, and the first word of the reason for which each is left out."""


@dataclass(frozen=True)
class MadeDataset:
    """A dataset as it was made and as it is read again; `studio` is the keyring."""

    request: DatasetRequest
    made: TrainingSet
    read: TrainingSet
    packs: dict[str, Pack]
    studio: Path


def write_actor(folder: Path, faulty: bool = True) -> Path:
    """Write five of bea's pictures and their mirror images, and with `faulty` the pictures of `FAULTY`."""
    folder.mkdir(parents=True)
    for view in VIEWS[: GOOD // 2]:
        picture = _picture("bea", view)
        cv2.imwrite(str(folder / f"{view}.png"), picture)
        cv2.imwrite(str(folder / f"{view}_mirrored.png"), np.ascontiguousarray(picture[:, ::-1]))
    if faulty:
        front = _picture("bea", "front")
        made = {
            "y1_blurred.png": cv2.GaussianBlur(_picture("bea", "smile"), (0, 0), 7),
            "y2_hidden.png": _hidden(_picture("bea", "open")),
            "y3_other.png": _picture("cal", "front"),
            "y4_again.png": np.minimum(front, 254) + np.uint8(1),
            "y5_none.png": np.full_like(front, 90),
            "y6_small.png": _small(_picture("bea", "left")),
        }
        for name, picture in made.items():
            cv2.imwrite(str(folder / name), picture)
        (folder / "y7_damaged.png").write_bytes((folder / "front.png").read_bytes()[:5000])
    return folder


def write_double(folder: Path, frames: int = 10, finder: FaceFinder | None = None) -> Path:
    """Write a plate of ada's performance with a shot file and, given a finder, its track; return the shot file."""
    pattern = write_frames(folder / "sh010", frames, lambda index: cv2.resize(performed(index), (288, 288)), 0.3)
    shot = folder / "sh010.shot.json"
    document = {"faceplate_shot": 1, "name": "sh010", "plate": pattern, "track": str(folder / "sh010.track.json")}
    write_json(shot, document)
    if finder is not None:
        loaded = load_shot(shot)
        assert loaded.track is not None
        tracker_for(loaded, ColorConfig.load(environ={}), finder).track(loaded.track, workers=1)
    return shot


def release_for(folder: Path, studio: Path, **changes: Any) -> str:
    """Write and sign a release in `folder` that permits training to any production; return its id."""
    permitted = {"shots": ["*"], "uses": ["training"]}
    release = a_release(**{"id": folder.name, "production": "*", "permitted": permitted} | changes)
    write_json(folder / "release.json", release)
    write_json(folder / "release.sig.json", sign(release, key_of(studio)).model_dump())
    return release["id"]


def _picture(name: str, view: str) -> np.ndarray:
    """Return a committed picture, uint8 (384, 384, 3), BGR."""
    picture = cv2.imread(str(person(name) / f"{view}.jpg"))
    assert picture is not None
    return cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def _hidden(picture: np.ndarray) -> np.ndarray:
    """Lay a plain board over the lower half of the face."""
    hidden = picture.copy()
    hidden[225:] = (60, 110, 60)
    return hidden


def _small(picture: np.ndarray) -> np.ndarray:
    """Put the picture small into a plain one, with a face of about 45 pixels."""
    whole = np.full_like(picture, 90)
    whole[160:224, 160:224] = cv2.resize(picture, (64, 64), interpolation=cv2.INTER_AREA)
    return whole
