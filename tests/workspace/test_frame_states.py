"""Keys of a timeline: worked out once a minute, and anew for another renderer or a changed plate."""

from __future__ import annotations

from typing import Any

from faceplate.workspace.frame_states import FrameKeys


class StandIn:
    """A renderer that counts how often a key is asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def key(self, frame: int) -> str:
        self.asked.append(frame)
        return f"{id(self)} {len(self.asked)}"


def test_keys_are_kept_for_a_minute() -> None:
    now = [0.0]
    keys, renderer = FrameKeys(lambda: now[0]), StandIn()
    own: Any = renderer
    first = keys.key(own, 1, "a")
    now[0] = 59.0
    assert keys.key(own, 1, "a") == first and renderer.asked == [1]
    assert keys.key(own, 2, "a") != first and renderer.asked == [1, 2]
    assert keys.key(own, 1, "b") != first, "another file of the plate"
    now[0] = 120.0
    keys.key(own, 1, "b")
    assert renderer.asked == [1, 2, 1, 1]


def test_another_renderer_has_keys_of_its_own() -> None:
    """A changed shot or track has another renderer; only the last few are remembered."""
    keys = FrameKeys()
    made: list[Any] = [StandIn() for _ in range(9)]
    assert len({keys.key(renderer, 1, "a") for renderer in made}) == 9
    keys.key(made[-1], 1, "a")
    keys.key(made[0], 1, "a")
    assert [len(renderer.asked) for renderer in (made[-1], made[0])] == [1, 2]
