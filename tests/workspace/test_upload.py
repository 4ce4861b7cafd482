"""Pictures that are dropped into a source: names, types, sizes."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceplate.demo import person
from faceplate.errors import UsageError
from faceplate.workspace.upload import LIMIT, take_picture
from workspace_page import Page

JPEG = (person("bea") / "front.jpg").read_bytes()


def png(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes that claims to have `width` x `height` black pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(min((width * 3 + 1) * height, 1 << 16)))
    out = io.BytesIO()
    out.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))
    return out.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "someone"
    made.mkdir()
    return made


@pytest.mark.parametrize("name", ["front.jpg", "Ä b (2).JPEG", "a.b-c_d+e.jpg", "日本.jpg"])
def test_is_written_as_it_is(folder: Path, name: str) -> None:
    assert take_picture(folder, name, JPEG) == folder / name
    assert (folder / name).read_bytes() == JPEG and [item.name for item in folder.iterdir()] == [name]


@pytest.mark.parametrize(
    "name",
    [
        "", ".", "..", "../a.jpg", "/etc/a.jpg", "a/b.jpg", "a\\b.jpg", "..\\a.jpg", ".hidden.jpg", "-rf.jpg", "a\0.jpg",
        "a\n.jpg", "con.jpg", "NUL.png", "com1.tif", "a.jpg ", "a.jpg.", "C:a.jpg", "a:b.jpg", "a*.jpg", "x" * 200 + ".jpg",
        "%2e%2e%2fa.jpg", "~/a.jpg", "$HOME.jpg",
    ],
)  # fmt: skip
def test_names_stay_in_their_folder(folder: Path, name: str) -> None:
    with pytest.raises(UsageError) as refused:
        take_picture(folder, name, JPEG)
    assert refused.value.code == "bad-name" and not list(folder.iterdir())
    assert sorted(item.name for item in folder.parent.iterdir()) == ["someone"]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.exe", JPEG), ("a", JPEG), ("a.svg", b"<svg/>"), ("a.png", JPEG), ("a.jpg", png(4, 4)), ("a.jpg", b""),
        ("a.jpg", b"\xff\xd8\xff" + bytes(100)), ("a.exr", b"\x76\x2f\x31\x01" + bytes(50)), ("a.html", b"<script>"),
    ],
)  # fmt: skip
def test_only_pictures(folder: Path, name: str, data: bytes) -> None:
    with pytest.raises(UsageError) as refused:
        take_picture(folder, name, data)
    assert refused.value.code == "not-a-picture" and not list(folder.iterdir())


@pytest.mark.parametrize("size", [(60_000, 60_000), (2_000_000, 100), (20_000, 5_001)])
def test_a_picture_bomb_gets_one_sentence(folder: Path, size: tuple[int, int]) -> None:
    """Its header is read and none of its pixels."""
    bomb = png(*size)
    assert len(bomb) < 2000
    with pytest.raises(UsageError) as refused:
        take_picture(folder, "bomb.png", bomb)
    assert refused.value.code in ("picture-too-large", "not-a-picture") and str(refused.value).count(".") <= 2
    assert not list(folder.iterdir())


def test_nothing_is_replaced(folder: Path, tmp_path: Path) -> None:
    (folder / "a.jpg").write_bytes(b"mine")
    (folder / "b.jpg").symlink_to(tmp_path / "elsewhere.jpg")
    for name in ("a.jpg", "b.jpg"):
        with pytest.raises(UsageError) as refused:
            take_picture(folder, name, JPEG)
        assert refused.value.code == "picture-exists"
    assert (folder / "a.jpg").read_bytes() == b"mine" and not (tmp_path / "elsewhere.jpg").exists()


def test_a_source_that_is_no_folder(folder: Path) -> None:
    with pytest.raises(UsageError) as refused:
        take_picture(folder / "front.jpg", "a.jpg", JPEG)
    assert refused.value.code == "no-source-folder"


def found_map(page: Page, shot: Path, kind: str) -> np.ndarray:
    """A map of front.jpg as the page gets it."""
    sent = page.ask("GET", "/v1/ui/source/map", shot=str(shot), name="front.jpg", kind=kind, size=128)
    picture = cv2.imdecode(np.frombuffer(sent.data, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture


class TestOverTheWire:
    def test_a_dropped_picture_is_a_view(self, page: Page, make_shot: Callable[..., Path]) -> None:
        shot = make_shot(source="someone")
        source = shot.with_name("someone")
        source.mkdir()
        assert page.get("/v1/ui/source", shot=str(shot))["error"]["code"] == "source-without-face"
        answer = page.ask("POST", "/v1/ui/source/picture", JPEG, shot=str(shot), name="front.jpg")
        assert answer.status == 201, answer.data
        told = answer.json
        assert [(item["name"], item["used"]) for item in told["pictures"]] == [("front.jpg", True)]
        assert (
            told["error"] is None
            and told["kind"] == "folder"
            and told["missing"]
            and told["release"]["state"] == "none"
        )
        small = page.ask("GET", "/v1/ui/source/picture", shot=str(shot), name="front.jpg", size=64)
        assert small.status == 200 and small.headers["content-type"] == "image/jpeg" and len(small.data) < 10_000
        assert told["pictures"][0]["maps"] == ["front.jpg"]
        marked, own = (found_map(page, shot, kind) for kind in ("maps", "own"))
        assert max(marked.shape) == max(own.shape) == 128
        assert np.ptp(own, axis=2).max() < 10 < np.ptp(marked, axis=2).max()  # grey, and in colour
        for name, kind, code in (("x.jpg", "maps", "no-picture"), ("front.jpg", "x", "bad-request")):
            assert page.ask("GET", "/v1/ui/source/map", shot=str(shot), name=name, kind=kind).code == code
        again = page.ask("POST", "/v1/ui/source/picture", JPEG, shot=str(shot), name="front.jpg")
        assert (again.status, again.code) == (409, "picture-exists")

    @pytest.mark.parametrize(
        "name", ["../fast.shot.json", "fast.shot.json", "/etc/passwd", "faceplate.source.json", ""]
    )
    def test_no_other_file_is_read(self, page: Page, make_shot: Callable[..., Path], name: str) -> None:
        shot = make_shot(source="someone")
        shot.with_name("someone").mkdir(exist_ok=True)
        (shot.with_name("someone") / "front.jpg").write_bytes(JPEG)
        answer = page.ask("GET", "/v1/ui/source/picture", shot=str(shot), name=name)
        assert (answer.status, answer.code) == (404, "no-picture")

    def test_sizes(self, page: Page, shot: Path) -> None:
        """A picture may be larger than other requests, and not without an end."""
        headers = {"Content-Length": str(LIMIT + 1)}
        answer = page.ask("POST", "/v1/ui/source/picture", b"", headers, shot=str(shot), name="a.jpg")
        assert (answer.status, answer.code) == (413, "body-too-large")
        answer = page.ask("POST", "/v1/ui/notes", b"", {"Content-Length": str((8 << 20) + 1)}, shot=str(shot))
        assert answer.status == 413
