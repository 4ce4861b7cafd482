"""The carried parameter list and the former names in it."""

from __future__ import annotations

from faceplate.shot.parameters import FORMER_NAMES as ENGINE_NAMES
from faceplate_client import FORMER_NAMES, parameters, with_current_names


def test_former_names_are_the_engines() -> None:
    assert FORMER_NAMES == ENGINE_NAMES
    names = {entry["name"] for entry in parameters()}
    assert set(FORMER_NAMES.values()) <= names and not set(FORMER_NAMES) & names


def test_values_get_their_current_names() -> None:
    assert with_current_names({"keep": "eyes", "grain": 0.5}) == {"keep_regions": "eyes", "grain": 0.5}
    assert with_current_names({"keep_regions": "nose", "keep": "eyes"}) == {"keep_regions": "nose"}
    assert with_current_names({}) == {}
