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
