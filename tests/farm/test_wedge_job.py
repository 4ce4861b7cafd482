"""A wedge as a farm's job: one task a variant, the sheets last, and the same takes as on one machine."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from openjd.model import decode_job_template

from faceplate.cli import main
from faceplate.demo import person
from faceplate.errors import UsageError
from faceplate.farm import plan_job
from faceplate.farm.plan import wedge_job
from faceplate.review.wedge import WedgeDocument, read_wedge
from farm_shots import cheap, pixels_of, renderer_of, small_shot

AXES = ("blend=none,gradient",)


def measured(document: WedgeDocument) -> list[Any]:
    """Everything but the seconds, which differ from machine to machine."""
    return [
        (variant.name, entry.frame, entry.file, entry.measures.model_dump(exclude={"seconds"}))
        for variant in document.variants
        for entry in variant.frames
    ]


def test_the_job_makes_the_same_wedge(tmp_path: Path) -> None:
    (tmp_path / "bea").mkdir()
    shutil.copy(person("bea") / "front.jpg", tmp_path / "bea")
    shot = small_shot(tmp_path, 2)
    local, farm = tmp_path / "local", tmp_path / "farm"
    assert main._run(["wedge", str(shot), *AXES, "-o", str(local)]) == 0  # also tracks the plate
    words = ["farm", "bundle", str(shot), "--wedge", *AXES, "--wedge-folder", str(farm), "-o", str(tmp_path / "job")]
    assert main._run(words) == 0
    done = subprocess.run(
        [sys.executable, "-m", "faceplate.cli.main", "farm", "run", str(tmp_path / "job")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    assert re.findall(r"Running step '(\w+)'", done.stdout) == ["Variants", "Sheet"]
    assert re.findall(r"Variant\(INT\) = (\S+)", done.stdout) == ["0", "1"]
    made = read_wedge(farm)
    for variant in made.variants:
        assert pixels_of(farm / variant.name / "sh010.####.exr") == pixels_of(local / variant.name / "sh010.####.exr")
    assert measured(made) == measured(read_wedge(local))
    assert [(farm / sheet.file).read_bytes() for sheet in made.sheets] == [
        (local / sheet.file).read_bytes() for sheet in made.sheets
    ]
    assert all(entry.measures.seconds for variant in made.variants for entry in variant.frames)


def test_the_template_of_a_shot_without_a_track(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shot = small_shot(tmp_path, 2, **cheap())
    words = ["--wedge", "crop=128,256", "--wedge", "shape=0:1:3", "--gpu", "-o", str(tmp_path / "job")]
    assert main._run(["farm", "bundle", str(shot), *words]) == 0
    assert "6 variants of 2 frames" in capsys.readouterr().out
    template = yaml.safe_load((tmp_path / "job" / "template.yaml").read_text())
    decode_job_template(template=template, supported_extensions=["TASK_CHUNKING"])
    steps = {step["name"]: step for step in template["steps"]}
    assert list(steps) == ["Track", "MergeTrack", "Variants", "Sheet"]
    assert steps["Variants"]["dependencies"] == [{"dependsOn": "MergeTrack"}]
    assert steps["Sheet"]["dependencies"] == [{"dependsOn": "Variants"}]
    assert steps["Variants"]["parameterSpace"]["taskParameterDefinitions"][0]["range"] == "0-5"
    assert "hostRequirements" in steps["Variants"]


@pytest.mark.parametrize(
    ("axes", "options"),
    [(["source=a,b"], {}), (["garbage_matte=a.exr,b.exr"], {}), (["blend=none,seam"], {"host_comp": "nuke -x a.nk"})],
)
def test_what_a_farm_cannot_do(tmp_path: Path, axes: list[str], options: dict[str, Any]) -> None:
    job = plan_job(renderer_of(small_shot(tmp_path, 1, **cheap())), chunk=1, **options)
    with pytest.raises(UsageError) as refused:
        wedge_job(job, axes, tmp_path)
    assert refused.value.code == "bad-option"


def test_a_variant_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shot = small_shot(tmp_path, 1, **cheap())
    words = ["--axis", "crop=128,256", "--variants", "2", "--output-folder", str(tmp_path / "w")]
    assert main._run(["farm", "variant", str(shot), *words]) == 2
    assert "no variant 2; they are 0 to 1" in capsys.readouterr().err
