"""Talks to the engine through the carried client. No Nuke here; every function may run in any thread."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Callable

from faceplate_client import EngineError, connect, frame_key, frame_path, licence_notice
from faceplate_client.launcher import clean_environment, engine_command

from .refusal import Refusal
from .render_request import FrameRequest, RenderRequest, TrackRequest

__all__ = ["Link", "Progress", "run_command"]

Progress = Callable[[int, int], bool]
"""Told (done, total); answers whether to go on."""

_MOST_SHOTS = 64
_PAUSE = (0.005, 0.1)


def go_on(done: int, total: int) -> bool:
    """The Progress of somebody who only waits."""
    return True


class Link:
    """A connection that is made when first needed, and the shots opened through it."""

    def __init__(self) -> None:
        self._engine: Any = None
        self._shots: dict[str, Any] = {}
        self._lock = threading.Lock()

    def render(self, request: RenderRequest, progress: Progress = go_on) -> dict[int, dict[str, Any]]:
        """Renders what is not there already and answers the engine's entry for each of Nuke's frames.

        A file that has the frame's key is left alone, whatever its time. Raises Refusal, also when cancelled.
        """
        own = tuple(entry for entry in request.frames if entry.frame == entry.plate_frame)
        entries = self._render(request, own, request.pattern, progress, 0) if own else {}
        for entry in request.frames:
            if entry.frame != entry.plate_frame:
                entries[entry.frame] = self._render_shifted(request, entry, progress, len(entries))
        return entries

    def _render(
        self, request: RenderRequest, frames: tuple[FrameRequest, ...], pattern: str, progress: Progress, before: int
    ) -> dict[int, dict[str, Any]]:
        job = self._ask(
            request,
            lambda engine, shot: engine.render(
                shot,
                [entry.plate_frame for entry in frames],
                frame_values={entry.plate_frame: dict(entry.values) for entry in frames},
                proxy=request.proxy,
                output=pattern,
                mode="element",
                priority=request.priority,
                supersede=request.supersede,
                skip_current=True,
            ),
        )
        total = len(request.frames)
        done = _followed(job, lambda count, _: progress(before + count, total))
        numbers = {entry.plate_frame: entry.frame for entry in frames}
        return {numbers[int(number)]: entry for number, entry in done["frames"].items()}

    def _render_shifted(
        self, request: RenderRequest, entry: FrameRequest, progress: Progress, before: int
    ) -> dict[str, Any]:
        """A frame that shows another number of the plate. The engine numbers what it writes as the plate, and two of
        Nuke's frames may show one file with different values: so it is rendered beside, alone, and renamed."""
        alone = replace(request, frames=(entry,))
        if frame_key(entry.path) == self.keys(alone)[entry.frame]:
            return {"state": "done", "path": entry.path, "cached": True, "error": None}
        folder, name = os.path.split(entry.path)
        beside = os.path.join(folder, f".{name}.from.####.exr")
        done = self._render(request, (entry,), beside, progress, before)[entry.frame]
        try:
            os.replace(frame_path(beside, entry.plate_frame), entry.path)
        except OSError as error:
            raise Refusal(f"{entry.path} cannot be written: {error.strerror or error}.") from error
        return {**done, "path": entry.path}

    def keys(self, request: RenderRequest) -> dict[int, str]:
        """The key that each of Nuke's frames should have now. Raises Refusal."""
        keys: dict[int, str] = {}
        for entry in request.frames:
            answer = self._ask(
                request,
                lambda engine, shot, entry=entry: engine.keys(
                    shot, [entry.plate_frame], dict(entry.values), proxy=request.proxy, mode="element"
                ),
            )
            keys[entry.frame] = answer[entry.plate_frame]
        return keys

    def track(self, request: TrackRequest, progress: Progress = go_on) -> dict[str, Any]:
        """Tracks the shot. Raises Refusal, also when cancelled."""
        job = self._ask(request, lambda engine, shot: engine.track(shot, output=request.track, frames=request.frames))
        return _followed(job, progress)

    def faces(self, request: RenderRequest) -> list[dict[str, Any]]:
        """The faces in the request's first frame: `{"number", "box", "score"}`. Raises Refusal."""
        number = request.frames[0].plate_frame
        job = self._ask(request, lambda engine, shot: engine.faces(shot, number))
        return _followed(job, go_on)["result"]["faces"]

    def notices(self, request: RenderRequest) -> tuple[str, str]:
        """A line on the weights that the shot uses, and one on the source's release and what else the engine has noticed.
        Raises Refusal."""
        return self._ask(request, lambda engine, shot: (licence_notice(shot.info), _notes(shot.info)))

    def stop(self) -> None:
        """Ends the engine, if one runs."""
        if self._engine is not None:
            self._engine.stop()
        self._engine = None
        self._shots.clear()

    def _ask(self, request: Any, question: Callable[[Any, Any], Any]) -> Any:
        try:
            with self._lock:
                if self._engine is None:
                    self._engine = connect()
                name = json.dumps([request.document, request.base], sort_keys=True)
                if name not in self._shots:
                    self._shots[name] = self._engine.open_shot(dict(request.document), base=request.base or None)
                    if len(self._shots) > _MOST_SHOTS:
                        self._shots.pop(next(iter(self._shots)))
                engine, shot = self._engine, self._shots[name]
            return question(engine, shot)
        except EngineError as error:
            raise Refusal(str(error)) from error


def _notes(info: Mapping[str, Any]) -> str:
    release = (info.get("source_release") or {}).get("text")
    return " ".join(line for line in (release, *(info.get("warnings") or ())) if line)


def run_command(arguments: list[str]) -> str:
    """Runs the engine's `faceplate` with `arguments` and answers what it printed. Raises Refusal."""
    try:
        command = [*engine_command(), *arguments]
        done = subprocess.run(command, capture_output=True, env=clean_environment(), timeout=600, check=False)
    except (EngineError, OSError, subprocess.TimeoutExpired) as error:
        raise Refusal(f"Faceplate's command did not run: {error}.") from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise Refusal(said[-1] if said else f"faceplate {arguments[0]} failed.")
    return done.stdout.decode("utf-8", "replace")


def _followed(job: Any, progress: Progress) -> dict[str, Any]:
    """The document of the finished job. Asked for rather than awaited, so that a cancel is noticed at once."""
    cancelled, pause = False, _PAUSE[0]
    try:
        while not job.finished:
            document = job.poll()
            if not progress(int(document["done"]), int(document["total"])) and not cancelled:
                cancelled = True
                job.cancel()
            if not job.finished:
                time.sleep(pause)
                pause = min(1.5 * pause, _PAUSE[1])
        return job.result()
    except EngineError as error:
        raise Refusal(_sentence(error, job.document)) from error


def _sentence(error: EngineError, document: dict[str, Any] | None) -> str:
    """The engine's sentence, with the frame that it is about."""
    if error.code == "cancelled":
        return "Cancelled; the frames that are done stay."
    for number, entry in sorted(((document or {}).get("frames") or {}).items(), key=lambda item: int(item[0])):
        failed = entry.get("error")
        if failed:
            message = failed.get("message", failed) if isinstance(failed, dict) else failed
            return f"Frame {number}: {message}"
    return str(error)
