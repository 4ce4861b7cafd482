"""What a frame reads of the plate: enough for every later stage, and no more rows than the new shape needs."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.comp.grain import measure_grain
from faceplate.face import Face, FaceFinder
from faceplate.face.align import apply, resample
from faceplate.generators import MeshGenerator
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from faceplate.render.lens import PlateLens
from faceplate.render.prepare import region_of_interest
from faceplate.render.swap import swap_face
from faceplate.shot.parameters import Parameters
from faceplate.source import Source
from pictures import ReadPicture

SIZE, SIDE = 180.0, 500


def turned(frame: Frame, face: Face, roll: float) -> tuple[Frame, Face]:
    """Return the face with `SIZE` pixels in the middle of a large plate, its head rolled by so many degrees."""
    scale, angle = SIZE / face.size, np.radians(roll)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.column_stack([turn, SIDE / 2 - turn @ face.points[:, :2].mean(axis=0)])
    window = Window(0, 0, SIDE, SIDE)
    pixels = resample(frame.working(), frame.window, matrix, window)
    points = np.column_stack([apply(matrix, face.points[:, :2]), scale * face.points[:, 2]])
    return Frame(pixels, window, frame.color.working_space, frame.color), face.moved(points)


@pytest.mark.parametrize(("roll", "values"), [(0.0, {}), (8.0, {}), (0.0, {"forehead": 1.5, "defocus": "4"})])
def test_the_rows_that_the_new_shape_needs_give_the_pixels_of_all_rows(
    roll: float, values: dict[str, object], read_picture: ReadPicture, finder: FaceFinder, source_bea: Source
) -> None:
    picture = read_picture("ada/front.jpg")
    frame, face = turned(picture, finder.find(picture)[0], roll)
    mesh, parameters = MeshGenerator(source_bea), Parameters.model_validate(values)
    transform, shaped = mesh.frame(face, 1.0), mesh.reshaped(face, 1.0)
    most = region_of_interest(transform, face, parameters, True)
    part = region_of_interest(transform, face, parameters, True, shaped=shaped)
    assert part.intersect(most) == part and part.height < most.height
    known, lens = measure_grain(frame.working()), PlateLens(softness=2.0 / SIZE)
    fewer, all_rows = (
        swap_face(frame.region(region), face, mesh, parameters, grain=known, lens=lens) for region in (part, most)
    )
    assert fewer.window == all_rows.window and np.array_equal(fewer.over, all_rows.over)


def test_a_network_of_the_user_that_looks_around_the_face_reads_all_rows(
    read_picture: ReadPicture, finder: FaceFinder, source_bea: Source
) -> None:
    picture = read_picture("ada/front.jpg")
    face, mesh = finder.find(picture)[0], MeshGenerator(source_bea)
    transform, shaped = mesh.frame(face, 1.0), mesh.reshaped(face, 1.0)
    for values in ({"occluder": "own"}, {"parser": "own"}, {"dial_mouth": 0.5}):
        parameters = Parameters.model_validate(values)
        most = region_of_interest(transform, face, parameters, True)
        assert region_of_interest(transform, face, parameters, True, shaped=shaped) == most
