"""Renders the takes of a wedge: every variant of a frame, then the next frame, so that variants share the frame's stages."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Generator, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from faceplate.provenance import collect
from faceplate.render.batch import FrameDone, RenderBatch, is_fatal
from faceplate.render.scheduler import Stage, pipelined
from faceplate.review.wedge.axes import Variant
from faceplate.review.wedge.plan import WedgePlan
from faceplate.review.wedge.renderers import WedgeRenderers
from faceplate.shot.parameters import PARAMETERS
from faceplate.shot.parameters import Stage as FirstStage
from faceplate.signing import signing_key
from faceplate.system.atomic import write_bytes
from faceplate.system.user_paths import read_bytes

__all__ = ["RECORD_FILE", "TakeDone", "default_jobs", "read_record", "render_takes"]

RECORD_FILE = "variant.json"
"""The file in a variant's folder that says what its frames took."""

_STAGES = list(FirstStage)
_FIRST_STAGE = {parameter.name: _STAGES.index(parameter.about.invalidates) for parameter in PARAMETERS}
# A frame uses several cores by itself; more frames than these at once need memory and gain little.
_MOST_JOBS = 4


@dataclass(frozen=True)
class TakeDone:
    """What became of one frame of one variant, without its pixels, and what the artist should know of it."""

    variant: Variant
    done: FrameDone
    notes: tuple[str, ...] = ()


def default_jobs() -> int:
    """Return how many frames are rendered at once: half the machine's cores, from 2 to 4."""
    return max(2, min((os.cpu_count() or 2) // 2, _MOST_JOBS))


def render_takes(
    renderers: WedgeRenderers,
    variants: Iterable[Variant] | None = None,
    *,
    jobs: int = 0,
    force: bool = False,
) -> Generator[TakeDone, None, None]:
    """Render every frame of the variants, and yield what became of each.

    Variants that differ only in a late stage follow each other, so that the results of the stages before it are still in
    memory. A frame whose file is up to date is left alone. A frame that fails does not stop the others, unless every
    later one would fail too; those are then yielded as not rendered.

    Parameters
    ----------
    renderers : WedgeRenderers
        The renderers, prepared.
    variants : iterable of Variant, optional
        The variants to render; all of the plan's by default.
    jobs : int
        Frames at once; 0 for `default_jobs`.
    force : bool
        Also render frames that are up to date.

    Raises
    ------
    UsageError, RenderError
        What collecting a take's manifest raises, after the last frame.
    """
    plan = renderers.plan
    wanted = _in_shared_order(plan, plan.variants if variants is None else variants)
    items = [(frame, variant) for frame in renderers.base.frames() for variant in wanted]
    worker = _Worker(renderers, force)
    count = jobs or default_jobs()
    records = {variant.index: _Record(variant, plan) for variant in wanted}
    try:
        with closing(pipelined(items, [Stage(worker.render, count)], count)) as outcomes:
            for outcome in outcomes:
                frame, variant = outcome.item
                failed = TakeDone(variant, FrameDone(frame, error=outcome.error))
                take = failed if outcome.error is not None else outcome.value
                records[variant.index].add(take.done)
                yield take
    finally:
        for record in records.values():
            record.close(renderers)


def read_record(folder: Path) -> Mapping[str, Any]:
    """Return what a variant's frames took, by frame number as text; empty where nothing readable is there."""
    try:
        found = json.loads(read_bytes(folder / RECORD_FILE))
    except (OSError, ValueError):
        return {}
    frames = found.get("frames") if isinstance(found, dict) else None
    return frames if isinstance(frames, dict) else {}


def _in_shared_order(plan: WedgePlan, variants: Iterable[Variant]) -> list[Variant]:
    """Return the variants with the parameter of the earliest stage in the outer loop. A source comes before any stage."""
    names = sorted((axis.parameter for axis in plan.axes), key=lambda name: _FIRST_STAGE.get(name, -1))
    places = {axis.parameter: {value: at for at, value in enumerate(axis.values)} for axis in plan.axes}
    return sorted(variants, key=lambda variant: [places[name][variant.values[name]] for name in names])


@dataclass
class _Worker:
    """Renders one frame of one variant; after a fatal error it renders no other."""

    renderers: WedgeRenderers
    force: bool
    ended: threading.Event = field(default_factory=threading.Event)

    def render(self, item: tuple[int, Variant]) -> TakeDone:
        frame, variant = item
        if self.ended.is_set():
            return TakeDone(variant, FrameDone(frame, not_rendered=True))
        # One frame at a time: the wedge itself keeps several under way.
        batch = RenderBatch(self.renderers.of(variant), recorded=True, skip_current=not self.force, ahead=1)
        done = next(iter(list(batch.run((frame,)))))
        if done.error is not None and is_fatal(done.error):
            self.ended.set()
        # The pixels are on disk; keeping them would fill the memory.
        return TakeDone(variant, replace(done, rendered=None), done.notes)


@dataclass
class _Record:
    """What the frames of one variant took; written beside its frames."""

    variant: Variant
    plan: WedgePlan
    frames: dict[str, Any] = field(default_factory=dict)

    def add(self, done: FrameDone) -> None:
        if done.written is not None:
            stages = {stage: round(seconds, 4) for stage, seconds in done.seconds.items()}
            self.frames[str(done.frame)] = {"seconds": round(sum(done.seconds.values()), 4), "stages": stages}
        elif done.error is not None:
            self.frames[str(done.frame)] = {"error": {"code": done.code, "message": str(done.error)}}

    def close(self, renderers: WedgeRenderers) -> None:
        """Write the record and the take's manifest, where a frame of it was written or failed."""
        if not self.frames:
            return
        folder = self.plan.folder / self.variant.name
        text = json.dumps(
            {"values": dict(self.variant.values), "frames": {**read_record(folder), **self.frames}},
            indent=1, ensure_ascii=False,
        )  # fmt: skip
        write_bytes(folder / RECORD_FILE, text.encode("utf-8"))
        if any("error" not in entry for entry in self.frames.values()):
            collect(renderers.of(self.variant).output, signing_key())
