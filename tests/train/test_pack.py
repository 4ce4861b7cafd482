"""The files of a dataset come back as they were written, and a damaged one is refused with one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faceplate.errors import UsageError
from faceplate.train.pack import (
    Pack,
    TrainingSet,
    dataset_folder,
    open_pack,
    open_training_set,
    pack_digest,
    write_pack,
    write_training_set,
)


def _pack(count: int = 3, side: int = 64) -> Pack:
    rng = np.random.default_rng(count)
    return Pack(
        rng.random((count, side, side, 3)).astype(np.float16),
        rng.integers(0, 256, (count, side, side)).astype(np.uint8),
        rng.integers(0, 4, (count, side, side)).astype(np.uint8),
        rng.random((count, 478, 2)).astype(np.float32),
        rng.random((count, 128)).astype(np.float32),
        np.arange(count) == 0,
    )


def _written(model: Path) -> tuple[Path, Pack]:
    folder, pack = dataset_folder(model), _pack()
    write_pack(folder, "actor", pack)
    write_pack(folder, "double", _pack(4))
    people = {"actor": ("ada",), "double": ("ben",)}
    write_training_set(folder, TrainingSet(size=64, people=people, sha256=pack_digest(folder, people)))
    return folder, pack


def test_a_pack_comes_back_bit_for_bit(tmp_path: Path) -> None:
    _, pack = _written(tmp_path)
    document, packs = open_training_set(tmp_path, verify=True)
    assert document.size == 64 and len(packs["actor"]) == 3 and len(packs["double"]) == 4
    for name in ("pixels", "matte", "regions", "landmarks", "embedding", "held_out"):
        read = getattr(packs["actor"], name)
        assert isinstance(read, np.memmap)
        assert np.array_equal(read, getattr(pack, name))


def test_the_actor_comes_first(tmp_path: Path) -> None:
    folder, _ = _written(tmp_path)
    people = {"double": ("ben",), "actor": ("ada",)}
    write_training_set(folder, TrainingSet(size=64, people=people, sha256=pack_digest(folder, people)))
    assert list(open_training_set(tmp_path)[1]) == ["actor", "double"]


def test_changed_pixels_change_the_digest(tmp_path: Path) -> None:
    folder, pack = _written(tmp_path)
    changed = pack.matte.copy()
    changed[0, 0, 0] ^= 1
    write_pack(folder, "actor", Pack(pack.pixels, changed, pack.regions, pack.landmarks, pack.embedding, pack.held_out))
    with pytest.raises(UsageError, match="sha256") as caught:
        open_training_set(tmp_path, verify=True)
    assert caught.value.code == "bad-dataset"


def test_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="faceplate train dataset") as caught:
        open_training_set(tmp_path)
    assert caught.value.code == "no-dataset"


@pytest.mark.parametrize("damage", ["cut", "empty", "missing", "other-length"])
def test_a_damaged_file_is_named(tmp_path: Path, damage: str) -> None:
    folder, _ = _written(tmp_path)
    path = folder / "actor.matte.npy"
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:200])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "missing":
        path.unlink()
    else:
        np.save(path, np.zeros((2, 64, 64), np.uint8))
    with pytest.raises(UsageError, match=r"actor\.matte\.npy") as caught:
        open_pack(folder, "actor")
    assert caught.value.code == "bad-dataset"


def test_a_document_with_an_unknown_size_is_refused(tmp_path: Path) -> None:
    folder, _ = _written(tmp_path)
    path = folder / "dataset.json"
    path.write_text(path.read_text("utf-8").replace('"size": 64', '"size": 7'), "utf-8")
    with pytest.raises(UsageError, match="size") as caught:
        open_training_set(tmp_path)
    assert caught.value.code == "bad-dataset"
