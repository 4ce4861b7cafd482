"""The renderers of a wedge's variants, which share colour, source, networks, track and the stage cache."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

from faceplate.cache import StageCache
from faceplate.face import FaceFinder
from faceplate.render import Renderer
from faceplate.render.pool import ResourcePool
from faceplate.review.wedge.axes import Variant
from faceplate.review.wedge.plan import WedgePlan
from faceplate.shot import Shot

__all__ = ["WedgeRenderers"]

# Parameters on which the source's analysis depends: variants that differ in one of them read the source for themselves.
_FINDERS = ("detector", "landmarker", "recogniser")


class WedgeRenderers:
    """A renderer for each variant of `plan`. Stages whose keys are alike are made once, in `cache`.

    Parameters
    ----------
    plan : WedgePlan
        The wedge.
    finder : FaceFinder
        Holds the model store in which networks are looked up.
    cache : StageCache
        Keeps the stages' results for the variants that share them, and counts them.
    """

    def __init__(self, plan: WedgePlan, finder: FaceFinder, cache: StageCache) -> None:
        self.plan = plan
        self.finder = finder
        self.cache = cache
        self._pools: dict[tuple[Any, ...], ResourcePool] = {}
        self._made: dict[int, Renderer] = {}

    @cached_property
    def base(self) -> Renderer:
        """The renderer of the first variant, with the output of the wedge's shot. It finds the track and the faces."""
        shot = self.plan.first_shot()
        return Renderer(shot, self.finder, cache=self.cache, pool=self._pool(shot))

    def prepare(
        self, progress: Callable[[int, int], None] | None = None, only: Iterable[Variant] | None = None
    ) -> None:
        """Open what any variant, or those of `only`, needs, so that a wrong value is refused before the first frame.

        A range without a track is tracked, and the track kept beside the output of the wedge's shot, as a render does.

        Raises
        ------
        UsageError, RenderError
            What `Renderer.prepare` raises for a variant.
        """
        self.base.prepare(progress)
        for variant in self.plan.variants if only is None else only:
            self.of(variant).prepare()

    def of(self, variant: Variant) -> Renderer:
        """Return the renderer of one variant."""
        if variant.index not in self._made:
            shot = self.plan.variant_shot(variant, self.track)
            self._made[variant.index] = Renderer(shot, self.finder, cache=self.cache, pool=self._pool(shot))
        return self._made[variant.index]

    @property
    def track(self) -> Path | None:
        """The track of every variant: the shot's own, else the one that `prepare` made or found."""
        if self.plan.shot.track is not None:
            return self.plan.shot.track
        kept = self.base.resources.auto_track
        return kept.track.path if kept is not None else None

    def _pool(self, shot: Shot) -> ResourcePool:
        key = (shot.source, *(getattr(shot.parameters, name) for name in _FINDERS))
        return self._pools.setdefault(key, ResourcePool())
