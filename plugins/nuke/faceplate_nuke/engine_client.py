"""Requests to the engine. Imports no `nuke`; every function may run in any thread."""

from __future__ import annotations

import contextlib
import os
import subprocess
from dataclasses import replace
from typing import Any

from faceplate_client import (
    CHOSEN,
    Choice,
    ClientError,
    Engine,
    EngineError,
    HostError,
    Progress,
    Shot,
    ShotCache,
    choices_of,
    connect,
    follow_job,
    frame_key,
    frame_path,
    licence_notice,
    release_notice,
)
from faceplate_client.files import write_error
from faceplate_client.launcher import clean_environment, engine_command

from .render_request import FrameRequest, RenderRequest, TrackRequest

__all__ = ["EngineClient", "run_command"]


class EngineClient:
    """Renders, tracks and finds faces through one connection, which is made at the first request.

    Every method raises `ClientError`, also when the job is cancelled.
    """

    def __init__(self) -> None:
        self._shots = ShotCache()
        self._seen: dict[str, tuple[Any, dict[str, str]]] = {}

    def render(self, request: RenderRequest, progress: Progress | None = None) -> dict[int, dict[str, Any]]:
        """Render the frames that are missing or stale; return the engine's entry for each of Nuke's frames.

        A file that has the frame's key is left alone, whatever its time.
        """
        own = tuple(entry for entry in request.frames if entry.frame == entry.plate_frame)
        entries = self._render(request, own, request.pattern, progress, 0) if own else {}
        for entry in request.frames:
            if entry.frame != entry.plate_frame:
                entries[entry.frame] = self._render_shifted(request, entry, progress, len(entries))
        return entries

    def keys(self, request: RenderRequest) -> dict[int, str]:
        """Return the key that each of Nuke's frames should have now."""
        keys: dict[int, str] = {}
        for entry in request.frames:
            engine, shot = self._open(request)
            answer = engine.keys(shot, [entry.plate_frame], dict(entry.values), proxy=request.proxy, mode="element")
            keys[entry.frame] = answer[entry.plate_frame]
        return keys

    def track(self, request: TrackRequest, progress: Progress | None = None) -> dict[str, Any]:
        """Track the shot into the request's track file."""
        engine, shot = self._open(request)
        return follow_job(engine.track(shot, output=request.track, frames=request.frames), progress)

    def faces(self, request: RenderRequest) -> list[dict[str, Any]]:
        """Return the faces in the request's first frame: `{"number", "box", "score"}`."""
        engine, shot = self._open(request)
        return follow_job(engine.faces(shot, request.frames[0].plate_frame))["result"]["faces"]

    def issues(self, request: RenderRequest) -> list[dict[str, Any]]:
        """Return what is worth a look in the shot, by the plate's frames."""
        engine, shot = self._open(request)
        return engine.issues(shot)

    def notices(self, request: RenderRequest) -> tuple[str, str]:
        """Return a line on the weights that the shot uses, and one on the source's release and the engine's warnings."""
        _, shot = self._open(request)
        return licence_notice(shot.info), release_notice(shot.info)

    def choices(self, request: RenderRequest) -> dict[str, list[Choice]]:
        """Return what each pulldown of the node offers, by parameter."""
        engine, shot = self._open(request)
        models, pictures = engine.models(), self._pictures(engine, shot, os.path.dirname(request.frames[0].path))
        return {name: choices_of(name, models, shot.info, pictures) for name in CHOSEN}

    def state(self) -> str:
        """Return one line about the running engine: version, device, jobs. None is started."""
        try:
            state = connect(start=False).status()
        except EngineError as error:
            if error.code == "engine-not-running":
                return "not running; the next render starts it"
            raise
        jobs = ", ".join(f"{count} {name}" for name, count in sorted(state["jobs"].items()) if count)
        return f"{state['engine']} on {state['device']}" + (f"; jobs: {jobs}" if jobs else "")

    def stop(self) -> None:
        """End the engine, if this session uses one."""
        self._shots.stop()

    def _pictures(self, engine: Engine, shot: Shot, folder: str) -> dict[str, str]:
        """Return pictures of the track's people beside the frames, made again when the people change; none where that fails."""
        people = shot.info.get("people")
        known = self._seen.get(folder)
        if known is None or known[0] != people:
            made: dict[str, str] = {}
            if people:
                with contextlib.suppress(EngineError):
                    made = engine.people_pictures(shot, os.path.join(folder, "people"))
            known = self._seen[folder] = (people, made)
        return known[1]

    def _open(self, request: RenderRequest | TrackRequest) -> tuple[Engine, Shot]:
        return self._shots.engine(), self._shots.open(request.document, request.base or None)

    def _render(
        self,
        request: RenderRequest,
        frames: tuple[FrameRequest, ...],
        pattern: str,
        progress: Progress | None,
        before: int,
    ) -> dict[int, dict[str, Any]]:
        engine, shot = self._open(request)
        job = engine.render(
            shot,
            [entry.plate_frame for entry in frames],
            frame_values={entry.plate_frame: dict(entry.values) for entry in frames},
            proxy=request.proxy,
            output=pattern,
            mode="element",
            priority=request.priority,
            supersede=request.supersede,
            skip_current=True,
        )
        total = len(request.frames)
        done = follow_job(job, None if progress is None else lambda count, _: progress(before + count, total))
        numbers = {entry.plate_frame: entry.frame for entry in frames}
        return {numbers[int(number)]: entry for number, entry in done["frames"].items()}

    def _render_shifted(
        self, request: RenderRequest, entry: FrameRequest, progress: Progress | None, before: int
    ) -> dict[str, Any]:
        """Render a frame that shows another number of the plate.

        The engine numbers its files as the plate, and two of Nuke's frames may show one file with different values.
        So the frame is rendered alone under a temporary name and renamed.
        """
        alone = replace(request, frames=(entry,))
        if frame_key(entry.path) == self.keys(alone)[entry.frame]:
            return {"state": "done", "path": entry.path, "cached": True, "error": None}
        folder, name = os.path.split(entry.path)
        beside = os.path.join(folder, f".{name}.from.####.exr")
        done = self._render(request, (entry,), beside, progress, before)[entry.frame]
        try:
            os.replace(frame_path(beside, entry.plate_frame), entry.path)
        except OSError as error:
            raise write_error(entry.path, error) from error
        return {**done, "path": entry.path}


def run_command(arguments: list[str]) -> str:
    """Run the engine's `faceplate` with `arguments` and return its output. Raises `HostError` `command-failed`."""
    try:
        command = [*engine_command(), *arguments]
        done = subprocess.run(command, capture_output=True, env=clean_environment(), timeout=600, check=False)
    except (ClientError, OSError, subprocess.TimeoutExpired) as error:
        raise HostError("command-failed", f"Faceplate's command did not run: {error}.") from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise HostError("command-failed", said[-1] if said else f"faceplate {arguments[0]} failed.")
    return done.stdout.decode("utf-8", "replace")
