"""Blender's versions with the extension, and plates, for all of these tests."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from blender_host import FRAMES, HEIGHT, WIDTH, Host, blender_of, read_pixels, write_pixels
from bpy_modules import STATE, VERSIONS, chosen_versions, module_folder, whole_versions

from faceplate.color import ColorConfig
from faceplate.demo.plate import make_plate
from faceplate.hosts.blender import install_into
from faceplate_client import connect


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave to one version what need not run on each of them by default."""
    whole = whole_versions(Path(sys.prefix))
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        version = parameters.get("host") if "host" in getattr(item, "fixturenames", ()) else None
        if version in VERSIONS and version not in whole and item.get_closest_marker("smoke") is None:
            reason = f"Blender {version} runs the tests marked smoke; FACEPLATE_BLENDERS=all runs all of them on every version"
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def plates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The demo plate a quarter as large: linear Rec.709 and ACEScg; and a hold-out matte. Their first files."""
    folder = tmp_path_factory.mktemp("plates")
    make_plate(folder / "full", frames=len(FRAMES))
    color = ColorConfig.load(environ={})
    for frame in FRAMES:
        pixels = read_pixels(folder / "full" / f"plate.{frame}.exr")[..., :3]
        small = cv2.resize(pixels, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        write_pixels(folder / "acescg" / f"plate.{frame}.exr", small, color, "lin_ap1_scene")
        write_pixels(folder / "rec709" / f"plate.{frame}.exr", color.to_linear709(small), color, "lin_rec709_scene")
        matte = np.zeros((HEIGHT, WIDTH, 3), np.float32)
        matte[:, WIDTH // 5 :] = 0.75
        write_pixels(folder / "matte" / f"matte.{frame}.exr", matte, color, None)
    names = {"rec709": "rec709/plate.1001.exr", "acescg": "acescg/plate.1001.exr", "matte": "matte/matte.1001.exr"}
    return {name: str(folder / path) for name, path in names.items()}


@pytest.fixture(scope="module", params=chosen_versions())
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Blender of one version with the extension, installed as `faceplate host install blender` does.

    For one file, because its variables hold for the process: another file's engines would live in this folder.
    """
    folder = module_folder(Path(sys.prefix), request.param)
    why = _why_missing(folder)
    if why:
        pytest.skip(f"NOT RUN: Blender {request.param}: {why}")
    place = tmp_path_factory.mktemp(f"blender{request.param.replace('.', '')}")
    python = folder / "env" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    host = Host(python, place / "user", place / "run", place, request.param)
    host.user.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BLENDER_USER_RESOURCES", str(host.user))
        patch.setenv("FACEPLATE_RUN", str(host.run))
        patch.setenv("FACEPLATE_ENGINE", sys.executable)
        patch.delenv("OCIO", raising=False)
        host.answers["installed"] = install_into(blender_of(host))
        engine = connect(parent=True)
        yield host
        engine.stop()


def _why_missing(folder: Path) -> str:
    try:
        return str(json.loads((folder / STATE).read_text("utf-8"))["why"])
    except (OSError, ValueError, KeyError):
        return "its module is not installed; run 'python3 install test'"
