"""Sessions: which networks' threads may wait by spinning."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import onnxruntime
import pytest

import onnx_graphs as graphs
from faceplate.models import Runtime
from faceplate.models.devices import CPU, Target
from faceplate.models.ort_session import create_session
from model_cards import write_test_card


@pytest.mark.parametrize(
    ("role", "workers", "spins"),
    [
        ("swap", 1, True),
        ("restore", 1, True),
        ("landmarks", 1, False),
        ("occlusion-matte", 1, False),
        ("swap", 2, False),
    ],
)
def test_only_a_network_that_makes_faces_spins_on_every_core(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, role: str, workers: int, spins: bool
) -> None:
    graphs.swap(tmp_path / "net.onnx", 128)
    card = write_test_card(tmp_path, "net", role=role)
    given: list[Any] = []

    def listen(_graph: object, options: Any, **_more: object) -> SimpleNamespace:
        given.append(options)
        return SimpleNamespace()

    monkeypatch.setattr(onnxruntime, "InferenceSession", listen)
    create_session(tmp_path / card.file, card, Target(CPU), Runtime(workers=workers))
    (options,) = given
    assert options.get_session_config_entry("session.force_spinning_stop") == "1"
    if spins:
        with pytest.raises(RuntimeError):  # not set: ONNX Runtime's default
            options.get_session_config_entry("session.intra_op.allow_spinning")
    else:
        assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
