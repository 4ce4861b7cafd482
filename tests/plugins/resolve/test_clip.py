"""What a clip is: its files, names, colour space, and how it can be swapped."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from faceplate.color import ColorConfig
from faceplate_client import HostError
from faceplate_resolve.clip import judge, read_clip
from faceplate_resolve.color_spaces import SPACES, delivered_space, is_managed, ocio_space
from faceplate_resolve.deliver import exr_codec
from faceplate_resolve.host import Host
from faceplate_resolve.media import files_of, short_name
from faceplate_resolve.plates import plate_space
from faceplate_resolve.swap_record import (
    folder_name,
)
from fake_resolve import ColorGroup, Graph, MediaPoolItem, Project, Resolve, Timeline, World

MEDIA = [
    ("/p/sh010.[1001-1048].exr", "sequence", "/p/sh010.####.exr", 1001, 48),
    ("/p/A001_[00000086-00000100].dpx", "sequence", "/p/A001_########.dpx", 86, 15),
    ("/p/cam.MOV", "movie", "/p/cam.MOV", 0, 0),
    ("/p/cam.mxf", "movie", "/p/cam.mxf", 0, 0),
    ("/p/A001.braw", "raw", "/p/A001.braw", 0, 0),
    ("/p/B001.[0001-0100].dng", "raw", "/p/B001.####.dng", 1, 100),
    ("/p/still.jpg", "still", "/p/still.jpg", 1, 0),
    ("/p/still.1001.exr", "still", "/p/still.1001.exr", 1001, 0),
    ("/p/sound.wav", "other", "/p/sound.wav", 0, 0),
    ("", "none", "", 0, 0),
]


@pytest.mark.parametrize(("path", "kind", "pattern", "first", "count"), MEDIA)
def test_what_a_path_says(path: str, kind: str, pattern: str, first: int, count: int) -> None:
    files = files_of(path)
    assert (files.kind, files.pattern, files.count) == (kind, pattern, count)
    assert files.first == first or kind == "other"


def test_paths_of_frames() -> None:
    assert files_of("/p/a.[08-12].exr").path(9) == "/p/a.09.exr"
    assert files_of("/p/a.mov").path(9) == "/p/a.mov"
    assert files_of("/p/nowhere.[08-12].exr").missing() == "/p/nowhere.08.exr"
    assert files_of("").missing() == ""


@pytest.mark.parametrize(
    ("name", "short"),
    [("sh010.[1001-1048].exr", "sh010"), ("sh010.1001.exr", "sh010"), ("A001_C003.mov", "A001_C003"), ("My Clip", "My Clip"),
     ("sh010", "sh010"), ("2001.exr", "2001"), ("take 2.1", "take 2.1")],
)  # fmt: skip
def test_short_names(name: str, short: str) -> None:
    assert short_name(name) == short


def test_folder_names_hold_nothing_that_a_system_minds() -> None:
    assert folder_name('a/b:c*"d".mov') == "a_b_c_d" and folder_name("...") == "clip"


class TestColour:
    def test_every_space_exists_in_the_config_that_the_hosts_share(self, color: ColorConfig) -> None:
        for resolve_name, name in SPACES.items():
            assert color.resolve(name) == name, resolve_name

    @pytest.mark.parametrize("name", ["", "Project", "Same as Project", "My Log", None])
    def test_what_says_nothing_is_not_guessed(self, name: Any) -> None:
        assert ocio_space(name) is None

    @pytest.mark.parametrize(
        ("mode", "timeline", "output", "found"),
        [
            ("davinciYRGB", "Rec.709 Gamma 2.4", "sRGB", "Rec.1886 Rec.709 - Display"),
            ("davinciYRGBColorManagedv2", "DaVinci WG", "Rec.709 Gamma 2.4", "Rec.1886 Rec.709 - Display"),
            ("davinciYRGBColorManagedv2", "ACEScct", "Same as Timeline", "ACEScct"),
            ("davinciYRGB", "My Log", "", None),
        ],
    )
    def test_what_a_render_is_in(self, mode: str, timeline: str, output: str, found: str | None) -> None:
        settings = {"colorScienceMode": mode, "colorSpaceTimeline": timeline, "colorSpaceOutput": output}
        assert delivered_space(lambda name: settings.get(name, ""))[1] == found
        assert is_managed(lambda name: settings.get(name, "")) == ("Managed" in mode)

    def test_a_managed_project_says_the_clip_s_own_space(self, edit: tuple[World, Project, Timeline]) -> None:
        world, project, timeline = edit
        project._settings["colorScienceMode"] = "davinciYRGBColorManagedv2"
        media = MediaPoolItem(world, "m", __file__, 10, "24")
        media._properties["Input Color Space"] = "ARRI LogC3"
        host = Host.of(Resolve(world, project))
        clip = read_clip(host, timeline._put(1, media, 86400, 4))
        assert plate_space(host, clip, "source", "") == ("ARRI LogC3 (EI800)", "ARRI LogC3")
        assert plate_space(host, clip, "source", "ACEScct") == ("ACEScct", "ARRI LogC3")
        project._settings["colorScienceMode"] = "davinciYRGB"
        assert plate_space(host, clip, "source", "") == (None, "")


class TestJudgement:
    def made(self, edit: tuple[World, Project, Timeline], path: str, kind: str = "Video", **more: Any) -> Any:
        media = MediaPoolItem(edit[0], "m", path, 100, "24", kind=kind)
        return edit[2]._put(1, media, 86400, 10, offset=Fraction(20), **more)

    def verdict(self, edit: tuple[World, Project, Timeline], item: Any) -> tuple[str, str]:
        found = judge(read_clip(Host.of(Resolve(edit[0], edit[1])), item))
        return found.mode, found.reason

    def test_each_kind(self, edit: tuple[World, Project, Timeline], tmp_path: Path) -> None:
        for name in ("a.mov", "b.braw", "c.gif"):
            (tmp_path / name).touch()
        movie = str(tmp_path / "a.mov")
        assert self.verdict(edit, self.made(edit, movie)) == ("source", "")
        assert self.verdict(edit, self.made(edit, str(tmp_path / "b.braw")))[0] == "render"
        assert "does not read" in self.verdict(edit, self.made(edit, str(tmp_path / "c.gif")))[1]
        assert self.verdict(edit, self.made(edit, movie, "Audio"))[0] == "refuse"
        for kind in ("Compound", "Timeline", "Multicam", "Fusion Clip"):
            assert self.verdict(edit, self.made(edit, "", kind))[0] == "render"
        gone = self.verdict(edit, self.made(edit, str(tmp_path / "gone.mov")))
        assert gone[0] == "refuse" and "gone.mov is not there" in gone[1]
        assert self.verdict(edit, edit[2]._put(1, None, 86400, 10))[0] == "refuse"

    @pytest.mark.parametrize("what", ["nodes", "tool", "lut", "group", "comp"])
    def test_a_composition_sends_to_a_render_and_a_grade_does_not(
        self, edit: tuple[World, Project, Timeline], tmp_path: Path, what: str
    ) -> None:
        (tmp_path / "a.mov").touch()
        item = self.made(edit, str(tmp_path / "a.mov"))
        if what == "nodes":
            item._graph = Graph(edit[0], [[], []])
        if what == "tool":
            item._graph = Graph(edit[0], [["Curves"]])
        if what == "lut":
            item._graph = Graph(edit[0], [[]], {1: "show.cube"})
        if what == "group":
            item._group = ColorGroup(edit[0])
        if what == "comp":
            item._comps = 1
        mode, reason = self.verdict(edit, item)
        # The result lies below a copy of the grade; what a composition does cannot be copied.
        assert (mode, reason) == (("render", "it has a Fusion composition") if what == "comp" else ("source", ""))

    def test_sizing_is_taken_over_as_far_as_it_is_not_plain(
        self, edit: tuple[World, Project, Timeline], tmp_path: Path
    ) -> None:
        (tmp_path / "a.mov").touch()
        item = self.made(edit, str(tmp_path / "a.mov"))
        item._values = {"ZoomX": 1.5, "Pan": 0.0, "FlipX": True}
        clip = read_clip(Host.of(Resolve(edit[0], edit[1])), item)
        assert clip.sizing == {"ZoomX": 1.5, "FlipX": True}


@pytest.mark.parametrize(
    ("codecs", "found"),
    [
        ({"RGB Half (DWAA)": "dwaa", "RGB Half (ZIP)": "zip", "RGB Float": "float"}, "zip"),
        ({"RGB float": "f", "RGB half": "h"}, "h"),
        ({"RGB half (PXR24)": "p", "RGB float (RLE)": "r"}, "r"),
    ],
)
def test_the_codec_for_exr(codecs: dict[str, str], found: str) -> None:
    assert exr_codec(codecs) == found


def test_no_codec_for_exr() -> None:
    with pytest.raises(HostError, match="no lossless EXR"):
        exr_codec({"RGB Half (DWAB)": "dwab"})
