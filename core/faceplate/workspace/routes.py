"""Adds the workspace to the engine's service."""

from __future__ import annotations

from fastapi import FastAPI

from faceplate.service.app import Service
from faceplate.service.run import Extension
from faceplate.workspace.access import access_router
from faceplate.workspace.desk import Desk
from faceplate.workspace.display_routes import display_router
from faceplate.workspace.home_routes import home_router
from faceplate.workspace.job_routes import job_router
from faceplate.workspace.notes_routes import notes_router
from faceplate.workspace.page_files import page_router
from faceplate.workspace.picture_routes import picture_router
from faceplate.workspace.shot_routes import shot_router
from faceplate.workspace.source_routes import UPLOAD, source_router
from faceplate.workspace.track_routes import track_router
from faceplate.workspace.train_routes import train_router
from faceplate.workspace.upload import LIMIT
from faceplate.workspace.wedge_routes import wedge_router

__all__ = ["add_workspace", "extension"]

_ROUTERS = (
    home_router,
    shot_router,
    picture_router,
    display_router,
    track_router,
    job_router,
    source_router,
    notes_router,
    wedge_router,
    train_router,
)


def add_workspace(app: FastAPI, service: Service) -> None:
    """Add the page and its routes to the engine's application."""
    desk = Desk(service)
    app.include_router(access_router(service))
    app.include_router(page_router())
    for router in _ROUTERS:
        app.include_router(router(desk))


def extension() -> Extension:
    """Return the workspace as an extension of the service; a dropped picture may be larger than other bodies."""
    return Extension(add_workspace, {UPLOAD: LIMIT})
