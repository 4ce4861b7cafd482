"""The extension as in a session with a window: the live timer, and every operator's invoke, modal and cancel."""

from __future__ import annotations

import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from blender_host import Host, blender_of, person

from faceplate.hosts.blender import remove_from

BUSY = "ERROR: 'Face Swap' is busy: wait until it is done, or press Cancel."


@pytest.mark.smoke
def test_the_live_timer_and_the_modal_operators_run_through(host: Host, plates: dict[str, str]) -> None:
    """With editors to redraw: the timer goes on after its first answer, and Track and Bake finish."""
    place = host.folder / "window"
    code, found, said = host.case("in_window", place, {"plate": plates["rec709"], "source": person("bea")})
    assert code == 0, said
    assert "NODE_EDITOR" in found["areas"]
    assert found["live"] and found["status"] == "frame 1 is up to date" and found["period"] > 0
    assert found["track"] == found["bake"] == ["RUNNING_MODAL", "FINISHED", "timer", "handler", "timer removed"]
    assert found["track shown"][:4] == ["faceplate.track", True, "", None]
    assert found["bake shown"] == ["faceplate.bake", True, "", None, "2 of 2"]
    assert found["tracked"] and found["baked"] == ["present.0001.png", "present.0002.png"]


def test_esc_and_a_closed_window_end_a_task(host: Host, plates: dict[str, str]) -> None:
    ask = {"plate": plates["rec709"], "source": person("bea")}
    code, found, said = host.case("cancelled", host.folder / "cancelled", ask)
    assert code == 0, said
    assert found["track"] == found["bake"] == ["CANCELLED", "timer", "handler", "timer removed", ""]
    assert found["tracks"] == []
    assert found["busy"] == ["CANCELLED", BUSY] and found["may cancel"]
    assert found["closed"] == ["timer", "handler", "timer removed", ""]
    assert found["render_plate"] == ["CANCELLED", "timer", "handler", "timer removed"]
    assert not found["rendering_plate"] and found["scenes"] == 1


def test_what_the_other_operators_ask_and_undo(host: Host, plates: dict[str, str]) -> None:
    ask = {"plate": plates["rec709"], "source": person("bea")}
    code, found, said = host.case("operators", host.folder / "operators", ask)
    assert code == 0, said
    assert set(found["without a node"]) == {"add", "install_engine", "page", "refresh"}
    assert found["tracks"] == ["face.track.json", "face.2.track.json"]
    assert found["track undone"] == ["face.track.json", True]
    assert found["takes"] == [[[1], True, False], [[], False, True], [[1], True, False], [2]]
    assert (
        "come from different tracks (1 from the track of " in found["mixed"] and "2 from the track of" in found["mixed"]
    )
    assert found["write_shot"] == found["load_track"] == ["RUNNING_MODAL", "file dialog"]
    assert found["remove_take"] == ["RUNNING_MODAL", "asked"]
    assert found["pick may run"] == [True, False]
    assert found["pick"] == [
        ["RUNNING_MODAL"], ["PASS_THROUGH"], ["FINISHED"], "EYEDROPPER", "handler", "pointer restored", "1002:156,46",
    ]  # fmt: skip
    assert found["pick escaped"] == ["CANCELLED", "EYEDROPPER", "handler", "pointer restored"]
    assert found["points"] == [[-8, 3], [156, 90], [160, 90], [25, 60]]
    assert found["moved"] == ["", "Frame 1 shows plate frame 1001."]
    assert found["held"].startswith("The Image node holds plate frame 1004 at frames 4-8; set its Frames")
    assert len(found["told"]) == 1 and "plate frame 1004 at frames 4-5" in found["told"][0]
    assert found["labels"] == ["My face (holds 4-5)", "My face"]
    page = urlsplit(found["page"])
    assert page.scheme == "file" and Path(page.path).name == "blender.md"


def test_the_engine_is_installed_when_asked(host: Host, tmp_path: Path) -> None:
    wheel = tmp_path / "faceplate-0.0.1-py3-none-any.whl"
    about = "faceplate-0.0.1.dist-info"
    with zipfile.ZipFile(wheel, "w") as packed:
        packed.writestr("faceplate/__init__.py", "")
        packed.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: faceplate\nVersion: 0.0.1\n")
        packed.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        packed.writestr(f"{about}/RECORD", "")
    broken = tmp_path / "broken-0.0.1-py3-none-any.whl"
    broken.write_bytes(b"no wheel")
    ask = {"wheel": str(wheel), "broken": str(broken)}
    code, found, said = host.case("installs", tmp_path / "case", ask)
    assert code == 0, said
    assert found["asked"] == ["RUNNING_MODAL", "asked"]
    if not found["online"]:
        assert found["offline"][0] == "CANCELLED" and "may not use the network" in found["offline"][1]
    begun = ["RUNNING_MODAL", "{}", "timer", "handler", "timer removed"]
    assert found["cancelled"] == [word.format("CANCELLED") for word in begun]
    assert found["broken"][:5] == found["cancelled"] and found["broken"][5].startswith("ERROR: The engine could not be")
    assert (
        found["installed"][:5] == [word.format("FINISHED") for word in begun]
        and "is installed in" in found["installed"][5]
    )
    assert [found[f"{name} there"] for name in ("cancelled", "broken", "installed")] == [False, False, True]
    assert found["noted"] == [True]


@pytest.mark.smoke
def test_removed_nothing_is_left(host: Host) -> None:
    """The last test of this host: `faceplate host install blender --remove`."""
    installed = Path(host.answers["installed"])
    assert (installed / "faceplate_client" / "engine.json").is_file()
    assert remove_from(blender_of(host)) == str(installed)
    assert not installed.exists()
