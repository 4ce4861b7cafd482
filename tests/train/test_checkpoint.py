"""Checkpoints are whole or absent, two are kept, and a damaged one is passed over with a sentence."""

# pyright: reportMissingImports=false
# PyTorch is an extra: a type check passes without it.

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from faceplate.errors import RenderError, UsageError

torch = pytest.importorskip("torch", reason="NOT RUN: training, because PyTorch is not installed (faceplate[train])")

from faceplate.train.checkpoint import checkpoints, load_state, newest_state, save_checkpoint  # noqa: E402


def written(model: Path, *steps: int) -> list[Path]:
    return [save_checkpoint(model, step, {"step": step, "w": torch.arange(5.0) * step}) for step in steps]


def test_the_last_two_are_kept_and_the_newest_is_read(tmp_path: Path) -> None:
    written(tmp_path, 5, 10, 15)
    assert [path.name for path in checkpoints(tmp_path)] == ["step_00000015.pt", "step_00000010.pt"]
    state, notes = newest_state(tmp_path)
    assert state["step"] == 15 and torch.equal(state["w"], torch.arange(5.0) * 15) and notes == ()


@pytest.mark.parametrize("damage", ["cut", "bit", "empty", "other"])
def test_a_damaged_checkpoint_is_passed_over(tmp_path: Path, damage: str) -> None:
    _, path = written(tmp_path, 5, 10)
    data = bytearray(path.read_bytes())
    if damage == "bit":
        data[-200] ^= 1
    path.write_bytes({"cut": data[:-50], "bit": data, "empty": b"", "other": b"PK" + data}[damage])
    state, notes = newest_state(tmp_path)
    assert state["step"] == 5
    assert len(notes) == 1 and "step_00000010.pt is damaged" in notes[0]


def test_when_all_are_damaged_one_sentence_says_so(tmp_path: Path) -> None:
    for path in written(tmp_path, 5, 10):
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(RenderError, match="damaged") as caught:
        newest_state(tmp_path)
    assert caught.value.code == "damaged-checkpoint"


def test_without_any_the_command_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="faceplate train run") as caught:
        newest_state(tmp_path)
    assert caught.value.code == "no-checkpoint"


def test_nothing_in_a_file_is_executed(tmp_path: Path) -> None:
    """A pickle that would call a function is refused, even with a right hash."""
    import io
    import pickle

    from faceplate.train import checkpoint

    class Calls:
        def __reduce__(self) -> tuple:
            return print, ("executed",)

    buffer = io.BytesIO()
    torch.save({"w": Calls()}, buffer, pickle_module=pickle)
    path = tmp_path / "evil.pt"
    checkpoint.save_bytes(path, buffer.getvalue())
    with pytest.raises(RenderError) as caught:
        load_state(path)
    assert caught.value.code == "damaged-checkpoint"


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, 5)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(RenderError, match="disk or the quota is full") as caught:
        written(tmp_path, 10)
    assert caught.value.code == "disk-full"
    monkeypatch.undo()
    assert newest_state(tmp_path)[0]["step"] == 5
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step_00000005.pt"]
