"""The policy: which release allows which use."""

from __future__ import annotations

import datetime as dt
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from faceplate.consent import Policy, Request, judge
from faceplate.errors import UsageError
from releases import CASES, TODAY, a_release, case, key_of, on_file


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("purpose", ["preview", "final"])
@pytest.mark.parametrize("state", CASES)
def test_policy_table(state: str, purpose: Any, strict: bool, studio_folder: Path, tmp_path: Path) -> None:
    source, request = case(state, studio_folder, tmp_path / "source")
    policy = Policy(keyring=studio_folder, final_requires_release=strict)
    check, decision = judge(policy, purpose, source, request, {})
    assert check.state == state
    refused = state == "revoked" or (purpose == "final" and strict and state != "valid")
    assert decision.allowed is not refused
    assert bool(decision.slate) is (purpose == "preview" and state not in ("valid", "revoked"))
    assert decision.code == f"release-{state}"
    if refused:
        with pytest.raises(UsageError) as told:
            decision.enforce()
        assert told.value.code == f"release-{state}" and "\n" not in str(told.value)
    assert judge(policy.model_copy(update={"preview_slate": False}), "preview", source, request, {})[1].slate == ""


def test_days_count_whole_and_both_ends(studio_folder: Path, tmp_path: Path) -> None:
    source = on_file(tmp_path / "source", a_release(), key_of(studio_folder))
    days = {"2026-10-31": "not-yet", "2026-11-01": "valid", "2026-12-31": "valid", "2027-01-01": "expired"}
    for day, state in days.items():
        request = Request("Glass", "sh010", dt.date.fromisoformat(day))
        assert judge(Policy(keyring=studio_folder), "final", source, request, {})[0].state == state


def test_names_are_compared_as_people_do(studio_folder: Path, tmp_path: Path) -> None:
    composed = a_release(production="Ångström – Zoë", permitted={"shots": ["SÖ_*"]})
    source = on_file(tmp_path / "source", composed, key_of(studio_folder))
    asked = Request(unicodedata.normalize("NFD", "ÅNGSTRÖM – ZOË"), unicodedata.normalize("NFD", "sö_010"), TODAY)
    assert judge(Policy(keyring=studio_folder), "final", source, asked, {})[0].state == "valid"


# A show that is stricter than its releases --------------------------------------------------------------------------


def test_a_show_without_finals_refuses_one_with_a_valid_release(studio_folder: Path, tmp_path: Path) -> None:
    source = on_file(tmp_path / "source", a_release(), key_of(studio_folder))
    policy = Policy(keyring=studio_folder, allow_finals=False)
    asked = Request("Glass", "sh010", TODAY)
    check, decision = judge(policy, "final", source, asked, {})
    assert check.state == "valid" and (decision.allowed, decision.code) == (False, "finals-off")
    assert judge(policy, "preview", source, asked, {})[1].allowed


@pytest.mark.parametrize("preview_slate", [True, False])
def test_a_slate_always_stands_over_a_valid_release_too(
    preview_slate: bool, studio_folder: Path, tmp_path: Path
) -> None:
    source = on_file(tmp_path / "source", a_release(), key_of(studio_folder))
    policy = Policy(keyring=studio_folder, always_slate=True, preview_slate=preview_slate)
    for purpose in ("preview", "final"):
        check, decision = judge(policy, purpose, source, Request("Glass", "sh010", TODAY), {})
        assert (
            check.state == "valid" and decision.allowed and decision.slate == "AI-GENERATED PREVIEW – not for release"
        )
    unsigned = on_file(tmp_path / "unsigned", a_release(), None)
    decision = judge(policy, "preview", unsigned, Request("Glass", "sh010", TODAY), {})[1]
    assert ("not signed" in decision.slate) is preview_slate and decision.slate
    revoked, request = case("revoked", studio_folder, tmp_path / "revoked")
    decision = judge(policy, "preview", revoked, request, {})[1]
    assert (decision.allowed, decision.code) == (False, "release-revoked")


def test_sources_come_from_the_named_folder_alone(studio_folder: Path, tmp_path: Path) -> None:
    allowed = tmp_path / "people"
    allowed.mkdir()
    inside = on_file(allowed / "ada", a_release(), key_of(studio_folder))
    outside = on_file(tmp_path / "people2", a_release(), key_of(studio_folder))
    (allowed / "link").symlink_to(outside)
    (allowed / "mixed").mkdir()
    (allowed / "mixed" / "front.jpg").symlink_to(outside / "front.jpg")
    policy, asked = Policy(keyring=studio_folder, sources_from=(allowed,)), Request("Glass", "sh010", TODAY)

    def decided(source: Path | None, used: Policy = policy) -> tuple[bool, str]:
        decision = judge(used, "preview", source, asked, {})[1]
        return decision.allowed, decision.code

    assert decided(inside) == (True, "release-valid") and decided(inside / "front.jpg")[0]
    refused = (False, "source-elsewhere")
    for source in (outside, allowed / ".." / "people2", allowed / "link", allowed / "mixed", None):
        assert decided(source) == refused, source
    both = policy.model_copy(update={"sources_from": (tmp_path, allowed / "ada")})
    assert decided(inside, both)[0] and decided(outside, both) == refused
