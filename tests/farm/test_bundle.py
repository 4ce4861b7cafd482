"""The job bundle: template, assets, and the golden bundle."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
import yaml
from openjd.model import decode_job_template

from faceplate.cli import main
from faceplate.consent.audit import AUDIT_FILE
from faceplate.errors import UsageError
from faceplate.farm import assets_of, bundle_files, plan_job, write_bundle
from faceplate.farm.assets import _source_files, ocio_files
from faceplate.farm.run import run_bundle
from faceplate.shot import load_shot
from farm_shots import renderer_of, small_shot

GOLDEN = Path(__file__).parents[1] / "bundles" / "sh010"


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

    def test_several_faces(self, shot: Path, tmp_path: Path) -> None:
        """Every face comes through the snapshot as it is, and its source, track and mattes are sent to the nodes."""
        (shot.parent / "eve.track.json").write_text("{}")
        keyed = {"grain": {"keys": [[1001, 0.5, "smooth"]]}, "holdout_matte": "matte.####.exr"}
        faces = [
            {"name": "Ada", "source": "bea", "parameters": {"target": "1"}},
            {"name": "Eve", "track": "eve.track.json", "head_size": 0.8, "parameters": keyed,
             "overrides": [{"frames": "1002", "parameters": {"shape": 0.5}}]},
        ]  # fmt: skip
        named = shot.with_name("faces.shot.json")
        named.write_text(json.dumps(json.loads(shot.read_text()) | {"faces": faces, "frames": "1001", "source": "eve"}))
        renderer = renderer_of(named)
        job = plan_job(renderer, chunk=1)
        assets = assets_of(job, renderer)
        assert {"front.jpg", "release.json", "eve.track.json"} <= {path.name for path in assets.inputs}
        assert any("matte.1001.exr" in line for line in assets.missing) and job.tracking
        write_bundle(job, assets, tmp_path)
        again = load_shot(tmp_path / "shot" / "sh010.shot.json")
        assert again.faces == renderer.shot.faces and again.face_shots[1].at(1002).shape == 0.5
        every = [dict(face, track="eve.track.json") for face in faces]
        named.write_text(json.dumps(json.loads(named.read_text()) | {"faces": every}))
        assert not plan_job(renderer_of(named), chunk=1).tracking

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
