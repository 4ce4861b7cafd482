"""A job in the Open Job Description runtime, and a node's program."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from engines import alive, state_of, until
from faceplate.cli import main
from faceplate.farm import assets_of, plan_job, write_bundle
from faceplate.farm.run import run_bundle
from faceplate.track import Track
from farm_shots import cheap, pixels_of, renderer_of, small_shot


@pytest.fixture(scope="module")
def local(shot: Path) -> dict[int, str]:
    """The frames of a plain render, which tracks the plate itself."""
    folder = shot.parent / "local"
    assert main._run(["render", str(shot), "-o", str(folder / "sh010.####.exr")]) == 0
    return pixels_of(folder / "sh010.####.exr")


@pytest.fixture(scope="module")
def tracked(shot: Path) -> tuple[Path, str]:
    """The job with everything in it, in chunks of 4: its output folder, and what the runtime said."""
    renderer = renderer_of(shot)
    mark = shot.parent / "comped"
    job = plan_job(renderer, chunk=4, host_comp=f"{sys.executable} -c \"open(r'{mark}', 'a').write('{{frames}} ')\"")
    write_bundle(job, assets_of(job, renderer), shot.parent / "job4")
    done = subprocess.run(
        [sys.executable, "-m", "faceplate.cli.main", "farm", "run", str(shot.parent / "job4"), "-p", "ChunkSeconds=0"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    return renderer.output.folder, done.stdout


class TestRun:
    """The job by the Open Job Description runtime."""

    def test_steps_in_order(self, tracked: tuple[Path, str], shot: Path) -> None:
        folder, said = tracked
        assert re.findall(r"Running step '(\w+)'", said) == ["Track", "MergeTrack", "Render", "Check", "HostComp"]
        assert re.findall(r"Frame\(CHUNK\[INT\]\) = (\S+)", said)[:6] == [
            "1001-1004", "1005-1008", "1009-1012", "1013-1016", "1017-1020", "1021-1024",
        ]  # fmt: skip
        assert (shot.parent / "comped").read_text().split() == [
            f"{first}-{first + 3}" for first in range(1001, 1022, 4)
        ]
        assert said.count("openjd_env: FACEPLATE_RUN=") == 1, "one engine for the session"
        assert "openjd_progress: 100.0" in said and "24 of 24 frames are right; made on cpu." in said
        assert not list(folder.glob("*.parts")) and (folder / "sh010.manifest.json").exists()

    def test_same_pixels_as_a_local_render(self, tracked: tuple[Path, str], local: dict[int, str], shot: Path) -> None:
        folder, _ = tracked
        assert pixels_of(folder / "sh010.####.exr") == local and len(local) == 24
        one, other = (Track.load(path / "sh010.track.json").sidecar for path in (folder, shot.parent / "local"))
        assert one.people == other.people

    @pytest.mark.parametrize("chunk", [1, 24])
    def test_other_chunks(
        self, tracked: tuple[Path, str], local: dict[int, str], shot: Path, tmp_path: Path, chunk: int
    ) -> None:
        """The plate is tracked already, so the job has no such step. A second run finds every frame up to date."""
        document = json.loads(shot.read_text()) | {"track": str(tracked[0] / "sh010.track.json")}
        named = shot.with_name("tracked.shot.json")
        named.write_text(json.dumps(document))
        job = plan_job(renderer := renderer_of(named), chunk=chunk)
        assert not job.tracking
        write_bundle(job, assets_of(job, renderer), tmp_path / "job")
        values = {"OutputDir": str(tmp_path / "out"), "ChunkSeconds": "0"}
        assert run_bundle(tmp_path / "job", values, quiet=True) == 0
        assert pixels_of(tmp_path / "out" / "sh010.####.exr") == local
        if chunk == 24:
            times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*.exr")}
            assert run_bundle(tmp_path / "job", values, step="Render", quiet=True) == 0
            assert {path: path.stat().st_mtime_ns for path in times} == times

    def test_a_node_with_other_paths(
        self, tracked: tuple[Path, str], local: dict[int, str], shot: Path, tmp_path: Path
    ) -> None:
        """The bundle was made where the show is at one place; on this node it is at another, by the runtime's own rules."""
        moved = tmp_path / "elsewhere"
        bundle = shot.parent / "job4"
        moved.mkdir()
        for name in ("plates", "bea"):
            (moved / name).symlink_to(shot.parent / name)
        (moved / "out").mkdir()
        (moved / "out" / "sh010.track.json").write_bytes((tracked[0] / "sh010.track.json").read_bytes())
        gone = "/mnt/the/farm"
        foreign = tmp_path / "job"
        for path in bundle.rglob("*"):
            if path.is_file():
                target = foreign / path.relative_to(bundle)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(path.read_text().replace(str(shot.parent), gone))
        rules = {
            "version": "pathmapping-1.0",
            "path_mapping_rules": [
                {"source_path_format": "POSIX", "source_path": gone, "destination_path": str(moved)},
            ],
        }
        (tmp_path / "rules.json").write_text(json.dumps(rules))
        template = yaml.safe_load((foreign / "template.yaml").read_text())
        render = next(step for step in template["steps"] if step["name"] == "Render")
        del render["dependencies"]
        template["steps"] = [render]
        (foreign / "template.yaml").write_text(yaml.safe_dump(template))
        values = {"ChunkSeconds": "0", "ChunkSize": "2", "Frames": "1001-1004"}
        assert run_bundle(foreign, values, tmp_path / "rules.json", quiet=True) == 0
        made = pixels_of(moved / "out" / "sh010.####.exr")
        assert made == {frame: local[frame] for frame in range(1001, 1005)}

    def test_a_failing_frame_fails_its_task(self, tmp_path: Path, runs: Callable[..., tuple[int, str]]) -> None:
        """Without an engine of a session a chunk brings its own; what fails is said, and the rest is there."""
        shot = small_shot(tmp_path, 3, **cheap(no_face="pass"), track=None)
        (tmp_path / "plates" / "plate.1002.exr").write_bytes(b"damaged")
        document = json.loads(shot.read_text())
        code, said = runs(tmp_path, "render", "--shot", shot, "--frames", "1001-1003")
        assert code == 1 and "openjd_fail: 1 of 3 frames failed" in said and document["name"] == "sh010"
        assert sorted(pixels_of(tmp_path / "out" / "sh010.####.exr")) == [1001, 1003]
        code, said = runs(tmp_path, "render", "--shot", tmp_path / "none.shot.json", "--frames", "1001")
        assert code == 2 and "openjd_fail: The shot" in said


def test_the_engine_ends_with_its_session(tmp_path: Path) -> None:
    """A session's process is killed and nobody says stop: the engine is gone soon after. A shell between them does not count."""
    node = f"{sys.executable} -m faceplate_client.farm start"
    waits = f"import subprocess, time; print(subprocess.run(['sh', '-c', '{node}; true']).returncode, flush=True); time.sleep(300)"
    session = subprocess.Popen([sys.executable, "-c", waits], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    try:
        assert session.stdout is not None
        said = [session.stdout.readline() for _ in range(4)]
        assert said[1] == f"openjd_env: FACEPLATE_RUN={tmp_path / 'faceplate-engine'}\n" and said[3] == "0\n"
        state = state_of(tmp_path / "faceplate-engine")
        assert state is not None and alive(state["pid"])
        time.sleep(1.5)  # longer than the engine takes to see that whoever started it has ended
        assert alive(state["pid"])
    finally:
        session.kill()
        session.wait()
    until(lambda: not alive(state["pid"]), 20)


def test_a_chunk_that_is_told_to_stop(tmp_path: Path) -> None:
    """SIGTERM: exit code 130, what is there is whole, the chunk's own engine is gone, and another try does the rest."""
    shot = small_shot(tmp_path, 12, **cheap(no_face="pass"))
    command = [sys.executable, "-m", "faceplate_client.farm", "render", "--shot", str(shot), "--frames", "1001-1012"]
    chunk = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    out = tmp_path / "out"
    until(lambda: list(out.glob("sh010.*.exr")), 60)
    chunk.send_signal(signal.SIGTERM)
    said, _ = chunk.communicate(timeout=60)
    assert chunk.returncode == 130 and "openjd_fail: Stopped." in said
    there = pixels_of(out / "sh010.####.exr")
    assert 0 < len(there) < 12
    (engine,) = tmp_path.glob("faceplate-engine-*")
    until(lambda: state_of(engine) is None, 20)
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert again.returncode == 0 and f"{len(there)} were current, 0 failed" in again.stdout
    assert len(pixels_of(out / "sh010.####.exr")) == 12
