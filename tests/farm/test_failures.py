"""Failures on a farm: killed workers, concurrent renders, full disks, vanished mounts, other clocks."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from faceplate.cli import main
from faceplate.errors import RenderError
from faceplate.face import FaceFinder
from faceplate.farm.check import leftovers
from faceplate.plate import Sequence
from faceplate.provenance.fingerprints import fingerprint
from faceplate.provenance.manifest import records_folder
from faceplate.render import Renderer, cache_keys
from faceplate.render.batch import render_frames
from faceplate.render.current import is_current, is_whole
from faceplate.shot import PathRule, load_shot
from farm_shots import cheap, pixels_of, ran, small_shot

WORKER = Path(__file__).parents[1] / "support" / "farm_worker.py"
LONG = bool(os.environ.get("FACEPLATE_LONG"))
KILLS = 120 if LONG else 50

posix = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks its workers")


def worked(*words: object) -> subprocess.Popen[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(WORKER), *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


class Watch(threading.Thread):
    """Looks again and again at every file under a final name, and reads it whole whenever it is another one."""

    def __init__(self, output: Sequence) -> None:
        super().__init__(daemon=True)
        self.output = output
        self.looks = self.files = 0
        self.broken: list[str] = []
        self._ended = threading.Event()
        self._known: set[tuple[str, int, int]] = set()

    def run(self) -> None:
        while not self._ended.is_set():
            self.look()
            time.sleep(0.002)

    def look(self) -> None:
        self.looks += 1
        for frame in self.output.on_disk():
            path = self.output.path(frame)
            try:
                found = path.stat()
                mark = (path.name, found.st_ino, found.st_mtime_ns)
                if mark in self._known:
                    continue
                self._known.add(mark)
                self.files += 1
                fingerprint(path)  # every chunk decoded
            except FileNotFoundError:
                continue
            except RenderError as error:
                self.broken.append(str(error))

    def stop(self) -> None:
        self._ended.set()
        self.join()
        self.look()


@posix
def test_workers_killed_at_random_moments(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """4 workers, kill -9 at 50 random moments, retries: at the end every frame is whole and the very same as undisturbed,
    and no file under a final name was ever anything but whole.

    FACEPLATE_LONG=1 puts a real face in, and kills 120 times, further apart, because such a worker starts more slowly."""
    keys = {} if LONG else cheap(no_face="pass")
    shot = small_shot(tmp_path, 12, **keys)
    calm = tmp_path / "calm"
    assert main._run(["render", str(shot), "-o", str(calm / "sh010.####.exr")]) == 0
    # The track is there: what is to be hit is the writing of frames.
    shutil.copytree(calm, tmp_path / "out", ignore=shutil.ignore_patterns("*.exr", ".faceplate", "*.manifest.json"))
    output = Sequence.parse(str(tmp_path / "out" / "sh010.####.exr"))
    watch = Watch(output)
    watch.start()
    child = worked("chaos", shot, KILLS, 7, 3.0 if LONG else 0.35)
    said, wrong = child.communicate(timeout=1500)
    watch.stop()
    assert child.returncode == 0, wrong
    happened: dict[str, Any] = json.loads(said)
    left = leftovers(output)
    with capsys.disabled():
        print(f"\n{happened}; {watch.looks} looks, {watch.files} files read, {len(left)} hidden files left", end=" ")
    assert watch.broken == [] and watch.files > 12
    assert happened["killed"] == KILLS and happened["last"] == 0, wrong
    assert pixels_of(str(output)) == pixels_of(str(calm / "sh010.####.exr"))
    code, events = ran(capsys, "check", shot, "--fix")
    assert code == 0 and events[-1]["bad"] == []
    assert leftovers(output) == () and {path.name for path in output.folder.glob("*.exr")} == {
        output.path(frame).name for frame in range(1001, 1013)
    }
    records = {path.name for path in records_folder(output).iterdir()}
    assert records == {f"{frame}.json" for frame in range(1001, 1013)}


@posix
def test_ten_renders_at_once(tmp_path: Path) -> None:
    """8 shots whose plates have the same name, written into one folder, and two of the very same shot: all as if alone."""
    shots = []
    for number in range(8):
        folder = tmp_path / f"shot{number}"
        output = str(tmp_path / "out" / f"s{number}.####.exr")
        (folder / "bea").parent.mkdir(parents=True)
        if number:
            (folder / "bea").symlink_to(tmp_path / "shot0" / "bea")
        shots.append(small_shot(folder, 2, skip=3 * number, output=output))
    twin = json.loads(shots[0].read_text()) | {"output": str(tmp_path / "out" / "twin.####.exr")}
    (shots[0].parent / "twin.shot.json").write_text(json.dumps(twin))
    same = str(shots[0].parent / "twin.shot.json")
    child = worked("together", *shots, same, same)
    said, wrong = child.communicate(timeout=600)
    assert json.loads(said) == {"codes": [0] * 10}, wrong
    assert wrong == ""
    seen: list[dict[int, str]] = []
    for number in range(8):
        together = pixels_of(tmp_path / "out" / f"s{number}.####.exr")
        if number in (0, 5):  # each alone, in a folder of its own
            alone = tmp_path / "alone" / f"s{number}.####.exr"
            assert main._run(["render", str(shots[number]), "-o", str(alone)]) == 0
            assert pixels_of(alone) == together
        seen.append(together)
    assert pixels_of(tmp_path / "out" / "twin.####.exr") == seen[0]
    assert len({tuple(pixels.values()) for pixels in seen}) == 8
    assert not [path for path in (tmp_path / "out").rglob("*") if ".part" in path.name or path.name.endswith(".work")]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, 1.5 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", "size=1500k", "tmpfs", str(folder)]
    if not mount or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a disk is not allowed here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def remounted(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def test_a_full_disk(tmp_path: Path, small_disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What fitted is whole, the rest is said once; with room again only the rest is rendered."""
    shot = small_shot(tmp_path, 6, **cheap(no_face="pass"), compression="none")
    output = small_disk / "sh010.####.exr"
    code, events = ran(capsys, "render", shot, "-o", output, "--no-track")
    failed = [event for event in events if event.get("code")]
    assert code == 1 and {event["code"] for event in failed} == {"disk-full"}
    there = pixels_of(output)
    assert 0 < len(there) < 6 and all(is_whole(small_disk / f"sh010.{frame}.exr") for frame in there)
    assert leftovers(Sequence.parse(str(output))) == ()
    remounted(small_disk, "size=16m")
    code, events = ran(capsys, "render", shot, "-o", output, "--no-track")
    assert code == 0 and events[-1]["current"] == len(there) and events[-1]["written"] == 6 - len(there)
    assert {frame: pixels for frame, pixels in pixels_of(output).items() if frame in there} == there


def test_an_output_that_cannot_be_written(tmp_path: Path, small_disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A disk that turned read-only: one sentence, exit code 1, and what is there stays; current frames need no writing."""
    shot = small_shot(tmp_path, 2, **cheap(no_face="pass"))
    output = small_disk / "sh010.####.exr"
    assert ran(capsys, "render", shot, "-o", output, "--no-track", "--frames", "1001")[0] == 0
    before = pixels_of(output)
    remounted(small_disk, "ro")
    code, events = ran(capsys, "render", shot, "-o", output, "--no-track")
    assert code == 1 and [event["code"] for event in events if event.get("code")] == ["output-unwritable"]
    assert events[-1]["current"] == 1 and pixels_of(output) == before
    code, events = ran(capsys, "render", shot, "-o", output, "--no-track", "--frames", "1001")
    assert code == 0 and events[-1]["current"] == 1


def test_a_mount_that_vanishes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The plate goes away in the middle: those frames fail by name, the others are there, and a retry does just the rest."""
    shot = small_shot(tmp_path, 8, **cheap(no_face="pass"))
    shot.write_text(json.dumps(json.loads(shot.read_text()) | {"frames": "1001-1008"}))
    loaded = load_shot(shot).model_copy(update={"track_first": False})
    renderer = Renderer(loaded, FaceFinder.embedded())
    renderer.prepare()
    outcomes = []
    for done in render_frames(renderer, renderer.frames(), ahead=1):
        outcomes.append(done)
        if len(outcomes) == 3:
            (tmp_path / "plates").rename(tmp_path / "gone")
    assert [done.error.code if done.error else "" for done in outcomes] == [""] * 3 + ["plate-missing"] * 5
    code, events = ran(capsys, "render", shot, "--no-track")
    assert code == 1 and {event["code"] for event in events if event.get("code")} == {"plate-missing"}
    assert len(pixels_of(loaded.output)) == 3
    (tmp_path / "gone").rename(tmp_path / "plates")
    code, events = ran(capsys, "render", shot, "--no-track")
    assert code == 0 and (events[-1]["written"], events[-1]["current"]) == (5, 3)


def test_another_prefix_and_another_clock(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A node that has the show elsewhere, with copies of another date, and a clock years off: every frame is current."""
    shot = small_shot(tmp_path / "here", 3, **cheap(no_face="pass"))
    assert ran(capsys, "render", shot, "--no-track")[0] == 0
    made = pixels_of(tmp_path / "here" / "out" / "sh010.####.exr")
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    (tmp_path / "here").rename(tmp_path / "away")
    for years, path in enumerate(sorted((tmp_path / "there").rglob("*.exr"))):
        moment = 300_000_000 + years * 250_000_000  # 1979 and later; the last ones lie years ahead
        os.utime(path, (moment, moment))
    document = json.loads((tmp_path / "there" / "sh010.shot.json").read_text())
    for key in ("plate", "output"):
        document[key] = f"/prod/show/{document[key]}"
    (tmp_path / "node.shot.json").write_text(json.dumps(document))
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps([{"from": "/prod/show", "to": str(tmp_path / "there")}]))
    code, events = ran(capsys, "render", tmp_path / "node.shot.json", "--path-mapping", rules, "--no-track")
    assert code == 0 and (events[-1]["current"], events[-1]["written"]) == (3, 0)
    assert pixels_of(tmp_path / "there" / "out" / "sh010.####.exr") == made


def test_current_is_whole_and_made_of_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file cut short is rendered again though its header is right; so is one whose plate, curve or mode has changed."""
    shot = small_shot(tmp_path, 3, **cheap(no_face="pass"))
    out = tmp_path / "out"

    def again(*words: str) -> tuple[int, int]:
        code, events = ran(capsys, "render", shot, "--no-track", *words)
        assert code == 0
        return events[-1]["written"], events[-1]["current"]

    assert again() == (3, 0) and again() == (0, 3) and again("--force") == (3, 0)
    data = (out / "sh010.1002.exr").read_bytes()
    (out / "sh010.1002.exr").write_bytes(data[:-40])
    assert again() == (1, 2)
    plate = tmp_path / "plates" / "plate.1003.exr"
    changed = bytearray(plate.read_bytes())
    shutil.copy(tmp_path / "plates" / "plate.1001.exr", plate)
    assert again() == (1, 2)
    plate.write_bytes(bytes(changed))
    assert again("--grain", "0.5") == (3, 0) and again("--mode", "element") == (3, 0)


def test_rules_reach_every_path_of_a_shot(tmp_path: Path) -> None:
    """Also those of parameters, of the track and of the OCIO config."""
    document = {
        "faceplate_shot": 1, "plate": "/a/p.####.exr", "source": "/a/bea", "track": "/a/t.json", "ocio": "/a/c.ocio",
        "output": "/a/o.####.exr", "parameters": {"holdout_matte": "/a/m.####.exr", "garbage_matte": "/ab/g.####.exr"},
    }  # fmt: skip
    shot = load_shot(document, tmp_path, mapping=(PathRule("/a", "/b"),))
    assert (shot.plate, shot.output, shot.ocio) == ("/b/p.####.exr", "/b/o.####.exr", "/b/c.ocio")
    assert (str(shot.source), str(shot.track)) == ("/b/bea", "/b/t.json")
    assert (shot.parameters.holdout_matte, shot.parameters.garbage_matte) == ("/b/m.####.exr", "/ab/g.####.exr")


def test_a_frame_of_an_older_engine_is_not_current(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shot = load_shot(small_shot(tmp_path, 1, **cheap(no_face="pass"))).model_copy(update={"track_first": False})
    renderer = Renderer(shot, FaceFinder.embedded())
    renderer.prepare()
    assert [done.error for done in render_frames(renderer, [1001])] == [None]
    assert is_current(renderer, 1001)
    monkeypatch.setattr(cache_keys, "__version__", "0.0.1")
    assert not is_current(renderer, 1001)
