"""The routes of the service."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from fastapi import Body, Depends, FastAPI, Header, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.security import HTTPBearer
from sse_starlette import EventSourceResponse
from starlette.exceptions import HTTPException

from faceplate.cache import NO_CACHE, StageCache
from faceplate.errors import FaceplateError, UsageError
from faceplate.models.devices import available_providers
from faceplate.service.events import ended_within, event_stream
from faceplate.service.guard import client
from faceplate.service.job_context import JobContext
from faceplate.service.job_queue import JobQueue, error_entry
from faceplate.service.jobs import make_job
from faceplate.service.page import POLICY, page_of
from faceplate.service.path_checks import check_request_paths
from faceplate.service.people_pictures import people_pictures
from faceplate.service.roots import Roots
from faceplate.service.schema import JobRequest, KeysRequest, PeopleRequest, RegionsRequest, ReserveRequest, ShotRequest
from faceplate.service.sessions import Sessions
from faceplate.service.shared import SharedPixels
from faceplate.service.shot_info import describe, issues_of
from faceplate.service.shots import OpenShots
from faceplate.service.view_lists import views_of
from faceplate.shot.parameters import describe as describe_parameters
from faceplate_client.version import __version__

__all__ = ["Service", "make_app"]

_STATUS = {
    "unknown-shot": 404,
    "unknown-job": 404,
    "unknown-pixels": 404,
    "outside-roots": 403,
    "engine-busy": 429,
    "engine-stopping": 503,
    "bad-ticket": 401,
    "superseded": 409,
    "cancelled": 409,
    "shot-changed": 409,
    "track-changed": 409,
    "notes-changed": 409,
    "shot-exists": 409,
    "picture-exists": 409,
    "no-folder": 404,
    "no-picture": 404,
    "no-export": 404,
    "not-rendered": 404,
    "no-training": 404,
    "no-preview": 404,
}


@dataclass
class Service:
    """What the routes work with: allowed folders, jobs, shared memory, caches, open shots, and the pages' sessions."""

    roots: Roots = field(default_factory=Roots.from_environment)
    queue: JobQueue = field(default_factory=JobQueue)
    shared: SharedPixels = field(default_factory=SharedPixels)
    cache: StageCache = NO_CACHE
    idle: float = 900.0
    begun: float = field(default_factory=time.monotonic)
    stop: Callable[[], None] = lambda: None
    stopping: bool = False
    sessions: Sessions = field(default_factory=Sessions)
    port: int = 0
    open_pages: int = 0
    shots: OpenShots = field(init=False)

    def __post_init__(self) -> None:
        """Make what depends on the other fields."""
        self.shots = OpenShots(self.roots, cache=self.cache)
        self.context = JobContext(self.queue, self.shared, self.roots)


def make_app(
    service: Service, lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None
) -> FastAPI:
    """Return the service as an ASGI application, not yet behind the `Guard`."""
    app = FastAPI(
        title="Faceplate engine",
        version=__version__,
        description="Replaces a performer's face on a plate. The token is in the engine's state file; see docs/service.md.",
        dependencies=[Depends(HTTPBearer(auto_error=False))],
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    _errors(app)
    _pages(app)
    _about(app, service)
    _lists(app, service)
    _shots(app, service)
    _jobs(app, service)
    return app


def _errors(app: FastAPI) -> None:
    def said(status: int, error: dict[str, str]) -> JSONResponse:
        return JSONResponse({"error": error}, status)

    async def refused(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, FaceplateError)
        status = _STATUS.get(error.code, 400 if isinstance(error, UsageError) else 500)
        return said(status, error_entry(error))

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        where = ".".join(
            str(part) for part in first["loc"] if part not in ("body", "render", "pixels", "track", "faces")
        )
        return said(
            400, {"code": "bad-request", "message": f"The request is wrong at {where or 'its body'}: {first['msg']}."}
        )

    async def unrouted(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        code = "no-route" if error.status_code in (404, 405) else "bad-request"
        return said(
            error.status_code, {"code": code, "message": f"{request.method} {request.url.path}: {error.detail}."}
        )

    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        return said(500, error_entry(error))

    app.add_exception_handler(FaceplateError, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, unrouted)
    app.add_exception_handler(Exception, unexpected)


def _pages(app: FastAPI) -> None:
    @app.get("/docs", include_in_schema=False)
    async def page() -> HTMLResponse:
        """Show the list of routes."""
        return HTMLResponse(page_of(app.openapi()), headers={"Content-Security-Policy": POLICY})


def _about(app: FastAPI, service: Service) -> None:
    @app.get("/v1/status")
    async def status() -> dict[str, Any]:
        """Return the engine's version, device, jobs and caches."""
        return {
            "engine": __version__,
            "pid": os.getpid(),
            "uptime_s": round(time.monotonic() - service.begun, 1),
            "idle_stop_s": service.idle,
            "stopping": service.queue.closed or service.stopping,
            "jobs": service.queue.counts(),
            "device": _device(),
            "cache": {
                "shots": service.shots.names(),
                "shared": service.shared.usage(),
                "stages": service.cache.state(),
            },
        }

    @app.post("/v1/stop")
    async def stop() -> dict[str, Any]:
        """End the engine. Jobs under way are cancelled."""
        service.stop()
        return {"stopping": True}

    @app.post("/v1/shared")
    def reserve(request: ReserveRequest) -> dict[str, Any]:
        """Reserve shared memory for a host's pixels; only this user can open it."""
        return {"name": service.shared.reserve(request.bytes), "bytes": request.bytes}

    @app.delete("/v1/shared/{name}")
    async def free(name: str) -> dict[str, Any]:
        """Free pixels in shared memory."""
        if not service.shared.free(name):
            raise UsageError(
                "unknown-pixels", f"There are no pixels called '{name}'; they may have been freed already."
            )
        return {"freed": name}


def _lists(app: FastAPI, service: Service) -> None:
    @app.get("/v1/parameters")
    def parameters() -> dict[str, Any]:
        """Return the list of parameters: type, range, default, label and help of each."""
        return {"faceplate_parameters": 1, "parameters": describe_parameters()}

    @app.get("/v1/models")
    def models() -> dict[str, Any]:
        """Return the cards of every network in the model store."""
        store = service.shots.store
        return {
            "models": [
                {
                    "name": card.name,
                    "role": card.role,
                    "kind": card.kind,
                    "licence": card.licence,
                    "commercial": card.commercial,
                    "present": store.is_there(card.name),
                    "sha256": card.sha256,
                }
                for card in sorted(store, key=lambda card: card.name)
            ]
        }


def _shots(app: FastAPI, service: Service) -> None:
    @app.post("/v1/shots")
    def open_shot(request: ShotRequest) -> dict[str, Any]:
        """Open a shot: read it, check it, prepare its source."""
        return describe(service.shots.open(request))

    @app.get("/v1/shots/{shot}/issues")
    def issues(shot: str) -> dict[str, Any]:
        """Return what is worth a look in an open shot, by frame: kind, face, frames, severity, value, threshold, sentence."""
        return {"issues": issues_of(service.shots.get(shot))}

    @app.post("/v1/shots/{shot}/people")
    def people(shot: str, request: PeopleRequest) -> dict[str, Any]:
        """Write a small picture of each person of the track; return the files by the person's id."""
        service.roots.check(request.folder)
        return {"pictures": people_pictures(service.shots.get(shot).renderer(), Path(request.folder), request.size)}

    @app.get("/v1/shots/{shot}/views")
    def views(shot: str) -> dict[str, Any]:
        """Return which picture of the source leads at which plate frames, for each face of an open shot."""
        return {"faces": views_of(service.shots.get(shot).renderer())}

    @app.post("/v1/regions")
    def regions(request: RegionsRequest) -> dict[str, Any]:
        """Return the part of the picture that a frame reads, as x, y, width, height; width 0 where it shows no face."""
        opened = service.shots.get(request.shot)
        check_request_paths(service.roots, request)
        opened.check((), lambda frame: {})
        window, display = opened.renderer("", "over").needed_window(request.frame, request.values)
        return {
            "region": [window.x - display.x, window.y - display.y, window.width, window.height],
            "size": [display.width, display.height],
        }

    @app.post("/v1/keys")
    def keys(request: KeysRequest) -> dict[str, Any]:
        """Return the key of each frame, which names all that its pixels depend on. An up-to-date file carries it."""
        opened = service.shots.get(request.shot)
        check_request_paths(service.roots, request)
        return {
            "keys": {
                str(frame): opened.frame_key(frame, request.of(frame), request.proxy, request.mode)
                for frame in request.frames
            }
        }


def _jobs(app: FastAPI, service: Service) -> None:
    @app.post("/v1/jobs", status_code=202)
    def submit(
        request: Annotated[JobRequest, Body(discriminator="kind")],
        faceplate_client: Annotated[str | None, Header(include_in_schema=False)] = None,
    ) -> dict[str, Any]:
        """Queue a job: render, pixels, track, or faces."""
        opened = service.shots.get(request.shot)
        job = make_job(service.context, opened, request)
        job.label, job.shot = f"{request.kind.capitalize()} {opened.shot.name}".strip(), opened.request.path or ""
        pid, bound = client(faceplate_client or "")
        job.owner = pid if bound else None
        return service.queue.document(service.queue.add(job))

    @app.get("/v1/jobs")
    async def jobs() -> dict[str, Any]:
        """Return every remembered job, without its frames."""
        documents = [service.queue.document(job) for job in service.queue.known()]
        return {"jobs": [{**document, "frames": {}} for document in documents]}

    @app.get("/v1/jobs/{job}")
    async def job_document(job: str, wait: Annotated[float, Query(ge=0, le=30)] = 0.0) -> dict[str, Any]:
        """Return a job as it is now, or as soon as it has ended within `wait` seconds."""
        found = service.queue.get(job)
        await ended_within(service.queue, found, wait)
        return service.queue.document(found)

    @app.delete("/v1/jobs/{job}")
    async def cancel(job: str) -> dict[str, Any]:
        """Cancel a job."""
        found = service.queue.get(job)
        service.queue.cancel(found)
        return service.queue.document(found)

    @app.get("/v1/jobs/{job}/events")
    async def events(job: str, last_event_id: Annotated[int, Header()] = 0) -> EventSourceResponse:
        """Stream the job's events (state, progress, frame, log) as server-sent events; the stream ends with the final state."""
        return event_stream(service.queue, service.queue.get(job), last_event_id)


def _device() -> str:
    return ", ".join(available_providers())
