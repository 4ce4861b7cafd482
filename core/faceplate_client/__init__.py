"""Finds or starts Faceplate's engine and talks to it. Standard library only, Python 3.9 or later.

    from faceplate_client import connect

    engine = connect()
    shot = engine.open_shot("sh010.shot.json")
    for entry in engine.render(shot, [1001]).wait()["frames"].values():
        print(entry["path"])

A host's plug-in carries a copy of this package; it imports nothing beside it.
"""

from .engine import Engine, Shot, connect
from .errors import EngineError
from .job import Job
from .parameters import parameters
from .version import __version__

__all__ = ["Engine", "EngineError", "Job", "Shot", "__version__", "connect", "parameters"]
