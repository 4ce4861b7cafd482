"""Provenance fields of every frame, and `verify` on a rendered take."""

from __future__ import annotations

from pathlib import Path

import OpenImageIO as oiio  # noqa: N813  (the name its own documentation uses)

from faceplate.plate import PlateFile
from faceplate.provenance import verify
from faceplate.provenance.fields import COMPOSITE, SOURCE_TYPE
from faceplate.render import Renderer
from faceplate.signing import Keyring


def test_every_frame_says_what_made_it(marked_take: Renderer) -> None:
    attributes = PlateFile.open(marked_take.output.path(1001)).attributes
    said = {
        name.removeprefix("faceplate:"): value for name, value in attributes.items() if name.startswith("faceplate:")
    }
    assert said["shot"] == "sh010" and said["take"] == "3" and said["shot_id"] == "0" * 32
    assert said["release"] == "faceplate-demo-bea" and said["release_state"] == "valid" and said["purpose"] == "preview"
    assert "face_landmarker" in said["weights_sha256"] and len(said["plate_sha256"]) == 64
    assert attributes[SOURCE_TYPE] == COMPOSITE
    assert all(isinstance(value, str) for value in said.values())


def test_a_frame_saved_again_by_openimageio_keeps_its_fields(marked_take: Renderer, tmp_path: Path) -> None:
    copy = tmp_path / "copy.1001.exr"
    assert oiio.ImageBuf(str(marked_take.output.path(1001))).write(str(copy))
    before, after = (PlateFile.open(path).attributes for path in (marked_take.output.path(1001), copy))
    for name, value in before.items():
        if name.startswith("faceplate:") or name == SOURCE_TYPE:
            assert after[name] == value, name
    assert verify(copy, Keyring({})).made["release"] == "faceplate-demo-bea"


def test_verify_tells_a_take_and_a_changed_frame(marked_take: Renderer) -> None:
    assert verify(marked_take.output.folder, Keyring({})).state == "unsigned"
    path = marked_take.output.path(1002)
    picture = oiio.ImageBuf(str(path))
    picture.setpixel(5, 5, (0.5, 0.25, 0.125))
    picture.write(str(path))
    verdict = verify(marked_take.output.folder, Keyring({}))
    assert [frame.kind for frame in verdict.frames] == ["as-written", "pixels-changed"]
