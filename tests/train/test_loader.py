"""The feed gives the batches of the steps in their order, however many workers prepare them."""

# pyright: reportMissingImports=false
# PyTorch is an extra: a type check passes without it.

from __future__ import annotations

import threading
from pathlib import Path

import cv2
import pytest

torch = pytest.importorskip("torch", reason="NOT RUN: training, because PyTorch is not installed (faceplate[train])")

from faceplate.train.batches import BatchMaker  # noqa: E402
from faceplate.train.loader import Feed, tensors  # noqa: E402
from faceplate.train.pack import open_training_set  # noqa: E402
from training_faces import write_drawn_dataset  # noqa: E402


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    write_drawn_dataset(folder, 64, count=8, held_out=0)
    return folder


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_any_number_of_workers_gives_the_same_batches_in_order(model: Path, workers: int) -> None:
    maker = BatchMaker(tuple(open_training_set(model)[1].values()), 2, 7, ease=(0, 9))
    for first, stop in ((0, 20), (18, 20), (5, 5)):
        found = list(Feed(model, 2, 7, workers=workers, ease=(0, 9)).batches(first, stop))
        assert len(found) == stop - first
        for step, batch in zip(range(first, stop), found, strict=True):
            wanted = tensors(maker.batch(step))
            assert torch.equal(batch.faces, wanted.faces) and torch.equal(batch.targets, wanted.targets)
            assert torch.equal(batch.to_recogniser, wanted.to_recogniser)


def test_a_feed_that_is_left_early_ends_its_threads(model: Path) -> None:
    before = threading.active_count()
    batches = Feed(model, 2, 7, workers=2).batches(0, 10_000)
    next(batches)
    assert threading.active_count() > before
    batches.close()  # type: ignore[attr-defined]
    for thread in threading.enumerate():
        if thread.name.startswith("batches"):
            thread.join(10)
    assert threading.active_count() == before


@pytest.mark.parametrize("workers", [0, 2])
def test_opencv_takes_no_cores_from_the_training_and_is_as_before_afterwards(model: Path, workers: int) -> None:
    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    try:
        for _ in Feed(model, 2, 7, workers=workers).batches(0, 3):
            assert cv2.getNumThreads() == 1
        assert cv2.getNumThreads() == 2
    finally:
        cv2.setNumThreads(before)


def test_an_error_in_a_worker_reaches_the_loop(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ValueError("no face")

    monkeypatch.setattr(BatchMaker, "batch", fail)
    with pytest.raises(ValueError, match="no face"):
        next(Feed(model, 2, 7, workers=2).batches(0, 4))
