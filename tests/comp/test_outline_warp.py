"""The outline warp: the plate around a face moves with its new outline."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import cv2
import numpy as np
import pytest

from faceplate.color import ColorConfig
from faceplate.comp.outline_warp import REACH, folding, follow_outline
from faceplate.face import Face, FaceFinder
from faceplate.face.dials import Dials, dialled
from faceplate.face.expression import mouth_openness
from faceplate.generators import Generator, MeshGenerator, MeshSettings, NullGenerator
from faceplate.generators.reshape import shape_offset
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from faceplate.render.matte import InputMattes
from faceplate.render.prepare import prepare_plate
from faceplate.render.swap import swap_face
from faceplate.shot.parameters import Parameters
from faceplate.source.views import Geometry
from pictures import FaceIn, ReadSource

PEOPLE = ("ada", "bea", "cal", "dot", "eve", "fox")


def pair(face_in: FaceIn, source: str, target: str, view: str = "front") -> tuple[Face, Face, Window]:
    """The face of `target`, the same with the shape of `source`, and the plate's pixels that may move."""
    face = face_in(f"{target}/{view}.jpg")
    poses = (Geometry.of(face_in(f"{source}/front.jpg")).pose,)
    wanted = face.moved(face.points + shape_offset(face.points, poses))
    return face, wanted, face.window(REACH).union(wanted.window(REACH))


@pytest.mark.parametrize("view", ["front", "left", "right", "open"])
@pytest.mark.parametrize("target", PEOPLE)
def test_the_plate_is_never_folded(face_in: FaceIn, target: str, view: str) -> None:
    for source in PEOPLE:
        if source == target:
            continue
        face, wanted, window = pair(face_in, source, target, view)
        around = follow_outline(face, wanted, window, np.zeros((window.height, window.width), np.float32))
        assert around is not None
        assert np.abs(around.shift).max() > 1.0
        assert folding(around.shift).min() > 0.0


def test_a_shape_that_stays_moves_nothing(face_in: FaceIn) -> None:
    face, _, window = pair(face_in, "bea", "ada")
    assert follow_outline(face, face, window, np.zeros((window.height, window.width), np.float32)) is None


def test_a_mouth_that_opens_is_reached(face_in: FaceIn) -> None:
    """The warp stopped where the inside of the mouth grew to three times its area, and took the whole face's shape back with it."""
    face = face_in("dot/closed.jpg")
    wanted = face.moved(dialled(face.points, Dials(mouth=1.0)).outer)
    window = face.window(REACH).union(wanted.window(REACH))
    around = follow_outline(face, wanted, window, np.zeros((window.height, window.width), np.float32))
    assert around is not None and mouth_openness(wanted.points) > mouth_openness(face.points) + 0.3
    assert np.abs(around.face.points - wanted.points).max() < 0.01
    assert folding(around.shift).min() > -0.1  # landmarks of shut lips cross by a part of a pixel


def test_beyond_the_cover_the_plate_is_kept_bit_for_bit(face_in: FaceIn) -> None:
    face, wanted, window = pair(face_in, "fox", "ada")
    around = follow_outline(face, wanted, window, np.zeros((window.height, window.width), np.float32))
    assert around is not None
    plate = np.random.default_rng(1).normal(0.2, 0.3, (window.height, window.width, 3)).astype(np.float32)
    moved = around.plate(plate, None)
    still = around.cover == 0
    assert still.any() and np.array_equal(moved[still], plate[still])
    assert not np.array_equal(moved, plate)
    # The cover ends inside its window: nothing is cut off there.
    assert not around.cover[[0, -1]].any() and not around.cover[:, [0, -1]].any()


def test_what_hides_the_face_stays_still(face_in: FaceIn) -> None:
    face, wanted, window = pair(face_in, "fox", "ada")
    hidden = np.zeros((window.height, window.width), np.float32)
    jaw = face.points[152, :2] - (window.x, window.y)
    reach = int(0.08 * face.size)
    across, down = slice(int(jaw[0]) - reach, int(jaw[0]) + reach), slice(int(jaw[1]) - reach, int(jaw[1]) + reach)
    free = follow_outline(face, wanted, window, hidden)
    hidden[down, across] = 1.0
    around = follow_outline(face, wanted, window, hidden)
    assert free is not None and around is not None
    core = slice(down.start + reach // 2, down.stop - reach), slice(across.start + reach // 2, across.stop - reach // 2)
    assert np.abs(free.shift[core]).max() > 1.0
    assert np.abs(around.shift[core]).max() < 0.05
    assert folding(around.shift).min() > 0.0


@pytest.mark.parametrize("target", PEOPLE)
def test_grain_does_not_shake_the_outline(
    target: str, read_picture: Callable[[str], Frame], color: ColorConfig, finder: FaceFinder, source_of: ReadSource
) -> None:
    """Four frames that differ in nothing but grain: the new outline stays where it is, beside curls too."""
    picture = cv2.resize(read_picture(f"{target}/front.jpg").working(), (512, 512), interpolation=cv2.INTER_AREA)
    frame = Frame(cv2.GaussianBlur(picture, (0, 0), 1.2), Window(0, 0, 512, 512), color.working_space, color)
    face = finder.find(frame)[0]
    generator = MeshGenerator(source_of("ada" if target == "fox" else "fox"))
    reached = []
    for seed in range(4):
        noise = np.random.default_rng(seed).standard_normal(frame.pixels.shape, np.float32)
        plate = frame.with_pixels(frame.pixels + noise * np.sqrt(2e-4 * np.maximum(frame.pixels, 0) + 2e-6))
        reached.append(prepare_plate(plate, face, generator, Parameters()).face.points[:, :2])
    shaken = np.std(reached, axis=0)
    assert shaken.mean() < 0.2 and shaken.max() < 1.5


def test_shape_in_a_swap(read_picture: Callable[[str], Frame], face_in: FaceIn, source_of: ReadSource) -> None:
    frame, face = read_picture("ada/front.jpg"), face_in("ada/front.jpg")
    source = source_of("bea")
    keeps, moves = (
        swap_face(frame, face, MeshGenerator(source, MeshSettings(shape)), Parameters(shape=shape, layers="matte"))
        for shape in (0.0, 1.0)
    )
    assert not any("surround" in name for name in keeps.layers)
    assert (moves.matte > 0).sum() > (keeps.matte > 0).sum()
    plate = frame.pixels[moves.window.slices(frame.window)]
    assert np.array_equal(moves.over[moves.matte == 0], plate[moves.matte == 0])
    alone = swap_face(frame, face, NullGenerator(), Parameters(shape=1.0, grain=0, occlusion=0))
    assert np.array_equal(alone.over, frame.pixels[alone.window.slices(frame.window)])


def test_a_hold_out_keeps_the_moved_plate_off(
    read_picture: Callable[[str], Frame], face_in: FaceIn, source_of: ReadSource
) -> None:
    """Where a hold-out matte is whole the plate is as it was shot, bit for bit, also beside the jaw, where it would move."""
    frame, face = read_picture("ada/front.jpg"), face_in("ada/front.jpg")
    generator = MeshGenerator(source_of("fox"))
    jaw = face.points[152, :2] - (frame.window.x, frame.window.y)
    hold_out = np.zeros(frame.pixels.shape[:2], np.float32)
    hold_out[int(jaw[1]) - 40 : int(jaw[1]) + 40, int(jaw[0]) - 40 : int(jaw[0]) + 40] = 1.0
    free, held = (
        swap_face(frame, face, generator, Parameters(layers="parts"), inputs=inputs)
        for inputs in (None, InputMattes(holdout=hold_out))
    )
    inside = hold_out[held.window.slices(frame.window)] == 1
    plate = frame.pixels[held.window.slices(frame.window)]
    assert free.layers["matte_surround"][inside].max() > 0.5 and held.layers["matte_surround"][inside].max() == 0
    assert not np.array_equal(free.over[inside], plate[inside])
    assert np.array_equal(held.over[inside], plate[inside]) and held.matte[inside].max() == 0


def test_shape_zero_is_the_generator_without_a_shape(
    read_picture: Callable[[str], Frame], face_in: FaceIn, source_of: ReadSource
) -> None:
    """A generator that knows no shape at all gives the same pixels."""
    frame, face = read_picture("ada/front.jpg"), face_in("ada/front.jpg")
    mesh = MeshGenerator(source_of("bea"), MeshSettings(shape=0.0))
    plain = SimpleNamespace(
        name=mesh.name, encoding=mesh.encoding, weights=mesh.weights, native_size=mesh.native_size,
        frame=mesh.frame, generate=mesh.generate,
    )  # fmt: skip
    first, second = (swap_face(frame, face, cast("Generator", g), Parameters(shape=0.0)) for g in (mesh, plain))
    assert first.window == second.window and np.array_equal(first.over, second.over)
