"""A dataset holds the faces of both people as a render would cut them, without the pictures that teach a wrong thing."""

from __future__ import annotations

import contextlib
import errno
import io
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceplate.color import ColorConfig, Exposure, encode
from faceplate.consent import revoke
from faceplate.errors import RenderError, UsageError
from faceplate.face.align import crop_matrix
from faceplate.generators import CropTransform
from faceplate.image.window import Window
from faceplate.plate import Sequence
from faceplate.render.crop import PlateCrop
from faceplate.shot import load_shot
from faceplate.track import PlateReader, Track
from faceplate.train.dataset import COVERAGE_SHEET, make_dataset
from faceplate.train.gather import held_out_stretches
from faceplate.train.pack import DOCUMENT, EYES, MOUTH, dataset_folder, open_training_set
from faceplate.train.spool import Spool
from releases import TODAY, key_of
from training_inputs import FAULTY, GOOD, MadeDataset, release_for, write_actor


def test_every_faulty_picture_is_left_out_with_its_own_reason(dataset: MadeDataset) -> None:
    reasons = {Path(item.file).name: item.reason for item in dataset.read.dropped if "bea" in item.file}
    assert {name: reason.partition(":")[0].partition(" of ")[0] for name, reason in reasons.items()} == FAULTY
    assert reasons["y4_again.png"] == "near-duplicate of bea/front.png"
    assert len(dataset.packs["actor"]) == GOOD and len(dataset.packs["double"]) == 10


def test_a_crop_is_what_a_render_shows_a_dfm_generator(dataset: MadeDataset) -> None:
    shot = load_shot(dataset.request.double[0])
    assert shot.track is not None
    track, color = Track.load(shot.track), ColorConfig.load(environ={})
    tracked = track.face(track.people[0].id, 1003)
    assert tracked is not None
    with PlateReader(Sequence.parse(shot.plate), color).open(1003) as picture:
        plate = picture.read(picture.file.data)
    transform = CropTransform(crop_matrix(tracked.face.five, "dfl_whole_face", 96), Window(0, 0, 96, 96))
    shown = PlateCrop.cut(plate.working(), plate, transform, tracked.face, 1003)
    wanted = encode(color.to_linear709(shown.pixels), Exposure.of_level(tracked.face.level).gain)
    pack = dataset.packs["double"]
    assert np.array_equal(pack.pixels[2], wanted.astype(np.float16))
    assert np.allclose(pack.landmarks[2], shown.face.points[:, :2], atol=1e-3)


def test_matte_and_regions_lie_on_the_face(dataset: MadeDataset) -> None:
    for pack in dataset.packs.values():
        for matte, regions, points in zip(pack.matte, pack.regions, pack.landmarks, strict=True):
            nose, eye, lip = (np.floor(points[k]).astype(int) for k in (4, 468, 13))
            assert matte[nose[1], nose[0]] == 255 and matte[2, 2] == 0
            assert regions[eye[1], eye[0]] == EYES and regions[lip[1], lip[0]] == MOUTH
            assert regions[nose[1], nose[0]] == 0
        assert np.allclose(np.linalg.norm(pack.embedding, axis=1), 1, atol=1e-3)
        assert 0.1 < float(pack.pixels.astype(np.float32).mean()) < 0.6


def test_the_document_names_inputs_releases_and_coverage(dataset: MadeDataset) -> None:
    assert dataset.read == dataset.made
    assert dataset.read.releases == ("bea", "ada")
    assert dataset.read.people["double"] == (str(dataset.request.double[0]),)
    counts = dataset.read.coverage["counts"]
    assert np.sum(counts["actor"]) == GOOD and np.sum(counts["double"]) == 10
    assert (dataset_folder(dataset.request.model) / COVERAGE_SHEET).read_bytes()[:4] == b"\x89PNG"
    left = {path.name.partition(".")[0] for path in dataset_folder(dataset.request.model).iterdir()}
    assert left == {"actor", "double", "dataset", "coverage"}  # no spool


def test_stretches_of_neighbours_are_held_out() -> None:
    for count in (10, 24, 100, 480):
        held = held_out_stretches([0] * count)
        edges = np.flatnonzero(np.diff(np.concatenate([[False], held, [False]]).astype(int)))
        lengths = edges[1::2] - edges[::2]
        assert lengths.min() >= (2 if count < 60 else 6)
        assert 0.08 * count <= held.sum() <= max(0.12 * count, 2)
    crossing = held_out_stretches([0] * 50 + [1] * 50)
    assert not (crossing[:50].any() and crossing[50:].any() and crossing[49] and crossing[50])


@pytest.mark.parametrize("person", ["actor", "double"])
def test_a_missing_person_is_one_sentence(dataset: MadeDataset, person: str) -> None:
    with pytest.raises(UsageError, match=f"give --{person} PATH") as caught:
        make_dataset(replace(dataset.request, **{person: ()}))
    assert caught.value.code == f"no-{person}"


def test_a_dataset_of_one_picture_is_refused(dataset: MadeDataset, tmp_path: Path) -> None:
    picture = dataset.request.actor[0] / "front.png"
    with pytest.raises(UsageError, match="The actor has 1 usable face; a model needs at least 10") as caught:
        make_dataset(replace(dataset.request, actor=(picture,), model=tmp_path / "m"))
    assert caught.value.code == "too-few-faces"
    assert not (dataset_folder(tmp_path / "m") / DOCUMENT).exists()


def test_one_person_in_both_roles_is_refused(dataset: MadeDataset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="look like one person") as caught:
        make_dataset(replace(dataset.request, actor=dataset.request.double, model=tmp_path / "m"))
    assert caught.value.code == "same-person"


def test_a_shot_without_a_track_is_refused_with_the_command(dataset: MadeDataset, tmp_path: Path) -> None:
    shot = tmp_path / "sh020.shot.json"
    shot.write_text('{"faceplate_shot": 1, "plate": "plate.####.exr"}', "utf-8")
    with pytest.raises(UsageError, match=r"faceplate track '.*' -o .*sh020.track.json") as caught:
        make_dataset(replace(dataset.request, double=(shot,)))
    assert caught.value.code == "no-track"


def test_a_size_that_no_network_can_have_is_refused(dataset: MadeDataset) -> None:
    for size in (32, 1024, 100):
        with pytest.raises(UsageError) as caught:
            make_dataset(replace(dataset.request, size=size))
        assert caught.value.code == "bad-size"


def test_a_full_disk_keeps_the_dataset_that_was_there(dataset: MadeDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    before = open_training_set(dataset.request.model)[0]
    beside = Spool.beside

    @contextlib.contextmanager
    def full(path: Path, size: int) -> Iterator[Spool]:
        with beside(path, size) as spool:
            yield replace(spool, files={name: Full() for name in spool.files})

    monkeypatch.setattr(Spool, "beside", full)
    with pytest.raises(RenderError, match="the disk or the quota is full") as caught:
        make_dataset(dataset.request)
    assert caught.value.code == "disk-full"
    assert open_training_set(dataset.request.model, verify=True)[0] == before


def test_a_dataset_under_a_revoked_release_is_not_opened(dataset: MadeDataset, tmp_path: Path) -> None:
    studio = shutil.copytree(dataset.studio, tmp_path / "keyring")
    revoke(studio, "ada", key_of(dataset.studio), "taken back", TODAY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACEPLATE_KEYRING", str(studio))
        with pytest.raises(UsageError, match="release ada, under which it was made, was revoked") as caught:
            open_training_set(dataset.request.model)
    assert caught.value.code == "release-revoked"


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"permitted": {"shots": ["*"], "uses": ["stunt"]}}, "release-other-use"), (None, "release-none")],
)
def test_no_dataset_without_a_release_that_permits_training(
    dataset: MadeDataset, tmp_path: Path, changes: dict[str, Any] | None, code: str
) -> None:
    actor = write_actor(tmp_path / "bea", faulty=False)
    if changes is not None:
        release_for(actor, dataset.studio, **changes)
    with pytest.raises(UsageError, match="No training on the actor's") as caught:
        make_dataset(replace(dataset.request, actor=(actor,), model=tmp_path / "m"))
    assert caught.value.code == code
    assert not (tmp_path / "m").exists()
