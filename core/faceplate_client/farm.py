"""The program of a farm's node: an engine for a session, and chunks of frames that it renders. Standard library only.

    faceplate-farm start                                     one engine for the session; prints openjd_env
    faceplate-farm render --shot sh010.shot.json --frames 1001-1010
    faceplate-farm stop

A chunk that uses a running engine need not load networks and source again. Without `start` every chunk starts an engine
and ends it. Exit codes: 0 all frames are written, 1 some failed, 2 the request was wrong (a retry cannot help), 130
stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

from . import paths
from .engine import Engine
from .errors import EngineError
from .frame_ranges import parse_frames
from .job import Job

__all__ = ["main", "run"]

_WAIT = 300.0
# Seconds between two lines of progress, so that the farm's log stays readable.
_QUIET = 0.5
# Programs that end with the action that they run.
_SHORT_LIVED = ("sh", "bash", "dash", "zsh", "sudo", "su", "env", "setsid", "timeout", "nice")
# Error codes for which a retry may succeed. Every other code means that the request itself is wrong.
_RETRIED = {
    "audit-unwritable",
    "disk-full",
    "engine-lost",
    "engine-not-running",
    "engine-not-started",
    "internal-error",
    "output-unwritable",
    "out-of-memory",
    "plate-missing",
    "plate-unreadable",
    "timeout",
}


def main() -> None:
    """Run the `faceplate-farm` program."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run the command line and return the exit code."""
    asked = _parser().parse_args(arguments)
    # The engine of this installation, not one that a user of the node installed for a host.
    os.environ.setdefault("FACEPLATE_ENGINE", sys.executable)
    try:
        return asked.work(asked)
    except EngineError as error:
        _say(f"openjd_fail: {error.message} ({error.code})")
        return 130 if error.code == "cancelled" else 1 if error.code in _RETRIED or error.job else 2
    except KeyboardInterrupt:
        _say("openjd_fail: Stopped.")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="faceplate-farm", description="What a farm's node runs.")
    words = parser.add_subparsers(required=True, metavar="start | render | stop")
    start = words.add_parser("start", help="start an engine for this session")
    start.add_argument("--idle", type=float, default=1800.0, help="end after so many seconds without work")
    start.set_defaults(work=_start)
    stop = words.add_parser("stop", help="end the session's engine")
    stop.set_defaults(work=_stop)
    render = words.add_parser("render", help="render a chunk of frames")
    render.add_argument("--shot", required=True, help="the shot file")
    render.add_argument("--frames", required=True, help="1001-1010, 1001-1010:2 or 1001,1005")
    render.add_argument("--output-folder", default="", help="where the frames go, in place of the shot's own folder")
    render.add_argument("--track", default="", help="the track, in place of the shot's own")
    render.add_argument(
        "--path-mapping", default="", help="a file of path mapping rules (Open Job Description, or ours)"
    )
    render.add_argument("--force", action="store_true", help="also render frames that are up to date")
    render.set_defaults(work=_render)
    return parser


def _start(asked: argparse.Namespace) -> int:
    folder = os.environ.get("FACEPLATE_RUN") or os.path.join(os.getcwd(), "faceplate-engine")
    begun = time.monotonic()
    _say("openjd_status: the engine starts")
    engine = Engine(folder, True, _WAIT, _lasting_parent(), asked.idle)
    engine.reach()
    status = engine.status()
    _say(f"openjd_env: FACEPLATE_RUN={folder}")
    _say(f"openjd_status: engine {status['engine']} on {status['device']}, up in {time.monotonic() - begun:.1f} s")
    return 0


def _stop(_asked: argparse.Namespace) -> int:
    Engine(paths.run_folder(), False, 1.0, False, None).stop()
    return 0


def _render(asked: argparse.Namespace) -> int:
    frames = parse_frames(asked.frames)
    alone = "FACEPLATE_RUN" not in os.environ
    folder = os.path.join(os.getcwd(), f"faceplate-engine-{os.getpid()}") if alone else paths.run_folder()
    engine = Engine(folder, True, _WAIT, True if alone else _lasting_parent(), None)
    try:
        document, base, rules = _shot(asked)
        shot = engine.open_shot(document, base, rules)
        job = engine.render(shot, frames, priority="batch", skip_current=not asked.force)
        with _CancelOnTerminate(job):
            return _follow(job, len(frames))
    finally:
        if alone:
            engine.stop()


def _shot(asked: argparse.Namespace) -> tuple[dict[str, Any], str, list[dict[str, str]]]:
    """Return the shot document with this node's paths, the folder of its relative paths, and the path mapping rules."""
    path = os.path.abspath(asked.shot)
    document = _json(path, "no-shot", "shot")
    output = document.get("output") or ""
    if asked.output_folder and output:
        document["output"] = os.path.join(asked.output_folder, output.replace("\\", "/").rpartition("/")[2])
    if asked.track:
        document["track"] = asked.track
    rules = _json(asked.path_mapping, "bad-path-mapping", "path mapping") if asked.path_mapping else {}
    entries = rules.get("path_mapping_rules") or rules.get("path_mapping") or []
    pairs = [
        {
            "from": str(rule.get("from", rule.get("source_path"))),
            "to": str(rule.get("to", rule.get("destination_path"))),
        }
        for rule in entries
    ]
    return document, os.path.dirname(path), pairs


def _follow(job: Job, total: int) -> int:
    """Report a job in Open Job Description's words; return the exit code."""
    begun, first, written, current, failed = time.monotonic(), 0.0, 0, 0, 0
    said = 0.0
    stages: dict[str, float] = {}
    for event in job.events():
        if event["event"] == "log":
            _say(event["text"])
        if event["event"] != "frame":
            continue
        state = event["state"]
        if state == "failed":
            failed += 1
            error = event["error"]
            _say(f"frame {event['frame']}: {error['message']} ({error['code']})")
        elif state == "done":
            first = first or time.monotonic() - begun
            current += bool(event["cached"])
            written += not event["cached"]
            for stage, spent in (event.get("stages") or {}).items():
                stages[stage] = stages.get(stage, 0.0) + spent
        if state in ("done", "failed", "skipped"):
            done = job_done(job, written + current + failed)
            if done == total or time.monotonic() - said > _QUIET:
                said = time.monotonic()
                _say(f"openjd_progress: {100 * done / total:.1f}")
                _say(f"openjd_status: frame {done} of {total}")
    spent_ = ", ".join(f"{stage} {spent / max(written, 1):.0f}" for stage, spent in stages.items())
    _say(f"{written} of {total} frames written, {current} were current, {failed} failed; first after {first:.2f} s.")
    if spent_:
        _say(f"ms a frame, side by side: {spent_}")
    job.result()
    return 0


def job_done(job: Job, counted: int) -> int:
    """Return how many frames have ended: those counted here, or more when an event was missed."""
    return max(int(job.document.get("done") or 0), counted)


class _CancelOnTerminate:
    """Context in which SIGTERM cancels the job; the frame being written is completed or left out."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._before: Any = None

    def __enter__(self) -> None:
        self._before = signal.signal(signal.SIGTERM, self._stop)

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGTERM, self._before)

    def _stop(self, *_: object) -> None:
        self._job.cancel()
        raise KeyboardInterrupt


def _lasting_parent() -> int:
    """Return the process that lasts as long as the session: the nearest ancestor that is no shell."""
    pid = os.getppid()
    for name, parent in _ancestors(pid):
        if name not in _SHORT_LIVED:
            return pid
        pid = parent
    return os.getppid()


def _ancestors(pid: int) -> Iterator[tuple[str, int]]:
    """Yield name and parent of `pid`, then of its parent, and so on, as far as /proc shows them."""
    while pid > 1:
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
                head, _, rest = file.read().rpartition(")")
        except OSError:
            return
        parent = int(rest.split()[1])
        yield head.partition("(")[2], parent
        pid = parent


def _json(path: str, code: str, what: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            item = json.load(file)
    except (OSError, ValueError) as error:
        raise EngineError(code, f"The {what} {path} cannot be read: {error}.") from None
    if isinstance(item, list):
        return {"path_mapping": item}
    if not isinstance(item, dict):
        raise EngineError(code, f"The {what} {path} is no JSON object.")
    return item


def _say(text: str) -> None:
    print(" ".join(text.split()), flush=True)


if __name__ == "__main__":
    main()
