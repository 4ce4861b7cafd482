"""A base of several people, and a model that starts from it."""

# pyright: reportMissingImports=false
# PyTorch is an extra: a type check passes without it.

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from faceplate.errors import UsageError
from faceplate.face import FaceFinder
from faceplate.models import embedded_store
from faceplate.train.base import BaseRequest, make_base
from faceplate.train.gather import Gathering
from faceplate.train.inputs import ReadSettings
from faceplate.train.pack import dataset_folder, open_training_set, write_training_set
from faceplate.train.presets import PRESETS
from training_faces import write_drawn_dataset
from training_inputs import GOOD, MadeDataset, release_for, write_actor


def drawn_dataset(model: Path, prefix: str, side: int = 64, release: str = "r") -> Path:
    document = write_drawn_dataset(model, side, count=6, held_out=2)
    people = {person: (f"{prefix}.{person}.####.exr",) for person in document.people}
    changed = document.model_copy(update={"people": people, "releases": (release,)})
    write_training_set(dataset_folder(model), changed)
    return model


def test_the_people_of_all_datasets_are_joined_with_their_releases(tmp_path: Path) -> None:
    one, two = drawn_dataset(tmp_path / "one", "a", release="r1"), drawn_dataset(tmp_path / "two", "b", release="r2")
    make_base(BaseRequest(tmp_path / "base", (one, two, one)))
    document, packs = open_training_set(tmp_path / "base", verify=True)
    assert list(packs) == [f"person_{number:02d}" for number in range(4)]
    assert document.releases == ("r1", "r2")


def test_people_in_folders_are_gathered_with_their_releases(
    tmp_path: Path, dataset: MadeDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder beside a dataset. Without a release, twice the same person, and another size are refused."""
    monkeypatch.setenv("FACEPLATE_KEYRING", str(dataset.studio))
    bea, drawn = write_actor(tmp_path / "bea", faulty=False), tmp_path / "drawn"
    drawn_dataset(drawn, "a", side=96, release="r1")
    gathering = Gathering(96, ReadSettings(FaceFinder.embedded()), 2)
    request = BaseRequest(tmp_path / "base", (drawn,), (bea,), gathering)

    def code(asked: BaseRequest) -> str:
        with pytest.raises(UsageError) as caught:
            make_base(asked)
        return caught.value.code

    assert code(request) == "release-none"
    own = release_for(bea, dataset.studio)
    assert code(replace(request, people=(bea, bea))) == "same-person"
    assert code(replace(request, gathering=replace(gathering, size=64))) == "sizes-differ"
    made = make_base(request)
    read, packs = open_training_set(request.model, verify=True)
    assert made == read and list(packs) == [f"person_{number:02d}" for number in range(3)]
    assert made.people["person_02"] == (str(bea),) and set(made.releases) == {"r1", own}
    assert len(packs["person_02"]) == GOOD and not packs["person_02"].held_out.all()


def test_a_training_that_begins_at_another_model_comes_to_its_end_sooner() -> None:
    quick = PRESETS["quick"]
    begun = quick.begun()
    assert begun.ease == (quick.ease[0] // 3, quick.ease[1] // 3) and begun.likeness_from == quick.likeness_from // 3
    assert replace(begun, ease=quick.ease, likeness_from=quick.likeness_from) == quick


@pytest.mark.parametrize(
    ("case", "code"), [("one", "no-people"), ("sizes", "sizes-differ"), ("there", "dataset-exists")]
)
def test_bad_input(tmp_path: Path, case: str, code: str) -> None:
    first = drawn_dataset(tmp_path / "one", "a")
    sources = (first, drawn_dataset(tmp_path / "two", "b", side=96)) if case == "sizes" else (first,)
    target = first if case == "there" else tmp_path / "base"
    with pytest.raises(UsageError) as caught:
        make_base(BaseRequest(target, () if case == "one" else sources))
    assert caught.value.code == code


def test_a_model_starts_from_a_base(tmp_path: Path) -> None:
    torch = pytest.importorskip(
        "torch", reason="NOT RUN: training, because PyTorch is not installed (faceplate[train])"
    )
    from faceplate.train.initial import best_state
    from faceplate.train.loop import train
    from faceplate.train.settings import RunSettings

    def run(model: Path, **values: object) -> None:
        settings = RunSettings("tiny", device="cpu", workers=0, threads=1, **values)  # type: ignore[arg-type]
        train(model, settings, embedded_store(), lambda _: None)

    sources = (
        drawn_dataset(tmp_path / "one", "a", release="r-base"),
        drawn_dataset(tmp_path / "two", "b", release="r-base"),
    )
    base, model = tmp_path / "base", drawn_dataset(tmp_path / "ada", "c")
    make_base(BaseRequest(base, sources))
    run(base, steps=4)
    run(model, init=base, steps=1)
    before, after = best_state(base), best_state(model)
    assert after["base"] == before["dataset"]
    assert after["releases"] == ["r", "r-base"]  # a revoked release of the base's people refuses the model too
    for name in ("encoder.convs.0.weight", "shared.weight", "face.head.weight"):
        moved = (after["average"][name] - before["average"][name]).abs().max()
        assert moved < 0.05, name  # one step away, and not new random numbers
    mean = before["average"]["own_weight"].mean(0)
    assert torch.allclose(after["average"]["own_weight"][0], mean, atol=0.02)
    larger = drawn_dataset(tmp_path / "larger", "d", side=96)
    run(drawn_dataset(tmp_path / "small", "e", side=80), steps=2)  # 80 and 96 pixels are both halved four times
    run(larger, init=tmp_path / "small", steps=1)
    small, grown = (best_state(tmp_path / name)["average"] for name in ("small", "larger"))
    assert torch.allclose(grown["encoder.convs.0.weight"], small["encoder.convs.0.weight"], atol=0.01)
    cells = grown["shared.bias"].reshape(-1, 6, 6).mean((1, 2)), small["shared.bias"].reshape(-1, 5, 5).mean((1, 2))
    assert torch.allclose(*cells, atol=0.02)
    other = drawn_dataset(tmp_path / "large", "f", side=96)
    with pytest.raises(UsageError) as caught:
        run(other, init=base, steps=1)
    assert caught.value.code == "init-does-not-fit"
