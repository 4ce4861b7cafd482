"""The script's own Writes are never rewritten silently: inner Writes come first by an order below theirs."""

from __future__ import annotations

from typing import Any

import pytest

from fake_nuke import nuke
from nuke_stage import Stage


@pytest.fixture
def node(stage: Stage) -> Any:
    """A FaceSwap whose plate comes through its inner Write."""
    return stage.faceswap(nuke.nodes.Grade(inputs=[stage.read]))


def test_the_artists_write_stays_as_it_is(stage: Stage, node: Any) -> None:
    second = stage.faceswap(nuke.nodes.Grade(inputs=[node]))
    write = stage.write(second)
    stage.save()
    inner = [one.node("PlateOut")["render_order"].value() for one in (node, second)]
    assert inner == [-99, -98] and write["render_order"].value() == 1.0
    assert stage.session.said == []


def clamped(monkeypatch: pytest.MonkeyPatch, write: Any) -> None:
    """A Nuke that keeps no order below 1."""
    knob = write["render_order"]
    monkeypatch.setattr(knob, "_checked", lambda value: max(1.0, float(value)))


@pytest.mark.parametrize("answer", [True, False])
def test_where_nuke_keeps_no_low_order_one_dialog_asks_and_undo_takes_it_back(
    stage: Stage, node: Any, monkeypatch: pytest.MonkeyPatch, answer: bool
) -> None:
    write = stage.write(node)
    for name in ("PlateOut", "MatteOut"):
        clamped(monkeypatch, node.node(name))
    stage.session.answers["ask"] = answer
    steps = len(stage.session.undo_steps)
    stage.save()
    stage.save()
    assert len(stage.session.said) == 1 and "Write1 from 1 to 2" in stage.session.said[0]
    assert write["render_order"].value() == (2.0 if answer else 1.0)
    assert len(stage.session.undo_steps) == steps + answer
    if answer:
        nuke.undo()
        assert write["render_order"].value() == 1.0


def test_a_write_that_needs_no_inner_write_is_not_asked_about(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    node = stage.faceswap()  # straight from its Read
    stage.write(node)["render_order"].setValue(-200)
    stage.save()
    assert stage.session.said == []


def test_a_write_with_an_order_of_its_own_below_is_asked_about(stage: Stage, node: Any) -> None:
    stage.write(node)["render_order"].setValue(-200)
    stage.save()
    assert "Write1 from -200 to -98" in stage.session.said[0]
