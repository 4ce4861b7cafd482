"""Helpers for adapters: sequences, headers, shot documents, licences, run folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import faceplate_client
from faceplate.plate import Sequence
from faceplate.shot.parameters import describe
from faceplate_client import engine as engine_module
from faceplate_client import paths
from faceplate_client.exr import header
from plates import write_plate


class TestHelpers:
    @given(
        st.sampled_from(
            ["p.####.exr", "p.@@@.exr", "p.%04d.exr", "p.%d.exr", "p.$F4.exr", "a_###_b.exr", "p.#.exr", "still.exr"]
        ),
        st.integers(-50, 123456),
    )
    def test_sequences_are_the_engines(self, pattern: str, frame: int) -> None:
        assert faceplate_client.frame_path("/x/" + pattern, frame) == str(Sequence.parse("/x/" + pattern).path(frame))

    def test_frames_on_disk(self, tmp_path: Path) -> None:
        for name in ("p.1001.exr", "p.01002.exr", "p.1003.exr.part", "p.0005.exr", "q.1001.exr", "p.-003.exr"):
            (tmp_path / name).write_text("")
        pattern = str(tmp_path / "p.####.exr")
        assert faceplate_client.frames_on_disk(pattern) == [-3, 5, 1001] == list(Sequence.parse(pattern).on_disk())
        assert faceplate_client.frames_on_disk("/nowhere/p.####.exr") == []

    @pytest.mark.parametrize(
        ("path", "pattern"),
        [
            ("/a/p.1001.exr", "/a/p.####.exr"),
            ("p_1001.exr", "p_####.exr"),
            ("1001.dpx", "####.dpx"),
            ("/a/v2.exr", "/a/v2.exr"),
            ("still.exr", "still.exr"),
        ],
    )
    def test_a_files_pattern(self, path: str, pattern: str) -> None:
        assert faceplate_client.with_padding(path) == pattern

    def test_headers(self, tmp_path: Path) -> None:
        from faceplate.image.window import Window

        attributes: dict[str, Any] = {"faceplate:key": "ab12"}
        path = write_plate(
            tmp_path / "o.exr", np.zeros((4, 6, 3), np.float32), data=Window(-2, 3, 6, 4), display=Window(0, 0, 20, 10),
            **attributes,
        )  # fmt: skip
        found = header(str(path))
        assert found["faceplate:key"] == faceplate_client.frame_key(str(path)) == "ab12"
        assert found["dataWindow"] == (-2, 3, 6, 4) and found["displayWindow"] == (0, 0, 20, 10)
        whole = path.read_bytes()
        for count in (0, 3, 8, 40, 200):
            (tmp_path / "cut.exr").write_bytes(whole[:count])
            assert faceplate_client.frame_key(str(tmp_path / "cut.exr")) is None
        assert faceplate_client.frame_key(str(tmp_path / "none.exr")) is None

    def test_documents(self, tmp_path: Path) -> None:
        from faceplate.shot import load_shot

        curve = faceplate_client.keyed([(1020, 0.4, "linear"), (1001, 0.1, "hold")])
        values = {"matte_feather": curve, "occlusion": default("occlusion"), "nonsense": 1}
        made = faceplate_client.shot_document(
            "p.####.exr", values, name="sh010", source=None, id=faceplate_client.new_id()
        )
        assert made["parameters"] == {"matte_feather": curve} and "source" not in made
        path = faceplate_client.write_document(str(tmp_path / "new" / "sh010.shot.json"), made)
        shot = load_shot(path)
        assert shot.name == "sh010" and shot.at(1010).matte_feather == 0.1 and shot.at(1020).matte_feather == 0.4
        assert [item.name for item in (tmp_path / "new").iterdir()] == ["sh010.shot.json"]

    def test_licences(self) -> None:
        free = {"name": "yunet", "licence": "MIT", "commercial": True}
        bound = {"name": "swapper", "licence": "research only", "commercial": False}
        assert (
            faceplate_client.licence_notice({"weights": [free]})
            == "Weights: yunet (MIT). All may be used commercially."
        )
        assert faceplate_client.licence_notice({"weights": [free, bound]}).startswith("NOT FOR COMMERCIAL USE: swapper")

    def test_variables_of_a_shot(self, tmp_path: Path) -> None:
        (tmp_path / "faceplate.show.json").write_text('{"defaults": {"ocio": "$SHOW_OCIO/config.ocio"}}')
        (tmp_path / "sq").mkdir()
        (tmp_path / "sq" / "a.shot.json").write_text('{"plate": "${PLATES}/p.exr"}')
        texts = engine_module._texts(str(tmp_path / "sq" / "a.shot.json"))
        environ = {"PLATES": "/p", "SHOW_OCIO": "/o", "SECRET": "s", "OCIO": "ocio://x"}
        assert engine_module.variables(texts, environ) == {
            "PLATES": "/p",
            "SHOW_OCIO": "/o",
            "OCIO": "ocio://x",
        }

    @pytest.mark.parametrize(
        ("platform", "environ", "end"),
        [
            ("linux", {"XDG_RUNTIME_DIR": "{tmp}"}, "{tmp}/faceplate"),
            ("linux", {"XDG_CACHE_HOME": "/c"}, "/c/faceplate/run"),
            ("linux", {"FACEPLATE_RUN": "/r", "XDG_RUNTIME_DIR": "{tmp}"}, "/r"),
            ("darwin", {"XDG_RUNTIME_DIR": "{tmp}"}, "Library/Caches/Faceplate/run"),
            ("win32", {"LOCALAPPDATA": "/l"}, "/l/Faceplate/run"),
        ],
    )
    def test_run_folders(self, platform: str, environ: dict[str, str], end: str, tmp_path: Path) -> None:
        values = {name: value.format(tmp=tmp_path) for name, value in environ.items()}
        assert paths.run_folder(values, platform).endswith(end.format(tmp=tmp_path))


def default(name: str) -> Any:
    return next(entry["default"] for entry in describe() if entry["name"] == name)
