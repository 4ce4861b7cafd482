"""One shot has one track: the service, the farm and the command line read the plate and choose networks in one way."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from engines import until
from faceplate.cli import main
from faceplate.face import FaceFinder
from faceplate.farm.track import merge_track, track_stretches
from faceplate.models import default_store
from faceplate.models.store import EMBEDDED
from faceplate.render import Renderer
from faceplate.render.tracking import tracker_for
from faceplate.service.app import Service
from faceplate.service.jobs import make_job
from faceplate.service.roots import Roots
from faceplate.service.schema import ShotRequest, TrackRequest
from faceplate.shot import load_shot
from faceplate.track import Track
from track_plates import over, portrait, write

FRAMES = range(1001, 1005)


@pytest.fixture
def shot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two people side by side; the shot searches the right half, with a detector of the user's own store."""
    plate = np.full((200, 400, 3), 0.08, np.float32)
    for name, centre in (("ada", (100.0, 100.0)), ("bea", (300.0, 100.0))):
        plate = over(plate, portrait(name), centre, 180)
    for number in FRAMES:
        moved = np.array([[1, 0, number - 1001.0], [0, 1, 0]], np.float64)
        write(
            tmp_path / f"plate.{number}.exr", cv2.warpAffine(plate, moved, (400, 200), borderMode=cv2.BORDER_REPLICATE)
        )
    store = tmp_path / "models"
    store.mkdir()
    card = json.loads((EMBEDDED / "yunet.card.json").read_text())
    shutil.copy(EMBEDDED / card["file"], store)
    (store / "second.card.json").write_text(json.dumps({**card, "name": "second", "family": "yunet"}))
    monkeypatch.setenv("FACEPLATE_MODELS", str(store))
    document = {
        "faceplate_shot": 1,
        "plate": "plate.####.exr",
        "track": "shot.track.json",
        "output": "out/o.####.exr",
        "frames": "1001-1002",
        "search": [200, 0, 200, 200],
        "parameters": {"generator": "null", "detector": "second"},
    }
    path = tmp_path / "sh010.shot.json"
    path.write_text(json.dumps(document))
    return path


def of_service(shot: Path, output: Path) -> Track:
    service = Service(roots=Roots())
    service.queue.start()
    opened = service.shots.open(ShotRequest(path=str(shot)))
    request = TrackRequest(kind="track", shot=opened.key, output=str(output))
    job = service.queue.add(make_job(service.context, opened, request))
    until(lambda: job.finished, 120)
    service.queue.close(10)
    assert job.state == "done", job.error
    return Track.load(output)


def of_farm(shot: Path, output: Path) -> Track:
    loaded = load_shot(shot).model_copy(update={"track": output})
    renderer = Renderer(loaded, FaceFinder(default_store()))
    track_stretches(renderer, None, [0])
    return merge_track(renderer, None)


def test_service_and_farm_make_the_same_track(shot: Path, tmp_path: Path) -> None:
    service, farm = (made(shot, tmp_path / f"{made.__name__}.track.json") for made in (of_service, of_farm))
    assert service.sidecar == farm.sidecar
    assert service.sidecar.plate.search == (200, 0, 200, 200) and len(service.people) == 1
    assert "second" in service.sidecar.weights and "yunet" not in service.sidecar.weights
    assert service.frames == tuple(FRAMES), "the whole plate, whatever frames the shot asks for"


def test_a_render_makes_the_same_track(shot: Path, tmp_path: Path) -> None:
    loaded = load_shot(shot).model_copy(update={"track": None})
    renderer = Renderer(loaded, FaceFinder(default_store()))
    renderer.prepare()
    assert renderer.resources.auto_track is not None and renderer.resources.auto_track.fresh
    assert renderer.resources.auto_track.track.sidecar == of_farm(shot, tmp_path / "farm.track.json").sidecar


def test_the_command_line_uses_the_same_function(
    shot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Any] = []

    def noted(*what: Any) -> Any:
        asked.append(what[0])
        return tracker_for(*what)

    monkeypatch.setattr("faceplate.cli.track.tracker_for", noted)
    words = [str(tmp_path / "plate.####.exr"), "-o", str(tmp_path / "c.track.json"), "--search", "200,0,200,200"]
    assert main._run(["track", *words]) == 0
    assert asked[0].search == (200, 0, 200, 200)
    assert Track.load(tmp_path / "c.track.json").sidecar.plate.search == (200, 0, 200, 200)
