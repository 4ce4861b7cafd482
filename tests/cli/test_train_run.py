"""`faceplate train run`, `base` and `export` on the command line."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from faceplate.cli.main import run
from faceplate.train import needed
from training_faces import write_drawn_dataset


def called(*arguments: object) -> int:
    with pytest.raises(SystemExit) as left:
        run([str(argument) for argument in arguments])
    return int(left.value.code or 0)


@pytest.fixture
def torch() -> None:
    for module in ("torch", "onnx"):
        pytest.importorskip(module, reason="NOT RUN: training, because PyTorch is not installed (faceplate[train])")


@pytest.mark.parametrize("command", [("run",), ("base", "--dataset", "x"), ("export", "--name", "ada")])
def test_without_pytorch_one_sentence(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(needed.importlib.util, "find_spec", lambda name: None)
    assert called("train", command[0], tmp_path, *command[1:]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and 'pip install "faceplate[train]"' in said


def test_training_imports_pytorch_only_when_it_runs() -> None:
    import subprocess
    import sys

    code = "import sys, faceplate.cli.main; sys.exit('torch' in sys.modules or 'onnx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.usefixtures("torch")
def test_a_model_from_dataset_to_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model, store = tmp_path / "model", tmp_path / "store"
    monkeypatch.setenv("FACEPLATE_MODELS", str(store))
    write_drawn_dataset(model, count=6, held_out=2)
    common = ("--preset", "tiny", "--device", "cpu", "--workers", "0", "--threads", "1", "--log", "json")
    assert called("train", "run", model, *common, "--steps", "20") == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["event"] for event in events] == ["progress", "summary"]
    assert events[0]["done"] == 20 and events[0]["losses"]["total"] > 0
    assert events[1]["message"] == "Step 20 of 20 is reached."
    assert called("train", "export", model, "--name", "ada_v1") == 0
    assert "--generator ada_v1" in capsys.readouterr().out
    assert sorted(path.name for path in store.iterdir()) == [
        "ada_v1.card.json", "ada_v1.dfm", "ada_v1_fp16.card.json", "ada_v1_fp16.dfm"
    ]  # fmt: skip


@pytest.mark.usefixtures("torch")
def test_a_base_of_datasets_and_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, base = tmp_path / "one", tmp_path / "base"
    write_drawn_dataset(one, count=6, held_out=2)
    missing = ("--person", tmp_path / "nobody", "--size", "64")
    assert called("train", "base", base, "--dataset", one, *missing) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "nobody" in said and not (base / "dataset").exists()
    common = ("--preset", "tiny", "--device", "cpu", "--workers", "0", "--threads", "1", "--log", "json")
    assert called("train", "base", base, "--dataset", one, *common, "--steps", "2") == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert events[0]["people"] == 2 and events[-1]["message"] == "Step 2 of 2 is reached."


@pytest.mark.usefixtures("torch")
def test_a_model_without_a_dataset_names_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert called("train", "run", tmp_path, "--preset", "tiny") == 2
    assert "faceplate train dataset" in capsys.readouterr().err


def test_pytorch_is_an_extra() -> None:
    """The sentence names an extra that there is."""
    assert importlib.util.find_spec("faceplate") is not None
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8")
    assert 'train = ["torch' in text
