"""What a frame costs, stage by stage and whole, on an HD and a UHD plate; see `docs/performance.md`."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pytest

from faceplate import FaceSwapper
from faceplate.color import Exposure, decode, encode
from faceplate.color.reading import read_frame
from faceplate.comp import (
    SkinTones,
    calm_highlights,
    gradient_blend,
    hull_matte,
    match_light,
    measure_tones,
    multiband_blend,
    skin_weight,
)
from faceplate.comp.grain import match_grain
from faceplate.comp.occlusion import occlusion_matte
from faceplate.comp.outline_warp import REACH, follow_outline
from faceplate.face import Face
from faceplate.face.align import apply, invert, resample, scale_of
from faceplate.generators import Crop, CropTransform, Generated, Generator, MeshGenerator, NullGenerator
from faceplate.image.frame import Frame
from faceplate.image.inpaint import heal
from faceplate.image.symmetric_log import from_log, to_log
from faceplate.image.window import Window
from faceplate.shot.parameters import Parameters
from measuring import ROUNDS, SIZES, Measured, NetworkClock, Scene, Size, Table, median, read_exr, write_exr

Work = Callable[[], object]
Scenes = Callable[[Size], Scene]
DEFAULTS = Parameters()


@dataclass(frozen=True)
class Bench:
    """What the stages work on, made once for a scene and not counted."""

    scene: Scene

    def read(self, region: Window) -> Frame:
        return read_frame(self.scene.file, self.scene.element.color, None, region)

    @cached_property
    def frame(self) -> Frame:
        return self.read(self.scene.file.data)

    @cached_property
    def mesh(self) -> Prepared:
        return Prepared(self, MeshGenerator(self.scene.element.source))

    @cached_property
    def null(self) -> Prepared:
        return Prepared(self, NullGenerator(side=DEFAULTS.crop))


@dataclass(frozen=True)
class Prepared:
    """A generator with everything that its stages are given; `encoded` is in network space."""

    bench: Bench
    generator: Generator

    @cached_property
    def transform(self) -> CropTransform:
        return self.generator.frame(self.bench.scene.face, self.bench.scene.file.pixel_aspect)

    @cached_property
    def region(self) -> Frame:
        """The plate under the crop and a little more, so that no filter reaches past it."""
        crop, back = self.transform.window, invert(self.transform.matrix)
        corners = np.array([[x, y] for x in (crop.x, crop.right) for y in (crop.y, crop.bottom)], np.float64)
        around = Window.around(apply(back, corners), 4.0 * max(1.0, scale_of(back)))
        return self.bench.read(around.union(self.bench.scene.face.window(0.1)).intersect(self.bench.scene.file.data))

    @cached_property
    def window(self) -> Window:
        return self.bench.scene.face.window(0.02).intersect(self.region.window)

    @cached_property
    def working(self) -> np.ndarray:
        return self.region.working()

    @cached_property
    def under(self) -> np.ndarray:
        """The plate's working-space pixels on `window`."""
        return np.ascontiguousarray(self.working[self.window.slices(self.region.window)])

    @cached_property
    def face(self) -> Face:
        face, matrix = self.bench.scene.face, self.transform.matrix
        return face.moved(np.column_stack([apply(matrix, face.points[:, :2]), face.points[:, 2] * scale_of(matrix)]))

    @cached_property
    def crop(self) -> np.ndarray:
        return resample(self.working, self.region.window, self.transform.matrix, self.transform.window)

    @cached_property
    def encoded(self) -> np.ndarray:
        return encode(self.region.color.to_linear709(self.crop), self.gain)

    @cached_property
    def generated(self) -> Generated:
        return self.generator.generate(Crop(self.crop, self.transform, self.face))

    def tones(self, pixels: np.ndarray) -> SkinTones:
        """The tones of the face on the crop's `pixels`."""
        return measure_tones(pixels, self.transform.window, self.face, self.generated.coverage)

    @property
    def gain(self) -> float:
        return Exposure.of_level(self.face.level).gain

    @cached_property
    def matte(self) -> np.ndarray:
        return self.hull(self.window)

    def hull(self, window: Window) -> np.ndarray:
        return hull_matte(self.face, window, erode=DEFAULTS.matte_erode, feather=DEFAULTS.matte_feather)


def _heal(b: Bench) -> Work:
    return lambda: heal(b.frame.pixels)


def _crop(b: Bench) -> Work:
    p = b.null
    return lambda: resample(p.working, p.region.window, p.transform.matrix, p.transform.window)


def _to_network(b: Bench) -> Work:
    p = b.null
    return lambda: encode(p.region.color.to_linear709(p.crop), p.gain)


def _from_network(b: Bench) -> Work:
    p = b.null
    return lambda: p.region.color.from_linear709(decode(p.encoded, p.gain))


def _null(b: Bench) -> Work:
    p = b.null
    return lambda: p.generator.generate(Crop(p.encoded, p.transform, p.face))


def _paste(b: Bench) -> Work:
    p, back = b.null, invert(b.null.transform.matrix)
    return lambda: resample(p.crop, p.transform.window, back, p.window)


def _mesh(b: Bench) -> Work:
    p = b.mesh
    return lambda: p.generator.generate(Crop(p.crop, p.transform, p.face))


def _matte(b: Bench) -> Work:
    p = b.mesh
    return lambda: p.hull(p.window)


def _occlusion(b: Bench) -> Work:
    p = b.mesh
    aspect = p.region.pixel_aspect
    return lambda: occlusion_matte(p.under, p.bench.scene.face, p.window, p.region.color, pixel_aspect=aspect)


def _outline(b: Bench) -> Work:
    p, face = b.mesh, b.scene.face
    assert isinstance(p.generator, MeshGenerator)
    wanted = p.generator.reshaped(face, p.region.pixel_aspect)
    around = face.window(REACH).union(wanted.window(REACH)).intersect(p.region.window)
    beneath = np.ascontiguousarray(p.working[around.slices(p.region.window)])
    nothing = np.zeros((around.height, around.width), np.float32)

    def work() -> np.ndarray:
        moved = follow_outline(face, wanted, around, nothing)
        return beneath if moved is None else moved.plate(beneath, b.scene.grain)

    return work


def _tones(b: Bench) -> Work:
    p = b.mesh
    return lambda: (p.tones(p.generated.pixels), p.tones(p.crop))


def _highlights(b: Bench) -> Work:
    p = b.mesh
    skin = skin_weight(p.face, p.transform.window) * p.generated.coverage
    return lambda: calm_highlights(
        p.generated.pixels, p.crop, skin, size=p.face.size, level=p.face.level, scale=0.25, amount=1.0
    )


def _light(b: Bench) -> Work:
    p = b.mesh
    made, plate = p.tones(p.generated.pixels), p.tones(p.crop)

    def work() -> np.ndarray:
        match = match_light(made, plate, p.face, scale=DEFAULTS.light_scale)
        assert match is not None
        light = match.light.on(p.transform.window, p.face.size)
        return from_log(to_log(p.generated.pixels, p.face.level) + light, p.face.level)

    return work


def _gradient(b: Bench) -> Work:
    p = b.mesh
    ramp = p.hull(p.transform.window) * p.generated.coverage
    seam = ((ramp > 0) & (ramp < 1)).astype(np.float32)
    return lambda: gradient_blend(p.generated.pixels, p.crop, ramp >= 1, seam, p.face.level)


def _multiband(b: Bench) -> Work:
    p = b.mesh
    ramp = p.hull(p.transform.window) * p.generated.coverage
    return lambda: multiband_blend(p.generated.pixels, p.crop, ramp, p.face.level, 1.0)


def _grain(b: Bench) -> Work:
    p = b.mesh
    made = resample(p.generated.pixels, p.transform.window, invert(p.transform.matrix), p.window)
    return lambda: match_grain(made, p.under, p.matte, p.window, 1001, size=p.face.size, grain=b.scene.grain)


def _to_plate(b: Bench) -> Work:
    p = b.mesh
    return lambda: p.region.color.from_working(p.under, "ACES2065-1")


def _swap(p: Prepared) -> Work:
    renderer = p.bench.scene.element
    assert renderer.shot.source is not None
    swapper = FaceSwapper(renderer.shot.source, generator=p.generator, finder=renderer.finder, color=renderer.color)
    return lambda: swapper.swap(p.region, p.bench.scene.face)


def _write(b: Bench, mode: str) -> Work:
    renderer = b.scene.over if mode == "over" else b.scene.element
    rendered = renderer.render(1001, b.scene.face, b.scene.grain)
    return lambda: renderer.write(rendered)


# Each prepares what its stage is given and answers the stage alone. In the order of a frame.
STAGES: dict[str, Callable[[Bench], Work]] = {
    "open (header)": lambda b: lambda: b.scene.element.open(1001),
    "read RGB, whole frame": lambda b: lambda: b.read(b.scene.file.data),
    "read RGB, rows of the face": lambda b: lambda: b.read(b.mesh.region.window),
    "heal, whole frame": _heal,
    "find: detect and landmark": lambda b: lambda: b.scene.element.finder.find(b.frame),
    "to working space, region": lambda b: lambda: b.mesh.region.working(),
    "crop of 512 out of the plate": _crop,
    "crop to network space": _to_network,
    "generate: null": _null,
    "crop from network space": _from_network,
    "crop of 512 back onto the plate": _paste,
    "prepare: outline warp": _outline,
    "generate: mesh": _mesh,
    "matte: hull": _matte,
    "matte: occlusion": _occlusion,
    "match: tones of both faces": _tones,
    "match: highlights": _highlights,
    "match: light": _light,
    "match: gradient blend": _gradient,
    "match: multiband blend": _multiband,
    "match: grain": _grain,
    "to another plate space (ACES2065-1)": _to_plate,
    "swap with null: region to result": lambda b: _swap(b.null),
    "swap with mesh: region to result": lambda b: _swap(b.mesh),
    "write element": lambda b: _write(b, "element"),
    "write over": lambda b: _write(b, "over"),
}


@pytest.fixture(scope="session")
def bench(scene: Scenes) -> Callable[[Size], Bench]:
    made: dict[Size, Bench] = {}
    return lambda size: made.setdefault(size, Bench(scene(size)))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: size.name)
@pytest.mark.parametrize("stage", STAGES)
def test_stage(
    stage: str, size: Size, bench: Callable[[Size], Bench], clock: NetworkClock, table: Table, benchmark: Any
) -> None:
    """One stage by itself, its input ready in memory."""
    work = STAGES[stage](bench(size))
    warm, _ = _timed(work, clock)
    walls: list[float] = []
    networks: list[float] = []

    def once() -> None:
        wall, inside = _timed(work, clock)
        walls.append(wall)
        networks.append(inside)

    benchmark.group = stage
    benchmark.pedantic(once, rounds=_rounds(warm))
    table.stages.setdefault(stage, {})[size.name] = Measured(median(walls), median(networks))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: size.name)
def test_whole_frame(size: Size, scene: Scenes, clock: NetworkClock, table: Table, benchmark: Any) -> None:
    """A frame from file to file, taking turns with OpenImageIO reading and writing the same file and nothing else."""
    s = scene(size)
    copy = s.plate.with_name("bare.exr")
    works: dict[str, Work] = {
        "bare read + write (OpenImageIO)": lambda: write_exr(copy, *read_exr(s.plate)),
        "element, face and grain known from a track": lambda: s.element.write(s.element.render(1001, s.face, s.grain)),
        "element, face searched": lambda: s.element.write(s.element.render(1001)),
        "over, face and grain known from a track": lambda: s.over.write(s.over.render(1001, s.face, s.grain)),
        "over, face searched": lambda: s.over.write(s.over.render(1001)),
    }
    walls: dict[str, list[float]] = {name: [] for name in works}
    networks: dict[str, list[float]] = {name: [] for name in works}

    def once() -> None:
        for name, work in works.items():
            wall, inside = _timed(work, clock)
            walls[name].append(wall)
            networks[name].append(inside)

    begun = time.perf_counter()
    once()
    benchmark.pedantic(once, rounds=_rounds((time.perf_counter() - begun) / len(works)))
    bare = median(next(iter(walls.values())))
    for name in works:
        measured = Measured(median(walls[name]), median(networks[name]), bare)
        table.whole.setdefault(name, {})[size.name] = measured
        benchmark.extra_info[name] = {"seconds": measured.seconds, "networks": measured.networks}


def _rounds(seconds: float) -> int:
    """Fewer for what is slow: long work needs fewer looks, and the whole run should not outlast anybody's patience."""
    return ROUNDS if seconds < 1.0 else 1


def _timed(work: Work, clock: NetworkClock) -> tuple[float, float]:
    """Seconds that `work` took, and of those inside networks."""
    before, start = clock.spent, time.perf_counter()
    work()
    return time.perf_counter() - start, clock.spent - before
