"""The service notices an OCIO config, a LUT and a network that change on disk while a shot is open."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceplate.models.store import EMBEDDED
from faceplate.service.roots import Roots
from faceplate.service.schema import ShotRequest
from faceplate.service.shots import OpenShot, OpenShots

CONFIG = """ocio_profile_version: 2
search_path: luts
roles: {{default: ACEScg, scene_linear: ACEScg}}
displays:
  d:
    - !<View> {{name: v, colorspace: ACEScg}}
colorspaces:
  - !<ColorSpace>
    name: ACEScg
    encoding: scene-linear
  - !<ColorSpace>
    name: camera
    from_scene_reference: !<GroupTransform>
      children:
        - !<MatrixTransform> {{matrix: [{gain}, 0, 0, 0, 0, {gain}, 0, 0, 0, 0, {gain}, 0, 0, 0, 0, 1]}}
        - !<FileTransform> {{src: camera.spi1d, interpolation: linear}}
"""


def write_lut(path: Path, top: float) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"Version 1\nFrom 0.0 1.0\nLength 2\nComponents 1\n{{\n0.0\n{top}\n}}\n")


@pytest.fixture
def opened(tmp_path: Path, fast_folder: Path, fast_document: dict[str, Any]) -> OpenShot:
    """A shot whose plate is read through a LUT of its own config."""
    (tmp_path / "config.ocio").write_text(CONFIG.format(gain=1))
    write_lut(tmp_path / "luts" / "camera.spi1d", 0.5)
    document = {**fast_document, "ocio": str(tmp_path / "config.ocio"), "space": "camera"}
    return OpenShots(Roots()).open(ShotRequest(document=document, base=str(fast_folder)))


def seen(opened: OpenShot) -> tuple[str, float]:
    """The key of a frame, and what the camera's 0.25 is in the working space."""
    pixels = np.full((1, 1, 3), 0.25, np.float32)
    return opened.frame_key(2, {}, 1, None), float(opened.renderer().color.to_working(pixels, "camera").mean())


def test_the_config_changes(opened: OpenShot, tmp_path: Path) -> None:
    key, value = seen(opened)
    assert value == pytest.approx(0.5) and seen(opened) == (key, value)
    (tmp_path / "config.ocio").write_text(CONFIG.format(gain=2.0))
    changed, halved = seen(opened)
    assert halved == pytest.approx(0.25) and changed != key


def test_a_lut_of_the_config_changes(opened: OpenShot, tmp_path: Path) -> None:
    key, _ = seen(opened)
    write_lut(tmp_path / "luts" / "camera.spi1d", 0.25)
    changed, value = seen(opened)
    assert value == pytest.approx(1.0) and changed != key


def test_an_unchanged_shot_keeps_its_renderer(opened: OpenShot) -> None:
    assert opened.renderer() is opened.renderer()


def test_networks_are_added_and_removed(
    tmp_path: Path, fast_folder: Path, fast_document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "models"
    monkeypatch.setenv("FACEPLATE_MODELS", str(store))
    shots = OpenShots(Roots())
    opened = shots.open(ShotRequest(document=fast_document, base=str(fast_folder)))
    assert "second" not in shots.store.cards
    card = json.loads((EMBEDDED / "yunet.card.json").read_text())
    store.mkdir()
    shutil.copy(EMBEDDED / card["file"], store)
    (store / "second.card.json").write_text(json.dumps({**card, "name": "second", "family": "yunet"}))
    assert "second" in shots.store.cards and shots.store.path("second").is_file()
    assert opened.renderer().finder.store.card("second").name == "second"
    opened.check([1], lambda frame: {"detector": "second"})
    (store / "second.card.json").unlink()
    assert "second" not in opened.renderer().finder.store.cards
