"""A frame names the releases under which its model was trained, and revoking one of them refuses the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from faceplate import Renderer, Shot, UsageError
from faceplate.consent import read_revocations, revoke
from faceplate.models.card import read_card, write_card
from faceplate.provenance import verify
from faceplate.shot.parameters import Parameters
from faceplate.signing import Keyring
from plates import read_file
from releases import TODAY, key_of
from stand_ins import FACE, make_store, write_noise_plate


@pytest.fixture
def shot(tmp_path: Path, studio_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Shot:
    """A preview of one frame with a model that was trained under two releases."""
    store = make_store(tmp_path / "models")
    card = read_card(store / "actor.card.json")
    write_card(store, card.model_copy(update={"releases": ("ada-1", "ben-1")}))
    write_noise_plate(tmp_path / "p.1001.exr")
    monkeypatch.setenv("FACEPLATE_MODELS", str(store))
    monkeypatch.setenv("FACEPLATE_KEYRING", str(studio_folder))
    parameters = Parameters(generator="actor", occlusion=0.0, grain=0.0)
    return Shot(plate=f"{tmp_path}/p.####.exr", output=f"{tmp_path}/o.####.exr", frames=(1001,), parameters=parameters)


def test_a_frame_and_its_report_name_the_releases(shot: Shot, studio_folder: Path) -> None:
    renderer = Renderer(shot)
    written = renderer.write(renderer.render(1001, FACE))
    assert read_file(written.path)[1].getattribute("faceplate:training_releases") == "ada-1, ben-1"
    assert renderer.resources.take()["training_releases"] == "ada-1, ben-1"
    revoke(studio_folder, "ben-1", key_of(studio_folder), "taken back", TODAY)
    keyring = Keyring.read(studio_folder)
    verdict = verify(str(written.path), keyring=keyring, revocations=read_revocations(studio_folder, keyring))
    assert "trained under ada-1, ben-1" in verdict.release and "ben-1 was revoked on 2026-11-25" in verdict.release


@pytest.mark.parametrize("changes", [{}, {"purpose": "final"}, {"overrides": ({"frames": [1001]},)}])
def test_a_revoked_release_refuses_the_model(shot: Shot, studio_folder: Path, changes: dict[str, Any]) -> None:
    revoke(studio_folder, "ben-1", key_of(studio_folder), "taken back", TODAY)
    if "overrides" in changes:  # the model makes some frames only
        overrides = ({"frames": frozenset({1001}), "constants": {"generator": "actor"}},)
        changes = {"overrides": overrides, "parameters": Parameters(generator="null")}
    refused = Shot.model_validate({**shot.model_dump(), **changes})
    for ask in (lambda: Renderer(refused).prepare(), lambda: Renderer(refused).load(1001, FACE)):
        with pytest.raises(UsageError, match="'actor' may not be used: release ben-1") as told:
            ask()
        assert told.value.code == "release-revoked"


def test_other_models_and_other_releases_are_not_affected(shot: Shot, studio_folder: Path) -> None:
    revoke(studio_folder, "cal-1", key_of(studio_folder), "taken back", TODAY)
    assert Renderer(shot).resources.consent.decision.allowed
    revoke(studio_folder, "ben-1", key_of(studio_folder), "taken back", TODAY)
    other = shot.model_copy(update={"parameters": Parameters(generator="null")})
    assert Renderer(other).resources.consent.decision.allowed
