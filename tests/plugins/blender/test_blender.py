"""The extension in real Blender, 4.2 to 5.3, as modules: pictures against `faceplate render`, and exit codes.

Each case is a process of its own (`inside_blender/cases.py`) with a time limit. The plate is small and has overscan on two
sides only, so that a picture laid at the wrong place is seen.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest
from bpy_modules import STATE, VERSIONS, chosen_versions, module_folder

from faceplate.color import ColorConfig
from faceplate.demo import people_folder
from faceplate.demo.plate import make_plate
from faceplate.hosts.blender import build_package, install_into, remove_from
from faceplate.hosts.blender_programs import Blender
from faceplate.plate import PlateFile
from faceplate.provenance.fields import SOURCE_TYPE
from faceplate_client import connect

ROOT = Path(__file__).parents[3]
CASES = Path(__file__).parent / "inside_blender" / "cases.py"
LIMIT = 240  # seconds for one process of Blender, on a busy machine
WIDTH, HEIGHT = 328, 174
LEFT, TOP = -8, 3  # of the data window; the display window is 320 x 180 from 0, 0
FRAMES = range(1001, 1009)
_WARNING = re.compile(r"DeprecationWarning|PATH_SUPPORTS_BLEND_RELATIVE|^WARN", re.MULTILINE)


@dataclass
class Host:
    """A Blender with the extension installed in a folder of its own, and the engine that its cases share."""

    python: Path
    user: Path
    run: Path
    folder: Path
    version: str
    answers: dict[str, Any] = field(default_factory=dict)

    @property
    def by_windows(self) -> bool:
        """Whether this Blender places a picture by its windows (5.2 and later), and not by its centre."""
        return tuple(map(int, self.version.split("."))) >= (5, 2)

    @property
    def size(self) -> list[int]:
        """The size to render at: the display window's, where Blender knows it, else the data window's."""
        return [320, 180] if self.by_windows else [WIDTH, HEIGHT]

    def result(self, path: Path) -> np.ndarray:
        """The rows of a rendered file that the plate's data window covers."""
        return self.rows(_read(path))

    def rows(self, pixels: np.ndarray) -> np.ndarray:
        """The rows of a picture as large as the render that the plate's data window covers."""
        return pixels[TOP : TOP + HEIGHT] if self.by_windows else pixels

    def shown(self, pixels: np.ndarray) -> np.ndarray:
        """The columns of a picture as large as the plate's data window that a render shows."""
        return pixels[:, -LEFT:] if self.by_windows else pixels

    def case(
        self, name: str, place: Path, ask: dict[str, Any], variables: dict[str, str] | None = None
    ) -> tuple[int, dict[str, Any], str]:
        """Runs one case. Returns exit code, answer and all that was printed."""
        place.mkdir(parents=True, exist_ok=True)
        (place / "request.json").write_text(json.dumps({"size": self.size, **ask}))
        environment = {key: value for key, value in os.environ.items() if key not in ("OCIO", "PYTHONPATH")}
        environment |= {"BLENDER_USER_RESOURCES": str(self.user), "FACEPLATE_RUN": str(self.run)}
        done = subprocess.run(
            [str(self.python), str(CASES), name, str(place)],
            env={**environment, **(variables or {})},
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        said = done.stdout + done.stderr
        assert not _WARNING.search(said), said
        answers = [line[7:] for line in done.stdout.splitlines() if line.startswith("ANSWER ")]
        return done.returncode, json.loads(answers[-1]) if answers else {}, said


@pytest.fixture(scope="module")
def plates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The demo plate a quarter as large: linear Rec.709 and ACEScg; and a hold-out matte. Their first files."""
    folder = tmp_path_factory.mktemp("plates")
    make_plate(folder / "full", frames=len(FRAMES))
    color = ColorConfig.load(environ={})
    for frame in FRAMES:
        pixels = _read(folder / "full" / f"plate.{frame}.exr")[..., :3]
        small = cv2.resize(pixels, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        _write(folder / "acescg" / f"plate.{frame}.exr", small, color, "lin_ap1_scene")
        _write(folder / "rec709" / f"plate.{frame}.exr", color.to_linear709(small), color, "lin_rec709_scene")
        matte = np.zeros((HEIGHT, WIDTH, 3), np.float32)
        matte[:, WIDTH // 5 :] = 0.75
        _write(folder / "matte" / f"matte.{frame}.exr", matte, color, None)
    names = {"rec709": "rec709/plate.1001.exr", "acescg": "acescg/plate.1001.exr", "matte": "matte/matte.1001.exr"}
    return {name: str(folder / path) for name, path in names.items()}


@pytest.fixture(scope="module", params=chosen_versions())
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Blender of one version with the extension, installed as `faceplate host install blender` does."""
    folder = module_folder(Path(sys.prefix), request.param)
    why = _why_missing(folder)
    if why:
        pytest.skip(f"NOT RUN: Blender {request.param}: {why}")
    place = tmp_path_factory.mktemp(f"blender{request.param.replace('.', '')}")
    python = folder / "env" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    host = Host(python, place / "user", place / "run", place, request.param)
    host.user.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BLENDER_USER_RESOURCES", str(host.user))
        patch.setenv("FACEPLATE_RUN", str(host.run))
        patch.setenv("FACEPLATE_ENGINE", sys.executable)
        patch.delenv("OCIO", raising=False)
        host.answers["installed"] = install_into(_blender(host))
        engine = connect(parent=True)
        yield host
        engine.stop()


def _why_missing(folder: Path) -> str:
    try:
        return str(json.loads((folder / STATE).read_text("utf-8"))["why"])
    except (OSError, ValueError, KeyError):
        return "its module is not installed; run 'python3 install test'"


def _blender(host: Host) -> Blender:
    return Blender(host.python, tuple(map(int, VERSIONS[host.version].split("."))))  # type: ignore[arg-type]


def _write(path: Path, pixels: np.ndarray, color: ColorConfig, space: str | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    spec = oiio.ImageSpec(WIDTH, HEIGHT, 3, "half")
    spec.x, spec.y = LEFT, TOP
    spec.full_x, spec.full_y, spec.full_width, spec.full_height = 0, 0, 320, 180
    spec.attribute("compression", "zip")
    if space:
        spec.attribute("oiio:ColorSpace", space)
    output = oiio.ImageOutput.create(str(path))
    assert (
        output is not None
        and output.open(str(path), spec)
        and output.write_image(np.ascontiguousarray(pixels, np.float32))
    )
    output.close()


def _read(path: Path) -> np.ndarray:
    """A file's pixels, float32 (h, w, channels)."""
    source = oiio.ImageInput.open(str(path))
    assert source, f"{path}: {oiio.geterror()}"
    pixels = source.read_image("float")
    source.close()
    assert pixels is not None
    return pixels


def _plate(first: str, frame: int) -> np.ndarray:
    return _read(Path(first.replace("1001", str(frame))))[..., :3]


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
    return {int(path.name.split(".")[1]): _read(path) for path in sorted(folder.glob("f.*.exr"))}


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
        "sequence", place, {"plate": plates["rec709"], "source": _person("bea")}
    )
    assert code == 0, said
    return place


def _person(name: str) -> str:
    return str(people_folder() / name)


def test_eight_frames_are_those_of_faceplate_render(host: Host, rendered: Path, plates: dict[str, str]) -> None:
    """A keyed parameter has its frame's value; where there is no face the plate is the plate, bit for bit."""
    truth = _swapped(rendered / "shot.shot.json", "1001-1008")
    for frame in FRAMES:
        result = host.result(rendered / f"out.{frame - 1000:04d}.exr")
        plate = host.shown(_plate(plates["rec709"], frame))
        _same(result, host.shown(truth[frame]), plate)
        element = _read(next(rendered.glob(f"faceplate/*/*/element.{frame - 1000:04d}.exr")))
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
        again, before = (_read(rendered / f"{name}.{frame:04d}.exr") for name in ("again", "out"))
        _same(again, before, before)


def test_a_copied_node_has_its_own_shot_and_lies_over_the_first(host: Host, plates: dict[str, str]) -> None:
    place = host.folder / "two"
    code, answer, said = host.case(
        "two_nodes", place, {"plate": plates["rec709"], "source": _person("bea"), "other": _person("cal")}
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
    code, answer, said = host.case("upstream", place, {"plate": plates["rec709"], "source": _person("bea")})
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
    ask = {"plate": plates["rec709"], "source": _person("bea"), "matte": plates["matte"]}
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
    ask = {"plate": plates["acescg"], "source": _person("bea"), "space": "ACEScg"}
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
    ask = {"plate": plates["rec709"], "source": _person("bea")}
    missing = {"FACEPLATE_ENGINE": "/nowhere/python", "FACEPLATE_RUN": str(tmp_path / "run")}
    code, answer, said = host.case("no_engine", tmp_path, ask, missing)
    assert code == 1 and not answer
    assert "Error: Faceplate: frame 1:" in said and "/nowhere/python" in said
    assert not list(tmp_path.glob("out.*"))


@pytest.mark.parametrize("gone", [False, True])
def test_an_engine_killed_while_rendering(host: Host, plates: dict[str, str], tmp_path: Path, gone: bool) -> None:
    """It is started again; where it cannot be, the render ends and no unswapped frame is written."""
    ask = {"plate": plates["rec709"], "source": _person("bea"), "gone": gone}
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
        "hole", tmp_path, {"plate": str(tmp_path / "plate.1001.exr"), "source": _person("bea")}
    )
    assert code == 1 and not answer
    assert "Error: Faceplate: frame 3:" in said and "plate.1003.exr" in said
    assert sorted(path.name for path in tmp_path.glob("out.*")) == ["out.0001.exr", "out.0002.exr"]


def test_without_the_extension_baked_frames_are_right_and_others_are_tinted(
    host: Host, plates: dict[str, str], tmp_path: Path
) -> None:
    place = host.folder / "baked"
    code, _, said = host.case("baked", place, {"plate": plates["rec709"], "source": _person("bea")})
    assert code == 0, said
    code, answer, said = host.case("without_addon", place, {}, {"BLENDER_USER_RESOURCES": str(tmp_path)})
    assert code == 0 and answer["addon"] is False, said
    for frame in (1, 2):
        assert np.array_equal(_read(place / f"without.{frame:04d}.exr"), _read(place / f"with.{frame:04d}.exr"))
    # Before 4.5 a missing element leaves no picture under the tint.
    part = 0.0 if host.version == "4.2" else 0.5
    tinted = host.shown(part * _plate(plates["rec709"], 1003) + 0.5 * np.array([1, 0, 1], np.float32))
    _same(host.result(place / "without.0003.exr"), tinted, tinted)


def test_at_work(host: Host, plates: dict[str, str]) -> None:
    """Live updates, values of every kind, track, bake, takes, relink, undo."""
    place = host.folder / "work"
    code, found, said = host.case("at_work", place, {"plate": plates["rec709"], "source": _person("bea")})
    assert code == 0, said
    assert found["live"] and found["changed"] and found["status"] == "frame 1 is up to date"
    assert "/nowhere" in found["problem"]
    assert 0.05 < found["curve"] < 0.15 and found["driver"] == pytest.approx(0.5) and found["linked"] == 0.25
    assert found["refused"] == "unreadable-value"
    assert found["track"] and len(found["people"]) == 1
    assert "takes/001/element.0001.exr" in found["take"].replace("\\", "/")
    assert "running" in found["engine"]
    assert found["undone"] == [1.0, "mesh"] and found["redone"] == [0.125, "null"] and found["same shot"]


def test_the_live_timer_and_the_modal_operators_run_through_in_a_window(host: Host, plates: dict[str, str]) -> None:
    """With a node editor to redraw: the timer goes on after its first answer, and Track and Bake finish."""
    place = host.folder / "window"
    code, found, said = host.case("in_window", place, {"plate": plates["rec709"], "source": _person("bea")})
    assert code == 0, said
    assert found["live"] and found["status"] == "frame 1 is up to date" and found["period"] > 0
    assert found["track"] == found["bake"] == ["FINISHED", "timer", "handler", "timer removed"]
    assert found["tracked"] and found["baked"] == ["present.0001.png", "present.0002.png"]


def test_values_under_former_parameter_names_are_kept(host: Host, plates: dict[str, str]) -> None:
    place = host.folder / "former"
    code, found, said = host.case("former_names", place, {"plate": plates["rec709"], "source": _person("bea")})
    assert code == 0, said
    assert found["values"] == ["eyes", "//garbage.####.exr", ""]


def test_blender_packs_the_extension_for_its_platform(host: Host, tmp_path: Path) -> None:
    """Validated, built and validated again by Blender's own tool; nothing of this machine is in the archive."""
    archive = build_package(_blender(host), tmp_path, "https://faceplate.example/blender")
    with zipfile.ZipFile(archive) as packed:
        names = packed.namelist()
        manifest = tomllib.loads(packed.read("blender_manifest.toml").decode())
    assert (
        manifest["license"] == ["SPDX:GPL-3.0-or-later"] and manifest["website"] == "https://faceplate.example/blender"
    )
    assert {"LICENSE", "LICENSES/Apache-2.0.txt", "NOTICE", "faceplate_client/__init__.py"} <= set(names)
    assert not [name for name in names if name.endswith("engine.json") or "__pycache__" in name]


def test_removed_nothing_is_left(host: Host) -> None:
    """The last test of this host: `faceplate host install blender --remove`."""
    installed = Path(host.answers["installed"])
    assert (installed / "faceplate_client" / "engine.json").is_file()
    assert remove_from(_blender(host)) == str(installed)
    assert not installed.exists()


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
