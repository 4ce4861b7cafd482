"""The generator that has use for leading views, and the runs of a shot's view plan for it."""

from __future__ import annotations

from faceplate.generators import Generator, MeshGenerator
from faceplate.generators.restorers import Restored
from faceplate.source import Source
from faceplate.track import Track
from faceplate.track.model import ViewRun
from faceplate.track.view_planner import plan_for, source_identity

__all__ = ["mesh_in", "runs_for"]


def mesh_in(generator: Generator) -> MeshGenerator | None:
    """Return the mesh generator that `generator` is or restores; None for any other, which has no use for views."""
    inner = generator.generator if isinstance(generator, Restored) else generator
    return inner if isinstance(inner, MeshGenerator) else None


def runs_for(track: Track, person: str, source: Source) -> tuple[ViewRun, ...]:
    """Return the runs of a person's view plan for `source`, with the artist's keys: the stored plan, else a new one."""
    plan = track.view_plan(person, source_identity(source)) or plan_for(track, person, source)
    return track.view_runs(plan, {view.name for view in source.all_views})
