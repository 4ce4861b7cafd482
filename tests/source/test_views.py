"""Views of the source: the picture that a network is shown."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceplate.color import KEY, ColorConfig
from faceplate.face import recognisers
from faceplate.face.expression import BLENDSHAPES
from faceplate.face.shape import pose_of, unsqueezed
from faceplate.generators import MeshGenerator
from faceplate.image.frame import Frame
from faceplate.source import Source
from faceplate.source.views import Geometry, regions, suitability
from network_scene import crop_of, source_view
from pictures import FaceIn, ReadSource


def test_source_is_seen_as_it_is_displayed(tmp_path: Path, color: ColorConfig) -> None:
    """A photograph keeps its numbers, highlights too; a scene-linear picture of the same is exposed and then the
    same.
    """
    view = source_view(color)
    bright = view.frame.with_pixels(np.clip(view.frame.pixels * 1.8, 0, 1))
    seen = recognisers.display_crop(bright, replace(view.face, level=0.05), "arcface_112_v2", 112)
    wanted = crop_of(replace(view, frame=bright), "arcface_112_v2", 112)
    assert np.abs(seen - wanted).max() < 2e-3 and wanted.max() > 0.85
    dark = Frame(bright.working() / 16, bright.window, "ACEScg", color)
    again = recognisers.display_crop(dark, replace(view.face, level=KEY / 16), "arcface_112_v2", 112)
    assert np.abs(again - seen).max() < 2e-2


def test_expression_in_the_mirror(source_bea: Source) -> None:
    """What the network says of a mirrored mesh is what it said of the mesh, with the sides changed."""
    geometry = source_bea.views[0].geometry
    mirror = geometry.mirror()
    asked = replace(mirror, coefficients=None).expression
    assert np.abs(asked - mirror.expression).max() < 0.2 and np.abs(asked - mirror.expression).mean() < 0.02
    wink = np.zeros(52, np.float32)
    wink[BLENDSHAPES.index("eyeBlinkLeft")] = 1.0
    turned = replace(geometry, coefficients=wink).mirror().expression
    assert turned[BLENDSHAPES.index("eyeBlinkRight")] == 1.0 and turned.sum() == 1.0


def test_a_smile_wants_a_smile(face_in: FaceIn, source_of: ReadSource) -> None:
    """Of two views alike in turn and openness of the mouth the cheeks of a smiling target want the smiling one, and it only."""
    dot = source_of("dot")
    shut, smile = (next(view for view in dot.views if view.name == name) for name in ("closed.jpg", "smile.jpg"))
    cheeks = (regions().lower_face > 0.5) & (regions().mouth < 0.5)
    cheeks[468:] = False

    def share(target: Geometry) -> float:
        wanted = np.stack([suitability(view.geometry, target) for view in (shut, smile)], axis=1)[cheeks]
        return float((wanted / wanted.sum(axis=1, keepdims=True))[:, 1].mean())

    smiling, serious = face_in("eve/smile.jpg"), face_in("cal/closed.jpg")
    assert share(Geometry.of(smiling)) > 0.6 and share(Geometry.of(serious)) < 0.25
    brows = (regions().right_brow > 0.5) & (regions().lower_face == 0)
    raised = np.array(shut.geometry.expression)
    raised[[BLENDSHAPES.index(name) for name in ("browOuterUpLeft", "browOuterUpRight", "browInnerUp")]] = 0.8
    target = replace(shut.geometry, coefficients=raised)
    up, down = replace(shut.geometry, coefficients=raised), shut.geometry
    assert (suitability(up, target)[brows] > 3 * suitability(down, target)[brows]).all()


def test_a_squeezed_plate_wants_the_same_views(source_bea: Source, face_in: FaceIn) -> None:
    face = face_in("ada/open.jpg")
    squeezed = face.moved(unsqueezed(face.points, 1 / 2))
    frame = MeshGenerator(source_bea).frame(squeezed, 2.0)
    assert frame.pixel_aspect == 2.0
    plain, wide = Geometry.of(face), Geometry.of(squeezed, frame.pixel_aspect)
    for view in source_bea.views:
        np.testing.assert_allclose(suitability(view.geometry, wide), suitability(view.geometry, plain), rtol=1e-5)
    assert wide.mouth == pytest.approx(plain.mouth) and wide.eyes == pytest.approx(plain.eyes)


def test_choice_of_views_changes_smoothly(source_bea: Source, face_in: FaceIn) -> None:
    """Half a degree of turn or nod, or a hundredth of the way from one expression to another, changes the mix by little."""
    pose = pose_of(face_in("ada/front.jpg").points)

    def placed(canonical: np.ndarray, yaw: float = 0.0, pitch: float = 0.0) -> np.ndarray:
        across, up = np.radians(yaw), np.radians(pitch)
        turn = np.array([[np.cos(across), 0, np.sin(across)], [0, 1, 0], [-np.sin(across), 0, np.cos(across)]])
        nod = np.array([[1, 0, 0], [0, np.cos(up), -np.sin(up)], [0, np.sin(up), np.cos(up)]])
        return canonical @ (turn @ nod).T * pose.scale + pose.centre

    def shares(points: np.ndarray) -> np.ndarray:
        target = Geometry(points)
        wanted = np.stack([suitability(view.geometry, target) for view in source_bea.views], axis=1)
        return wanted / wanted.sum(axis=1, keepdims=True)

    def largest_step(path: list[np.ndarray]) -> float:
        mixes = [shares(points) for points in path]
        return max(float(np.abs(after - before).max()) for before, after in itertools.pairwise(mixes))

    own = pose.canonical
    assert largest_step([placed(own, yaw=yaw) for yaw in np.arange(-30, 30.1, 0.5)]) < 0.08
    assert largest_step([placed(own, pitch=pitch) for pitch in np.arange(-20, 20.1, 0.5)]) < 0.08
    for first, second in (("closed", "open"), ("closed", "smile"), ("front", "closed")):
        ends = [pose_of(face_in(f"ada/{name}.jpg").points).canonical for name in (first, second)]
        assert largest_step([placed(ends[0] + t * (ends[1] - ends[0])) for t in np.linspace(0, 1, 101)]) < 0.08
    assert (
        np.abs(shares(placed(own, yaw=-15)) - shares(placed(own, yaw=15))).max() > 0.5
    )  # but over a turn it does change
