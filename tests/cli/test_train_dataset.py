"""`faceplate train dataset`: what it prints, and one sentence for a request that cannot be carried out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceplate.cli import main, train
from faceplate.train.coverage import coverage_of
from faceplate.train.crops import FaceMeasures
from faceplate.train.dataset import DatasetRequest
from faceplate.train.pack import Dropped, Pack, TrainingSet, dataset_folder, pack_digest, write_pack, write_training_set

SEEN = FaceMeasures(0.0, 0.0, 0.0, 0.3, (0.0, 0.0), 400.0, 1.0, 0.0, 0.0, np.zeros((24, 24), np.float32))
TURNED = FaceMeasures(40.0, 0.0, 0.0, 0.3, (0.0, 0.0), 400.0, 1.0, 0.0, 0.0, np.zeros((24, 24), np.float32))


def made(request: DatasetRequest, progress: Any) -> TrainingSet:
    """A dataset of three grey faces of each person, as `make_dataset` would write it."""
    folder, shape = dataset_folder(request.model), (3, 64, 64)
    for person in ("actor", "double"):
        progress(person, 1, 3)
        write_pack(
            folder,
            person,
            Pack(
                np.zeros((*shape, 3), np.float16),
                np.zeros(shape, np.uint8),
                np.zeros(shape, np.uint8),
                np.zeros((3, 478, 2), np.float32),
                np.zeros((3, 128), np.float32),
                np.array([False, False, True]),
            ),
        )
    reasons = (
        "blurred: sharpness 0.10, the person's usual is 1.00",
        "near-duplicate of a.png",
        "near-duplicate of b.png",
    )
    document = TrainingSet(
        size=64,
        people={"actor": tuple(map(str, request.actor)), "double": tuple(map(str, request.double))},
        releases=("ada-1", "ben-1"),
        sha256=pack_digest(folder, ("actor", "double")),
        coverage=coverage_of([SEEN] * 3, [TURNED] * 3).model_dump(mode="json"),
        dropped=tuple(Dropped(file=f"{number}.png", reason=reason) for number, reason in enumerate(reasons)),
    )
    write_training_set(folder, document)
    return document


def test_the_command_tells_what_it_made_and_what_to_film(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[DatasetRequest] = []
    monkeypatch.setattr(
        train, "make_dataset", lambda request, progress: asked.append(request) or made(request, progress)
    )
    words = ["train", "dataset", str(tmp_path / "m"), "--actor", "ada/", "--actor", "i.mov", "--double", "s.shot.json"]
    with pytest.raises(SystemExit) as ended:
        main.run([*words, "--size", "64", "--every", "3", "--production", "Glass"])
    assert ended.value.code == 0
    assert asked[0].actor == (Path("ada"), Path("i.mov")) and asked[0].settings.every == 3
    assert asked[0].production == "Glass" and asked[0].size == 64
    assert capsys.readouterr().out.splitlines() == [
        "actor: 3 faces of 64 pixels, 1 of them held out",
        "double: 3 faces of 64 pixels, 1 of them held out",
        "Left out: 2 near-duplicate, 1 blurred; each with its reason in dataset.json",
        "Releases: ada-1, ben-1",
        "Film the actor speaking, the head turned more than 25 degrees to their own left: the double does so in 3 frames, the "
        "actor in none.",
        f"The chart: {tmp_path / 'm' / 'dataset' / 'coverage.png'}",
    ]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "the actor is missing; give --actor PATH"),
        (["--actor", "x"], "the double is missing; give --double PATH"),
        (["--actor", "x", "--double", "y", "--size", "1024"], "--size is 1024; it can be 64 to 512"),
        (["--actor", "nowhere", "--double", "y"], "There is no source at nowhere"),
    ],
)
def test_a_wrong_request_is_one_sentence(
    words: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main.run(["train", "dataset", str(tmp_path / "m"), *words])
    told = capsys.readouterr()
    assert ended.value.code == 2 and sentence in told.err and told.err.count("\n") == 1 and not told.out
    assert not (tmp_path / "m").exists()
