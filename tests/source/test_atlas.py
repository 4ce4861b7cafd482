"""The atlas of a person, and what is filled from it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from faceplate.face import topology
from faceplate.face.shape import head_model
from faceplate.image.window import Window
from faceplate.source import Source, SourceView
from faceplate.source.atlas import SIDE, Vote, atlas_points, cast_vote, make_atlas
from occluders import DARK_FRAME, DARK_HAIR, with_glasses
from source_views import normal_maps, repainted, scene_of, strand_on


def test_the_layout_is_symmetric_and_keeps_every_triangle(source_bea: Source) -> None:
    points = atlas_points()
    mirrored = points[head_model().mirror, :2]
    np.testing.assert_allclose(SIDE - mirrored[:, 0], points[:, 0], atol=1e-6)
    assert points[:, :2].min() > 0 and points[:, :2].max() < SIDE
    a, b, c = (points[topology().skin[:, k], :2] for k in range(3))
    area = np.cross(np.pad(b - a, ((0, 0), (0, 1))), np.pad(c - a, ((0, 0), (0, 1))))[:, 2]
    assert (np.sign(area) == np.sign(np.median(area))).mean() > 0.95
    np.testing.assert_array_equal(source_bea.atlas.uv, points[:, :2])


def test_moles_of_all_pictures_are_in_the_atlas(source_bea: Source) -> None:
    """A mole that every picture shows at the same place of the skin is in the atlas with most of its contrast."""
    mole = 205
    marked = Source(tuple(repainted(view, view.pixels * spot(view, mole)) for view in source_bea.views), ())
    at = source_bea.atlas.uv[mole]
    change = [np.asarray(source.atlas.log, np.float32) for source in (source_bea, marked)]
    y, x = (slice(int(value) - 2, int(value) + 3) for value in at[::-1])
    assert (change[0] - change[1])[y, x].mean() > 0.6


def spot(view: SourceView, point: int) -> np.ndarray:
    """A mole a hundredth of the face wide, as a factor (h, w, 1)."""
    rows, columns = np.indices(view.pixels.shape[:2])
    x, y = view.face.points[point, :2] - (view.frame.window.x + 0.5, view.frame.window.y + 0.5)
    return np.exp(-1.2 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * (0.01 * view.face.size) ** 2)))[
        ..., None
    ]


def test_one_picture_that_differs_is_outvoted() -> None:
    """Three pictures agree and a fourth is darker: the atlas follows the three."""
    plain, dark = np.zeros((SIDE, SIDE, 3), np.float32), np.full((SIDE, SIDE, 3), -0.8, np.float32)
    weight = np.full((SIDE, SIDE), 0.5, np.float32)
    clean = np.ones_like(weight)
    atlas = make_atlas([Vote(log, weight, clean) for log in (plain, dark, plain, plain)])
    assert np.abs(atlas.log).max() < 0.02
    assert (atlas.coverage > 0.9).all()


def test_a_speck_in_one_picture_is_not_the_person(source_bea: Source) -> None:
    """The same mole on one picture alone stays out of the atlas."""
    marked, *rest = source_bea.views
    source = Source((repainted(marked, marked.pixels * spot(marked, 205)), *rest), ())
    x, y = source.atlas.uv[205].astype(int)
    part = slice(y - 2, y + 3), slice(x - 2, x + 3)
    assert (source_bea.atlas.log - source.atlas.log)[part].mean() < 0.2


def test_a_poor_picture_more_changes_little(source_bea: Source) -> None:
    """A soft picture under a hard light beside three good ones changes the atlas by less than 2 % where they saw the skin."""
    good = tuple(view for view in source_bea.views if view.path.stem in ("front", "left", "right"))
    last = next(view for view in source_bea.views if view.path.stem == "smile")
    soft = cv2.GaussianBlur(last.pixels * np.exp(1.2 * normal_maps(last)[..., :1]), (0, 0), 4)
    hard = last.analysis.model_copy(update={"light": [[0.0, 1.6, 0.0, 0.0]] * 3, "sharpness": 0.1})
    poor = replace(repainted(last, soft), analysis=hard)
    poor.__dict__["frame"] = repainted(last, soft).frame
    few, more = Source(good, ()).atlas, Source((*good, poor), ()).atlas
    seen = few.coverage > 0.5
    assert np.abs(few.log - more.log)[seen].mean() < 0.02


def test_a_side_that_nobody_saw_is_mirrored_without_a_seam() -> None:
    rng = np.random.default_rng(3)
    own = cv2.GaussianBlur(rng.normal(0, 1, (SIDE, SIDE, 3)).astype(np.float32), (0, 0), 12)
    weight = np.zeros((SIDE, SIDE), np.float32)
    weight[:, : SIDE // 2 + 10] = 0.8
    atlas = make_atlas([Vote(own, weight, np.ones_like(weight))])
    np.testing.assert_allclose(atlas.log[100:400, 340:420], own[100:400, ::-1][:, 340:420], atol=0.05)
    assert np.isfinite(atlas.log).all() and atlas.coverage[256, 400] == 0


@pytest.mark.parametrize("what", ["glasses", "strand"])
def test_what_hides_a_picture_is_filled_from_the_others(what: str, source_bea: Source) -> None:
    """Where the front picture is painted over, the texture's error falls to a fourth of the painted one's, or less."""
    view = next(view for view in source_bea.views if view.path.stem == "front")
    painted = with_glasses(scene_of(view), DARK_FRAME) if what == "glasses" else strand_on(view, DARK_HAIR)
    worn = repainted(view, painted[0])
    source = replace(source_bea, views=tuple(worn if each is view else each for each in source_bea.views))
    truth, filled = source_bea.textures[view.name].log, source.textures[view.name].log
    there = (painted[1] > 0.5) & (view.texture.clean > 0.9)
    before = np.abs(source.delit(worn).log - truth)[there].mean()
    after = np.abs(filled - truth)[there].mean()
    assert there.sum() > 200 and after < before / 4


def test_a_picture_that_cuts_the_face_says_nothing_beyond_its_border(source_bea: Source) -> None:
    """The half of the face outside the picture has no vote."""
    view = next(view for view in source_bea.views if view.path.stem == "front")
    window = view.frame.window
    middle = int(view.face.points[1, 0])
    part = Window(window.x, window.y, middle - window.x, window.height)
    cut = replace(view)
    cut.__dict__["frame"] = view.frame.region(part)
    vote = cast_vote(cut.photograph, cut.texture, 1.0)
    across = atlas_points()[1, 0]
    assert vote.weight[:, int(across) + 20 :].max() == 0
    assert vote.weight[:, : int(across) - 20].max() > 0.5


def test_what_lies_close_beside_hair_has_no_vote(source_bea: Source) -> None:
    """Around something in front a picture is silent for a hundredth of the face's size; its own outline is not hair."""
    view = next(view for view in source_bea.views if view.path.stem == "front")
    row, column = (int(value) for value in view.face.points[151, 1::-1] - (view.frame.window.y, view.frame.window.x))
    reach, clean = round(0.05 * view.face.size), view.texture.clean.copy()
    clean[row - reach : row + reach, column - reach : column + reach] = 0.0
    hidden, free = (
        cast_vote(view.photograph, replace(view.texture, clean=part), 1.0).weight
        for part in (clean, view.texture.clean)
    )
    lost = (free > 0.5) & (hidden == 0)
    bare = cast_vote(view.photograph, replace(view.texture, clean=clean), 1.0).clean > 0.95
    assert (lost & bare).sum() > 0.2 * (lost & ~bare).sum()


def test_skin_that_nobody_saw_has_no_strands_in_it() -> None:
    """Streaks on the best seen cheek do not become a pattern where skin is continued: the calm cheek is as well seen."""
    streaked = np.zeros((SIDE, SIDE, 3), np.float32)
    streaked[:, : SIDE // 2] = 0.3 * np.sin(np.arange(SIDE // 2) / 1.5)[:, None]
    weight = np.full((SIDE, SIDE), 0.8, np.float32)
    weight[:120] = 0.0
    log = make_atlas([Vote(streaked, weight, np.ones_like(weight))]).log
    assert log[20:90].std() < 0.02


def test_skin_that_nobody_saw_meets_what_is_known_without_a_step() -> None:
    """Beside a forehead that nobody saw lie a light patch and a dark brow: the patch fades out, and the brow is not spread."""
    log = np.zeros((SIDE, SIDE, 3), np.float32)
    log[:200, 220:292], log[:200, 310:400] = 0.5, -1.2
    seen = np.full((SIDE, SIDE), 0.5, np.float32)
    seen[:120] = 0.0
    atlas = make_atlas([Vote(log, seen, seen * 2)] * 3)
    luma = atlas.log.mean(axis=2)
    assert abs(luma[112:117, 240:272].mean() - luma[123:128, 240:272].mean()) < 0.12
    assert luma[50, 240:272].mean() < 0.3
    assert luma[60:110, 340:370].min() > -0.3


def test_skin_close_to_a_fringe_does_not_count_where_most_pictures_hide_it() -> None:
    """The strip that one picture of six showed beside its fringe held strands, and stood on the whole forehead."""
    streaked, plain = np.zeros((SIDE, SIDE, 3), np.float32), np.zeros((SIDE, SIDE, 3), np.float32)
    streaked[:80] = 0.4 * np.sin(np.arange(SIDE) / 3.0)[None, :, None]
    free = np.full((SIDE, SIDE), 0.8, np.float32)
    hidden, strip = free.copy(), free.copy()
    hidden[:80], strip[:60] = 0.0, 0.0
    votes = [Vote(streaked, strip, (strip > 0).astype(np.float32))]
    votes += [Vote(plain, hidden, (hidden > 0).astype(np.float32))] * 5
    assert make_atlas(votes).log[62:76, 200:312].std() < 0.03
    bare = [
        Vote(streaked, free, np.ones_like(free)),
        *votes[1:],
    ]  # a picture without a fringe shows the person's forehead
    assert make_atlas(bare).log[20:50, 200:312].std() > 0.2


def test_own_pixels_stay_and_nothing_is_missing(source_bea: Source) -> None:
    for view in source_bea.views:
        texture, own = source_bea.textures[view.name], source_bea.delit(view)
        inside = own.clean == 1
        np.testing.assert_allclose(texture.log[inside], own.log[inside], atol=1e-5)
        assert np.isfinite(texture.log).all() and texture.log.shape == view.pixels.shape
    assert set(source_bea.textures) == {view.name for view in source_bea.all_views}
