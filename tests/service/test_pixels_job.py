"""A host's own pixels: reserved shared memory in, the face laid over them in place, and the limits of both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from engines import FACE, until
from faceplate.demo import people_folder
from faceplate.errors import UsageError
from faceplate.plate import PlateFile
from faceplate.service.app import Service
from faceplate.service.job_queue import Job
from faceplate.service.jobs import make_job
from faceplate.service.roots import Roots
from faceplate.service.schema import JobRequest, ReserveRequest, ShotRequest
from faceplate.service.shared import SharedPixels

ALL_OF_IT = {"generator": "mesh", "grain": 1.0}


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service(roots=Roots())
    made.queue.start()
    yield made
    made.queue.close(10)
    made.shared.clear()


class Host:
    """A host with one picture, the plate's, and the engine in this process."""

    def __init__(self, service: Service, folder: Path, document: dict[str, Any]) -> None:
        self.service = service
        self.opened = service.shots.open(ShotRequest(document=document, base=str(folder)))
        self.picture = PlateFile.open(folder / "plate.exr").read_rgb()

    def send(self, window: tuple[int, int, int, int], dtype: str = "<f2", **request: Any) -> tuple[Job, np.ndarray]:
        """Send `window` of the picture, with an alpha of its own; the job and what lies in the block afterwards."""
        x, y, width, height = window
        pixels = np.full((height, width, 4), 0.25, dtype)
        pixels[..., :3] = request.pop("picture", self.picture)[y : y + height, x : x + width]
        block = self.service.shared.reserve(pixels.nbytes)
        everywhere = (slice(None), slice(None))
        self.service.shared.write(block, pixels.shape, dtype, everywhere, pixels, np.ones((height, width), bool))
        asked = {
            "kind": "pixels", "shot": self.opened.key, "frame": FACE, "block": block, "dtype": dtype, "window": window,
            "size": self.picture.shape[1::-1], "values": ALL_OF_IT, **request,
        }  # fmt: skip
        job = self.service.queue.add(
            make_job(self.service.context, self.opened, TypeAdapter(JobRequest).validate_python(asked))
        )
        until(lambda: job.finished)
        return job, self.service.shared.read(block, pixels.shape, dtype)

    def rendered(self) -> np.ndarray:
        """The same frame rendered from the plate's file."""
        renderer = self.opened.renderer("", "over")
        return renderer.over_picture(renderer.render(FACE, values=ALL_OF_IT))


@pytest.fixture
def host(service: Service, fast_folder: Path, fast_document: dict[str, Any]) -> Host:
    return Host(service, fast_folder, {**fast_document, "source": str(people_folder() / "bea")})


@pytest.mark.parametrize("dtype", ["<f2", "<f4"])
def test_the_pixels_are_those_of_a_render_from_the_file(host: Host, dtype: str) -> None:
    height, width = host.picture.shape[:2]
    job, whole = host.send((0, 0, width, height), dtype)
    expected = host.rendered()[..., :3].astype(dtype)
    entry = job.frames[FACE]
    assert entry["state"] == "done" and entry["ms"] > 0 and entry["route_ms"] > 0
    assert np.array_equal(whole[..., :3], expected)
    assert np.all(whole[..., 3] == np.array(0.25, dtype))
    x, y, w, h = entry["window"]
    changed = np.any(whole[..., :3] != host.picture.astype(dtype), axis=2)
    assert changed.any() and changed[y : y + h, x : x + w].sum() == changed.sum()


def test_the_part_that_the_engine_asks_for_is_enough(host: Host) -> None:
    window, display = host.opened.renderer("", "over").needed_window(FACE, ALL_OF_IT)
    assert 0 < window.area < display.area
    _, part = host.send((window.x, window.y, window.width, window.height))
    expected = host.rendered()[window.slices(display)][..., :3].astype(np.float16)
    assert np.array_equal(part[..., :3], expected)


def test_less_than_the_frame_reads_is_refused(host: Host) -> None:
    window, _ = host.opened.renderer("", "over").needed_window(FACE, ALL_OF_IT)
    job, _ = host.send((window.x, window.y, window.width - 8, window.height))
    assert job.frames[FACE]["error"]["code"] == "pixels-missing"


def test_other_pixels_give_another_picture(host: Host) -> None:
    height, width = host.picture.shape[:2]
    one, first = host.send((0, 0, width, height), "<f4")
    two, darker = host.send((0, 0, width, height), "<f4", picture=host.picture * np.float32(0.5))
    assert one.frames[FACE]["key"] != two.frames[FACE]["key"]
    ratio = np.median(darker[..., :3] / np.maximum(first[..., :3], 1e-3))
    assert ratio == pytest.approx(0.5, abs=0.02)


def test_a_picture_of_another_size_is_refused(host: Host) -> None:
    job, _ = host.send((0, 0, 64, 64), size=(64, 64))
    assert job.frames[FACE]["error"]["code"] == "other-size" and job.error is not None


@pytest.mark.parametrize("window", [(0, 0, 0, 9), (-1, 0, 9, 9), (200, 0, 9, 9)])
def test_a_window_that_leaves_the_picture_is_refused(host: Host, window: tuple[int, int, int, int]) -> None:
    request = {"kind": "pixels", "shot": "s", "frame": FACE, "block": "b", "dtype": "<f4", "size": (205, 205)}
    asked: Any = TypeAdapter(JobRequest).validate_python({**request, "window": window})
    with pytest.raises(UsageError, match="window") as refused:
        make_job(host.service.context, host.opened, asked)
    assert refused.value.code == "pixels-size"


class TestReserved:
    def test_only_reserved_blocks_are_read_and_written(self) -> None:
        shared = SharedPixels()
        given = shared.put(np.zeros((2, 2, 4), np.float32))["name"]
        for name in (given, "psm_other"):
            with pytest.raises(UsageError) as refused:
                shared.read(name, (2, 2, 4), "<f4")
            assert refused.value.code == "unknown-pixels"
        shared.clear()

    def test_a_block_is_no_larger_than_it_was_reserved(self) -> None:
        shared = SharedPixels()
        name = shared.reserve(64)
        assert shared.read(name, (2, 2, 4), "<f4").shape == (2, 2, 4)
        with pytest.raises(UsageError) as refused:
            shared.read(name, (2, 3, 4), "<f4")
        assert refused.value.code == "pixels-size"
        assert shared.free(name) and not shared.free(name)

    def test_reserving_is_bounded(self) -> None:
        for size in (0, (1 << 30) + 1):
            with pytest.raises(ValidationError):
                ReserveRequest(bytes=size)
        shared = SharedPixels(limit=1000)
        first = shared.reserve(800)
        shared.reserve(800)
        assert shared.usage() == {"blocks": 1, "bytes": 800} and not shared.free(first)
        shared.clear()
