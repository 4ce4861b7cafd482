"""Frames with a hole in the plate: held or skipped in one place, and frame 0 is a frame like any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from faceplate import Renderer, Shot
from faceplate.cache import NO_CACHE
from faceplate.errors import RenderError
from faceplate.models import embedded_store
from faceplate.service.shots import OpenShot
from faceplate.shot import Policy
from faceplate.shot.parameters import Parameters
from plates import read_file
from stand_ins import FACE, write_noise_plate

NULL = Parameters(generator="null", grain=0.0, occlusion=0.0, plate_detail=0.0)


def shot_of(folder: Path, missing: str) -> Shot:
    """A plate that has frames 0 and 3 alone."""
    for frame in (0, 3):
        write_noise_plate(folder / f"p.{frame:04d}.exr", seed=frame)
    return Shot.model_validate(
        {
            "plate": f"{folder}/p.####.exr", "output": f"{folder}/o.####.exr", "missing": missing, "frames": (0, 1, 2, 3),
            "parameters": NULL, "track_first": False, "policy": Policy(preview_slate=False),
        }
    )  # fmt: skip


def test_a_host_is_given_the_key_of_a_held_frame_0(tmp_path: Path) -> None:
    """`plate_frame(frame) or frame` took a held frame 0 for none, so that the frame never was up to date."""
    shot = shot_of(tmp_path, "hold")
    opened = OpenShot("key", cast(Any, None), shot, embedded_store(), NO_CACHE)
    keys = [opened.frame_key(frame, {}, 1, "element") for frame in (0, 1, 2, 3)]
    assert all(keys) and len(set(keys)) == 4


def test_a_held_frame_shows_the_frame_before_the_hole(tmp_path: Path) -> None:
    renderer = Renderer(shot_of(tmp_path, "hold"))
    assert [renderer.plate_frame(frame) for frame in (0, 1, 2, 3)] == [0, 0, 0, 3]
    assert renderer.open(2).path.name == "p.0000.exr"
    located = renderer.locate(2, FACE)
    assert (located.frame, located.request.plate_frame) == (2, 0)
    results = {frame: renderer.render(frame, FACE).result.over for frame in (0, 2, 3)}
    assert np.array_equal(results[0], results[2]) and not np.array_equal(results[0], results[3])
    written = renderer.write(renderer.render(2, FACE))
    assert written.path.name == "o.0002.exr" and read_file(written.path)[0].any()


def test_a_skipped_frame_is_refused_where_a_caller_asks_for_it(tmp_path: Path) -> None:
    renderer = Renderer(shot_of(tmp_path, "skip"))
    assert [renderer.plate_frame(frame) for frame in (0, 1, 2, 3)] == [0, None, None, 3]
    for ask in (renderer.open, renderer.key, renderer.load):
        with pytest.raises(RenderError) as refused:
            ask(1)
        assert refused.value.code == "plate-missing"
    opened = OpenShot("key", cast(Any, None), renderer.shot, embedded_store(), NO_CACHE)
    assert opened.frame_key(1, {}, 1, "element") == "" != opened.frame_key(0, {}, 1, "element")


def test_nothing_to_hold_is_said(tmp_path: Path) -> None:
    shot = shot_of(tmp_path, "hold")
    (tmp_path / "p.0000.exr").unlink()
    with pytest.raises(RenderError, match="no earlier one"):
        Renderer(shot).load(1)
