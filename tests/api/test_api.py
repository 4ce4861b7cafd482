"""The Python interface: detecting, swapping and enhancing faces of a frame."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceplate import FaceDetector, FaceEnhancer, FaceSwapper
from faceplate.api import open_frame
from faceplate.color import ColorConfig
from faceplate.demo import person
from faceplate.face import FaceFinder
from faceplate.generators import MeshGenerator
from faceplate.image.window import Window
from measures import relative_rms
from pictures import ReadPicture
from plates import write_plate


def test_api_chain(
    read_picture: ReadPicture, finder: FaceFinder, mesh_of_bea: MeshGenerator, tmp_path: Path, color: ColorConfig
) -> None:
    path = write_plate(tmp_path / "p.1001.exr", read_picture("ada/front.jpg").working(), "half")
    frame = open_frame(path, "ACEScg", color)
    faces = FaceDetector(finder)(frame)
    swapped = FaceSwapper(person("bea"), finder=finder, generator=mesh_of_bea)(frame, faces)
    enhanced = FaceEnhancer(1.0)(swapped, faces)
    window = faces[0].window(0.4).intersect(frame.window)  # the plate around the face follows its shape
    outside = np.ones(frame.pixels.shape[:2], bool)
    outside[window.slices(frame.window)] = False
    assert np.array_equal(swapped.pixels[outside], frame.pixels[outside])
    assert np.array_equal(enhanced.pixels[outside], frame.pixels[outside])
    inside = faces[0].window(-0.25).slices(frame.window)
    assert relative_rms(swapped.pixels[inside], frame.pixels[inside]) > 0.05
    rough = [np.abs(np.diff(item.pixels[inside], axis=1)).mean() for item in (swapped, enhanced)]
    assert rough[1] > 1.2 * rough[0]
    assert FaceEnhancer(0.0)(swapped, faces).pixels.tobytes() == swapped.pixels.tobytes()


def test_several_faces_are_each_swapped(
    read_picture: ReadPicture, finder: FaceFinder, mesh_of_bea: MeshGenerator
) -> None:
    left, right = read_picture("ada/front.jpg"), read_picture("dot/front.jpg")
    pair = replace(left, pixels=np.concatenate([left.pixels, right.pixels], axis=1), window=Window(0, 0, 2048, 1024))
    faces = FaceDetector(finder)(pair)
    assert len(faces) == 2
    result = FaceSwapper(person("bea"), finder=finder, generator=mesh_of_bea)(pair, faces)
    for face in faces:
        inside = face.window(-0.25).slices(pair.window)
        assert relative_rms(result.pixels[inside], pair.pixels[inside]) > 0.03


def test_a_closed_swapper_holds_nothing_and_can_be_used_again(read_picture: ReadPicture, finder: FaceFinder) -> None:
    """Source, generator, colour and networks are freed; the second use opens them again and makes the same picture."""
    frame = read_picture("ada/front.jpg")
    own = replace(finder)  # the fixture's networks serve other tests
    face = FaceDetector(own)(frame)[0]
    with FaceSwapper(person("bea"), finder=own) as swapper:
        first = swapper.swap(frame, face)
        resources = swapper.resources
        held = [weakref.ref(item) for item in (resources, resources.pool, resources.source, *own.opened)]
        del resources
        assert len(held) > 4
    gc.collect()
    assert [item() for item in held] == [None] * len(held) and own.opened == ()
    again = swapper.swap(frame, face)
    assert again.over.tobytes() == first.over.tobytes()
    swapper.close()
    swapper.close()  # closing twice is no error
    assert "resources" not in vars(swapper)


def test_a_swapper_is_closed_after_an_error_and_a_given_generator_stays(
    read_picture: ReadPicture, finder: FaceFinder, mesh_of_bea: MeshGenerator
) -> None:
    own = replace(finder)
    swapper = FaceSwapper(finder=own, generator=mesh_of_bea)
    with pytest.raises(ZeroDivisionError), swapper:
        assert swapper.resources.given_generator is mesh_of_bea
        raise ZeroDivisionError
    assert "resources" not in vars(swapper)
    assert swapper.generator is mesh_of_bea and mesh_of_bea.source.views
