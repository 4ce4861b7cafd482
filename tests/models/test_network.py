"""Sessions: fallback between providers, batches, several GPUs, half precision, the cache of optimised graphs."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

import onnx_graphs as graphs
from faceplate.models import Card, ModelStore, Network, Runtime, loader, open_network, ort_session
from faceplate.models.devices import CPU, CUDA, TENSORRT, Target, cuda_devices, plan
from model_cards import refusal_code, write_test_card


class FakeNode:
    def __init__(self, name: str, shape: list[Any], kind: str = "tensor(float)") -> None:
        self.name, self.shape, self.type = name, shape, kind


class FakeSession:
    """A session that doubles its input, on a provider of one's choice, with room for `room` tiles at once."""

    def __init__(self, provider: str, room: int = 10**9, batch: Any = "n", pause: float = 0.0) -> None:
        self._provider, self._room, self._batch, self._pause = provider, room, batch, pause
        self.sizes: list[int] = []
        self.complaint = "Failed to allocate memory for requested buffer of size 5"
        self.inside = self.most = 0

    def get_providers(self) -> list[str]:
        return [self._provider, CPU]

    def get_inputs(self) -> list[FakeNode]:
        return [FakeNode("target", [self._batch, 4]), FakeNode("source", [self._batch, 1])]

    def get_outputs(self) -> list[FakeNode]:
        return [FakeNode("output", [self._batch, 4])]

    def run(self, _: list[str], feed: dict[str, np.ndarray]) -> list[np.ndarray]:
        self.sizes.append(len(feed["target"]))
        self.inside += 1
        self.most = max(self.most, self.inside)
        time.sleep(self._pause)
        self.inside -= 1
        if len(feed["target"]) > self._room:
            raise RuntimeError(f"[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : {self.complaint}")
        assert len(feed["source"]) in (1, len(feed["target"]))
        return [feed["target"] * 2 + feed["source"]]


def fakes(monkeypatch: pytest.MonkeyPatch, providers: tuple[str, ...], gpus: int = 1) -> None:
    """A machine with these providers, seen by `open_network`, and no IO binding on its make-believe GPUs."""
    monkeypatch.setattr(loader, "plan", lambda runtime: plan(runtime, providers, gpus))
    real = loader.DeviceSession
    monkeypatch.setattr(loader, "DeviceSession", lambda made, target: real(made, target, bind=False))


TILES = np.arange(64, dtype=np.float32).reshape(16, 4)
FEED = {"target": TILES, "source": np.ones((1, 1), np.float32)}


def test_a_provider_that_cannot_is_passed_over_and_said_once(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    fakes(monkeypatch, (CUDA, CPU))

    def opener(path: Path, made: Card, target: Target, runtime: Runtime) -> FakeSession:
        if target.provider == CUDA:
            raise RuntimeError(
                "[ONNXRuntimeError] : 9 : NOT_IMPLEMENTED : Could not find an implementation for GridSample(20)"
            )
        return FakeSession(CPU)

    opened = open_network(store, "net", opener=opener)
    assert opened.provider == CPU
    (note,) = opened.new_notes()
    assert "cuda:0 cannot run 'net'" in note and "GridSample" in note and "cpu is tried" in note
    opened.infer(FEED, each=["target"])
    assert opened.new_notes() == ()


def test_a_provider_that_silently_did_not_start_is_noticed(store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    fakes(monkeypatch, (CUDA, CPU))
    opened = open_network(store, "net", opener=lambda *_: FakeSession(CPU))
    assert opened.targets == ("cpu",) and "did not start" in opened.notes[0]
    # The real thing: asking for CUDA where there is no driver.
    monkeypatch.undo()
    asked = open_network(store, "net", runtime=Runtime(providers=("cuda",)))
    assert asked.targets == ("cpu",) or asked.targets[0].startswith("cuda")


def test_what_is_not_built_in_is_passed_over_with_its_reason(store: ModelStore, capfd: pytest.CaptureFixture) -> None:
    """The real thing on a machine without a GPU: a note, and nothing that ONNX Runtime prints by itself."""
    built = onnxruntime.get_available_providers()
    for name, full in (("directml", "DmlExecutionProvider"), ("coreml", "CoreMLExecutionProvider")):
        if full not in built:
            opened = open_network(store, "net", runtime=Runtime(providers=(name,)))
            assert opened.targets == ("cpu",) and "built without it" in opened.notes[0]
    if not cuda_devices():
        for name in ("cuda", "tensorrt"):
            opened = open_network(store, "net", runtime=Runtime(providers=(name,)))
            assert opened.targets == ("cpu",) and name in opened.notes[0] and "cpu is tried" in opened.notes[0]
    assert capfd.readouterr() == ("", "")


def test_a_provider_is_asked_for_alone(store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ONNX Runtime hears: no falling back of its own, and CUDA behind TensorRT for what that cannot compile."""
    heard: list[tuple[list[Any], dict[str, Any]]] = []

    def listen(_path: Path, _options: Any, providers: list[Any], **more: Any) -> FakeSession:
        heard.append((providers, more))
        return FakeSession(providers[0][0])

    monkeypatch.setattr(onnxruntime, "InferenceSession", listen)
    monkeypatch.setattr(ort_session, "_refuse_absent", lambda target: None)
    fakes(monkeypatch, (TENSORRT, CUDA, CPU))
    open_network(store, "net", runtime=Runtime(providers=("tensorrt",), memory=1 << 30))
    ((providers, more),) = heard
    assert [name if isinstance(name, str) else name[0] for name in providers] == [TENSORRT, CUDA, CPU]
    assert providers[1][1]["gpu_mem_limit"] == str(1 << 30) and more == {"enable_fallback": 0}


def test_a_device_that_cannot_is_left_out_and_the_others_work(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    fakes(monkeypatch, (CUDA, CPU), gpus=3)

    def opener(path: Path, made: Card, target: Target, runtime: Runtime) -> FakeSession:
        if target.device == 1 and target.provider == CUDA:
            raise RuntimeError("CUDA failure 2: out of memory")
        return FakeSession(target.provider)

    opened = open_network(store, "net", opener=opener)
    assert opened.targets == ("cuda:0", "cuda:2")
    assert opened.notes == ("cuda:1 cannot run 'net' (CUDA failure 2: out of memory): left out",)


def test_every_wording_of_no_memory_is_known(store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    fakes(monkeypatch, (CUDA, CPU))
    for said in (
        "Available memory of 3145728 is smaller than requested bytes of 16777216",  # an arena with a limit
        "CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED",
        "CUDNN failure 4: CUDNN_STATUS_ALLOC_FAILED",
        "887A0005 8007000E Not enough memory resources are available to complete this operation.",
    ):
        gpu = FakeSession(CUDA, room=5)
        gpu.complaint = said
        opened = open_network(store, "net", opener=lambda *_, gpu=gpu: gpu)
        assert np.array_equal(opened.infer(FEED, each=["target"])["output"], TILES * 2 + 1)
        assert "tiles at a time" in opened.notes[0]


def test_a_real_arena_with_a_limit_is_answered_by_smaller_batches(tmp_path: Path) -> None:
    """ONNX Runtime's own allocator, held to so many bytes, says in its own words that there is no more."""
    graphs.swap(tmp_path / "net.onnx", 256, gains=(0.5, 0.6, 0.7), batched=True)
    write_test_card(tmp_path, "net", "simswap_256")
    program = """
import sys, numpy as np, onnxruntime
from pathlib import Path
from onnxruntime.capi import _pybind_state as C
from faceplate.models import ModelStore, open_network
memory = C.OrtMemoryInfo("Cpu", C.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, C.OrtMemType.DEFAULT)
C.create_and_register_allocator(memory, C.OrtArenaCfg({"max_mem": 20 << 20, "arena_extend_strategy": 1}))

def opener(path, card, target, runtime):
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.log_severity_level = 4
    options.enable_mem_pattern = False
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

network = open_network(ModelStore((Path(sys.argv[1]),)), "net", opener=opener)
tiles = np.random.default_rng(0).uniform(size=(16, 3, 256, 256)).astype(np.float32)
feed = {"target": tiles, "source": np.zeros((16, 512), np.float32)}
made = network.infer(feed, ["target", "source"])["output"]
assert made.shape == tiles.shape
print(network.notes)
"""
    ran = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0 and "tiles at a time" in ran.stdout, ran.stdout + ran.stderr


def test_out_of_memory_halves_the_batch_then_takes_the_next_provider(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    fakes(monkeypatch, (CUDA, CPU))
    gpu, cpu = FakeSession(CUDA, room=5), FakeSession(CPU)
    opened = open_network(store, "net", opener=lambda p, c, target, r: gpu if target.provider == CUDA else cpu)
    assert np.array_equal(opened.infer(FEED, each=["target"])["output"], TILES * 2 + 1)
    assert gpu.sizes == [16, 8, 4, 4, 4, 4]
    assert opened.targets == ("cuda:0",) and "4 tiles at a time" in opened.notes[-1]
    opened.infer(FEED, each=["target"])
    assert gpu.sizes[6:] == [4, 4, 4, 4]  # the lesson is kept
    gpu._room = 0
    assert np.array_equal(opened.infer(FEED, each=["target"])["output"], TILES * 2 + 1)
    assert opened.targets == ("cpu",) and "it runs on cpu from now on" in opened.notes[-1]
    cpu._room = 0
    assert refusal_code(lambda: opened.infer(FEED, each=["target"])) == "out-of-memory"


def test_a_graph_with_a_fixed_batch_is_run_tile_by_tile(store: ModelStore) -> None:
    fixed = FakeSession(CPU, batch=1)
    opened = open_network(store, "net", opener=lambda *_: fixed)
    assert np.array_equal(opened.infer(FEED, each=["target"])["output"], TILES * 2 + 1)
    assert fixed.sizes == [1] * 16
    few = FakeSession(CPU)
    opened = open_network(store, "net", runtime=Runtime(batch=6), opener=lambda *_: few)
    opened.infer(FEED, each=["target"])
    assert few.sizes == [6, 6, 4]


def test_several_gpus_are_all_kept_busy(store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three devices, one twice as slow: each runs one thing at a time, none waits while there is work."""
    fakes(monkeypatch, (CUDA, CPU), gpus=3)
    devices = [FakeSession(CUDA, pause=pause) for pause in (0.01, 0.01, 0.03)]
    opened = open_network(store, "net", opener=lambda p, c, target, r: devices[target.device])
    assert opened.targets == ("cuda:0", "cuda:1", "cuda:2")
    jobs = list(range(60))
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                if not jobs:
                    return
                jobs.pop()
            assert np.array_equal(opened.infer(FEED, each=["target"])["output"], TILES * 2 + 1)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    runs = [len(device.sizes) for device in devices]
    assert sum(runs) == 60 and max(device.most for device in devices) == 1
    assert runs[0] > runs[2] and runs[1] > runs[2] and runs[2] >= 3


def test_one_cpu_session_serves_many_threads(store: ModelStore) -> None:
    opened = open_network(store, "net", runtime=Runtime(workers=4))
    crops = np.random.default_rng(0).uniform(size=(12, 1, 3, 112, 112)).astype(np.float32)
    results: dict[int, np.ndarray] = {}
    threads = [
        threading.Thread(target=lambda index=index: results.update({index: opened.run(crops[index])["516"][0]}))
        for index in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index, result in results.items():
        assert np.abs(result - graphs.block_means(crops[index, 0].transpose(1, 2, 0))).max() < 1e-5
    assert len(results) == 12


def test_io_binding_gives_the_same(tmp_path: Path) -> None:
    """The buffers that stay on a device, exercised on the CPU: same answers, and an input that stays is seen to
    change.
    """
    path = graphs.swap(tmp_path / "net.onnx", 128, gains=(0.5, 0.6, 0.7), mix=1.0, batched=True)
    made = onnxruntime.InferenceSession(path)
    plain, bound = (loader.DeviceSession(made, Target(CPU), bind=bind) for bind in (False, True))
    random = np.random.default_rng(2)
    source = random.normal(size=(1, 512)).astype(np.float32)
    for count in (1, 1, 4, 4, 2):
        feed = {
            "target": random.uniform(size=(count, 3, 128, 128)).astype(np.float32),
            "source": source.repeat(count, axis=0),
        }
        assert np.array_equal(plain.run(feed)["output"], bound.run(feed)["output"])
    source[:] += 1  # in place, as a careless caller would
    feed = {"target": feed["target"], "source": source.repeat(2, axis=0)}
    assert np.array_equal(plain.run(feed)["output"], bound.run(feed)["output"])


def test_half_precision_overflow_falls_back(tmp_path: Path) -> None:
    graphs.overflowing(tmp_path / "net_fp16.onnx", 256, half=True)
    write_test_card(tmp_path, "net_fp16", "simswap_256")
    feed = {"target": np.full((1, 3, 256, 256), 0.8, np.float32), "source": np.zeros((1, 512), np.float32)}
    alone = open_network(ModelStore((tmp_path,)), "net_fp16")
    small = alone.infer({**feed, "target": feed["target"] * 1e-3})["output"]
    assert small.dtype == np.float32 and abs(small.mean() - 96) < 0.1
    assert refusal_code(lambda: alone.infer(feed)) == "network-overflow"
    graphs.overflowing(tmp_path / "net.onnx", 256, half=False)
    write_test_card(tmp_path, "net", "simswap_256")
    both = open_network(ModelStore((tmp_path,)), "net_fp16")
    assert np.allclose(both.infer(feed)["output"], 96000)
    assert "overflowed in half precision: 'net' runs instead" in both.new_notes()[0]
    assert np.allclose(both.infer(feed)["output"], 96000) and both.new_notes() == ()
    assert both.card.name == "net_fp16" and both.running.name == "net"
    feed["target"][0, 0, 0, 0] = np.nan
    assert refusal_code(lambda: both.infer(feed)) == "network-failed"


def test_optimised_graph_is_kept_and_proved(tmp_path: Path, store: ModelStore) -> None:
    cache = tmp_path / "cache"
    crop = np.random.default_rng(0).uniform(size=(1, 3, 112, 112)).astype(np.float32)
    wanted = open_network(store, "net").run(crop)["516"]
    first = open_network(store, "net", runtime=Runtime(cache=cache))
    (kept,) = (cache / "optimised").glob("*.onnx")
    stamp = kept.stat().st_mtime_ns
    again = open_network(store, "net", runtime=Runtime(cache=cache))
    assert kept.stat().st_mtime_ns == stamp
    kept.write_bytes(b"tampered")
    healed = open_network(store, "net", runtime=Runtime(cache=cache))
    assert kept.read_bytes() != b"tampered"
    for opened in (first, again, healed):
        assert np.abs(opened.run(crop)["516"] - wanted).max() < 1e-6
    (tmp_path / "file").write_text("in the way")
    blocked = open_network(store, "net", runtime=Runtime(cache=tmp_path / "file"))
    assert np.abs(blocked.run(crop)["516"] - wanted).max() < 1e-6


def test_a_cache_that_is_full_stops_nothing(tmp_path: Path, store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime says with a class of its own that it could not write its optimised graph."""

    @contextmanager
    def nowhere(path: Path) -> Iterator[Path]:
        yield path.parent / "no such folder" / path.name

    monkeypatch.setattr(ort_session, "temporary_beside", nowhere)
    opened = open_network(store, "net", runtime=Runtime(cache=tmp_path / "cache"))
    assert opened.run(np.zeros((1, 3, 112, 112), np.float32))["516"].shape == (1, 512)


def test_network_made_by_hand_still_works(tmp_path: Path, arcface: Path) -> None:
    made = Network(write_test_card(tmp_path, "arc"), onnxruntime.InferenceSession(arcface))
    assert (
        made.provider == CPU and made.notes == () and list(made.run(np.zeros((1, 3, 112, 112), np.float32))) == ["516"]
    )
