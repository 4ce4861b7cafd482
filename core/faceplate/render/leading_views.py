"""Which views of the source lead in a frame: pinned by the artist, by the shot's view plan, or the best for one face."""

from __future__ import annotations

from faceplate.face import Face
from faceplate.generators import Generator, MeshGenerator
from faceplate.generators.restorers import Restored
from faceplate.source import Source
from faceplate.track import Track
from faceplate.track.model import ViewRun
from faceplate.track.view_plan import Views
from faceplate.track.view_planner import ViewTraits, best_view, plan_for, source_identity

__all__ = ["mesh_in", "pinned_views", "runs_for", "view_alone"]


def mesh_in(generator: Generator) -> MeshGenerator | None:
    """Return the mesh generator that `generator` is or restores; None for any other, which has no use for views."""
    inner = generator.generator if isinstance(generator, Restored) else generator
    return inner if isinstance(inner, MeshGenerator) else None


def pinned_views(mesh: MeshGenerator, frame: int | None) -> Views | None:
    """Return the views that the parameter `pins` names for `frame`, in equal shares; None where it names none."""
    names = [name for name, first, last in mesh.settings.pins if frame is not None and first <= frame <= last]
    return tuple((name, 1.0 / len(set(names))) for name in dict.fromkeys(names)) or None


def runs_for(track: Track, person: str, source: Source) -> tuple[ViewRun, ...]:
    """Return the runs of a person's view plan for `source`, with the artist's keys: the stored plan, else a new one."""
    plan = track.view_plan(person, source_identity(source)) or plan_for(track, person, source)
    return track.view_runs(plan, {view.name for view in source.all_views})


def view_alone(mesh: MeshGenerator, face: Face, pixel_aspect: float) -> Views:
    """Return the view that suits one face best, with all of the weight."""
    return ((best_view([ViewTraits.of(view) for view in mesh.source.views], face.points, pixel_aspect), 1.0),)
