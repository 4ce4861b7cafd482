"""The track job: tracks a shot into its track file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from faceplate.errors import FaceplateError, UsageError
from faceplate.render import Renderer
from faceplate.render.tracking import tracker_for
from faceplate.service.job_context import JobContext
from faceplate.service.job_queue import Job
from faceplate.service.schema import TrackRequest
from faceplate.service.shot_info import people
from faceplate.service.shots import OpenShot
from faceplate.track import Track

__all__ = ["track_job"]


def track_job(context: JobContext, opened: OpenShot, request: TrackRequest) -> Job:
    """Return the job that tracks a shot, in a lane of its own beside the frames'.

    Without frames in the request it tracks the whole plate, as a render and the farm do. Raises `UsageError('no-output')`
    and what `tracker_for` raises.
    """
    output = request.output or (None if opened.shot.track is None else str(opened.shot.track))
    if output is None:
        raise UsageError("no-output", "The shot names no track; give the file to write, such as sh010.track.json.")
    renderer = opened.renderer()
    tracker = tracker_for(opened.shot, renderer.color, renderer.finder)

    def work(job: Job) -> Iterator[None]:
        track = tracker.track(
            Path(output),
            request.frames,
            workers=max((os.cpu_count() or 1) - 1, 1),  # one processor is left for interactive frames
            progress=lambda done, total: context.queue.progress(job, done, total),
            stop=job.stop,
        )
        track = _with_view_plans(context, job, renderer, track)
        for item in track.sidecar.unread:
            context.queue.log(job, "warning", f"frame {item.frame} could not be read: {item.why}")
        job.result = {"path": output, "frames": len(track.frames), "people": people(track)}
        yield

    return Job("track", work, 0, request.priority, request.supersede, lane="tracks")


def _with_view_plans(context: JobContext, job: Job, renderer: Renderer, track: Track) -> Track:
    """Store the view plan with the track; where the source cannot be read, a render makes the same plan for itself."""
    if all(face.source is None for face in renderer.shot.face_shots):
        return track
    try:
        planned = renderer.resources.with_view_plans(track)
        if planned is not track:
            planned.save()
        return planned
    except FaceplateError as error:
        context.queue.log(job, "warning", f"no view plan was stored with the track: {error}")
        return track
