"""What one picture shows in front and the others do not is left out; what all of them show is the person."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from faceplate.source import Source
from faceplate.source.agreement import agreed_darkness, find_remains
from faceplate.source.atlas import SIDE, Vote, atlas_points
from source_views import repainted

# The tail of a brow, and how far a dark mark reaches around it in pixels of the atlas.
TAIL, MARK = 46, 8


def votes(marked: int, count: int = 4) -> list[Vote]:
    """Pictures of even skin beside hair, the first `marked` of them with a dark mark at a brow's tail."""
    x, y = atlas_points()[TAIL, :2].astype(int)
    clean = np.ones((SIDE, SIDE), np.float32)
    clean[: y - MARK - 2] = 0.0
    even = np.zeros((SIDE, SIDE, 3), np.float32)
    dark = even.copy()
    dark[y - MARK : y + MARK, x - MARK : x + MARK] = -0.9
    return [Vote(dark if k < marked else even, 0.6 * clean, clean) for k in range(count)]


def mark_of(found: np.ndarray) -> float:
    x, y = atlas_points()[TAIL, :2].astype(int)
    return float(found[y - 3 : y + 4, x - 3 : x + 4].mean())


def test_a_mark_in_one_picture_beside_its_hair_is_left_out() -> None:
    seen = votes(1)
    agreed = agreed_darkness(seen)
    assert mark_of(find_remains(seen[0], *agreed)) > 0.9
    assert find_remains(seen[1], *agreed).max() == 0


def test_a_mark_in_most_pictures_is_the_person() -> None:
    seen = votes(3)
    assert find_remains(seen[0], *agreed_darkness(seen)).max() == 0


def test_a_mark_far_from_what_was_found_in_front_stays() -> None:
    seen = [replace(vote, clean=np.ones_like(vote.clean)) for vote in votes(1)]
    assert find_remains(seen[0], *agreed_darkness(seen)).max() == 0


def test_one_picture_alone_is_believed() -> None:
    seen = votes(1, 1)
    assert find_remains(seen[0], *agreed_darkness(seen)).max() == 0


def test_what_only_one_picture_shows_at_a_brow_is_not_its_own(source_bea: Source) -> None:
    """A dark end of a brow, which the picture alone cannot tell from the brow, is filled from the others, which do not show it."""
    views = {view.path.stem: view for view in source_bea.views if view.path.stem in ("front", "left", "right", "smile")}
    view = views["front"]
    rows, columns = np.indices(view.pixels.shape[:2])
    x, y = view.face.points[TAIL, :2] - (view.frame.window.x, view.frame.window.y)
    spot = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * (0.012 * view.face.size) ** 2))
    marked = repainted(view, view.pixels * np.exp(-1.2 * spot)[..., None])
    source = Source(tuple((views | {"front": marked}).values()), ())
    there = spot > 0.7
    assert marked.texture.clean[there].min() > 0.9
    assert source.delit(marked).clean[there].max() < 0.1
    assert source_bea.delit(view).clean[there].min() > 0.9
    filled = source.textures[view.name].log[there] - source_bea.textures[view.name].log[there]
    assert np.abs(filled).mean() < 0.15
