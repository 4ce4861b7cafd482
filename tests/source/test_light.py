"""A view's light: it comes off, and what the person has stays."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from faceplate.face.shape import head_model
from faceplate.source import Source, SourceView
from faceplate.source.light import LUMINANCE, agreed_shading, find_light, without_hair_shade
from source_views import normal_maps, repainted, skin_mask


def view_named(source: Source, name: str) -> SourceView:
    return next(view for view in source.views if view.path.stem == name)


@pytest.mark.parametrize(("across", "down"), [(0.9, 0.0), (-0.6, -0.5), (0.0, 0.6)])
def test_a_painted_light_comes_off(across: float, down: float, source_bea: Source) -> None:
    """A key of 2:1 to 4:1 over the face changes the texture of the skin by 4 % on average and 8 % in nine tenths of it."""
    view = view_named(source_bea, "front")
    normal = normal_maps(view)
    key = across * normal[..., 0] + down * normal[..., 1]
    tint = np.array([0.05, 0.0, -0.1]) * normal[..., :1]
    lit = repainted(view, view.pixels * np.exp(key[..., None] + tint))
    skin = skin_mask(view)
    change = (lit.texture.log - view.texture.log)[skin]
    asked = np.ptp(key[skin])
    assert asked > 0.7
    off = np.abs(change - np.median(change, axis=0))
    assert off.mean() < 0.04 and np.percentile(off, 90) < 0.08
    found = (lit.texture.light - view.texture.light).astype(float)
    wanted = lit.photograph.at_points(lit.photograph.to_grid((key[..., None] + tint).astype(np.float32)))
    used = view.skin.weight > 0.4
    step = (found - wanted)[used]
    assert np.abs(step - np.median(step, axis=0)).mean() < 0.05


def test_texture_and_light_are_the_photograph(source_bea: Source) -> None:
    view = view_named(source_bea, "front")
    photograph = view.photograph
    light = photograph.to_picture(photograph.over_grid(view.texture.light, 0.02))
    np.testing.assert_allclose(view.texture.log + light, photograph.log, atol=2e-4)
    assert view.texture.log.dtype == view.texture.light.dtype == view.texture.clean.dtype == np.float32


def blot(view: SourceView, points: list[int], depth: float, size: float) -> np.ndarray:
    """A soft factor exp(-depth) around mesh points, (h, w, 1)."""
    window = view.frame.window
    rows, columns = np.indices(view.pixels.shape[:2])
    dark = np.zeros(view.pixels.shape[:2])
    for point in points:
        x, y = view.face.points[point, :2] - (window.x + 0.5, window.y + 0.5)
        dark = np.maximum(dark, np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * (size * view.face.size) ** 2)))
    return np.exp(-depth * dark)[..., None]


def luma_at(view: SourceView, texture: np.ndarray, point: int) -> float:
    soft = cv2.GaussianBlur(texture, (0, 0), 0.02 * view.face.size)
    x, y = (view.face.points[point, :2] - (view.frame.window.x, view.frame.window.y)).astype(int)
    return float(soft[y, x] @ LUMINANCE)


def test_a_shadow_on_one_cheek_is_light_and_a_dark_jaw_is_the_person(source_bea: Source) -> None:
    view = view_named(source_bea, "front")
    cheek, other = 50, int(head_model().mirror[50])
    shaded = repainted(view, view.pixels * blot(view, [cheek], 0.8, 0.14))
    left_over = luma_at(view, view.texture.log, cheek) - luma_at(view, shaded.texture.log, cheek)
    assert left_over < 0.4 * 0.8
    both = repainted(view, view.pixels * blot(view, [cheek, other], 0.5, 0.1))
    kept = [luma_at(view, view.texture.log, at) - luma_at(view, both.texture.log, at) for at in (cheek, other)]
    assert min(kept) > 0.6 * 0.5


def test_the_shade_beside_hair_is_not_put_on(source_bea: Source) -> None:
    """Under a fringe the skin is dark; without the fringe a dark blotch was left on the forehead."""
    view = view_named(source_bea, "front")
    brow = 69
    shaded = repainted(view, view.pixels * blot(view, [brow], 0.8, 0.14))
    photograph = shaded.photograph
    found = find_light(shaded.skin)
    hair = np.zeros(photograph.grid.shape[:2], np.float32)
    np.testing.assert_array_equal(without_hair_shade(found, photograph, hair), found.whole)
    x, y = photograph.grid_points[brow].astype(int)
    hair[: y + 1, max(x - 40, 0) : x + 40] = 1.0
    freed = without_hair_shade(found, photograph, hair)
    assert found.shadow[brow] < -0.2
    np.testing.assert_allclose(freed[brow], found.low[brow], atol=0.05)
    assert np.abs((freed - found.whole)[[152, 17, 50]]).max() < 0.02  # far from the hair nothing changes


def test_what_pictures_under_different_lights_agree_on_is_the_person(source_bea: Source) -> None:
    """A dark cheek that every picture shows under its own light is the person's; in one picture alone it is a shadow."""
    cheek = 50
    views = [view for view in source_bea.views if abs(view.geometry.pose.angles[0]) < 8][:3]
    lit = []
    for view, key in zip(views, (0.8, -0.8, 0.1), strict=True):
        pixels = view.pixels * np.exp(key * normal_maps(view)[..., :1]) * blot(view, [cheek], 1.0, 0.14)
        lit.append(repainted(view, pixels))
    alone, agreed = ([left_at(view, cheek, own) for view in lit] for own in (None, shading_of(lit)))
    plain = [left_at(view, cheek, shading_of(views)) for view in views]
    for one, all_of_them, before in zip(alone, agreed, plain, strict=True):
        assert before - all_of_them > 0.6 and before - one < 0.4


def shading_of(views: list[SourceView]) -> np.ndarray:
    return agreed_shading([view.light for view in views], [view.skin.weight for view in views])


def left_at(view: SourceView, point: int, own: np.ndarray | None) -> float:
    """The skin's luminance at a point once the light is off."""
    return float((view.skin.values - find_light(view.skin, own).whole)[point] @ LUMINANCE)
