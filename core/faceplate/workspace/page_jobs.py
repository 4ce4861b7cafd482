"""Jobs that a page can start beside those of hosts: the demo, contact sheets, review movies."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from faceplate.color import ColorConfig
from faceplate.color.shader import apply_display, display_processor
from faceplate.errors import UsageError
from faceplate.plate import parse_frames
from faceplate.render import Renderer
from faceplate.review.contact_sheet import ContactSheet
from faceplate.review.movie import review
from faceplate.service.job_queue import Job
from faceplate.service.jobs import make_job
from faceplate.service.schema import FacesRequest, JobRequest, RenderRequest, TrackRequest
from faceplate.service.shots import OpenShot
from faceplate.system.paths import cache_folder
from faceplate.workspace.demo_shot import demo_shot, make_demo
from faceplate.workspace.desk import Desk
from faceplate.workspace.plate_facts import frame_rate
from faceplate.workspace.takes import output_of_take

__all__ = ["PageRequest", "demo_job", "page_job"]


_LABELS = {
    "render": "Render",
    "track": "Track",
    "faces": "Find faces in",
    "contact-sheet": "Contact sheet of",
    "review-movie": "Review movie of",
}


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RenderPage(_Request):
    """Render frames of the shot into its output; `only` stale leaves alone those that are up to date."""

    kind: Literal["render"]
    frames: str | None = None
    proxy: Literal[1, 2, 4, 8] = 1
    only: Literal["stale", "all"] = "stale"


class TrackPage(_Request):
    """Track the shot into the track that it names."""

    kind: Literal["track"]
    frames: str | None = None


class FacesPage(_Request):
    """Find the faces of one frame."""

    kind: Literal["faces"]
    frame: int


class _Export(_Request):
    """What is exported is shown as `view` of `display` shows it, sRGB with a soft shoulder where they are not given."""

    display: str | None = None
    view: str | None = None


class SheetPage(_Export):
    """Make a contact sheet of the shot."""

    kind: Literal["contact-sheet"]
    frames: str | None = None


class MoviePage(_Export):
    """Make a review movie of the rendered frames."""

    kind: Literal["review-movie"]
    take: int | None = None


PageRequest = Annotated[RenderPage | TrackPage | FacesPage | SheetPage | MoviePage, Field(discriminator="kind")]


def page_job(desk: Desk, shot: str, request: RenderPage | TrackPage | FacesPage | SheetPage | MoviePage) -> Job:
    """Return the job of a page's request, not yet queued. Raises what making it raises."""
    opened = desk.open(shot)
    if isinstance(request, SheetPage):
        job = _sheet_job(desk, opened, request)
    elif isinstance(request, MoviePage):
        job = _movie_job(desk, opened, request)
    else:
        job = make_job(desk.service.context, opened, _engine_request(opened, request))
    job.label, job.shot = f"{_LABELS[request.kind]} {opened.shot.name}".strip(), shot
    return job


def _engine_request(opened: OpenShot, request: RenderPage | TrackPage | FacesPage) -> JobRequest:
    if isinstance(request, FacesPage):
        return FacesRequest(kind="faces", shot=opened.key, frame=request.frame)
    if isinstance(request, TrackPage):
        frames = list(parse_frames(request.frames)) if request.frames else None
        return TrackRequest(kind="track", shot=opened.key, frames=frames)
    return RenderRequest(
        kind="render",
        shot=opened.key,
        frames=list(_frames(opened, request.frames)),
        proxy=request.proxy,
        priority="batch",
        skip_current=request.only == "stale",
        mix_tracks=False,
    )


def _frames(opened: OpenShot, text: str | None) -> tuple[int, ...]:
    return parse_frames(text) if text else opened.renderer(opened.shot.output).frames()


def _sheet_job(desk: Desk, opened: OpenShot, request: SheetPage) -> Job:
    """Return the job of a contact sheet: up to six frames, rendered now where the stages are not kept."""
    renderer = opened.renderer(opened.shot.output)
    frames = _frames(opened, request.frames)
    sheet = ContactSheet(renderer.color, frames, _view_of(renderer.color, request))
    wanted = sheet.frames
    path = _export_folder(opened) / f"{_name(opened)}_contact_sheet.png"

    def work(job: Job) -> Iterator[None]:
        for frame in wanted:
            sheet.add(renderer.render(frame))
            desk.service.queue.progress(job, job.done + 1)
            yield
        sheet.write(path)
        job.result = {"path": str(path), "name": path.name, "download": f"/v1/ui/export/{job.id}"}

    return Job("contact-sheet", work, len(wanted), "batch")


def _movie_job(desk: Desk, opened: OpenShot, request: MoviePage) -> Job:
    """Return the job of a review movie of the rendered frames; raises `UsageError` `no-frames`, `no-output`."""
    renderer = opened.renderer(opened.shot.output)
    output = output_of_take(opened, request.take)
    if not output.on_disk():
        raise UsageError("no-frames", f"No frame of {output} is rendered yet; render the shot first.")
    path = _export_folder(opened) / f"{_name(opened)}_review.mp4"
    view = _view_of(renderer.color, request)

    def work(job: Job) -> Iterator[None]:
        def progress(done: int, total: int) -> None:
            if job.stop.is_set():
                raise KeyboardInterrupt
            desk.service.queue.progress(job, done, total)

        plate = renderer.plate if opened.shot.mode == "element" else None
        rate = _fraction(renderer)
        space = opened.shot.space
        review(output, path, renderer.color, plate=plate, space=space, rate=rate, view=view, progress=progress)
        job.result = {"path": str(path), "name": path.name, "download": f"/v1/ui/export/{job.id}"}
        yield

    return Job("review-movie", work, len(output.on_disk()), "batch", lane="tracks")


def _view_of(color: ColorConfig, request: _Export) -> Callable[[np.ndarray], np.ndarray] | None:
    """Return what turns working pixels into a view's code values; None where none is named. Raises `UsageError('unknown-view')`."""
    if request.display is None or request.view is None:
        return None
    display, view, space = request.display, request.view, color.working_space
    display_processor(color, space, display, view, (0.0, 1.0))  # refuse a wrong one now, and not in the job
    return lambda working: apply_display(color, working, space, display, view)


def _fraction(renderer: Renderer) -> Fraction:
    return Fraction(frame_rate(renderer)).limit_denominator(1001)


def _name(opened: OpenShot) -> str:
    """Return the shot's name as the beginning of a file name."""
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in opened.shot.name)[:80] or "shot"


def _export_folder(opened: OpenShot) -> Path:
    """Return the folder of a shot's exports; a newer export takes the place of an older one."""
    place = hashlib.sha256((opened.request.path or "").encode()).hexdigest()[:12]
    return cache_folder() / "exports" / place


def demo_job(desk: Desk) -> Job:
    """Return the job that prepares the demo: its plate, and a shot file in the user's own folder."""
    shot = demo_shot(desk.service.roots)

    def work(job: Job) -> Iterator[None]:
        if not shot.exists():
            make_demo(shot, lambda done, total: desk.service.queue.progress(job, done, total))
        job.result = {"shot": str(shot)}
        yield

    job = Job("demo", work, 1, "batch", "demo", lane="tracks")
    job.label = "Prepare the demo"
    return job
