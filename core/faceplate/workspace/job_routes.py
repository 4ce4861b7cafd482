"""Routes of jobs: start, list, repeat, follow, and fetch what was exported."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.responses import FileResponse
from pydantic import TypeAdapter
from sse_starlette import EventSourceResponse

from faceplate.errors import UsageError
from faceplate.service.job_queue import Job
from faceplate.system.user_paths import fingerprint_of, stat_or_none
from faceplate.workspace.desk import Desk
from faceplate.workspace.job_list import JobList, Repeat
from faceplate.workspace.job_stream import Marks, Watched, page_stream
from faceplate.workspace.notes import notes_path
from faceplate.workspace.page_jobs import PageRequest, demo_job, page_job
from faceplate.workspace.shot_file import watched_etag

__all__ = ["job_router"]

_REQUEST: TypeAdapter[Any] = TypeAdapter(PageRequest)
_EXPORTS = ("contact-sheet", "review-movie")


def job_router(desk: Desk) -> APIRouter:
    """Return the routes of jobs."""
    router = APIRouter()
    queue = desk.service.queue
    jobs = JobList(queue)
    started = datetime.now(UTC).isoformat(timespec="milliseconds")

    def submitted(shot: str, request: Any) -> dict[str, Any]:
        job = queue.add(page_job(desk, shot, request))
        jobs.remember(job, Repeat(shot, request.model_dump()))
        return jobs.document(job)

    @router.post("/v1/ui/jobs", status_code=202)
    def start(shot: str, request: PageRequest) -> dict[str, Any]:
        """Start a job on a shot: render, track, faces, contact-sheet, review-movie."""
        return submitted(shot, request)

    @router.get("/v1/ui/jobs")
    def listed() -> dict[str, Any]:
        """Return every job, those of hosts too, the newest first."""
        return {"jobs": jobs.documents()}

    @router.post("/v1/ui/jobs/{job}/retry", status_code=202)
    def retry(job: str) -> dict[str, Any]:
        """Start a job that ended once more, with the same request."""
        before = jobs.request_of(job)
        if before.request.get("kind") == "demo":
            return demo()
        return submitted(before.shot, _REQUEST.validate_python(before.request))

    @router.post("/v1/ui/demo", status_code=202)
    def demo() -> dict[str, Any]:
        """Prepare the demo shot; the job's result names its file."""
        job = queue.add(demo_job(desk))
        jobs.remember(job, Repeat("", {"kind": "demo"}))
        return jobs.document(job)

    @router.get("/v1/ui/export/{job}")
    def export(job: str) -> FileResponse:
        """Send the file that an export job has written."""
        found = queue.get(job)
        path = _exported(found)
        return FileResponse(path, filename=path.name, headers={"X-Content-Type-Options": "nosniff"})

    @router.get("/v1/ui/events")
    async def events(shot: str = "") -> EventSourceResponse:
        """Stream the events of all jobs, and changes of a shot's files."""
        path = desk.path(shot) if shot else None
        return page_stream(desk.service, jobs, Watched((lambda: _marks(desk, path)) if path else dict), started)

    return router


def _exported(job: Job) -> Path:
    if job.kind not in _EXPORTS or not job.result:
        raise UsageError("no-export", "This job has exported no file.")
    path = Path(job.result["path"])
    if stat_or_none(path) is None:
        raise UsageError("no-export", f"The file {path.name} is no longer there; export it again.")
    return path


def _marks(desk: Desk, path: Path) -> Marks:
    """Return the files of a shot that the page watches."""
    marks: Marks = {
        "shot": (str(path), watched_etag(path)),
        "notes": (str(notes_path(path)), watched_etag(notes_path(path))),
    }
    try:
        shot = desk.open(str(path)).shot
    except Exception:  # the shot is being written, or is wrong; the page reads the reason when it asks for it
        return marks
    track = next((face.track for face in shot.face_shots if face.track is not None), None)
    source = next((face.source for face in shot.face_shots if face.source is not None), None)
    if track is not None:
        marks["track"] = (str(track), watched_etag(track))
    if source is not None:
        marks["source"] = (str(source), fingerprint_of([source]))
    if shot.output:
        folder = Path(shot.output).parent
        marks["frames"] = (str(folder), fingerprint_of([folder]))
    return marks
