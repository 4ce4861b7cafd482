"""The rules that every front end shares: what ends a range, what is reported of the rest, and what a take leaves behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceplate import Renderer, Shot
from faceplate.errors import RenderError, UsageError
from faceplate.face import Face, FaceFinder
from faceplate.image.frame import Frame
from faceplate.models import embedded_store
from faceplate.plate import Written
from faceplate.provenance.manifest import manifest_path
from faceplate.render.batch import FATAL_ERROR_CODES, FrameDone, RenderBatch, is_fatal
from faceplate.shot.parameters import Parameters
from plates import write_plate

FRAMES = tuple(range(1001, 1007))


class Nobody(FaceFinder):
    """Finds no face, without looking: the rules of a range are the same, and every test renders six frames."""

    def find(self, frame: Frame) -> tuple[Face, ...]:
        return ()


@pytest.fixture
def renderer(tmp_path: Path) -> Renderer:
    """Six frames without a face, and a renderer that leaves the plate as it is."""
    for number in FRAMES:
        write_plate(tmp_path / f"p.{number}.exr", np.full((32, 32, 3), 0.2, np.float32), colorInteropID="lin_ap1_scene")
    quick = Parameters(generator="null", no_face="pass", occlusion=0.0, grain=0.0)
    shot = Shot(
        plate=f"{tmp_path}/p.####.exr",
        output=f"{tmp_path}/out/o.####.exr",
        mode="over",
        track_first=False,
        parameters=quick,
        audit=tmp_path / "faceplate.audit.jsonl",
    )
    made = Renderer(shot, Nobody(embedded_store()))
    made.prepare()
    return made


def failing(error: Exception, at: int) -> Any:
    """A `before_frame` that fails at one frame."""

    def before(frame: int) -> None:
        if frame == at:
            raise error

    return before


@pytest.mark.parametrize("ahead", [0, 1])
@pytest.mark.parametrize("code", sorted(FATAL_ERROR_CODES))
def test_a_fatal_error_ends_the_range(renderer: Renderer, code: str, ahead: int) -> None:
    error = RenderError(code, "It fails for every frame.")
    done = list(RenderBatch(renderer, ahead=ahead, before_frame=failing(error, 1003)).run(FRAMES))
    assert [item.frame for item in done] == list(FRAMES)
    assert done[2].error is error and done[2].code == code
    assert [item.not_rendered for item in done[3:]] == [True] * 3
    assert all(item.written or item.not_rendered for item in done[:2])
    assert not list(Path(renderer.output.folder).glob("o.1004.exr"))


def test_other_errors_end_one_frame(renderer: Renderer) -> None:
    for error in (RenderError("plate-missing", "It is missing."), ZeroDivisionError("a bug")):
        done = list(RenderBatch(renderer, before_frame=failing(error, 1003)).run(FRAMES))
        assert [item.frame for item in done if item.error] == [1003]
        assert [item.frame for item in done if item.written] == [1001, 1002, 1004, 1005, 1006]
    assert done[2].code == "internal-error"


def test_a_wrong_request_and_exhausted_memory_are_fatal(renderer: Renderer) -> None:
    wrong = UsageError("bad-search", "It lies outside.")
    assert is_fatal(wrong) and not is_fatal(ValueError())
    done = list(RenderBatch(renderer, ahead=1, before_frame=failing(wrong, 1002)).run(FRAMES))
    assert done[1].error is wrong and all(item.not_rendered for item in done[2:])
    done = list(RenderBatch(renderer, ahead=1, before_frame=failing(MemoryError(), 1002)).run(FRAMES))
    assert done[1].code == "out-of-memory" and all(item.not_rendered for item in done[2:])


def test_a_cancelled_range_begins_no_other_frame(renderer: Renderer) -> None:
    written: list[Written] = []
    batch = RenderBatch(renderer, ahead=1, on_written=written.append, cancelled=lambda: len(written) == 2)
    done = list(batch.run(FRAMES))
    assert [item.not_rendered for item in done] == [False, False, True, True, True, True]


def test_pixels_without_a_file(renderer: Renderer) -> None:
    done = list(RenderBatch(renderer, write=False).run(FRAMES[:2]))
    assert all(item.rendered is not None and item.written is None and not item.is_hole for item in done)
    assert not list(renderer.output.folder.iterdir())


def test_values_of_a_frame_and_its_key(renderer: Renderer) -> None:
    def values(frame: int) -> dict[str, Any]:
        return {"matte_feather": 0.2} if frame == 1001 else {}

    first = list(RenderBatch(renderer, values=values).run(FRAMES[:2]))
    assert first[0].rendered and first[0].rendered.parameters.matte_feather == 0.2
    again = list(RenderBatch(renderer, values=values, skip_current=True).run(FRAMES[:2]))
    assert [item.current for item in again] == [renderer.output.path(frame) for frame in FRAMES[:2]]
    assert [item.key for item in again] == [item.key for item in first] and all(item.key for item in again)
    plain = list(RenderBatch(renderer, skip_current=True).run(FRAMES[:2]))
    assert [bool(item.current) for item in plain] == [False, True]


def test_a_take_is_logged_recorded_and_collected(renderer: Renderer) -> None:
    log = renderer.shot.audit
    assert log is not None
    list(RenderBatch(renderer, recorded=True).run(FRAMES[:2]))
    assert not log.exists() and not manifest_path(renderer.output).exists()
    outcomes = RenderBatch(renderer, recorded=True, action="render").run(FRAMES)
    next(outcomes)
    outcomes.close()  # the caller stops listening: what is written is in the manifest all the same
    (line,) = log.read_text().splitlines()
    assert json.loads(line)["action"] == "render" and json.loads(line)["frames"] == 6
    assert "1001" in json.loads(manifest_path(renderer.output).read_text())["frames"]


def test_what_became_of_a_frame_is_one_thing() -> None:
    assert FrameDone(1).is_hole and not FrameDone(1, not_rendered=True).is_hole
    assert not FrameDone(1, error=ValueError()).is_hole and FrameDone(1).code == ""
