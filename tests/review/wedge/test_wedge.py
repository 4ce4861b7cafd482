"""`faceplate wedge`: takes, shared stages, sheets, tables, and what goes wrong."""

from __future__ import annotations

import csv
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from faceplate.cli import main
from faceplate.demo import person
from faceplate.provenance.fingerprints import fingerprint
from faceplate.review.wedge import WedgeDocument, read_wedge
from farm_shots import cheap, pixels_of, small_shot

AXES = ("light_scale=0.05,0.5", "blend=none,gradient")
FRAMES = (1001, 1002)


@dataclass(frozen=True)
class Made:
    """A wedge of four variants and two frames."""

    shot: Path
    folder: Path

    @property
    def document(self) -> WedgeDocument:
        return read_wedge(self.folder)


def wedge(capsys: pytest.CaptureFixture[str] | None, *words: object) -> tuple[int, str, str]:
    code = main._run(["wedge", *map(str, words)])
    out, err = capsys.readouterr() if capsys else ("", "")
    return code, out, err


def one_picture(folder: Path, name: str) -> Path:
    """A source of one picture, which is read in a moment, with its release: a slate would count in the measures."""
    folder.mkdir()
    for file in ("front.jpg", "release.json", "release.sig.json"):
        shutil.copy(person(name) / file, folder)
    return folder


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two small frames; the shot keys a parameter of the wedge, and overrides it on one frame."""
    keyed = {"light_scale": {"keys": [[1001, 0.1, "linear"], [1002, 0.3, "linear"]]}, "blend": "seam"}
    override = [{"frames": "1002", "parameters": {"blend": "multiband"}}]
    folder = tmp_path_factory.mktemp("wedge")
    one_picture(folder / "bea", "bea")
    return small_shot(folder, 2, parameters=keyed, overrides=override)


@pytest.fixture(scope="module")
def made(shot: Path) -> Made:
    folder = shot.parent / "study"
    assert wedge(None, shot, *AXES, "--output", folder, "--jobs", 2)[0] == 0
    return Made(shot, folder)


def test_a_take_is_a_single_render_with_its_values_bit_for_bit(made: Made) -> None:
    """All channels and header keys; constants, keys and overrides of the wedge's parameters give way."""
    variant = made.document.variants[1]
    plain = json.loads(made.shot.read_text()) | {"parameters": variant.values, "overrides": None}
    alone = made.shot.with_name("alone.shot.json")
    alone.write_text(json.dumps({key: value for key, value in plain.items() if value is not None}))
    assert main._run(["render", str(alone), "--force"]) == 0
    own = made.folder / variant.name / "sh010.####.exr"
    assert pixels_of(own) == pixels_of(made.shot.parent / "out" / "sh010.####.exr") and len(pixels_of(own)) == 2
    assert len({fingerprint(made.folder / one.name / "sh010.1001.exr").pixels for one in made.document.variants}) == 4


def test_a_stage_that_variants_share_runs_once(made: Made) -> None:
    stages = made.document.stages
    for stage in ("prepare", "generate", "occlusion", "light", "blur", "coverage"):
        assert stages["computed"][stage] == len(FRAMES), stage
    assert stages["shared"]["generate"] >= 3 * len(FRAMES)
    assert stages["computed"]["matched"] == 4 * len(FRAMES), "what the axes change runs for every variant"


class TestFiles:
    def test_the_document_names_every_take(self, made: Made) -> None:
        document = made.document
        assert [axis.parameter for axis in document.axes] == ["light_scale", "blend"]
        assert document.frames == FRAMES and document.shot == str(made.shot)
        for variant in document.variants:
            assert variant.name == f"light_scale={variant.values['light_scale']}_blend={variant.values['blend']}"
            assert [entry.frame for entry in variant.frames] == list(FRAMES)
            for entry in variant.frames:
                assert entry.file and (made.folder / entry.file).is_file() and entry.error is None
                assert entry.stages and sum(entry.stages.values()) == pytest.approx(entry.measures.seconds, abs=0.01)

    def test_the_measures(self, made: Made) -> None:
        for variant in made.document.variants:
            first, second = (entry.measures for entry in variant.frames)
            assert first.to_source is not None and first.to_target is not None and first.seam is not None
            assert first.to_source > 0.5 > first.to_target, "the result is the source and not the target"
            assert 0.5 < first.seam < 1.5 and 0 < (first.light_error or 0) < 2 and (first.seconds or 0) > 0
            assert first.flicker is None and second.flicker is not None and 0 < second.flicker < 10
            assert variant.measures.to_source == pytest.approx(
                (first.to_source + (second.to_source or 0)) / 2, abs=1e-3
            )

    def test_the_table_has_a_line_for_each_take(self, made: Made) -> None:
        rows = list(csv.DictReader((made.folder / "wedge.csv").read_text().splitlines()))
        assert len(rows) == 4 * len(FRAMES) and rows[0]["blend"] == "none" and rows[0]["flicker"] == ""
        assert float(rows[1]["to_source"]) == made.document.variants[0].frames[1].measures.to_source

    def test_the_sheets(self, made: Made) -> None:
        """A cell shows its own take: two cells differ, and each is where the document says."""
        for sheet in made.document.sheets:
            picture = cv2.imread(str(made.folder / sheet.file))
            assert picture is not None and picture.shape[1::-1] == sheet.size
            cells = []
            for cell in sheet.cells:
                x, y, width, height = cell.box
                cells.append(picture[y : y + height, x : x + width].astype(int))
                assert cells[-1].shape == (height, width, 3) and cells[-1].mean() > 40
            assert all(np.abs(cells[0] - other).max() > 1 for other in cells[1:])
            plate = picture[cells_top(sheet) :, : sheet.cells[0].box[0]][: sheet.cells[0].box[3]]
            assert plate.mean() > 40, "the plate stands at the left"

    def test_provenance(self, made: Made, capsys: pytest.CaptureFixture[str]) -> None:
        folder = made.folder / made.document.variants[0].name
        capsys.readouterr()
        main._run(["verify", str(folder / "sh010.####.exr")])
        assert "2 of 2 frames are as they were written" in capsys.readouterr().out


def cells_top(sheet: Any) -> int:
    return min(cell.box[1] for cell in sheet.cells)


def test_takes_that_are_up_to_date_are_left_alone(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    takes = sorted(made.folder.rglob("*.exr"))
    before = {path: path.stat().st_mtime_ns for path in takes}
    figures = [variant.measures for variant in made.document.variants]
    code, out, _ = wedge(capsys, made.shot, *AXES, "--output", made.folder)
    assert code == 0 and {path: path.stat().st_mtime_ns for path in takes} == before
    assert [variant.measures for variant in made.document.variants] == figures
    lines = out.splitlines()
    assert re.split(r"\s{2,}", lines[0].strip()) == [
        "light_scale", "blend", "to source", "to target", "flicker", "seam", "light error", "seconds",
    ]  # fmt: skip
    assert lines[1].split()[:2] == ["0.05", "none"] and str(made.folder / "sheet.1002.png") in lines


class TestTrouble:
    def test_a_frame_that_fails_does_not_stop_the_others(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        shot = small_shot(tmp_path, 3, **cheap(no_face="pass"), track=None)
        (tmp_path / "plates" / "plate.1002.exr").write_bytes(b"damaged")
        folder = tmp_path / "w"
        code, _, err = wedge(capsys, shot, "crop=128,256", "-o", folder, "--frames", "1001-1003")
        assert code == 1 and "frame 1002" in err and "Traceback" not in err
        document = read_wedge(folder)
        for variant in document.variants:
            first, second, third = variant.frames
            assert first.file and third.file and second.file is None
            assert second.error is not None and second.error["code"] == "plate-unreadable"
        assert [sheet.frame for sheet in document.sheets] == [1001, 1003]

    @pytest.mark.parametrize(
        ("words", "code"),
        [
            (["light_scal=0.1,0.2"], "unknown-parameter"),
            (["light_scale=0.1:900:3"], "bad-value"),
            (["generator=mesh,no_such_network"], "unknown-model"),
        ],
    )
    def test_a_wrong_wedge_writes_no_take(
        self, shot: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: str
    ) -> None:
        exit_code, out, _ = wedge(capsys, shot, *words, "-o", tmp_path / "w", "--log", "json", "--frames", "1001")
        errors = [line for line in map(json.loads, out.splitlines()) if line["event"] == "error"]
        assert exit_code == 2 and [line["code"] for line in errors] == [code]
        assert not list(tmp_path.rglob("*.exr"))

    def test_no_shot_file(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        code, _, err = wedge(capsys, tmp_path / "no.shot.json", "blend=none")
        assert code == 2 and "no shot file" in err


def test_generators_and_sources_are_axes(shot: Path, tmp_path: Path) -> None:
    """null gives the plate back: the target itself. Every source is read for itself."""
    other = one_picture(tmp_path / "cal", "cal")
    words = ["generator=mesh,null", f"source={shot.parent / 'bea'},{other}", "-o", tmp_path / "w", "--frames", "1001"]
    assert wedge(None, shot, *words)[0] == 0
    found = {variant.name: variant.measures for variant in read_wedge(tmp_path / "w").variants}
    assert list(found) == [
        "generator=mesh_source=bea", "generator=null_source=bea", "generator=mesh_source=cal", "generator=null_source=cal",
    ]  # fmt: skip
    files = [tmp_path / "w" / name / "sh010.1001.exr" for name in found]
    pixels = [fingerprint(path).pixels for path in files]
    assert pixels[0] != pixels[2] and pixels[1] == pixels[3], "mesh puts another person in, null nobody"
    for name in ("bea", "cal"):
        mesh, null = found[f"generator=mesh_source={name}"], found[f"generator=null_source={name}"]
        assert mesh.to_source is not None and null.to_source is not None and mesh.to_source > null.to_source + 0.2
        assert null.to_target == pytest.approx(1, abs=0.02) and null.seam == pytest.approx(1, abs=0.02)
        assert null.light_error == pytest.approx(0, abs=0.02)
