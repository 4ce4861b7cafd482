"""What the engine answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines import FACE
from faceplate.shot.parameters import describe
from faceplate_client import Engine, EngineError, take_pixels
from plates import read_file
from raw_requests import event_stream


class TestAnswers:
    def test_shots(self, engine: Engine, fast_folder: Path, fast_document: dict[str, Any]) -> None:
        shot = engine.open_shot(fast_document, str(fast_folder))
        assert shot.info["frames"] == list(range(1, 9)) and shot.info["person"] == "face"
        assert [person["frames"] for person in shot.info["people"]] == [1]
        assert {weight["name"] for weight in shot.info["weights"]} >= {"yunet"} and shot.info["warnings"] == []
        assert engine.open_shot(dict(fast_document), str(fast_folder)).key == shot.key
        (fast_folder / "fast.shot.json").write_text(json.dumps(fast_document))
        assert engine.open_shot(str(fast_folder / "fast.shot.json")).key == shot.key
        assert engine.open_shot({**fast_document, "person": "ada"}, str(fast_folder)).key != shot.key

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"plate": None}, "no-plate"),
            ({"space": "ACEScgg"}, "unknown-space"),
            ({"parameters": {"matte_feather": 9}}, "bad-shot"),
            ({"parameters": {"generator": "nobody"}}, "unknown-model"),
            ({"plate": "$NOWHERE_AT_ALL/p.exr"}, "unset-variable"),
            ({"source": "nobody", "parameters": {"generator": "mesh"}}, "source-missing"),
        ],
    )
    def test_wrong_shots_are_refused(
        self, engine: Engine, fast_folder: Path, fast_document: dict[str, Any], changes: dict[str, Any], code: str
    ) -> None:
        with pytest.raises(EngineError) as refused:
            engine.open_shot({**fast_document, **changes}, str(fast_folder))
        assert refused.value.code == code and refused.value.message.endswith(".")

    def test_what_is_not_there_yet_is_a_warning(
        self, engine: Engine, fast_folder: Path, fast_document: dict[str, Any]
    ) -> None:
        """A node that was just added has no source, no track and no rendered plate."""
        new = {"faceplate_shot": 1, "plate": "none.####.exr"}
        assert len(engine.open_shot(new, str(fast_folder)).info["warnings"]) == 2
        shot = engine.open_shot({**fast_document, "track": "later.track.json"}, str(fast_folder))
        assert "track the shot" in shot.info["warnings"][0]
        with pytest.raises(EngineError) as refused:
            engine.render(shot, [1])
        assert refused.value.code == "no-track"

    def test_the_hosts_variables_count(
        self, engine: Engine, fast_folder: Path, fast_document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Not those of the engine, which was started by somebody else."""
        monkeypatch.setenv("SHOT_FOLDER", str(fast_folder))
        shot = engine.open_shot({**fast_document, "plate": "$SHOT_FOLDER/plate.exr"}, str(fast_folder))
        assert (
            shot.key
            == engine.open_shot({**fast_document, "plate": str(fast_folder / "plate.exr")}, str(fast_folder)).key
        )
        monkeypatch.setenv("OCIO", str(fast_folder / "none.ocio"))
        with pytest.raises(EngineError, match=r"none\.ocio"):
            engine.open_shot(fast_document, str(fast_folder))

    def test_renders_and_tells(
        self, engine: Engine, fast_folder: Path, fast_document: dict[str, Any], tmp_path: Path
    ) -> None:
        shot = engine.open_shot(fast_document, str(fast_folder))
        output = str(tmp_path / "o.####.exr")
        events: list[dict[str, Any]] = []
        done = engine.render(shot, [FACE, 2], output=output).wait(events.append)
        assert done["state"] == "done" and (done["done"], done["total"]) == (2, 2)
        assert [entry["path"] for entry in done["frames"].values()] == [
            str(tmp_path / f"o.{n:04d}.exr") for n in (1, 2)
        ]
        assert read_file(tmp_path / "o.0001.exr")[0][..., 3].max() == 1
        assert read_file(tmp_path / "o.0002.exr")[0].max() == 0
        kinds = [event["event"] for event in events]
        assert kinds[0] == "state" and kinds[-1] == "state" and events[-1]["state"] == "done"
        assert kinds.count("frame") == 4 and kinds.count("progress") == 2
        assert [event["id"] for event in events] == list(range(1, len(events) + 1))

    def test_a_late_listener_hears_what_it_missed(
        self, engine: Engine, fast_folder: Path, fast_document: dict[str, Any]
    ) -> None:
        job = engine.render(engine.open_shot(fast_document, str(fast_folder)), [3])
        job.wait()
        text = event_stream(engine, job.id, 0)
        assert "event: progress" in text and text.rstrip().endswith('"state": "done", "error": null}')
        assert len(event_stream(engine, job.id, 3)) < len(text)

    def test_shared_pixels_are_the_files(
        self, engine: Engine, fast_folder: Path, fast_document: dict[str, Any], tmp_path: Path
    ) -> None:
        shot = engine.open_shot(fast_document, str(fast_folder))
        for mode in ("element", "over"):
            output = str(tmp_path / f"{mode}.exr")
            done = engine.render(shot, [FACE], output=output, mode=mode, pixels="shared").wait()
            entry = done["frames"]["1"]
            before = engine.status()["cache"]["shared"]["blocks"]
            pixels = take_pixels(engine, entry)
            written, spec = read_file(Path(output))
            assert entry["shared"]["window"] == [spec.x, spec.y, spec.width, spec.height]
            count = min(pixels.shape[2], written.shape[2])  # an over's alpha is 1, and its plate has none
            assert pixels.shape[2] == 4
            np.testing.assert_array_equal(
                pixels[..., :count].astype(np.float16), written[..., :count].astype(np.float16)
            )
            assert engine.status()["cache"]["shared"]["blocks"] == before - 1

    def test_proxies_and_kept_stages(
        self, engine: Engine, fast_folder: Path, fast_document: dict[str, Any], tmp_path: Path
    ) -> None:
        """A proxy is a picture and a key of its own; what a change leaves alone is not made again."""
        shot = engine.open_shot(fast_document, str(fast_folder))
        output = str(tmp_path / "o.####.exr")
        entry = engine.render(shot, [FACE], output=output, proxy=2).wait()["frames"]["1"]
        assert read_file(tmp_path / "o.0001.exr")[1].full_width == 103
        assert engine.keys(shot, [FACE], proxy=2) == {FACE: entry["key"]} != engine.keys(shot, [FACE])
        engine.render(shot, [FACE], output=output).wait()
        before = engine.status()["cache"]["stages"]["computed"]
        engine.render(shot, [FACE], {"plate_detail": 0.25}, output=output).wait()
        after = engine.status()["cache"]["stages"]["computed"]
        assert before["generate"] == after["generate"]
        assert engine.keys(engine.open_shot({**fast_document, "plate": "none.exr"}, str(fast_folder)), [1]) == {1: ""}

    def test_values_win_over_the_document(
        self, engine: Engine, fast_folder: Path, fast_document: dict[str, Any], tmp_path: Path
    ) -> None:
        shot = engine.open_shot(fast_document, str(fast_folder))
        engine.render(
            shot,
            [1, 2],
            output=str(tmp_path / "o.####.exr"),
            frame_values={1: {"matte_feather": 0.1}},
            values={"matte_feather": 0.2},
        ).wait()
        used = [
            json.loads(read_file(tmp_path / f"o.000{n}.exr")[1].getattribute("faceplate:parameters")) for n in (1, 2)
        ]
        assert [values["matte_feather"] for values in used] == [0.1, 0.2]
        with pytest.raises(EngineError) as refused:
            engine.render(shot, [1], values={"matte_feather": 7})
        assert refused.value.code == "bad-value" and "matte_feather" in refused.value.message

    def test_a_failed_frame_does_not_cost_the_others(
        self, engine: Engine, fast_folder: Path, fast_document: dict[str, Any], tmp_path: Path
    ) -> None:
        (tmp_path / "p.1001.exr").write_bytes((fast_folder / "plate.exr").read_bytes())
        (tmp_path / "p.1003.exr").write_bytes((fast_folder / "plate.exr").read_bytes())
        shot = engine.open_shot(
            {**fast_document, "plate": str(tmp_path / "p.####.exr"), "frames": None}, str(fast_folder)
        )
        with pytest.raises(EngineError) as failed:
            engine.render(shot, [1001, 1002, 1003], output=str(tmp_path / "o.####.exr")).wait()
        assert "1 of 3 frames failed; frame 1002:" in failed.value.message
        assert failed.value.job is not None
        assert [entry["state"] for entry in failed.value.job["frames"].values()] == ["done", "failed", "done"]
        assert sorted(path.name for path in tmp_path.glob("o.*")) == ["o.1001.exr", "o.1003.exr"]

    def test_refuses_to_overwrite_the_plate(
        self, engine: Engine, fast_folder: Path, fast_document: dict[str, Any]
    ) -> None:
        shot = engine.open_shot(fast_document, str(fast_folder))
        with pytest.raises(EngineError) as refused:
            engine.render(shot, [1], output=str(fast_folder / "plate.exr"))
        assert refused.value.code == "output-is-plate"

    def test_faces_and_track(
        self, engine: Engine, fast_folder: Path, fast_document: dict[str, Any], tmp_path: Path
    ) -> None:
        shot = engine.open_shot({**fast_document, "track": None}, str(fast_folder))
        events: list[dict[str, Any]] = []
        tracked = engine.track(shot, output=str(tmp_path / "t.track.json"), frames=[1]).wait(events.append)
        assert tracked["result"]["people"][0]["frames"] == 1 and (tmp_path / "t.track.json").exists()
        assert events[-2]["event"] == "progress" and events[-2]["done"] == 1
        (face,) = engine.faces(shot, 1).wait()["result"]["faces"]
        assert face["number"] == 1 and face["score"] > 0.5 and 100 < face["box"][3] < 180

    def test_lists(self, engine: Engine) -> None:
        assert engine.call("GET", "/v1/parameters")["parameters"] == describe()
        cards = {card["name"]: card for card in engine.models()}
        assert cards["yunet"]["commercial"] and cards["yunet"]["present"]
        for path, code in (("/v1/jobs/none", "unknown-job"), ("/v1/nothing", "no-route")):
            with pytest.raises(EngineError) as refused:
                engine.call("GET", path)
            assert refused.value.code == code

    def test_a_forgotten_shot_is_opened_again(
        self, engine: Engine, fast_folder: Path, fast_document: dict[str, Any]
    ) -> None:
        """More shots than are kept open: the client opens the first one again by itself."""
        first = engine.open_shot(fast_document, str(fast_folder))
        for number in range(9):
            engine.open_shot({**fast_document, "person": f"person{number}"}, str(fast_folder))
        assert engine.status()["cache"]["shots"] == 8
        assert engine.render(first, [5]).wait()["state"] == "done"
