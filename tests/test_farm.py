"""A shot as a farm's job: what is in the bundle, and that running it gives what a render gives."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from openjd.model import decode_job_template

from engines import alive, state_of, until
from faceplate.cli import main
from faceplate.consent.audit import AUDIT_FILE
from faceplate.errors import UsageError
from faceplate.face import FaceFinder
from faceplate.farm import assets_of, bundle_files, chunk_size, measure, plan_job, write_bundle
from faceplate.farm.assets import _source_files, ocio_files
from faceplate.farm.plan import frames_text
from faceplate.farm.run import run_bundle
from faceplate.plate import parse_frames
from faceplate.render import Renderer
from faceplate.shot import load_shot
from faceplate.track import Track
from faceplate_client import EngineError
from faceplate_client.farm import parse_frames as node_frames
from farm_shots import cheap, pixels_of, small_shot

GOLDEN = Path(__file__).parent / "bundles" / "sh010"


@pytest.fixture(scope="session")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 small frames and a source."""
    return small_shot(tmp_path_factory.mktemp("farm"))


def renderer_of(shot: Path) -> Renderer:
    return Renderer(load_shot(shot), FaceFinder.embedded())


class TestPlan:
    """How a shot is cut."""

    @pytest.mark.parametrize(
        ("seconds", "frames", "workers", "wanted"),
        [
            (1.0, 10000, 4, 300),
            (40.0, 10000, 4, 7),
            (1000.0, 48, 4, 1),
            (1.0, 24, 4, 3),
            (0.0, 1000, 4, 10),
            (0.1, 1, 8, 1),
        ],
    )
    def test_chunk_size(self, seconds: float, frames: int, workers: int, wanted: int) -> None:
        """Five minutes of work, but two chunks at least for every node; ten frames where nothing was measured."""
        assert chunk_size(seconds, frames, 300.0, workers) == wanted

    @pytest.mark.parametrize(
        "frames", [[1001], [1, 2, 3], [1, 3, 5, 7], [1, 2, 5, 9, 11, 13, 20], [7, 3], range(0, 99, 7)]
    )
    def test_frames_text(self, frames: Any) -> None:
        text = frames_text(frames)
        assert list(parse_frames(text.replace(":", "x"))) == sorted(frames)
        assert list(node_frames(text)) == sorted(frames)

    @pytest.mark.parametrize("text", ["", "a", "1-", "1-5:-1", "1,,2", "1-5:0"])
    def test_a_node_refuses_what_is_no_range(self, text: str) -> None:
        with pytest.raises(EngineError, match="no frame range"):
            node_frames(text)

    def test_measuring_renders_frames(self, shot: Path) -> None:
        renderer = renderer_of(shot)
        assert 0 < measure(renderer, tuple(range(1001, 1025)), 1) < 60
        assert not renderer.output.folder.exists()
        nowhere = Renderer(renderer.shot.model_copy(update={"plate": "/nowhere/plate.####.exr"}), renderer.finder)
        assert measure(nowhere, (1001, 1002)) == 0


class TestBundle:
    """What is written."""

    def test_the_golden_bundle(self, tmp_path: Path) -> None:
        """A shot with most things in it, and the exact bundle that it makes: read the diff when it changes."""
        shot = small_shot(tmp_path, 3, overrides=[{"frames": "1002", "parameters": {"grain": 0.5}, "note": "by hand"}],
            parameters={"matte_feather": 0.1, "light_luminance": {"keys": [[1001, 0.5, "smooth"], [1003, 1.0, "linear"]]}},
        )  # fmt: skip
        (tmp_path / "faceplate.show.json").write_text(
            json.dumps(
                {
                    "faceplate_show": 1,
                    "root": True,
                    "defaults": {"compression": "zips"},
                    "policy": {"preview_slate": True},
                }
            )
        )
        (tmp_path / "comp.nk").write_text("Read {}")
        (tmp_path / "bea" / "faceplate.source.json").unlink(missing_ok=True)
        renderer = renderer_of(shot)
        job = plan_job(
            renderer, frame_seconds=40.0, host_comp=f"nuke -x {tmp_path / 'comp.nk'} -F {{frames}}", gpu=True
        )
        files = bundle_files(job, assets_of(job, renderer))
        made = {name: text.replace(str(tmp_path), "/show") for name, text in files.items()}
        if os.environ.get("FACEPLATE_GOLDEN"):  # after a change that is meant: write it anew, and read the diff
            for name, text in made.items():
                (GOLDEN / name).parent.mkdir(parents=True, exist_ok=True)
                (GOLDEN / name).write_text(text)
        wanted = {str(path.relative_to(GOLDEN)): path.read_text() for path in GOLDEN.rglob("*") if path.is_file()}
        assert made == wanted
        decode_job_template(template=yaml.safe_load(files["template.yaml"]), supported_extensions=["TASK_CHUNKING"])
        assert "/show" not in made["template.yaml"], "paths are parameters, so that a farm can map them"

    def test_the_snapshot_is_the_shot(self, shot: Path, tmp_path: Path) -> None:
        """Read back it renders the same, whatever happens to the shot file and to the show afterwards."""
        renderer = renderer_of(shot)
        job = plan_job(renderer, chunk=4)
        write_bundle(job, assets_of(job, renderer), tmp_path)
        again = load_shot(tmp_path / "shot" / "sh010.shot.json")
        own = {"track", "ocio", "frames", "output", "audit"}
        assert again.model_dump(exclude=own) == renderer.shot.model_dump(exclude=own)
        assert again.track == renderer.output.folder / "sh010.track.json" and again.ocio == renderer.color.source

    def test_assets(self, shot: Path, tmp_path: Path) -> None:
        """Everything that a node reads, the release and a matte from outside too; what is not here is said."""
        document = json.loads(shot.read_text())
        document |= {"parameters": {"holdout_matte": str(tmp_path / "matte.####.exr")}, "frames": "1001-1002"}
        named = shot.with_name("mattes.shot.json")
        named.write_text(json.dumps(document))
        (tmp_path / "matte.1001.exr").write_bytes(b"")
        renderer = renderer_of(named)
        found = assets_of(plan_job(renderer, chunk=1), renderer)
        names = {path.name for path in found.inputs}
        assert {
            "plate.1001.exr",
            "plate.1024.exr",
            "front.jpg",
            "release.json",
            "release.sig.json",
            "matte.1001.exr",
        } <= names
        assert found.missing == (f"{tmp_path / 'matte.1002.exr'} is not there.",)
        assert renderer.output.folder in found.outputs

    def test_frames_of_a_source_with_what_was_found_in_them(self, shot: Path, tmp_path: Path) -> None:
        for name in (
            "turn.0001.exr",
            "turn.0002.exr",
            "release.json",
            ".turn.####.exr.faceplate.source.json",
            "else.jpg",
        ):
            (tmp_path / name).write_bytes(b"")
        assert [path.name for path in _source_files(tmp_path / "turn.####.exr")] == [
            "turn.0001.exr",
            "turn.0002.exr",
            ".turn.####.exr.faceplate.source.json",
            "release.json",
        ]
        assert _source_files(tmp_path / "gone.####.exr")[0].name == "gone.####.exr"  # and so is said to be missing

    def test_every_lut_of_an_ocio_config(self, tmp_path: Path) -> None:
        (tmp_path / "luts").mkdir()
        for name in ("a.spi1d", "b.cube", "look.cdl"):
            (tmp_path / "luts" / name).write_text("")
        config = tmp_path / "config.ocio"
        config.write_text(
            """ocio_profile_version: 2
search_path: luts
roles: {default: raw, scene_linear: raw}
file_rules: [!<Rule> {name: Default, colorspace: raw}]
displays: {d: [!<View> {name: v, colorspace: log}]}
looks: [!<Look> {name: warm, process_space: raw, transform: !<FileTransform> {src: look.cdl}}]
colorspaces:
  - !<ColorSpace> {name: raw}
  - !<ColorSpace>
    name: log
    from_scene_reference: !<GroupTransform>
      children: [!<FileTransform> {src: a.spi1d}, !<GroupTransform> {children: [!<FileTransform> {src: b.cube}]}]
  - !<ColorSpace> {name: lost, to_scene_reference: !<FileTransform> {src: gone.spi3d}}
"""
        )
        assert {path.name for path in ocio_files(config)} == {
            "config.ocio",
            "a.spi1d",
            "b.cube",
            "look.cdl",
            "gone.spi3d",
        }
        assert all(path.is_file() for path in ocio_files(config) if path.name != "gone.spi3d")

    def test_opencue_takes_it_too(self, shot: Path, tmp_path: Path) -> None:
        outline = pytest.importorskip("outline", reason="the extra opencue is not installed")
        assert outline
        from faceplate.farm.opencue import outline_xml

        xml = outline_xml(plan_job(renderer_of(shot), chunk=4), tmp_path / "sh010.shot.json")
        layers = re.findall(r'<layer name="(\w+)"', xml)
        assert layers == ["track", "merge", "render", "check"]
        assert "<chunk>4</chunk>" in xml and "faceplate-farm render" in xml
        assert [re.findall(r"<(?:on|depend_on|depon)layer>(\w+)<", xml)] == [["track", "merge", "render"]]

    def test_a_job_answers_to_the_show(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Making one is a line of the show's audit log, under the shot's own name; a final without a release is no job."""
        shot = small_shot(tmp_path, 2, name="sh 010/a", overrides=None)
        (tmp_path / "faceplate.show.json").write_text('{"faceplate_show": 1, "root": true}')
        bundle = tmp_path / "job"
        assert main._run(["farm", "bundle", str(shot), "--chunk", "1", "-o", str(bundle)]) == 0
        line = json.loads((tmp_path / AUDIT_FILE).read_text().splitlines()[-1])
        assert (line["action"], line["shot"], line["first"], line["last"]) == ("farm", "sh 010/a", 1001, 1002)
        assert load_shot(bundle / "shot" / "sh_010_a.shot.json").name == "sh 010/a"
        (tmp_path / "bea" / "release.json").unlink()
        capsys.readouterr()
        assert main._run(["farm", "bundle", str(shot), "--chunk", "1", "-o", str(tmp_path / "no"), "--final"]) != 0
        assert "release" in capsys.readouterr().err and not (tmp_path / "no").exists()

    def test_refusals(self, shot: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert (
            main._run(["farm", "bundle", str(shot), "--chunk", "1", "--host-comp", "nuke 'x", "-o", str(tmp_path)]) == 2
        )
        assert "no command line" in capsys.readouterr().err
        with pytest.raises(UsageError, match="no job bundle"):
            run_bundle(tmp_path)
        assert main._run(["farm", "run", str(tmp_path), "-p", "ChunkSize"]) == 2
        assert main._run(["farm", "track", str(shot), "--stretches", "9", "--track", str(tmp_path / "t.json")]) == 2
        assert "counted from 0" in capsys.readouterr().err


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


@pytest.fixture
def runs() -> Callable[..., tuple[int, str]]:
    """Runs the node's program in a folder: exit code and output."""

    def run(folder: Path, *words: object) -> tuple[int, str]:
        command = [sys.executable, "-m", "faceplate_client.farm", *map(str, words)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    return run
