"""What all of the fake's objects share: the edition, the faults that a test asks for, and the dialog that blocks."""

from __future__ import annotations

import functools
import inspect
import itertools
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Named", "Thing", "World"]


@dataclass
class World:
    """`studio`: the edition. `inclusive`: ends of appends and takes count, as in older versions. Faults, each for tests:
    `lose_on_save` items vanish at the next save, `short_render` frames are not written, `refuse` answers False to methods
    by name ("Project.AddRenderJob"), `render_gain` is put on what is graded."""

    studio: bool = True
    inclusive: bool = False
    lose_on_save: int = 0
    short_render: int = 0
    refuse: set[str] = field(default_factory=set)
    blocked: bool = False
    calls: list[str] = field(default_factory=list)
    _ids: Any = field(default_factory=lambda: itertools.count(1))

    def new_id(self) -> str:
        return f"id-{next(self._ids)}"

    def studio_only(self) -> bool:
        """False, and a dialog, in the free edition."""
        if not self.studio:
            self.blocked = True
        return self.studio


class Thing:
    """A host object: its public methods are logged, can be refused, and answer False behind a dialog."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._id = world.new_id()

    def __init_subclass__(cls) -> None:
        for name, member in list(vars(cls).items()):
            if inspect.isfunction(member) and not name.startswith("_"):
                setattr(cls, name, _guarded(name, member))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return None


def _guarded(name: str, member: Any) -> Any:
    @functools.wraps(member)
    def call(self: Thing, *given: Any, **named: Any) -> Any:
        label = f"{type(self).__name__}.{name}"
        self._world.calls.append(label)
        if self._world.blocked or label in self._world.refuse:
            return False
        return member(self, *given, **named)

    return call


class Named(Thing):
    """One that says an id of its own."""

    def GetUniqueId(self) -> str:
        return self._id
