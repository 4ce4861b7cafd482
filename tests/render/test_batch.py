"""A range rendered with its stages overlapped."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import pytest
from rich.progress import Task

from faceplate import Renderer, Shot, render_frames
from faceplate.cli.progress import _Rate
from faceplate.errors import FaceplateError, RenderError, UsageError
from faceplate.face import Face, FaceFinder
from faceplate.face.shape import head_model
from faceplate.plate import Written
from faceplate.render import Rendered
from faceplate.render.batch import RenderBatch
from faceplate.shot.parameters import Parameters
from plates import read_file, write_plate


@dataclass
class Steps:
    """A renderer of nothing: it notes when each of its steps begins and ends, and can be told to fail or to wait."""

    fails: dict[int, Exception] = field(default_factory=dict)
    holes: tuple[int, ...] = ()
    meet: threading.Barrier | None = None
    log: list[tuple[str, int]] = field(default_factory=list)
    networks: tuple[Any, ...] = ()

    def plate_frame(self, frame: int) -> int | None:
        return None if frame in self.holes else frame

    def load(self, frame: int, **_: Any) -> int:
        self.log.append(("load", frame))
        if frame in self.fails:
            raise self.fails[frame]
        self._wait("load", frame)
        return frame

    def generate(self, frame: int) -> int:
        self._wait("generate", frame)
        return frame

    def composite(self, frame: int) -> Rendered:
        self._wait("comp", frame)
        return Rendered(frame, cast(Any, None), cast(Any, None), None, Parameters())

    def write(self, rendered: Rendered) -> Written:
        self._wait("write", rendered.frame)
        self.log.append(("write", rendered.frame))
        return Written(Path(f"{rendered.frame}.exr"))

    def _wait(self, step: str, frame: int) -> None:
        """Frames 3, 2, 1 and 0 must be in load, generate, comp and write at one time."""
        order = ("load", "generate", "comp", "write")
        if self.meet is not None and frame == 3 - order.index(step):
            self.meet.wait(20)


def run(steps: Steps, frames: range, **more: Any) -> list[Any]:
    return list(render_frames(cast(Renderer, steps), frames, **more))


def test_the_four_steps_of_neighbouring_frames_overlap() -> None:
    done = run(Steps(meet=threading.Barrier(4)), range(6))
    assert [item.frame for item in done] == list(range(6)) and all(item.written for item in done)


@pytest.mark.parametrize(("alone", "frames", "wanted"), [(True, 6, 2), (True, 1, 8), (False, 6, 8)])
def test_opencv_takes_a_stages_share_of_the_cores_where_nothing_else_is_rendered(
    alone: bool, frames: int, wanted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[RenderBatch.__module__], "cores", lambda: 8)
    before, seen = cv2.getNumThreads(), set()
    cv2.setNumThreads(8)
    try:
        batch = RenderBatch(cast(Renderer, Steps()), alone=alone, before_frame=lambda _: seen.add(cv2.getNumThreads()))
        assert len(list(batch.run(range(frames)))) == frames
        assert seen == {wanted} and cv2.getNumThreads() == 8
    finally:
        cv2.setNumThreads(before)


def test_what_is_held_is_bounded() -> None:
    steps, most = Steps(), 0
    for item in render_frames(cast(Renderer, steps), range(60)):
        begun = sum(1 for step, _ in steps.log if step == "load")
        most = max(most, begun - item.frame)
    assert 2 <= most <= 6


def test_a_network_on_several_devices_generates_as_many_frames_at_once() -> None:
    @dataclass(frozen=True)
    class Pool:
        targets: tuple[str, ...] = ("cuda:0", "cuda:1")

    both = threading.Barrier(2)
    steps = Steps(networks=(Pool(),))
    steps.generate = lambda frame: (both.wait(20) if frame < 2 else None, frame)[1]  # type: ignore[method-assign]
    assert [item.frame for item in run(steps, range(4))] == [0, 1, 2, 3]


def test_failures_holes_and_refusals() -> None:
    lost = RenderError("plate-missing", "Frame 2 is missing.")
    done = run(Steps(fails={2: lost}, holes=(4,)), range(6))
    assert [item.frame for item in done] == list(range(6))
    assert [item.frame for item in done if item.error] == [2] and done[2].error is lost
    assert [item.frame for item in done if item.error is None and item.written is None] == [4]
    with pytest.raises(UsageError):
        run(Steps(fails={1: UsageError("bad-search", "It lies outside.")}), range(4))
    with pytest.raises(ZeroDivisionError):
        run(Steps(fails={1: ZeroDivisionError()}), range(4))


def test_a_listener_that_leaves_still_hears_of_every_file() -> None:
    steps, heard = Steps(), []
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        for item in render_frames(
            cast(Renderer, steps), range(500), on_written=lambda one: heard.append(one.path.stem)
        ):
            if item.frame == 3:
                raise KeyboardInterrupt
    written = [str(frame) for step, frame in steps.log if step == "write"]
    assert heard == written and len(written) < 20
    time.sleep(0.05)
    assert threading.active_count() == before and len(heard) == len(written)


def test_pixels_are_those_of_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six frames that differ, rendered in flight and each alone: every file is the same to the bit."""
    random = np.random.default_rng(5)
    for number in range(1001, 1007):
        pixels = random.gamma(2.0, 0.1, (200, 220, 3)).astype(np.float32)
        write_plate(tmp_path / f"p.{number}.exr", pixels, "half", colorInteropID="lin_ap1_scene")
    face = Face(head_model().reference * 50 + np.array([110, 100, 0]), 1.0, 1.0, 0.18)
    monkeypatch.setattr(FaceFinder, "find", lambda *_: (face,))

    def renderer(folder: str) -> Renderer:
        parameters = Parameters(generator="null", crop=96, plate_detail=0.3, grain=1.0)
        made = Renderer(
            Shot(
                plate=f"{tmp_path}/p.####.exr",
                output=f"{tmp_path}/{folder}/o.####.exr",
                track_first=False,
                parameters=parameters,
            )
        )
        made.prepare()
        return made

    together, alone = renderer("together"), renderer("alone")
    frames = together.frames()
    assert [done.frame for done in render_frames(together, frames)] == list(frames) == list(range(1001, 1007))
    for frame in reversed(frames):
        alone.write(alone.render(frame))
        same, apart = (read_file(tmp_path / folder / f"o.{frame}.exr")[0] for folder in ("together", "alone"))
        assert np.array_equal(same, apart) and same.any()
        # Noise that stands still would be one picture in all files: the frames must differ from one another.
        assert frame == 1001 or not np.array_equal(same, read_file(tmp_path / "together" / "o.1001.exr")[0])


def test_the_rate_counts_written_frames_alone() -> None:
    clock = [0.0]
    task = Task(cast(Any, 0), "render", 10, 4, _get_time=lambda: clock[0], fields={"written": 0})
    task.start_time = 0.0
    clock[0] = 2.0
    assert str(_Rate().render(task)) == "– fps"
    task.fields["written"] = 3
    assert str(_Rate().render(task)) == "1.50 fps"


def test_unknown_and_unfit_networks_are_refused_before_a_frame(tmp_path: Path) -> None:
    """Every parameter that names a network of the store: a name that is not there, and one that does other work."""
    write_plate(tmp_path / "p.1001.exr", np.ones((8, 8, 3), np.float32), "half", colorInteropID="lin_ap1_scene")
    unfit = {
        "detector": ("sface", "not-a-detector"),
        "landmarker": ("sface", "not-a-landmarker"),
        "recogniser": ("yunet", "not-a-recogniser"),
        "occluder": ("yunet", "not-a-matte"),
        "parser": ("selfie_segmentation", "not-a-parser"),
    }
    for name, (other, code) in unfit.items():
        for value, wanted in ((other, code), ("nobody", "unknown-model")):
            parameters = Parameters.model_validate({"generator": "null", name: value})
            with pytest.raises(FaceplateError) as refusal:
                Renderer(Shot(plate=f"{tmp_path}/p.####.exr", parameters=parameters)).prepare()
            assert refusal.value.code == wanted, name
