"""The extension in real Blender, 4.2 to 5.3, as modules: pictures against `faceplate render`, and exit codes.

Each case is a process of its own (`inside_blender/cases.py`) with a time limit. The plate is small and has overscan on two
sides only, so that a picture laid at the wrong place is seen.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import numpy as np
import pytest
from blender_host import CASES, FRAMES, HEIGHT, LIMIT, WIDTH, Host, blender_of, person, read_pixels

from faceplate.color import ColorConfig
from faceplate.demo import people_folder
from faceplate.hosts.blender import build_package
from faceplate.plate import PlateFile
from faceplate.provenance.fields import SOURCE_TYPE


def _plate(first: str, frame: int) -> np.ndarray:
    return read_pixels(Path(first.replace("1001", str(frame))))[..., :3]


def _swapped(shot: Path, frames: str, mode: str = "over", **more: str) -> dict[int, np.ndarray]:
    """What `faceplate render` makes of a shot file, by frame; element frames as large as the plate."""
    folder = shot.parent / f"{shot.name.split('.')[0]}-{mode}"
    words = ["render", str(shot), "-o", str(folder / "f.####.exr"), "--mode", mode, "--frames", frames]
    if mode == "element":
        words += ["--window", "plate", "--layers", ""]
    words += [part for key, value in more.items() for part in (f"--{key.replace('_', '-')}", value)]
    done = subprocess.run(
        [sys.executable, "-m", "faceplate.cli.main", *words], capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {int(path.name.split(".")[1]): read_pixels(path) for path in sorted(folder.glob("f.*.exr"))}


def _same(result: np.ndarray, truth: np.ndarray, plate: np.ndarray) -> None:
    """Equal to half rounding: one each of element, its alpha (times the plate) and result, of 2^-11 each."""
    scale = np.maximum(np.maximum(np.abs(truth[..., :3]), np.abs(plate[..., :3])), 2.0**-10)
    error = np.abs(result[..., :3] - truth[..., :3]) / scale
    assert error.max() < 3 * 2.0**-11, f"{error.max() * 2**11:.2f} half roundings"


@pytest.fixture(scope="module")
def rendered(host: Host, plates: dict[str, str]) -> Path:
    """The folder of the sequence case."""
    place = host.folder / "sequence"
    code, host.answers["sequence"], said = host.case(
        "sequence", place, {"plate": plates["rec709"], "source": person("bea")}
    )
    assert code == 0, said
    return place


@pytest.mark.smoke
def test_eight_frames_are_those_of_faceplate_render(host: Host, rendered: Path, plates: dict[str, str]) -> None:
    """A keyed parameter has its frame's value; where there is no face the plate is the plate, bit for bit."""
    truth = _swapped(rendered / "shot.shot.json", "1001-1008")
    for frame in FRAMES:
        result = host.result(rendered / f"out.{frame - 1000:04d}.exr")
        plate = host.shown(_plate(plates["rec709"], frame))
        _same(result, host.shown(truth[frame]), plate)
        element = read_pixels(next(rendered.glob(f"faceplate/*/*/element.{frame - 1000:04d}.exr")))
        untouched = host.shown(element)[..., 3] == 0
        assert 0.3 < untouched.mean() < 0.95
        bare = host.result(rendered / f"bare.{frame - 1000:04d}.exr")[..., :3]
        assert np.array_equal(result[..., :3][untouched], bare[untouched])
        # From 5.2 on Blender itself moves a picture whose windows differ, by whole pixels but not bit for bit.
        assert host.by_windows or np.array_equal(bare, plate)
    document = json.loads((rendered / "shot.shot.json").read_text())
    assert len(document["parameters"]["matte_feather"]["keys"]) == len(FRAMES)
    assert document["parameters"]["light_luminance"] == 0.5
    assert {"Image", "Hold-out", "Mix", "Feather", "Light", "Grain"} <= set(host.answers["sequence"]["sockets"])
    narrow, wide = (
        np.count_nonzero(np.abs(_difference(host, rendered, plates, frame)) > 0.05) for frame in (1001, 1008)
    )
    assert wide < narrow


def _difference(host: Host, rendered: Path, plates: dict[str, str], frame: int) -> np.ndarray:
    result = host.result(rendered / f"out.{frame - 1000:04d}.exr")
    return result[..., :3] - host.shown(_plate(plates["rec709"], frame))


def test_reopened_a_frame_alone_and_backwards_are_the_same(host: Host, rendered: Path) -> None:
    code, answer, said = host.case("reopened", rendered, {})
    assert code == 0, said
    assert answer["alone"] == ["again.0005.exr"]
    assert answer["uid"] == host.answers["sequence"]["uid"]
    for frame in (1, 2, 5, 8):
        again, before = (read_pixels(rendered / f"{name}.{frame:04d}.exr") for name in ("again", "out"))
        _same(again, before, before)


def test_a_copied_node_has_its_own_shot_and_lies_over_the_first(host: Host, plates: dict[str, str]) -> None:
    place = host.folder / "two"
    code, answer, said = host.case(
        "two_nodes", place, {"plate": plates["rec709"], "source": person("bea"), "other": person("cal")}
    )
    assert code == 0, said
    assert len(set(answer["groups"])) == len(set(answer["uids"])) == 2
    first, second = (_swapped(place / f"{name}.shot.json", "1001-1002", "element") for name in ("first", "second"))
    for frame in (1001, 1002):
        picture = _plate(plates["rec709"], frame)
        for element, mix in ((first[frame], 1.0), (second[frame], 0.5)):
            picture = picture * (1 - mix * element[..., 3:4]) + mix * element[..., :3]
        plate = _plate(plates["rec709"], frame)
        _same(host.result(place / f"out.{frame - 1000:04d}.exr"), host.shown(picture), host.shown(plate))
    assert np.abs(first[1001] - second[1001]).max() > 0.05


def test_nodes_before_the_swap_are_rendered_once_and_go_stale(host: Host, plates: dict[str, str]) -> None:
    place = host.folder / "upstream"
    code, answer, said = host.case("upstream", place, {"plate": plates["rec709"], "source": person("bea")})
    assert code == 0, said
    never, fresh, moved, changed = answer["reasons"]
    assert (never, fresh, moved) == ("was never rendered", "", "")
    assert changed == "was rendered from other nodes or values"
    assert answer["scenes"] == 1
    truth = _swapped(place / "shot.shot.json", "1-2")
    for frame in (1, 2):
        rendered = host.result(next(place.glob(f"faceplate/*/*/plate/plate.{frame:04d}.exr")))
        _same(host.result(place / f"out.{frame:04d}.exr"), host.rows(truth[frame]), rendered)
        assert 1.8 < rendered[..., :3].mean() / _plate(plates["rec709"], frame + 1000).mean() < 2.1
    code, answer, said = host.case("stale", place, {})
    assert code == 1 and not answer and "press Render Plate" in said
    assert not (place / "stale.0001.exr").exists()


def test_a_hold_out_matte_keeps_the_plate_in_front(host: Host, plates: dict[str, str]) -> None:
    place = host.folder / "hold_out"
    ask = {"plate": plates["rec709"], "source": person("bea"), "matte": plates["matte"]}
    code, _, said = host.case("hold_out", place, ask)
    assert code == 0, said
    whole = _swapped(place / "shot.shot.json", "1001", "element", holdout_matte="")[1001]
    held = np.zeros((HEIGHT, WIDTH, 1), np.float32)
    held[:, WIDTH // 5 :] = 0.75
    factor = 1 - held
    plate = _plate(plates["rec709"], 1001)
    wanted = plate * (1 - factor * whole[..., 3:4]) + factor * whole[..., :3]
    _same(host.result(place / "out.0001.exr"), host.shown(wanted), host.shown(plate))
    assert json.loads((place / "shot.shot.json").read_text())["parameters"]["holdout_matte"].endswith("matte.####.exr")


@pytest.mark.parametrize("how", ["own", "acescg", "ocio"])
def test_colour_is_blenders_working_space(host: Host, plates: dict[str, str], how: str) -> None:
    """An ACEScg plate in linear Rec.709 (Blender's own), in ACEScg (5.0 and later), in a studio's configuration."""
    place = host.folder / f"colour-{how}"
    ask = {"plate": plates["acescg"], "source": person("bea"), "space": "ACEScg"}
    variables = {}
    if how == "acescg":
        if host.version.startswith("4"):
            pytest.skip("Blender 4 has one working space of its own")
        ask["working"] = "ACEScg"
    if how == "ocio":
        variables["OCIO"] = "ocio://cg-config-v2.1.0_aces-v1.3_ocio-v2.3"
    code, answer, said = host.case("colour", place, ask, variables)
    assert code == 0, said
    assert answer["element"] == "ACEScg"
    truth = host.shown(_swapped(place / "shot.shot.json", "1001")[1001][..., :3])
    result = host.result(place / "out.0001.exr")
    if how == "own":
        assert answer["working"] == "Linear Rec.709"
        # Blender's matrices are its own: rounding apart, they agree with OCIO's to 1e-4 of the brightest channel.
        wanted = ColorConfig.load(environ={}).to_linear709(truth)
        error = np.abs(result[..., :3] - wanted) / np.maximum(wanted.max(axis=2, keepdims=True), 2.0**-6)
        assert error.max() < 2e-3
    else:
        assert answer["working"] == "ACEScg"
        _same(result, truth, host.shown(_plate(plates["acescg"], 1001)))


def test_a_missing_engine_ends_the_render(host: Host, plates: dict[str, str], tmp_path: Path) -> None:
    ask = {"plate": plates["rec709"], "source": person("bea")}
    missing = {"FACEPLATE_ENGINE": "/nowhere/python", "FACEPLATE_RUN": str(tmp_path / "run")}
    code, answer, said = host.case("no_engine", tmp_path, ask, missing)
    assert code == 1 and not answer
    assert "Error: Faceplate: frame 1:" in said and "/nowhere/python" in said
    assert not list(tmp_path.glob("out.*"))


@pytest.mark.parametrize("gone", [False, True])
def test_an_engine_killed_while_rendering(host: Host, plates: dict[str, str], tmp_path: Path, gone: bool) -> None:
    """It is started again; where it cannot be, the render ends and no unswapped frame is written."""
    ask = {"plate": plates["rec709"], "source": person("bea"), "gone": gone}
    run = {"FACEPLATE_RUN": str(tmp_path / "run"), "FACEPLATE_ENGINE": sys.executable}
    code, answer, said = host.case("killed", tmp_path, ask, run)
    written = sorted(path.name for path in tmp_path.glob("out.*"))
    if gone:
        assert code == 1 and not answer and "Error: Faceplate: frame 3:" in said
        assert written == ["out.0001.exr", "out.0002.exr"]
        return
    assert code == 0 and answer["rendered"], said
    assert len(written) == 4
    plate = host.shown(_plate(plates["rec709"], 1004))
    assert np.abs(host.result(tmp_path / "out.0004.exr")[..., :3] - plate).max() > 0.05


def test_a_missing_plate_frame_ends_the_render(host: Host, plates: dict[str, str], tmp_path: Path) -> None:
    for frame in FRAMES:
        if frame != 1003:
            (tmp_path / f"plate.{frame}.exr").write_bytes(
                Path(plates["rec709"].replace("1001", str(frame))).read_bytes()
            )
    code, answer, said = host.case(
        "hole", tmp_path, {"plate": str(tmp_path / "plate.1001.exr"), "source": person("bea")}
    )
    assert code == 1 and not answer
    assert "Error: Faceplate: frame 3:" in said and "plate.1003.exr" in said
    assert sorted(path.name for path in tmp_path.glob("out.*")) == ["out.0001.exr", "out.0002.exr"]


def test_without_the_extension_baked_frames_are_right_and_others_are_tinted(
    host: Host, plates: dict[str, str], tmp_path: Path
) -> None:
    place = host.folder / "baked"
    code, _, said = host.case("baked", place, {"plate": plates["rec709"], "source": person("bea")})
    assert code == 0, said
    code, answer, said = host.case("without_addon", place, {}, {"BLENDER_USER_RESOURCES": str(tmp_path)})
    assert code == 0 and answer["addon"] is False, said
    for frame in (1, 2):
        assert np.array_equal(
            read_pixels(place / f"without.{frame:04d}.exr"), read_pixels(place / f"with.{frame:04d}.exr")
        )
    # Before 4.5 a missing element leaves no picture under the tint.
    part = 0.0 if host.version == "4.2" else 0.5
    tinted = host.shown(part * _plate(plates["rec709"], 1003) + 0.5 * np.array([1, 0, 1], np.float32))
    _same(host.result(place / "without.0003.exr"), tinted, tinted)


def test_at_work(host: Host, plates: dict[str, str]) -> None:
    """Live updates, values of every kind, track, bake, takes, relink, undo."""
    place = host.folder / "work"
    code, found, said = host.case("at_work", place, {"plate": plates["rec709"], "source": person("bea")})
    assert code == 0, said
    assert found["live"] and found["changed"] and found["status"] == "frame 1 is up to date"
    assert "/nowhere" in found["problem"]
    assert 0.05 < found["curve"] < 0.15 and found["driver"] == pytest.approx(0.5) and found["linked"] == 0.25
    assert found["refused"] == "unreadable-value"
    assert found["track"] and len(found["people"]) == 1
    assert "takes/001/element.0001.exr" in found["take"].replace("\\", "/")
    assert "running" in found["engine"]
    views = found["views"]
    assert views["unknown"] == ["faceplate.views"]
    assert views["planned"][:2] == ["faceplate.views", f"Frame 1001: {views['leader']}, planned"]
    assert views["planned"][2].startswith("1001-") and views["planned"][-2:] == [
        "faceplate.pin_view",
        "faceplate.unpin_view",
    ]
    assert views["pinned"][1] == f"Frame 1001: {views['other']}, pinned" and views["pins"] == f"{views['other']}@1001"
    assert views["left"] == "" and "No view is pinned" in views["refused"]
    assert found["undone"] == [1.0, "mesh"] and found["redone"] == [0.125, "null"] and found["same shot"]


def test_values_under_former_parameter_names_are_kept(host: Host, plates: dict[str, str]) -> None:
    place = host.folder / "former"
    code, found, said = host.case("former_names", place, {"plate": plates["rec709"], "source": person("bea")})
    assert code == 0, said
    assert found["values"] == ["eyes", "//garbage.####.exr", ""]


def test_blender_packs_the_extension_for_its_platform(host: Host, tmp_path: Path) -> None:
    """Validated, built and validated again by Blender's own tool; nothing of this machine is in the archive."""
    archive = build_package(blender_of(host), tmp_path, "https://faceplate.example/blender")
    with zipfile.ZipFile(archive) as packed:
        names = packed.namelist()
        manifest = tomllib.loads(packed.read("blender_manifest.toml").decode())
    assert (
        manifest["license"] == ["SPDX:GPL-3.0-or-later"] and manifest["website"] == "https://faceplate.example/blender"
    )
    assert {"LICENSE", "LICENSES/Apache-2.0.txt", "NOTICE", "faceplate_client/__init__.py"} <= set(names)
    assert not [name for name in names if name.endswith("engine.json") or "__pycache__" in name]


def test_a_frame_saved_again_by_blender_says_what_made_it(host: Host, plates: dict[str, str], tmp_path: Path) -> None:
    """Saving a picture keeps its fields. A render through the compositor makes a new picture, and carries none."""
    done = [sys.executable, "-m", "faceplate.cli.main", "render", plates["acescg"], "-s", str(people_folder() / "bea")]
    done += ["-o", str(tmp_path / "f.####.exr"), "--mode", "over", "--no-track", "--generator", "null"]
    subprocess.run(done, check=True, timeout=LIMIT, capture_output=True)
    copies = [tmp_path / "saved.exr", tmp_path / "rendered.exr"]
    command = [str(host.python), str(CASES.parent / "save_again.py"), str(tmp_path / "f.1001.exr"), *map(str, copies)]
    subprocess.run(command, check=True, timeout=LIMIT, capture_output=True, stdin=subprocess.DEVNULL)
    before = PlateFile.open(tmp_path / "f.1001.exr").attributes
    said = {name: value for name, value in before.items() if name.startswith("faceplate:") or name == SOURCE_TYPE}
    assert said["faceplate:release"] == "faceplate-demo-bea" and len(said) > 12
    for copy in copies:
        after = PlateFile.open(copy).attributes
        assert {name: after.get(name) for name in said} == said
