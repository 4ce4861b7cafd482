"""The inverse ST map as a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from faceplate.cli.main import run
from faceplate.comp.layers import (
    inverse_stmap,
)
from faceplate.errors import UsageError
from faceplate.face import FaceFinder
from faceplate.generators import NullGenerator
from faceplate.image.frame import Frame
from faceplate.plate import PlateFile
from faceplate.render import Renderer
from faceplate.render.composite import empty_composite
from faceplate.render.stmap import unwrap_frames
from faceplate.render.swap import swap_face
from faceplate.shot import Shot
from faceplate.shot.parameters import Parameters
from plates import read_file, write_plate


def test_the_inverse_map_as_a_file(tmp_path: Path, read_picture: Callable[[str], Frame]) -> None:
    """`faceplate stmap`: the file holds the map that the function gives, and the plate unwraps and wraps through it."""
    frame = read_picture("ada/front.jpg")
    write_plate(tmp_path / "p.1002.exr", frame.working(), "half", colorInteropID="lin_ap1_scene", reelName="A001")
    with pytest.raises(SystemExit) as left:
        run(["stmap", str(tmp_path / "p.####.exr"), "-o", str(tmp_path / "maps" / "u.####.exr"), "--size", "256"])
    assert not left.value.code
    pixels, said = read_file(tmp_path / "maps" / "u.1002.exr")
    assert pixels.shape == (256, 256, 4) and said.channelnames == ("R", "G", "B", "A")
    assert {str(kind) for kind in (said.channelformats or [said.format])} == {"float"}
    assert said.getattribute("faceplate:plate") == "p.1002.exr" and said.getattribute("reelName") == "A001"
    file = PlateFile.open(tmp_path / "p.1002.exr")
    seen = FaceFinder.embedded().find(Frame(file.read_rgb(), file.data, "ACEScg", frame.color))[0]
    wanted = inverse_stmap(seen, 256, file.display)
    assert np.array_equal(pixels[..., :2], wanted.st) and np.array_equal(pixels[..., 3], wanted.coverage)
    assert pixels[..., 3].mean() > 0.3 and not pixels[..., 2].any()
    for size, output, words in ((8, "u.####.exr", "16 to 8192"), (64, "u.####.png", "must end in .exr")):
        with pytest.raises(UsageError, match=words):
            shot = Shot(plate=f"{tmp_path}/p.####.exr", output=f"{tmp_path}/{output}")
            list(unwrap_frames(Renderer(shot), [1002], size=size))


def test_a_frame_without_the_face_has_the_layers_of_the_others(
    read_picture: Callable[[str], Frame], finder: FaceFinder
) -> None:
    frame = read_picture("ada/front.jpg")
    asked = Parameters(layers="matte, raw, stmap, depth, confidence, id", occlusion=0, grain=0)
    swapped = swap_face(frame, finder.find(frame)[0], NullGenerator(side=128), asked, name="ada")
    empty = empty_composite(frame.window, asked, "ada")
    assert set(empty.layers) == set(swapped.layers)
