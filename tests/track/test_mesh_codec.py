"""Storage of a track: packed meshes, the file, and the published schema."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceplate.face.shape import head_model
from faceplate.track import Track, mesh_codec
from faceplate.track.sidecar import dump, load_sidecar, schema
from faceplate.track.smooth import decompose, place
from track_sightings import FIRST, mean_head, points_at

DOCS = Path(__file__).parents[2] / "docs"


@given(st.integers(0, 2**32 - 1), st.floats(0.0001, 3.0))
@settings(max_examples=40, deadline=None)
def test_a_packed_mesh_comes_back_to_the_grid(seed: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    base = mesh_codec.on_grid(head_model().reference, mesh_codec.BASE)
    shape = base + spread * rng.standard_normal((478, 3))
    for steps in (mesh_codec.RAW, mesh_codec.FINE):
        back = mesh_codec.unpack_mesh(mesh_codec.pack_mesh(shape, base, steps), base, steps)
        assert np.array_equal(back, mesh_codec.on_grid(shape, steps))
        assert np.abs(back - shape)[:, :2].max() <= 0.5001 / steps[0]


@pytest.mark.parametrize("text", ["", "AAAA", "not base 64!", "eJwDAAAAAAE="])
def test_text_that_is_no_mesh_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        mesh_codec.unpack_mesh(text, np.zeros((478, 3)), mesh_codec.RAW)


def test_a_mesh_taken_apart_and_put_together_is_itself() -> None:
    points = mean_head(412.25, 300.5, 77, 0.4) + np.random.default_rng(1).standard_normal((478, 3))
    assert np.allclose(place(*decompose(points)), points, atol=1e-9)


def test_what_is_stored_lies_within_a_twentieth_of_a_pixel(track_of_two: Track) -> None:
    for frame in (1001, 1015, 1030):
        points = mean_head(300 + 4 * (frame - FIRST), 300)
        raw = track_of_two.raw("p1", frame)
        assert raw is not None
        assert np.abs(raw.points - points)[:, :2].max() < 0.05
        assert np.abs(points_at(track_of_two, "p1", frame) - points)[:, :2].max() < 0.05


def test_the_file_comes_back_as_it_was_a_line_a_frame(track_of_two: Track, tmp_path: Path) -> None:
    track = track_of_two.rename("p1", "Zoë").key("p1", 1010, move=(1.5, -2)).mark_bad("p2", 1005)
    track.save(tmp_path / "shot.track.json")
    text = (tmp_path / "shot.track.json").read_text(encoding="utf-8")
    assert load_sidecar(tmp_path / "shot.track.json") == track.sidecar
    assert dump(load_sidecar(tmp_path / "shot.track.json")) == text
    assert sum('"frame":1010,' in line for line in text.splitlines()) == 5  # raw and smooth of two, and the key
    assert [p.name for p in tmp_path.iterdir()] == ["shot.track.json"]


def test_the_published_schema_is_fresh() -> None:
    assert (DOCS / "track.schema.json").read_text(encoding="utf-8") == schema()
