"""Plate frames of the benchmarks as a camera would deliver them, what is measured on them, and the table of medians."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813

from faceplate.color import ColorConfig
from faceplate.color.reading import read_still
from faceplate.comp.grain import Grain
from faceplate.demo import people_folder
from faceplate.face import Face, FaceFinder
from faceplate.face.align import resample
from faceplate.image.window import Window
from faceplate.plate import PlateFile
from faceplate.render import Renderer

ROUNDS = 3


@dataclass(frozen=True)
class Size:
    """A plate's raster and how large the face is in it, pixels."""

    name: str
    width: int
    height: int
    face: int


SIZES = (Size("HD", 1920, 1080, 400), Size("UHD", 3840, 2160, 1000))


@dataclass
class NetworkClock:
    """Seconds spent inside networks since the beginning."""

    spent: float = 0.0


@dataclass(frozen=True)
class Measured:
    """One row and column: median seconds, of that inside networks, and bare read + write of the frame in the same run.

    `bare` is 0 for a single stage, which is not compared with it.
    """

    seconds: float
    networks: float
    bare: float = 0.0


@dataclass
class Table:
    """The medians by row and by plate size, in the order in which they were measured."""

    frames: dict[str, str] = field(default_factory=dict)
    stages: dict[str, dict[str, Measured]] = field(default_factory=dict)
    whole: dict[str, dict[str, Measured]] = field(default_factory=dict)


@dataclass(frozen=True)
class Scene:
    """One plate frame on disk, what a track would know of it, and the shot that renders it."""

    size: Size
    plate: Path
    file: PlateFile
    face: Face
    grain: Grain
    element: Renderer
    over: Renderer


def write_plate(path: Path, size: Size, color: ColorConfig, finder: FaceFinder) -> Path:
    """Ada in the middle of a plate with a sensor's grain on it, which is what a compressor spends its time on."""
    still = read_still(people_folder() / "ada" / "front.jpg", color)
    scale = size.face / finder.find(still)[0].size
    shift = np.array([size.width, size.height]) / 2 - scale * still.window.width / 2
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float64)
    light = resample(still.working(), still.window, matrix, Window(0, 0, size.width, size.height))
    rng = np.random.default_rng(11)
    grain = rng.standard_normal(light.shape, np.float32) * np.sqrt(np.maximum(light, 0) * 8e-4 + 7e-6)
    spec = oiio.ImageSpec(size.width, size.height, 3, "half")
    spec.attribute("compression", "zip")
    spec.attribute("oiio:ColorSpace", "lin_ap1_scene")  # OpenImageIO writes it as colorInteropID
    write_exr(path, spec, light + grain)
    return path


def read_exr(path: Path) -> tuple[oiio.ImageSpec, np.ndarray]:
    """Every channel of a file as it is stored, and its specification: OpenImageIO alone."""
    source = oiio.ImageInput.open(str(path))
    assert source is not None, oiio.geterror()
    pixels, spec = source.read_image("half"), source.spec()
    assert pixels is not None, source.geterror()
    source.close()
    return spec, pixels


def write_exr(path: Path, spec: oiio.ImageSpec, pixels: np.ndarray) -> None:
    """One picture: OpenImageIO alone."""
    out = oiio.ImageOutput.create(str(path))
    assert out is not None and out.open(str(path), spec), oiio.geterror()
    assert out.write_image(pixels), out.geterror()
    out.close()


def stage_lines(table: Table) -> Iterator[str] | list[str]:
    if not table.stages:
        return []
    names = _columns(table.stages)
    head = ["stage, median ms", *(f"{name} {part}" for name in names for part in ("all", "networks"))]
    rows = [
        [row, *(cell for name in names for cell in _split(measured.get(name)))]
        for row, measured in table.stages.items()
    ]
    return _markdown(head, rows)


def whole_lines(table: Table) -> Iterator[str] | list[str]:
    if not table.whole:
        return []
    names = _columns(table.whole)
    head = ["whole frame, median ms", *(f"{name} {part}" for name in names for part in ("all", "networks", "ratio"))]
    rows = [
        [row, *(cell for name in names for cell in (*_split(measured.get(name)), _ratio(measured.get(name))))]
        for row, measured in table.whole.items()
    ]
    return _markdown(head, rows)


def _columns(rows: Mapping[str, Mapping[str, Measured]]) -> list[str]:
    return [size.name for size in SIZES if any(size.name in row for row in rows.values())]


def _split(measured: Measured | None) -> tuple[str, str]:
    if measured is None:
        return "", ""
    networks = f"{measured.networks * 1e3:.0f}" if measured.networks else ""
    return _milliseconds(measured.seconds), networks


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:.0f}" if seconds >= 0.01 else f"{seconds * 1e3:.1f}"


def _ratio(measured: Measured | None) -> str:
    if measured is None or not measured.bare:
        return ""
    return f"{(measured.seconds - measured.networks) / measured.bare:.2f}"


def _markdown(head: list[str], rows: list[list[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|---|" + "---:|" * (len(head) - 1)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def median(values: list[float]) -> float:
    """The median, 0 of nothing."""
    return statistics.median(values) if values else 0.0
