"""Workers of a farm's node for the tests, forked from one process that has imported the engine, so that dying is cheap.

    python tests/support/farm_worker.py chaos SHOT KILLS SEED LONGEST
        4 workers, SIGKILL at random moments at most LONGEST seconds apart; then all are let finish
    python tests/support/farm_worker.py together SHOT SHOT …
        one worker for each shot file, all at once

Prints one JSON object: what happened.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import traceback

from faceplate.face import FaceFinder
from faceplate.render import Renderer
from faceplate.render.batch import render_frames
from faceplate.shot import load_shot

WORKERS = 4


def ready(shot: str) -> Renderer:
    renderer = Renderer(load_shot(shot), FaceFinder.embedded())
    renderer.prepare()
    return renderer


def render(shot: str | Renderer, seed: int, force: bool) -> int:
    """Renders a shot's frames, beginning anywhere; the exit code."""
    renderer = ready(shot) if isinstance(shot, str) else shot
    frames = list(renderer.frames())
    start = random.Random(seed).randrange(len(frames))
    outcomes = render_frames(renderer, frames[start:] + frames[:start], recorded=True, skip_current=not force)
    failed = [done for done in outcomes if done.error is not None]
    for done in failed:
        print(f"{done.frame}: {done.error}", file=sys.stderr)
    return 1 if failed else 0


def forked(shot: str | Renderer, seed: int, force: bool) -> int:
    """A worker's process."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = render(shot, seed, force)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return pid


def chaos(shot: str, kills: int, seed: int, longest: float) -> dict[str, int]:
    """Keeps 4 workers busy and kills one after the other. Workers render over what is there, so that every kill may hit a
    frame that exists already; the last four only do what is missing."""
    dice = random.Random(seed)
    # Without a network a worker can be forked ready, so that what is hit is its work and not its start.
    loaded = load_shot(shot)
    worker = ready(shot) if loaded.parameters.generator == "null" else shot
    started = killed = finished = failed = 0
    running: dict[int, float] = {}
    while killed < kills:
        while len(running) < WORKERS:
            started += 1
            running[forked(worker, started, force=dice.random() < 0.7)] = time.monotonic()
        time.sleep(dice.uniform(0.02, longest))
        done, status = os.waitpid(-1, os.WNOHANG)
        if done:
            running.pop(done)
            finished += 1
            failed += os.waitstatus_to_exitcode(status) != 0
            continue
        victim = dice.choice(sorted(running))
        os.kill(victim, signal.SIGKILL)
        _, status = os.waitpid(victim, 0)
        running.pop(victim)
        killed += os.waitstatus_to_exitcode(status) == -signal.SIGKILL
    for victim in running:
        os.kill(victim, signal.SIGKILL)
        os.waitpid(victim, 0)
    last = [forked(shot, seed + number, force=False) for number in range(WORKERS)]
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in last]
    return {"started": started, "killed": killed, "finished": finished, "failed": failed, "last": max(codes)}


def together(shots: list[str]) -> dict[str, list[int]]:
    """One worker for each shot, at once."""
    pids = [forked(shot, number, force=True) for number, shot in enumerate(shots)]
    return {"codes": [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]}


if __name__ == "__main__":
    mode, first, *rest = sys.argv[1:]
    result = chaos(first, int(rest[0]), int(rest[1]), float(rest[2])) if mode == "chaos" else together([first, *rest])
    print(json.dumps(result))
