"""Thin rims around the eyes of a person who wears glasses are found; eyes and faces without glasses stay free."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from faceplate.face import topology
from faceplate.source import Source, SourceView
from faceplate.source.rims import find_rims
from occluders import DARK_FRAME, with_glasses
from source_views import repainted, scene_of


@pytest.fixture(scope="module")
def views(source_bea: Source) -> dict[str, SourceView]:
    return {view.path.stem: view for view in source_bea.views}


def ringed(view: SourceView, contrast: float, below: float | None = None) -> tuple[SourceView, np.ndarray]:
    """The view with a thin ring around each eye, of this contrast in natural logarithm, or another one `below`; and where it is."""
    points, size = view.face.points[:, :2] - (view.frame.window.x, view.frame.window.y), view.face.size
    shade, there = np.zeros(view.pixels.shape[:2], np.float32), np.zeros(view.pixels.shape[:2], bool)
    for loop in (topology().right_eye_loop, topology().left_eye_loop):
        centre = points[loop].mean(axis=0) + np.array([0, 0.025 * size])
        axes = (0.85 * np.ptp(points[loop][:, 0]), 0.085 * size)
        shape = (np.round(centre * 16).astype(int).tolist(), [round(axis * 16) for axis in axes])
        for start, strength in ((0, contrast if below is None else below), (180, contrast)):
            drawn = np.zeros(shade.shape, np.uint8)
            cv2.ellipse(drawn, *shape, 0, start, start + 180, 255, max(round(0.007 * size), 2), cv2.LINE_AA, 4)
            alpha = cv2.GaussianBlur(drawn.astype(np.float32) / 255, (0, 0), 0.7)
            shade += strength * alpha
            there |= (alpha > 0.7) & (below is None or start == 0)
    return repainted(view, view.pixels * np.exp(shade)[..., None]), there


@pytest.mark.parametrize("contrast", [-0.3, 0.3])
def test_a_thin_rim_is_found_and_the_eye_stays_free(contrast: float, views: dict[str, SourceView]) -> None:
    view, there = ringed(views["front"], contrast)
    found = view.photograph.to_picture(find_rims(view.photograph, frame=True))
    assert (found > 0.5)[there].mean() > 0.85
    points = view.face.points[:, :2] - (view.frame.window.x, view.frame.window.y)
    for iris in (slice(468, 473), slice(473, 478)):
        x, y = points[iris].mean(axis=0).astype(int)
        assert found[y, x] < 0.1


def test_a_rim_that_is_faint_below_the_eye_is_found(views: dict[str, SourceView]) -> None:
    view, there = ringed(views["front"], -0.4, below=-0.12)
    found = view.photograph.to_picture(find_rims(view.photograph, frame=True))
    assert (found > 0.5)[there].mean() > 0.8


@pytest.mark.parametrize("name", ["front", "left", "right", "smile"])
def test_without_a_frame_lids_and_brows_are_no_rims(name: str, views: dict[str, SourceView]) -> None:
    assert find_rims(views[name].photograph, frame=False).max() == 0


def test_without_a_frame_a_whole_rim_is_found(views: dict[str, SourceView]) -> None:
    view, there = ringed(views["front"], -0.5)
    found = view.photograph.to_picture(find_rims(view.photograph, frame=False))
    assert (found > 0.5)[there].mean() > 0.9


def test_the_rims_of_a_person_who_wears_glasses_are_left_out(views: dict[str, SourceView]) -> None:
    """One picture shows a thick frame, which the network finds; in another it does not take the thin rims for glasses."""
    worn = repainted(views["front"], with_glasses(scene_of(views["front"]), DARK_FRAME)[0])
    thin, there = ringed(views["smile"], -0.4)
    there &= views["smile"].texture.clean > 0.9
    assert not thin.grid_maps.glasses.any()
    person = Source((worn, thin), ())
    assert (person.delit(thin).clean > 0.5)[there].mean() < 0.2
    shown = person.grid_maps[thin.name].on_picture(thin.photograph)
    assert (shown.hidden > 0.5)[there].mean() > 0.8 and shown.glasses[there].mean() > 0.2, "and the artist sees it"
