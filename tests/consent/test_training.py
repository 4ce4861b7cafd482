"""Training needs its own permission, and a revoked release refuses the models that were trained under it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from faceplate.consent import Policy, Request, TrainingPictures, judge, judge_training, refuse_revoked, revoke
from faceplate.demo import person
from faceplate.errors import UsageError
from faceplate.system.file_hash import sha256_of
from releases import TODAY, a_release, key_of, on_file

TRAINING = {"shots": ["*"], "uses": ["stunt", "training"]}


def allowed(studio: Path, *places: TrainingPictures) -> tuple[str, ...]:
    return judge_training(places, {}, keyring=studio)


def test_the_releases_of_both_people_permit(studio_folder: Path, tmp_path: Path) -> None:
    key = key_of(studio_folder)
    ada = on_file(tmp_path / "ada", a_release(id="ada-1", permitted=TRAINING), key)
    ben = on_file(tmp_path / "ben", a_release(id="ben-1", permitted=TRAINING), key)
    places = [TrainingPictures("actor", ada, "Glass"), TrainingPictures("double", ben, "Glass", "sh010")]
    assert allowed(studio_folder, *places, places[0]) == ("ada-1", "ben-1")


@pytest.mark.parametrize(
    ("changes", "place", "code"),
    [
        ({"permitted": {"shots": ["*"], "uses": ["stunt"]}}, {}, "release-other-use"),
        ({"permitted": TRAINING}, {"production": "Stone"}, "release-other-production"),
        ({"permitted": TRAINING | {"last_day": "2026-01-01"}}, {}, "release-expired"),
        ({"permitted": TRAINING | {"shots": ["sh01*"]}}, {"shot": "sh020"}, "release-other-shot"),
        ({"permitted": TRAINING, "pictures": ["0" * 64]}, {}, "release-other-pictures"),
    ],
)
def test_what_does_not_permit_training(
    changes: dict[str, Any], place: dict[str, str], code: str, studio_folder: Path, tmp_path: Path
) -> None:
    source = on_file(tmp_path / "ada", a_release(**changes), key_of(studio_folder))
    with pytest.raises(UsageError, match="No training on the actor's") as told:
        allowed(
            studio_folder, TrainingPictures("actor", source, place.get("production", "Glass"), place.get("shot", ""))
        )
    assert told.value.code == code and "\n" not in str(told.value)


def test_pictures_of_no_shot_are_not_held_to_the_shots(studio_folder: Path, tmp_path: Path) -> None:
    release = a_release(permitted=TRAINING | {"shots": ["sh01*"]})
    source = on_file(tmp_path / "ada", release, key_of(studio_folder))
    assert allowed(studio_folder, TrainingPictures("actor", source, "Glass")) == ("r1",)
    check, _ = judge(Policy(keyring=studio_folder), "final", source, Request("Glass", "", TODAY, "stunt"), {})
    assert check.state == "other-shot"  # a render always belongs to a shot


def test_a_release_elsewhere_still_covers_only_its_pictures(studio_folder: Path, tmp_path: Path) -> None:
    key, pictures = key_of(studio_folder), on_file(tmp_path / "plates", None, None)
    bound = a_release(permitted=TRAINING, pictures=[sha256_of(pictures / "front.jpg")])
    papers = on_file(tmp_path / "papers", bound, key) / "release.json"
    asked = TrainingPictures("double", pictures, "Glass", "sh010", papers)
    assert allowed(studio_folder, asked) == ("r1",)
    (pictures / "other.jpg").write_bytes((person("bea") / "front.jpg").read_bytes())
    with pytest.raises(UsageError, match=r"does not name the picture other\.jpg"):
        allowed(studio_folder, asked)


def test_invented_people_are_free(studio_folder: Path) -> None:
    asked = TrainingPictures("actor", Path(person("ada")))
    assert allowed(studio_folder, asked) == ("faceplate-demo-ada",)


def test_a_revoked_release_permits_no_training(studio_folder: Path, tmp_path: Path) -> None:
    source = on_file(tmp_path / "ada", a_release(permitted=TRAINING), key_of(studio_folder))
    revoke(studio_folder, "r1", key_of(studio_folder), "taken back", TODAY)
    with pytest.raises(UsageError) as told:
        allowed(studio_folder, TrainingPictures("actor", source, "Glass"))
    assert told.value.code == "release-revoked"
    (studio_folder / "revoked.json").write_text("{}", "utf-8")
    with pytest.raises(UsageError) as told:  # an entry may have been hidden
        allowed(studio_folder, TrainingPictures("actor", source, "Glass"))
    assert told.value.code == "revocations-damaged"


@pytest.mark.parametrize("purpose", ["preview", "final"])
def test_revoking_refuses_the_model(purpose: Any, studio_folder: Path, tmp_path: Path) -> None:
    source = on_file(tmp_path / "ada", a_release(), key_of(studio_folder))
    policy = Policy(keyring=studio_folder)
    request, trained = Request("Glass", "sh010", TODAY, "stunt"), {"ada_v3": ("ada-1", "ben-1")}
    assert judge(policy, purpose, source, request, {}, trained=trained)[1].allowed
    revoke(studio_folder, "ben-1", key_of(studio_folder), "taken back", TODAY)
    check, decision = judge(policy, purpose, source, request, {}, trained=trained)
    assert check.state == "revoked" and not decision.allowed and decision.code == "release-revoked"
    assert "'ada_v3'" in decision.why and "ben-1" in decision.why
    assert judge(policy, purpose, source, request, {}, trained={"other": ("ada-1",)})[1].allowed


def test_revoking_stops_the_training_of_a_dataset(studio_folder: Path) -> None:
    refuse_revoked("model/", ("ada-1", "ben-1"), {}, studio_folder)
    revoke(studio_folder, "ada-1", key_of(studio_folder), "taken back", TODAY)
    refuse_revoked("model/", ("ben-1",), {}, studio_folder)
    with pytest.raises(UsageError, match="release ada-1, under which it was made, was revoked") as told:
        refuse_revoked("model/", ("ada-1", "ben-1"), {}, studio_folder)
    assert told.value.code == "release-revoked"
