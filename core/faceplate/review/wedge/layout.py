"""Lays a wedge out: reads its takes back, measures them, and writes sheets, table and document."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from faceplate.errors import FaceplateError
from faceplate.face import Face, likeness
from faceplate.image.frame import Frame
from faceplate.plate import Sequence
from faceplate.render.batch import is_whole
from faceplate.review.measures import (
    FLICKER_BLUR,
    light_error,
    outline_ring,
    seam_ratio,
    stabilised,
    stabilising_matrix,
    stable_mesh,
)
from faceplate.review.tiles import write_picture
from faceplate.review.wedge.axes import Variant
from faceplate.review.wedge.document import (
    MEASURES,
    AxisEntry,
    Cell,
    FrameEntry,
    Measures,
    SheetEntry,
    VariantEntry,
    WedgeDocument,
    write_wedge,
)
from faceplate.review.wedge.renderers import WedgeRenderers
from faceplate.review.wedge.sheet import WedgeSheet
from faceplate.review.wedge.takes import read_record
from faceplate.review.wedge.views import PlateView, TakeView, plate_view, read_take

__all__ = ["lay_out"]

# A stabilised crop that is kept for the next frame is low-passed, so that every fourth pixel holds all of it.
_KEPT = 4
# Digits of a measure in the files.
_DIGITS = 4


def lay_out(renderers: WedgeRenderers, progress: Callable[[int, int], None] | None = None) -> WedgeDocument:
    """Measure the takes that are on disk, write a sheet for each frame, `wedge.json` and `wedge.csv`, and return the document.

    One frame is laid out after the other and one take read at a time, so that memory does not grow with the variants.

    Parameters
    ----------
    renderers : WedgeRenderers
        The renderers, prepared. Nothing is rendered.
    progress : callable, optional
        Called with (cells done, cells in all).

    Raises
    ------
    RenderError
        `disk-full`, `output-unwritable`.
    """
    plan, frames = renderers.plan, renderers.base.frames()
    layout = _Layout(renderers)
    told = progress or (lambda done, total: None)
    total = len(frames) * len(plan.variants)
    for number, frame in enumerate(frames):
        layout.add_frame(frame, lambda done, before=number: told(before * len(plan.variants) + done, total))
    document = layout.document()
    write_wedge(document, plan.folder)
    return document


@dataclass
class _Layout:
    """What is known of the wedge after some of its frames."""

    renderers: WedgeRenderers
    entries: dict[int, list[FrameEntry]] = field(default_factory=dict)
    sheets: list[SheetEntry] = field(default_factory=list)
    flicker: _Flicker = field(default_factory=lambda: _Flicker())

    @cached_property
    def records(self) -> dict[int, Mapping[str, Any]]:
        """What the frames of each variant took."""
        plan = self.renderers.plan
        return {variant.index: read_record(plan.folder / variant.name) for variant in plan.variants}

    @cached_property
    def cuts(self) -> frozenset[int]:
        """The frames that begin a new view, as the track says."""
        base = self.renderers.base
        tracks = [face.resources.track for face in base.faces or (base,)]
        return frozenset(cut for track in tracks if track is not None for cut in track.sidecar.cuts)

    @cached_property
    def likenesses(self) -> _Likenesses:
        """The identities of the sources."""
        return _Likenesses(self.renderers)

    def add_frame(self, number: int, told: Callable[[int], None]) -> None:
        """Measure one frame of every variant and write its sheet."""
        plan, base = self.renderers.plan, self.renderers.base
        view = plate_view(base, number)
        if view is None:
            for variant in plan.variants:
                self._add(variant, FrameEntry(frame=number, error=self._error(variant, number)))
            return
        names = " x ".join(axis.parameter for axis in plan.axes)
        sheet = WedgeSheet(plan.axes, view, base.color, f"{plan.shot.name}  {names}")
        self.flicker.begin(view, is_cut=number in self.cuts)
        cells: list[Cell] = []
        for done, variant in enumerate(plan.variants, 1):
            take = self._read(variant, view)
            measures = Measures() if take is None else self._measured(variant, view, take)
            file = None if take is None else str(self._path(variant, number).relative_to(plan.folder).as_posix())
            error = self._error(variant, number) if take is None else None
            stages = self._record(variant, number).get("stages", {})
            self._add(variant, FrameEntry(frame=number, file=file, error=error, measures=measures, stages=stages))
            box = sheet.add(variant, None if take is None else take.working, _words(measures))
            cells.append(Cell(variant=variant.name, box=box))
            told(done)
        name = f"sheet.{number:04d}.png"
        write_picture(plan.folder / name, sheet.pixels)
        height, width = sheet.pixels.shape[:2]
        self.sheets.append(SheetEntry(frame=number, file=name, size=(width, height), cells=tuple(cells)))

    def document(self) -> WedgeDocument:
        """Return everything that was laid out."""
        plan = self.renderers.plan
        counts = self.renderers.cache.counts
        shared = counts.memory + counts.disk
        return WedgeDocument(
            shot=plan.document,
            name=plan.shot.name,
            frames=self.renderers.base.frames(),
            axes=tuple(AxisEntry(parameter=axis.parameter, label=axis.label, values=axis.values) for axis in plan.axes),
            variants=tuple(self._variant(variant) for variant in plan.variants),
            sheets=tuple(self.sheets),
            stages={"computed": dict(sorted(counts.computed.items())), "shared": dict(sorted(shared.items()))},
        )

    def _variant(self, variant: Variant) -> VariantEntry:
        frames = tuple(self.entries.get(variant.index, ()))
        return VariantEntry(
            name=variant.name,
            values=dict(variant.values),
            column=variant.column,
            row=variant.row,
            frames=frames,
            measures=_means([entry.measures for entry in frames]),
        )

    def _add(self, variant: Variant, entry: FrameEntry) -> None:
        self.entries.setdefault(variant.index, []).append(entry)

    def _path(self, variant: Variant, number: int) -> Path:
        return Sequence.parse(self.renderers.plan.pattern(variant)).path(number)

    def _read(self, variant: Variant, view: PlateView) -> TakeView | None:
        path = self._path(variant, view.number)
        if not is_whole(path):
            return None
        try:
            return read_take(path, view, self.renderers.plan.shot.mode)
        except FaceplateError:
            return None

    def _error(self, variant: Variant, number: int) -> dict[str, str] | None:
        return self._record(variant, number).get("error")

    def _record(self, variant: Variant, number: int) -> Mapping[str, Any]:
        return self.records[variant.index].get(str(number), {})

    def _measured(self, variant: Variant, view: PlateView, take: TakeView) -> Measures:
        seconds = self._record(variant, view.number).get("seconds")
        if view.face is None:
            return Measures(seconds=seconds)
        window = view.frame.window
        new_face = self.likenesses.refound(take.frame, view.face)
        to_source, to_target = self.likenesses.of(variant, view, take.frame, new_face)
        flicker, plate_flicker = self.flicker.of(variant, take.frame)
        edges = outline_ring(new_face, window), outline_ring(self.likenesses.target(view).face, window)
        return Measures(
            to_source=to_source,
            to_target=to_target,
            flicker=_figure(flicker),
            plate_flicker=_figure(plate_flicker),
            seam=_figure(seam_ratio(take.working, view.working, *edges)),
            light_error=_figure(light_error(take.working, view.working, take.matte, view.face, window)),
            seconds=seconds,
        )


@dataclass(frozen=True)
class _Target:
    """The plate's own face on one frame, and its embedding."""

    number: int
    face: Face
    embedding: np.ndarray


class _Likenesses:
    """Likeness of results to the source and to the untouched plate, by the shipped recogniser."""

    def __init__(self, renderers: WedgeRenderers) -> None:
        self._renderers = renderers
        self._finder = renderers.finder
        self._sources: dict[Path | None, np.ndarray | None] = {}
        self._target: _Target | None = None

    def refound(self, result: Frame, face: Face) -> Face:
        """Return the face of a result, landmarked again from the plate's."""
        return self._finder.refine(result, face)

    def of(self, variant: Variant, view: PlateView, result: Frame, new_face: Face) -> tuple[float | None, float | None]:
        """Return the likeness of the new face to the source, None without one, and to the plate's own face."""
        embedding = self._finder.embed(result, new_face)
        source = self._source(variant)
        to_source = None if source is None else _figure(likeness(embedding, source))
        return to_source, _figure(likeness(embedding, self.target(view).embedding))

    def target(self, view: PlateView) -> _Target:
        """Return the plate's own face, landmarked as the results are, so that an unchanged plate measures as itself."""
        assert view.face is not None
        if self._target is None or self._target.number != view.number:
            face = self.refound(view.frame, view.face)
            self._target = _Target(view.number, face, self._finder.embed(view.frame, face))
        return self._target

    def _source(self, variant: Variant) -> np.ndarray | None:
        renderer = self._renderers.of(variant)
        own = renderer.faces[0] if renderer.faces else renderer
        place = own.shot.source
        if place not in self._sources:
            try:
                self._sources[place] = own.source.embedding(self._finder)
            except FaceplateError:  # a shot without a source, as one that tests the pipeline
                self._sources[place] = None
        return self._sources[place]


class _Flicker:
    """Change of the result and of the plate from the frame before, where that frame is in the wedge."""

    def __init__(self) -> None:
        self._reference: np.ndarray | None = None
        self._matrix: np.ndarray | None = None
        self._number = 0
        self._before: dict[int, np.ndarray] = {}
        self._now: dict[int, np.ndarray] = {}

    def begin(self, view: PlateView, *, is_cut: bool) -> None:
        """Take the next frame; nothing is compared across a cut."""
        follows = view.number == self._number + 1 and view.face is not None and not is_cut
        self._before = self._now if follows else {}
        self._now, self._number, self._matrix = {}, view.number, None
        if view.face is None:
            return
        if self._reference is None:
            self._reference = stable_mesh(view.face.points)
        self._matrix = stabilising_matrix(view.face.points, self._reference)
        self._now[-1] = self._kept(view.frame)

    def of(self, variant: Variant, result: Frame) -> tuple[float, float]:
        """Return the change of a variant's result and of the plate; NaN without a frame before."""
        self._now[variant.index] = self._kept(result)
        return self._change(variant.index), self._change(-1)

    def _kept(self, frame: Frame) -> np.ndarray:
        assert self._matrix is not None
        return cv2.GaussianBlur(stabilised(frame, self._matrix), (0, 0), FLICKER_BLUR)[::_KEPT, ::_KEPT].copy()

    def _change(self, index: int) -> float:
        if index not in self._before or index not in self._now:
            return math.nan
        return float(np.sqrt(np.mean((self._now[index] - self._before[index]) ** 2)))


def _means(measures: list[Measures]) -> Measures:
    found: dict[str, float | None] = {}
    for name in MEASURES:
        values = [value for item in measures if (value := getattr(item, name)) is not None]
        found[name] = _figure(float(np.mean(values))) if values else None
    return Measures(**found)


def _figure(value: float) -> float | None:
    return round(value, _DIGITS) if math.isfinite(value) else None


def _words(measures: Measures) -> str:
    """Return the line below a cell."""
    parts = (
        ("src", measures.to_source),
        ("tgt", measures.to_target),
        ("seam", measures.seam),
        ("light", measures.light_error),
    )
    return "  ".join(f"{name} {value:.2f}" for name, value in parts if value is not None)
