"""Views of the source: the picture that a network is shown."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from faceplate.color import KEY, ColorConfig
from faceplate.face import Face, recognisers, topology
from faceplate.face.expression import BLENDSHAPES
from faceplate.face.shape import Pose, pose_of, unsqueezed
from faceplate.generators import MeshGenerator
from faceplate.generators.mesh.texture_layers import texture_layers
from faceplate.generators.mesh.texture_sizes import TextureSizes
from faceplate.image.frame import Frame
from faceplate.source import Source
from faceplate.source.view_costs import Heads, ViewTraits, view_costs
from faceplate.source.views import Geometry
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


def traits_of(geometry: Geometry) -> ViewTraits:
    return ViewTraits("view", "", geometry, np.ones(478), size=1000.0)


def costs(geometries: list[Geometry], points: list[np.ndarray], pixel_aspect: float = 1.0) -> np.ndarray:
    """What each view costs for each mesh, each looked at alone, float64 (meshes, views)."""
    traits = [traits_of(geometry) for geometry in geometries]
    return np.concatenate([view_costs(traits, Heads.of([0], [mesh], pixel_aspect)).total for mesh in points])


def test_a_smile_wants_a_smile(face_in: FaceIn, source_of: ReadSource) -> None:
    """Of two views alike in turn a smiling target wants the smiling one, and a serious one the other."""
    dot = source_of("dot")
    shut, smile = (next(view for view in dot.views if view.name == name) for name in ("closed.jpg", "smile.jpg"))
    # The same pose for both, so that the expression alone differs.
    smiling = replace(shut.geometry, coefficients=smile.geometry.expression)
    for mesh, wanted in ((face_in("eve/smile.jpg"), 1), (face_in("cal/closed.jpg"), 0)):
        assert int(np.argmin(costs([shut.geometry, smiling], [mesh.points])[0])) == wanted
    raised = np.array(shut.geometry.expression)
    raised[[BLENDSHAPES.index(name) for name in ("browOuterUpLeft", "browOuterUpRight", "browInnerUp")]] = 0.8
    up = replace(shut.geometry, coefficients=raised)
    head = Heads.of([0], [shut.face.points])
    chosen = [name.startswith(("mouth", "jaw", "cheek", "nose", "brow")) for name in BLENDSHAPES]
    surprised = replace(head, expression=raised[None, chosen])
    total = view_costs([traits_of(up), traits_of(shut.geometry)], surprised).total[0]
    assert total[0] + 0.2 < total[1]


def test_a_squeezed_plate_wants_the_same_views(source_bea: Source, face_in: FaceIn) -> None:
    face = face_in("ada/open.jpg")
    squeezed = face.moved(unsqueezed(face.points, 1 / 2))
    frame = MeshGenerator(source_bea).frame(squeezed, 2.0)
    assert frame.pixel_aspect == 2.0
    plain, wide = Geometry.of(face), Geometry.of(squeezed, frame.pixel_aspect)
    views = [view.geometry for view in source_bea.views]
    np.testing.assert_allclose(costs(views, [squeezed.points], 2.0), costs(views, [face.points]), atol=1.1e-3)
    assert wide.mouth == pytest.approx(plain.mouth) and wide.eyes == pytest.approx(plain.eyes)


@dataclass(frozen=True)
class Mixes:
    """What `texture_layers` mixes for heads like that of `pose`, with the first view of `source` in the lead."""

    source: Source
    pose: Pose
    sizes: TextureSizes = field(default_factory=TextureSizes)

    def placed(self, canonical: np.ndarray, yaw: float = 0.0, pitch: float = 0.0) -> np.ndarray:
        across, up = np.radians(yaw), np.radians(pitch)
        turn = np.array([[np.cos(across), 0, np.sin(across)], [0, 1, 0], [-np.sin(across), 0, np.cos(across)]])
        nod = np.array([[1, 0, 0], [0, np.cos(up), -np.sin(up)], [0, np.sin(up), np.cos(up)]])
        return canonical @ (turn @ nod).T * self.pose.scale + self.pose.centre

    def shares(self, points: np.ndarray) -> np.ndarray:
        """The share of each view, and of the atlas in the last row, at every point."""
        views = self.source.views
        leader, face = {views[0].name: 1.0}, Face(points, 1.0, 1.0, 0.2)
        layers, _ = texture_layers(self.source, leader, face, Geometry(points), self.sizes)
        mixed, names = np.zeros((len(views) + 1, 478)), [view.name for view in views]
        for layer in layers:
            row = names.index(layer.view) if layer.view else len(views)
            mixed[row] = layer.share
        return mixed

    def largest_step(self, path: list[np.ndarray], points: np.ndarray | slice = slice(None)) -> float:
        mixes = [self.shares(placed)[:, points] for placed in path]
        return max(float(np.abs(after - before).max()) for before, after in itertools.pairwise(mixes))


def test_choice_of_views_changes_smoothly_with_the_pose(source_bea: Source, face_in: FaceIn) -> None:
    """Half a degree of turn or nod changes the mix by little."""
    mixes = Mixes(source_bea, pose_of(face_in("ada/front.jpg").points))
    own = mixes.pose.canonical
    assert mixes.largest_step([mixes.placed(own, yaw=yaw) for yaw in np.arange(-30, 30.1, 0.5)]) < 0.08
    assert mixes.largest_step([mixes.placed(own, pitch=pitch) for pitch in np.arange(-20, 20.1, 0.5)]) < 0.08
    views = [view.geometry for view in source_bea.views]
    ahead = costs(views, [mixes.placed(own, yaw=-15), mixes.placed(own, yaw=15)])
    assert np.abs(ahead[0] - ahead[1]).max() > 0.5  # but over a turn it does change


def test_a_mouth_stays_with_the_view_that_shows_it_open(source_bea: Source, face_in: FaceIn) -> None:
    """A target a little more open than the other views takes its mouth from the open one, though it is less near."""
    mixes = Mixes(source_bea, pose_of(face_in("ada/front.jpg").points))
    shut, wide = (pose_of(face_in(f"ada/{name}.jpg").points).canonical for name in ("closed", "open"))
    row = [view.name for view in source_bea.views].index("open.jpg")
    inside = topology().mouth_loop
    parts = {t: mixes.shares(mixes.placed(shut + t * (wide - shut)))[row, inside].mean() for t in (0.0, 0.7, 0.8, 1.0)}
    assert parts[0.0] < 0.2 and min(parts[0.7], parts[0.8], parts[1.0]) > 0.8, parts


@pytest.mark.parametrize(("first", "second"), [("closed", "open"), ("closed", "smile"), ("front", "closed")])
def test_choice_of_views_changes_smoothly_with_the_expression(
    first: str, second: str, source_bea: Source, face_in: FaceIn
) -> None:
    """A hundredth of the way from one expression to another changes the mix by little, but between the lips.

    There two pictures at once would show doubled teeth (tests/generators/test_texture_layers.py).
    """
    mixes = Mixes(source_bea, pose_of(face_in("ada/front.jpg").points))
    ends = [pose_of(face_in(f"ada/{name}.jpg").points).canonical for name in (first, second)]
    path = [mixes.placed(ends[0] + t * (ends[1] - ends[0])) for t in np.linspace(0, 1, 101)]
    assert mixes.largest_step(path, np.setdiff1d(np.arange(478), topology().mouth_loop)) < 0.08
