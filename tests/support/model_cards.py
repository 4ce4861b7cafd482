"""Model cards for the tests, and the code of a refusal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from faceplate.errors import FaceplateError
from faceplate.models import Card
from faceplate.models.card import write_card
from faceplate.models.intake import Answers
from faceplate.models.store import digest

HOUSE_ANSWERS = Answers(licence="CC0-1.0", commercial=True)


def refusal_code(call: Callable[[], object]) -> str:
    with pytest.raises(FaceplateError) as refusal:
        call()
    assert str(refusal.value).endswith(".") and "\n" not in str(refusal.value)
    return refusal.value.code


def write_test_card(folder: Path, name: str, family: str | None = None, **more: Any) -> Card:
    path = folder / f"{name}.onnx"
    values = {
        "name": name, "role": "swap", "file": path.name, "sha256": digest(path) if path.exists() else "0" * 64,
        "version": "1", "licence": "CC0-1.0", "commercial": True, "source": "test", "converted": "none", "inputs": (),
        "outputs": (), "family": family, **more,
    }  # fmt: skip
    made = Card.model_validate(values)
    write_card(folder, made)
    return made
