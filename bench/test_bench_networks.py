"""What a frame costs beside its network: a graph with inswapper's true cost, random weights, in the render pass.

    python -m pytest bench/test_bench_networks.py -s

prints for HD at 128 and UHD at 512 the time of a frame with a stored track, of the bare
`session.run` calls on the same crops in the same run, and their ratio: one frame by itself, and frames in flight as the
command renders them, files written. FACEPLATE_BENCH_ROUNDS sets the rounds (2), FACEPLATE_BENCH_FLIGHT the frames in
flight (8). Bare runs and frames take turns, so that what else the machine does falls on both.

    FACEPLATE_SOAK=1 python -m pytest bench/test_bench_networks.py -s -k memory

prints the memory over 200 frames of a small network, one by one and in flight.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto

from faceplate.color import ColorConfig
from faceplate.demo import person
from faceplate.face import FaceFinder
from faceplate.generators.networks import FAMILIES, NetworkGenerator
from faceplate.models import Card, ModelStore, Network, embedded_store, open_network
from faceplate.models.card import write_card
from faceplate.models.store import digest
from faceplate.render import Renderer
from faceplate.render.batch import render_frames
from faceplate.shot import Shot
from faceplate.shot.parameters import Parameters
from faceplate.track import track_shot
from measuring import SIZES, Size, write_plate

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))
graphs = importlib.import_module("onnx_graphs")

FLIGHT = int(os.environ.get("FACEPLATE_BENCH_FLIGHT", "8"))
ROUNDS = int(os.environ.get("FACEPLATE_BENCH_ROUNDS", "2"))
# Channels and sides of the public file's stages: encoder, twelve convolutions in six residual blocks, decoder.
WIDE, SIDE, BLOCKS = 1024, 128, 6


def inswapper_like(folder: Path) -> tuple[Path, float, float]:
    """A graph of inswapper_128's signature and cost; its path, million parameters, and thousand million
    multiplications.
    """
    graph, random, cost = Weights(folder / "net.data"), np.random.default_rng(0), [0.0, 0.0]

    def conv(x: str, inputs: int, outputs: int, side: int, kernel: int = 3, stride: int = 1) -> str:
        shape = (outputs, inputs, kernel, kernel)
        weights = random.standard_normal(shape, np.float32) * np.float32((inputs * kernel * kernel) ** -0.5)
        cost[0] += weights.size / 1e6
        cost[1] += weights.size * side * side / 1e9
        pad = kernel // 2
        return graph.op(
            "Conv", x, graph.put(weights), strides=[stride, stride], pads=[pad] * 4, kernel_shape=[kernel] * 2
        )

    def styled(x: str) -> str:
        unit = graph.op("InstanceNormalization", x, graph.put(np.ones(WIDE)), graph.put(np.zeros(WIDE)), epsilon=1e-5)
        weights = random.standard_normal((512, 2 * WIDE), np.float32) * np.float32(512**-0.5)
        cost[0] += weights.size / 1e6
        style = graph.op(
            "Reshape", graph.op("MatMul", "source", graph.put(weights)), graph.put([1, 2 * WIDE, 1, 1], np.int64)
        )
        gain, shift = (
            graph.op("Slice", style, *[graph.put([v], np.int64) for v in (a, b, 1)])
            for a, b in ((0, WIDE), (WIDE, 2 * WIDE))
        )
        return graph.op("Add", graph.op("Mul", unit, gain), shift)

    def up(x: str) -> str:
        return graph.op(
            "Resize", x, "", graph.put([1, 1, 2, 2]), mode="linear", coordinate_transformation_mode="half_pixel"
        )

    x = graph.op("LeakyRelu", conv("target", 3, 128, 128, 7), alpha=0.2)
    for inputs, outputs, side, stride in ((128, 256, 128, 1), (256, 512, 64, 2), (512, WIDE, 32, 2)):
        x = graph.op("LeakyRelu", conv(x, inputs, outputs, side, 3, stride), alpha=0.2)
    for _ in range(BLOCKS):
        inner = graph.op("Relu", styled(conv(x, WIDE, WIDE, 32)))
        x = graph.op("Add", x, styled(conv(inner, WIDE, WIDE, 32)))
    for inputs, outputs, side in ((WIDE, 512, 64), (512, 256, 128)):
        x = graph.op("LeakyRelu", conv(up(x), inputs, outputs, side), alpha=0.2)
    x = graph.op("LeakyRelu", conv(x, 256, 128, 128), alpha=0.2)
    graph.op("Sigmoid", conv(x, 128, 3, 128, 7), out="output")
    graph.put(np.eye(512), name="emap")
    ends = [("target", [1, 3, SIDE, SIDE]), ("source", [1, 512])], [("output", [1, 3, SIDE, SIDE])]
    return graph.save(folder / "net.onnx", *ends), cost[0], cost[1]


class Weights(graphs.Builder):  # type: ignore[name-defined,misc]
    """A graph under construction that keeps its large tensors in a file beside it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path, self._at = path, 0
        path.write_bytes(b"")

    def put(self, values: Any, dtype: type = np.float32, name: str = "") -> str:
        array = np.ascontiguousarray(values, dtype)
        if array.nbytes < 1 << 16:
            return super().put(array, dtype, name or None)
        name = name or self._name()
        tensor = TensorProto(
            name=name, data_type=TensorProto.FLOAT, dims=array.shape, data_location=TensorProto.EXTERNAL
        )
        for key, value in (("location", self._path.name), ("offset", str(self._at)), ("length", str(array.nbytes))):
            tensor.external_data.add(key=key, value=value)
        with self._path.open("ab") as file:
            file.write(array.tobytes())
        self._at += array.nbytes
        self.weights.append(tensor)
        return name


class Timed:
    """A network that adds up the time inside its runs and keeps what it was fed."""

    def __init__(self, network: Network) -> None:
        self.card = self.running = network.card
        self.inputs, self.outputs = network.inputs, network.outputs
        self.targets, self.new_notes = network.targets, network.new_notes
        self.inside, self.feed, self._network = 0.0, {}, network

    def infer(self, feed: dict[str, np.ndarray], each: tuple[str, ...] = ()) -> dict[str, np.ndarray]:
        start = time.perf_counter()
        made = self._network.infer(feed, each)
        self.inside += time.perf_counter() - start
        self.feed = feed
        return made


def stored(folder: Path, name: str, external: tuple[str, ...] = ()) -> Network:
    card = Card.model_validate(
        {
            "name": name, "role": "swap", "file": f"{name}.onnx", "sha256": digest(folder / f"{name}.onnx"),
            "version": "1", "licence": "CC0-1.0", "commercial": True, "source": "random", "converted": "none",
            "inputs": (), "outputs": (), "family": "inswapper_128",
            "external": [{"file": file, "sha256": digest(folder / file)} for file in external],
        }
    )  # fmt: skip
    write_card(folder, card)
    return open_network(ModelStore((folder,)), name)


def finder(folder: Path) -> FaceFinder:
    return FaceFinder(ModelStore((folder, *embedded_store().folders)))


def plate(path: Path, size: Size) -> str:
    """A demo person's face in a plate with grain, half-float ACEScg."""
    write_plate(path, size, ColorConfig.load(environ={}), FaceFinder.embedded())
    return str(path.parent / path.name.replace("1001", "####"))


@pytest.fixture(scope="module")
def heavy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Network, Path]]:
    folder = tmp_path_factory.mktemp("heavy")
    _, parameters, work = inswapper_like(folder)
    print(f"\ngraph: {parameters:.2f} M parameters, {work:.0f} GMAC a tile")
    yield stored(folder, "net", ("net.data",)), folder
    (folder / "net.data").unlink()


@pytest.mark.parametrize(("size", "multiple", "goal"), [(SIZES[0], 1, 1.10), (SIZES[1], 4, 1.05)], ids=["HD", "UHD"])
@pytest.mark.timeout(1800)
def test_frame_over_bare_run(
    heavy: tuple[Network, Path], tmp_path: Path, size: Size, multiple: int, goal: float
) -> None:
    label = f"{size.name} at {128 * multiple}"
    network, folder = heavy
    timed = Timed(network)
    generator = NetworkGenerator(FAMILIES["inswapper_128"], timed, np.full((1, 512), 0.04, np.float32), multiple)  # type: ignore[arg-type]
    shot = Shot(
        plate=plate(tmp_path / "plate.1001.exr", size),
        source=person("bea"),  # whose release is on file, so that no slate is drawn
        output=str(tmp_path / "out" / "swap.####.exr"),
        parameters=Parameters(),
    )
    renderer = tracked(shot, folder, generator)
    if multiple == 1:
        renderer.render(1001)

    def bare() -> float:
        start = time.perf_counter()
        for tile in timed.feed["target"]:
            network._sessions[0]._session.run(None, {"target": tile[None], "source": timed.feed["source"]})
        return time.perf_counter() - start

    frames, insides, bares, writes = [], [], [], []
    for _ in range(ROUNDS):
        timed.inside = 0.0
        start = time.perf_counter()
        rendered = renderer.render(1001)
        frames.append(time.perf_counter() - start)
        insides.append(timed.inside)
        start = time.perf_counter()
        renderer.write(rendered)
        writes.append(time.perf_counter() - start)
        bares.append(bare())
    inside, over_bare = min(f / i for f, i in zip(frames, insides, strict=True)), min(frames) / min(bares)
    with_write = min((f + w) / i for f, w, i in zip(frames, writes, insides, strict=True))
    rest = min(f - i for f, i in zip(frames, insides, strict=True))
    print(
        f"\n{label}: frame {min(frames):.3f} s, bare session.run {min(bares):.3f} s, ratio {over_bare:.3f}; "
        f"of the same frame's own runs: {inside:.3f} (goal {goal}), with writing {with_write:.3f}; "
        f"all but the network {rest * 1e3:.0f} ms, writing {min(writes) * 1e3:.0f} ms"
    )
    around = [bare()]
    ends = [time.perf_counter() for _ in render_frames(renderer, [1001] * (FLIGHT + 1))]
    around.append(bare())
    each, beside = (ends[-1] - ends[0]) / FLIGHT, sum(around) / 2
    print(
        f"{label}, in flight: {each:.3f} s a frame written, bare session.run before and after {beside:.3f} s, "
        f"ratio {each / beside:.3f} (goal {goal})"
    )
    assert frames


def tracked(shot: Shot, folder: Path, generator: NetworkGenerator) -> Renderer:
    """The renderer made ready, with a stored track of its plate."""
    seek = finder(folder)
    path = folder / "plate.track.json"
    track_shot(shot.plate, path, frames=[1001], color=ColorConfig.load(environ={}), finder=seek)
    renderer = Renderer(shot.model_copy(update={"track": path}), seek, generator)
    renderer.prepare()
    return renderer


@pytest.mark.skipif("FACEPLATE_SOAK" not in os.environ, reason="minutes long: set FACEPLATE_SOAK=1")
@pytest.mark.parametrize("ahead", [1, 0], ids=["one by one", "in flight"])
@pytest.mark.timeout(1800)
def test_memory_is_flat_over_200_frames(tmp_path: Path, ahead: int) -> None:
    graphs.swap(tmp_path / "small.onnx", 128, gains=(0.9, 0.8, 0.7), emap=np.eye(512, dtype=np.float32))
    network = stored(tmp_path, "small")
    generator = NetworkGenerator(FAMILIES["inswapper_128"], network, np.full((1, 512), 0.04, np.float32), 4)
    shot = Shot(plate=plate(tmp_path / "plate.1001.exr", SIZES[0]), output=str(tmp_path / "out" / "swap.####.exr"))
    renderer = tracked(shot, tmp_path, generator)
    sizes = []
    for count, _ in enumerate(render_frames(renderer, [1001] * 200, ahead), start=1):
        if count % 20 == 0:
            sizes.append(resident())
    print("\nresident MiB after 20, 40 … 200 frames: " + " ".join(f"{size:.0f}" for size in sizes))
    assert max(sizes[1:]) - sizes[0] < 30


def resident() -> float:
    """This process's memory in MiB."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(next(line for line in status.read_text().splitlines() if line.startswith("VmRSS")).split()[1]) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
