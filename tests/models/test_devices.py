"""Execution providers: their order, options and threads."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceplate.models import ModelStore, Runtime
from faceplate.models.devices import CPU, CUDA, TENSORRT, Target, engine_folder, plan, provider_options
from model_cards import refusal_code


def test_provider_order() -> None:
    built = (TENSORRT, CUDA, CPU)
    assert plan(Runtime(), (CUDA, CPU), 2) == ((Target(CUDA, 0), Target(CUDA, 1)), (Target(CPU),))
    assert plan(Runtime(), (CPU,), 0) == ((Target(CPU),),)
    asked = plan(Runtime(providers=("tensorrt", "cuda"), devices=(1,)), built, 2)
    assert asked == ((Target(TENSORRT, 1),), (Target(CUDA, 1),), (Target(CPU),))
    for name, provider in (("directml", "DmlExecutionProvider"), ("coreml", "CoreMLExecutionProvider")):
        assert plan(Runtime(providers=(name,)), (CPU,), 0)[0][0].provider == provider
    assert refusal_code(lambda: plan(Runtime(providers=("quantum",)), built, 1)) == "unknown-provider"
    assert refusal_code(lambda: plan(Runtime(devices=(3,)), built, 2)) == "no-such-device"


def test_runtime_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Runtime.from_environment(
        {
            "FACEPLATE_PROVIDERS": "cuda, cpu",
            "FACEPLATE_GPUS": "0,2",
            "FACEPLATE_GPU_MEMORY": "1.5",
            "FACEPLATE_CACHE": "/c",
        },
        workers=3,
    )
    kept = Path("/c/networks")
    assert made == Runtime(("cuda", "cpu"), (0, 2), workers=3, memory=3 << 29, cache=kept, engines=kept)
    assert Runtime.from_environment({"FACEPLATE_CACHE": "off"}) == Runtime()
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):  # which of them counts depends on the system
        monkeypatch.setenv(name, "/x")
    own = Runtime.from_environment({})
    assert own.cache is None and own.engines is not None and own.engines.is_relative_to("/x")
    shared = Runtime.from_environment({"FACEPLATE_THREADS": "3", "FACEPLATE_WORKERS": "4"})
    assert (shared.threads, shared.workers, shared.intra_op) == (3, 4, 3)
    assert refusal_code(lambda: Runtime.from_environment({"FACEPLATE_WORKERS": "many"})) == "bad-runtime"
    assert refusal_code(lambda: Runtime.from_environment({"FACEPLATE_GPUS": "first"})) == "bad-runtime"


def test_threads_follow_the_machine_and_the_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faceplate.models.devices.cores", lambda: 16)
    assert [Runtime(workers=n).intra_op for n in (1, 2, 5, 40)] == [0, 8, 3, 1]
    assert Runtime(threads=7, workers=4).intra_op == 7


def test_provider_options(store: ModelStore, tmp_path: Path) -> None:
    plain = store.card("net")
    half = plain.model_copy(update={"fp16_ok": True})
    limited = Runtime(memory=1 << 30, engines=tmp_path)
    cuda = provider_options(Target(CUDA, 1), plain, limited)
    assert (cuda["device_id"], cuda["gpu_mem_limit"], cuda["use_tf32"]) == ("1", str(1 << 30), "0")
    assert provider_options(Target(CUDA), half, limited)["use_tf32"] == "1"
    assert "gpu_mem_limit" not in provider_options(Target(CUDA), plain, Runtime())
    engine = provider_options(Target(TENSORRT), half, limited)
    assert engine["trt_fp16_enable"] == "True" and engine["trt_engine_cache_enable"] == "True"
    assert plain.sha256[:16] in engine["trt_engine_cache_path"]
    refused = provider_options(Target(TENSORRT), half, Runtime(half=False))
    assert refused["trt_fp16_enable"] == "False" and "trt_engine_cache_path" not in refused
    folders = {
        engine_folder(tmp_path, item, precision, gpu, driver)
        for item in (plain, plain.model_copy(update={"sha256": "1" * 64}))
        for precision in (True, False)
        for gpu in ("A40", "H200/MIG 1")
        for driver in ("550.1", "580.2")
    }
    assert len(folders) == 16 and all(folder.parent.parent == tmp_path / "tensorrt" for folder in folders)
