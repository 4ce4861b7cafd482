"""Makes the job that a request asks for."""

from __future__ import annotations

from faceplate.service.faces_job import faces_job
from faceplate.service.job_context import JobContext
from faceplate.service.job_queue import Job
from faceplate.service.path_checks import check_request_paths
from faceplate.service.pixels_job import pixels_job
from faceplate.service.render_job import render_job
from faceplate.service.schema import JobRequest, PixelsRequest, RenderRequest, TrackRequest
from faceplate.service.shots import OpenShot
from faceplate.service.track_job import track_job

__all__ = ["make_job"]


def make_job(context: JobContext, opened: OpenShot, request: JobRequest) -> Job:
    """Return the job of a request, not yet queued. Raises `FaceplateError` where the request is wrong."""
    if isinstance(request, RenderRequest):
        check_request_paths(context.roots, request)
        return render_job(context, opened, request)
    if isinstance(request, PixelsRequest):
        check_request_paths(context.roots, request)
        return pixels_job(context, opened, request)
    if isinstance(request, TrackRequest):
        context.roots.check(request.output)
        return track_job(context, opened, request)
    return faces_job(context, opened, request)
