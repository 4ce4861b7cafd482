"""The pixels job: renders one frame on pixels that a host gives in shared memory, and lays the face over them there."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from faceplate.errors import UsageError
from faceplate.image.window import Window
from faceplate.plate import GivenPixels
from faceplate.plate.patch import within_half
from faceplate.render import Rendered
from faceplate.service.job_context import JobContext
from faceplate.service.job_queue import Job, error_entry
from faceplate.service.schema import MOST_PIXEL_BYTES, PixelsRequest
from faceplate.service.shots import OpenShot

__all__ = ["pixels_job"]

_STRIPS = 4


def pixels_job(context: JobContext, opened: OpenShot, request: PixelsRequest) -> Job:
    """Return the job that renders the frame of `request`. Raises `FaceplateError` where the request is wrong."""
    window = Window(*request.window)
    bytes_of_pixel = 4 * np.dtype(request.dtype).itemsize
    inside = window.intersect(Window(0, 0, *request.size)) == window
    if window.empty or not inside or window.area * bytes_of_pixel > MOST_PIXEL_BYTES:
        text = f"The pixels' window {request.window} is empty, too large, or not inside the picture of {request.size}."
        raise UsageError("pixels-size", text)
    opened.check((request.frame,), lambda frame: request.values, "over")
    job = Job("pixels", _PixelsStep(context, opened, request, window).run, 1, request.priority, request.supersede)
    job.frames[request.frame] = {"state": "waiting"}
    return job


@dataclass(frozen=True)
class _PixelsStep:
    """The one step of a pixels job."""

    context: JobContext
    opened: OpenShot
    request: PixelsRequest
    window: Window

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of the pixels in the block."""
        return (self.window.height, self.window.width, 4)

    def run(self, job: Job) -> Iterator[None]:
        """Render the frame and report it."""
        queue, frame = self.context.queue, self.request.frame
        queue.frame(job, frame, state="running")
        begun = time.perf_counter()
        try:
            entry = self._rendered(begun)
        except Exception as error:
            entry = {"state": "failed", "error": error_entry(error)}
        queue.frame(job, frame, **entry)
        yield

    def _rendered(self, begun: float) -> dict[str, Any]:
        """Render the frame, write it into the block, and return the job's entry.

        `ms` is the time of the frame itself, as in other jobs; `route_ms` that of copying, hashing and writing the pixels.
        """
        request = self.request
        renderer = self.opened.renderer("", "over")
        self.context.roots.check(renderer.plate.path(request.frame))  # may be a link
        pixels = self.context.shared.read(request.block, self.shape, request.dtype)
        given = GivenPixels(request.frame, pixels, self.window, request.size, _mark(pixels, self.window))
        taken = time.perf_counter()
        rendered = replace(renderer, given_pixels=given).render(request.frame, values=request.values)
        made = time.perf_counter()
        changed = self._lay_over(rendered)
        done = time.perf_counter()
        return {
            "state": "done",
            "key": rendered.key,
            "notes": list(rendered.notes),
            "window": [changed.x, changed.y, changed.width, changed.height],
            "ms": round(1000 * (made - taken), 1),
            "route_ms": round(1000 * (done - made + taken - begun), 1),
        }

    def _lay_over(self, rendered: Rendered) -> Window:
        """Write the pixels that the matte covers into the block; return the part of the host's picture that may have changed."""
        result, display = rendered.result, rendered.file.display
        data = Window(self.window.x + display.x, self.window.y + display.y, self.window.width, self.window.height)
        inside = result.window.intersect(data)
        if not inside.empty:
            source, place = inside.slices(result.window), inside.slices(data)
            over = within_half(result.over[source]) if self.request.dtype == "<f2" else result.over[source]
            covered = result.matte[source] > 0
            self.context.shared.write(self.request.block, self.shape, self.request.dtype, place, over, covered)
        return Window(inside.x - display.x, inside.y - display.y, inside.width, inside.height)


def _mark(pixels: np.ndarray, window: Window) -> str:
    """Return a text that names pixels and their place.

    SHA-1 is the fastest hash of the standard library's and enough for a cache. Strips of rows are hashed at the same time.
    """

    def hashed(strip: np.ndarray) -> bytes:
        return hashlib.sha1(strip.data.cast("B"), usedforsecurity=False).digest()

    strips = [strip for strip in np.array_split(pixels, _STRIPS) if strip.size]
    with ThreadPoolExecutor(len(strips)) as pool:
        content = b"".join(pool.map(hashed, strips))
    return f"given {pixels.dtype.str} {window} {hashlib.sha1(content, usedforsecurity=False).hexdigest()}"
