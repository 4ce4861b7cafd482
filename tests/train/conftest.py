"""One dataset for all tests: bea as the actor, with pictures that have to be left out, and ada as the double."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from faceplate.face import FaceFinder
from faceplate.train.dataset import DatasetRequest, make_dataset
from faceplate.train.inputs import ReadSettings
from faceplate.train.pack import open_training_set
from releases import make_studio
from training_inputs import MadeDataset, release_for, write_actor, write_double


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MadeDataset]:
    folder = tmp_path_factory.mktemp("dataset")
    studio, finder = make_studio(folder), FaceFinder.embedded()
    actor, shot = write_actor(folder / "bea"), write_double(folder / "ada", finder=finder)
    release_for(actor, studio)
    release_for(shot.parent, studio)
    request = DatasetRequest(folder / "model", (actor,), (shot,), 96, ReadSettings(finder), workers=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACEPLATE_KEYRING", str(studio))
        made = make_dataset(request)
        yield MadeDataset(request, made, *open_training_set(request.model, verify=True), studio)
