"""`faceplate check` of a shot of several people names the person."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813

from faceplate.demo import person
from faceplate.face import FaceFinder
from faceplate.farm import check_shot
from faceplate.render import Renderer
from faceplate.render.batch import RenderBatch
from faceplate.render.current import is_current
from faceplate.shot import load_shot
from farm_shots import with_pixels
from track_plates import background, over, portrait, write_frames


def test_a_face_whose_element_is_empty_is_named(tmp_path: Path) -> None:
    wall = background(400, 200, 5)
    both = over(over(wall, portrait("ada"), (110, 100), 190), portrait("eve"), (290, 100), 190)
    write_frames(tmp_path, 2, lambda i: both)
    faces = [{"name": name, "parameters": {"target": target}} for name, target in (("Ada", "1"), ("Eve", "2"))]
    document = {
        "faceplate_shot": 1, "plate": "plate.####.exr", "output": "out/s.####.exr", "frames": "1001-1002", "faces": faces,
        "source": str(person("bea") / "front.jpg"), "parameters": {"generator": "null", "occlusion": 0.0},
    }  # fmt: skip
    renderer = Renderer(load_shot(document, tmp_path), FaceFinder.embedded())
    renderer.prepare()
    done = list(RenderBatch(renderer, recorded=True, action="render").run(renderer.frames()))
    assert [item.error for item in done] == [None, None] and is_current(renderer, 1002)
    assert check_shot(renderer).sound
    path = tmp_path / "out" / "s.1002.exr"
    names = list(oiio.ImageBuf(str(path)).spec().channelnames)

    def spoil(pixels: np.ndarray) -> None:
        pixels[..., [names.index(f"face_Eve.{channel}") for channel in "RGBA"]] = 0

    with_pixels(path, spoil)
    faults = [fault for fault in check_shot(renderer).faults if fault.code == "empty"]
    assert [(fault.frame, fault.face) for fault in faults] == [(1002, "Eve")]
    assert faults[0].message == "s.1002.exr, Eve: the track has a face, the element is empty."
