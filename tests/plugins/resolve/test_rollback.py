"""Steps that are undone when a later one fails."""

from __future__ import annotations

import pytest

from faceplate_client import EngineError, HostError
from faceplate_resolve.rollback import Rollback


class TestSteps:
    def test_undone_last_first_and_told(self) -> None:
        order: list[str] = []
        with pytest.raises(HostError) as caught, Rollback() as steps:
            steps.step("packing")
            steps.done("a", lambda: order.append("a"))
            steps.done("b", lambda: False)
            steps.done("c", lambda: order.append("c"))
            raise HostError("x", "It broke.")
        assert order == ["c", "a"] and caught.value.undone == ["c", "a"] and caught.value.left == ["b"]
        assert str(caught.value) == (
            "While packing: It broke. Undone: c, a. Could not be undone, please do it by hand: b."
        )

    def test_nothing_is_undone_when_nothing_fails(self) -> None:
        order: list[str] = []
        with Rollback() as steps:
            steps.done("a", lambda: order.append("a"))
        assert order == []

    @pytest.mark.parametrize(
        ("error", "code", "told"),
        [
            (EngineError("disk-full", "The disk is full."), "disk-full", "While s: The disk is full."),
            (OSError(28, "No space left on device", "/out"), "disk", "While s: /out: No space left on device."),
        ],
    )
    def test_other_errors_become_sentences(self, error: Exception, code: str, told: str) -> None:
        with pytest.raises(HostError) as caught, Rollback() as steps:
            steps.step("s")
            raise error
        assert (caught.value.code, str(caught.value)) == (code, told)

    def test_a_stopped_script_is_undone_too(self) -> None:
        order: list[str] = []
        with pytest.raises(KeyboardInterrupt), Rollback() as steps:
            steps.done("a", lambda: order.append("a"))
            raise KeyboardInterrupt
        assert order == ["a"]
