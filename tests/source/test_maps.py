"""What hides the face in a picture is found; what belongs to the face is not."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.comp.regions import region_matte
from faceplate.source import Source
from faceplate.source.maps import find_maps, wears_glasses
from occluders import DARK_FRAME, DARK_HAIR, LIGHT_HAIR, METAL_FRAME, with_glasses
from pictures import ReadSource
from source_views import maps_of, repainted, scene_of, strand_on

# Darkness in natural logarithm of a fringe that covers a brow, and of a thinner one beside it.
COVERED, SHADED = 1.1, 0.55


@pytest.mark.parametrize("colour", [DARK_FRAME, METAL_FRAME])
def test_painted_frames_are_glasses(colour: np.ndarray, source_bea: Source) -> None:
    """Four fifths of the frame are found, called glasses, and the lenses stay free; without them nothing is."""
    view = next(view for view in source_bea.views if view.path.stem == "front")
    pixels, alpha = with_glasses(scene_of(view), colour)
    worn = repainted(view, pixels)
    inside = (alpha > 0.9) & (view.texture.clean > 0.5)
    assert (maps_of(worn).glasses[inside] > 0.5).mean() > 0.8
    eyes = region_matte(view.face, view.frame.window, ("eyes",)) > 0.9
    assert maps_of(worn).glasses[eyes & (alpha == 0)].mean() < 0.25
    assert not maps_of(view).glasses.any()


@pytest.mark.parametrize("colour", [DARK_HAIR, LIGHT_HAIR * 0.4])
def test_a_painted_strand_on_the_forehead_is_hair(colour: np.ndarray, source_bea: Source) -> None:
    view = next(view for view in source_bea.views if view.path.stem == "front")
    pixels, alpha = strand_on(view, colour)
    hairy = repainted(view, pixels)
    inside = (alpha > 0.9) & (view.texture.clean > 0.5)
    assert inside.sum() > 200
    assert (maps_of(hairy).hair[inside] > 0.5).mean() > 0.8
    assert (maps_of(view).hair[inside] > 0.5).mean() < 0.2


@pytest.mark.parametrize("name", ["cal", "dot", "fox"])
def test_brows_beard_and_lips_are_not_hidden(name: str, source_of: ReadSource) -> None:
    """Of brows, mouth and the lower face less than 3 % are taken for something in front."""
    view = next(view for view in source_of(name).views if view.path.stem == "front")
    window = view.frame.window
    inside = view.texture.clean + maps_of(view).hidden > 0.9
    for region in ("brows", "mouth", "nose", "jaw"):
        area = (region_matte(view.face, window, (region,)) > 0.9) & inside
        if region == "jaw":  # beside the jaw hair hangs down
            area &= region_matte(view.face.moved(_shrunk(view.face.points)), window, (region,)) > 0.9
        assert maps_of(view).hidden[area].mean() < 0.03, region


def _shrunk(points: np.ndarray) -> np.ndarray:
    centre = points.mean(axis=0)
    return centre + 0.8 * (points - centre)


def test_a_brow_under_a_fringe_is_given_up_for_a_freer_one(source_bea: Source) -> None:
    """A fringe lies over the person's right brow and a thinner one over the left: of the right brow nothing is taken."""
    view = next(view for view in source_bea.views if view.path.stem == "front")
    points, size = view.face.points[:, :2] - (view.frame.window.x, view.frame.window.y), view.face.size
    rows, columns = np.indices(view.pixels.shape[:2])
    middle = points[9, 0]
    right = np.clip((middle - columns) / (0.02 * size), 0, 1) * (rows < points[159, 1] - 0.06 * size)
    left = np.clip((columns - middle) / (0.02 * size), 0, 1) * (rows < points[386, 1] - 0.06 * size)
    pixels = view.pixels * np.exp(-(COVERED * right + SHADED * left))[..., None]
    none = np.zeros(view.pixels.shape[:2], np.float32)  # the network finds nothing
    brow = (region_matte(view.face, view.frame.window, ("brows",)) > 0.9) & (columns < middle) & (right > 0.9)
    assert brow.sum() > 200
    photograph = repainted(view, pixels).photograph
    assert (photograph.to_picture(find_maps(photograph, none, none).hidden)[brow] > 0.5).mean() > 0.9


@pytest.mark.parametrize(("hidden", "worn"), [((0.3, 0.0), False), ((0.0, 0.3), False), ((0.2, 0.2), True)])
def test_glasses_cross_both_sides_of_the_nose(hidden: tuple[float, float], worn: bool) -> None:
    """A turned nose hides its far side, and what is beside it there counts as in front."""
    sides = np.zeros((2, 20, 20))
    sides[0, 5:15, 4:11], sides[1, 5:15, 10:17] = 1, 1
    above = np.zeros((20, 20))
    above[:4] = 1
    found = np.maximum(*(part * share for part, share in zip(sides, hidden, strict=True)))
    assert wears_glasses(found, (sides[0], sides[1]), above) == worn
    assert not wears_glasses(found + above, (sides[0], sides[1]), above)


def test_a_rim_before_a_brow_hides_hardly_more_than_itself(source_bea: Source) -> None:
    """A line runs through both brows and over the nose, and another below the eyes: around that one more is left out."""
    view = next(view for view in source_bea.views if view.path.stem == "front")
    points, size = view.face.points[:, :2] - (view.frame.window.x, view.frame.window.y), view.face.size
    rows, columns = np.indices(view.pixels.shape[:2])
    brow, below = points[[105, 334], 1].mean(), points[[145, 374], 1].mean() + 0.09 * size
    across = (columns > points[70, 0]) & (columns < points[300, 0])
    lines = [np.abs(rows - place) < 0.008 * size for place in (brow, below)]
    bridge = (np.abs(columns - points[168, 0]) < 0.05 * size) & (np.abs(rows - points[168, 1]) < 0.03 * size)
    rims = ((lines[0] | lines[1]) & across | bridge).astype(np.float32)
    hidden = view.photograph.to_picture(find_maps(view.photograph, rims, rims).hidden) > 0.5
    thick = [hidden[:, round(points[point, 0])] for point in (105, 334)]
    over, under = (
        np.mean([column[round(place - 0.05 * size) : round(place + 0.05 * size)].sum() for column in thick]) / size
        for place in (brow, below)
    )
    assert under > 0.035 and over < under


@pytest.mark.parametrize(("side", "hidden"), [(1.0, True), (0.3, False)])
def test_skin_between_a_fringe_and_a_brow_is_not_trusted(side: float, hidden: bool, source_bea: Source) -> None:
    """The network finds a fringe that ends just above the brows, or as high a lock in the middle; the brows themselves stay."""
    view = next(view for view in source_bea.views if view.path.stem == "front")
    points, size = view.face.points[:, :2] - (view.frame.window.x, view.frame.window.y), view.face.size
    rows, columns = np.indices(view.pixels.shape[:2])
    upper = points[[105, 334], 1].mean()
    hair = (rows < upper - 0.05 * size) & (np.abs(columns - points[9, 0]) < 0.5 * side * np.ptp(points[:, 0]))
    maps = find_maps(view.photograph, hair.astype(np.float32), hair.astype(np.float32))
    found = view.photograph.to_picture(maps.hair)
    for point in (105, 334):
        x, y = np.round(points[point]).astype(int)
        strip = found[round(y - 0.03 * size) : round(y - 0.022 * size), x]
        assert (strip.min() > 0.9) if hidden else (strip.max() < 0.1)
        assert found[round(y + 0.005 * size) : round(y + 0.03 * size), x].max() < 0.1
