"""Over mode on a part other than the first: the header fields are where readers look, and the rest is the plate's."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest

from faceplate.demo import person
from faceplate.face import FaceFinder
from faceplate.farm import check_shot
from faceplate.image.window import Window
from faceplate.plate import PlateFile, Sequence, write_over
from faceplate.plate.exr.container import read_chunks, read_exr_header
from faceplate.provenance.fields import written_fields
from faceplate.provenance.manifest import manifest_path, read_manifest
from faceplate.provenance.verify import verify
from faceplate.render import Renderer
from faceplate.render.current import is_current
from faceplate.shot import load_shot
from faceplate.signing import Keyring
from faceplate_client.exr import frame_key
from farm_shots import cheap, ran

SIZE = Window(0, 0, 64, 48)


def part(name: str, channels: tuple[str, ...], pixels: np.ndarray, **fields: Any) -> tuple[oiio.ImageSpec, np.ndarray]:
    spec = oiio.ImageSpec(SIZE.width, SIZE.height, len(channels), "half")
    spec.channelnames = channels
    spec.attribute("oiio:subimagename", name)
    spec.attribute("compression", "zip")
    for key, value in fields.items():
        spec.attribute(key, value)
    return spec, np.ascontiguousarray(pixels, np.float32)


def multi_part(path: Path, seed: int) -> Path:
    """A depth part with infinite samples, a black beauty, and the layer that is rendered."""
    rng = np.random.default_rng(seed)
    shape = (SIZE.height, SIZE.width)
    depth = np.full((*shape, 1), np.inf)
    parts = [
        part("depth", ("Z",), depth, note="depth"),
        part("rgba", ("R", "G", "B", "A"), np.zeros((*shape, 4)), note="beauty"),
        part("crowd", ("R", "G", "B"), rng.random((*shape, 3)), note="crowd", **{"faceplate:engine": "older"}),
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    output = oiio.ImageOutput.create(str(path))
    assert output is not None and output.open(str(path), tuple(spec for spec, _ in parts)), oiio.geterror()
    for index, (spec, pixels) in enumerate(parts):
        assert index == 0 or output.open(str(path), spec, "AppendSubimage")
        assert output.write_image(pixels), output.geterror()
    output.close()
    return path


def packed(path: Path) -> list[list[bytes]]:
    data = path.read_bytes()
    return [[data[chunk.offset : chunk.offset + chunk.length] for chunk in table] for table in read_chunks(path)]


@pytest.mark.parametrize("compression", [None, "piz"])
def test_the_first_header_has_the_fields_and_all_else_is_the_plates(tmp_path: Path, compression: str | None) -> None:
    source = multi_part(tmp_path / "p.exr", 1)
    plate = PlateFile.open(source, "crowd")
    assert plate.part == 2
    changed = np.zeros((SIZE.height, SIZE.width), bool)
    changed[5:9, 10:20] = True
    fields = {"faceplate:engine": "0.2", "faceplate:key": "k"}
    result = write_over(
        plate, tmp_path / "o.exr", SIZE, np.ones((*changed.shape, 3), np.float32), changed, fields, compression
    )
    assert frame_key(str(result.path)) == "k"
    before, after = (read_exr_header(path) for path in (source, result.path))
    assert before is not None and after is not None
    for index, (old, new) in enumerate(zip(before[0], after[0], strict=True)):
        own = [field for field in new.header if field.name not in fields]
        expected = [field for field in old.header if field.name not in fields]
        if index == 2 and compression:
            assert new.compression == compression
            own, expected = (
                [f for f in some if f.name not in ("compression", "chunkCount")] for some in (own, expected)
            )
        assert own == expected, index
        assert all(new.text(name) == (value if index != 1 else None) for name, value in fields.items())
    assert packed(result.path)[:2] == packed(source)[:2]
    wanted = plate.read_rgb()
    wanted[changed] = 1
    np.testing.assert_array_equal(PlateFile.open(result.path, "crowd").read_rgb(), wanted)
    assert written_fields(PlateFile.open(result.path))["faceplate:key"] == "k"  # its beauty is the second part


def test_a_rendered_layer_is_current_and_its_check_is_clean(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], finder: FaceFinder
) -> None:
    for number in (1001, 1002):
        multi_part(tmp_path / "plates" / f"plate.{number}.exr", number)
    shutil.copytree(person("bea"), tmp_path / "bea")
    document = {
        "faceplate_shot": 1, "name": "sh010", "plate": "plates/plate.####.exr", "layer": "crowd", "space": "ACEScg",
        "output": "out/sh010.####.exr", **cheap(no_face="pass"),
    }  # fmt: skip
    shot = tmp_path / "sh010.shot.json"
    shot.write_text(json.dumps({key: value for key, value in document.items() if value is not None}))
    assert ran(capsys, "render", shot, "--no-track")[0] == 0
    renderer = Renderer(load_shot(shot).model_copy(update={"track_first": False}), finder)
    renderer.prepare()
    assert is_current(renderer, 1001) and is_current(renderer, 1002)
    _, events = ran(capsys, "render", shot, "--no-track")
    assert events[-1]["current"] == 2 and events[-1]["written"] == 0
    report = check_shot(renderer)
    assert report.sound and report.faults == () and report.frames == (1001, 1002)
    output = Sequence.parse(str(tmp_path / "out" / "sh010.####.exr"))
    assert len(read_manifest(manifest_path(output))[0].frames) == 2
    verdict = verify(output.folder, Keyring({}))
    assert verdict.state == "unsigned" and verdict.made["shot"] == "sh010"
