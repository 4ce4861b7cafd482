"""The plan of a job: how a shot is cut into chunks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from faceplate.farm import chunk_size, measure
from faceplate.farm.plan import frames_text
from faceplate.plate import parse_frames
from faceplate.render import Renderer
from faceplate_client import EngineError
from faceplate_client.farm import parse_frames as node_frames
from farm_shots import renderer_of


class TestPlan:
    """How a shot is cut."""

    @pytest.mark.parametrize(
        ("seconds", "frames", "workers", "wanted"),
        [
            (1.0, 10000, 4, 300),
            (40.0, 10000, 4, 7),
            (1000.0, 48, 4, 1),
            (1.0, 24, 4, 3),
            (0.0, 1000, 4, 10),
            (0.1, 1, 8, 1),
        ],
    )
    def test_chunk_size(self, seconds: float, frames: int, workers: int, wanted: int) -> None:
        """Five minutes of work, but two chunks at least for every node; ten frames where nothing was measured."""
        assert chunk_size(seconds, frames, 300.0, workers) == wanted

    @pytest.mark.parametrize(
        "frames", [[1001], [1, 2, 3], [1, 3, 5, 7], [1, 2, 5, 9, 11, 13, 20], [7, 3], range(0, 99, 7)]
    )
    def test_frames_text(self, frames: Any) -> None:
        text = frames_text(frames)
        assert list(parse_frames(text.replace(":", "x"))) == sorted(frames)
        assert list(node_frames(text)) == sorted(frames)

    @pytest.mark.parametrize("text", ["", "a", "1-", "1-5:-1", "1,,2", "1-5:0"])
    def test_a_node_refuses_what_is_no_range(self, text: str) -> None:
        with pytest.raises(EngineError, match="no frame range"):
            node_frames(text)

    def test_measuring_renders_frames(self, shot: Path) -> None:
        renderer = renderer_of(shot)
        assert 0 < measure(renderer, tuple(range(1001, 1025)), 1) < 60
        assert not renderer.output.folder.exists()
        nowhere = Renderer(renderer.shot.model_copy(update={"plate": "/nowhere/plate.####.exr"}), renderer.finder)
        assert measure(nowhere, (1001, 1002)) == 0
