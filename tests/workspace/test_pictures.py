"""The viewer's pictures: pixels, windows, proxies, where they come from, and how many are kept."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines import FACE, until
from faceplate.image.window import Window
from faceplate.plate import PlateFile
from faceplate.service.job_queue import Job
from faceplate.workspace.kept_pictures import KeptPictures, Picture
from faceplate.workspace.picture_kinds import Pixels, encoded
from workspace_page import Answer, Page


def half(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype(np.float16).astype(np.float32)


def rendered(page: Page, shot: Path, frames: str = "1-2") -> None:
    job = page.ask("POST", "/v1/ui/jobs", {"kind": "render", "frames": frames}, shot=str(shot)).json
    done = page.finished(job)
    assert done["state"] == "done", done["error"]


class TestPlate:
    def test_is_what_the_file_holds(self, page: Page, shot: Path) -> None:
        about, pixels = page.picture(shot, FACE, show="plate")
        plate = PlateFile.open(shot.with_name("plate.exr"))
        assert np.array_equal(pixels[..., :3], half(plate.read_rgb())) and (pixels[..., 3] == 1).all()
        assert about["data"] == [0, 0, 205, 205] == about["display"] and about["space"] == "ACEScg"
        assert (about["channels"], about["proxy"], about["from"]) == (4, 1, "plate")

    def test_proxies(self, page: Page, shot: Path) -> None:
        for proxy, size in ((2, 103), (4, 52)):
            about, pixels = page.picture(shot, FACE, show="plate", proxy=proxy)
            assert pixels.shape == (size, size, 4) and about["data"] == [0, 0, size, size]
        plate = PlateFile.open(shot.with_name("plate.exr")).read_rgb()
        assert np.allclose(pixels[3, 5, :3], plate[12:16, 20:24].mean((0, 1)), rtol=2e-3)
        assert page.ask("GET", "/v1/ui/picture", shot=str(shot), frame=FACE, proxy=3).status == 400

    def test_the_same_picture_is_not_sent_twice(self, page: Page, shot: Path) -> None:
        first = page.ask("GET", "/v1/ui/picture", shot=str(shot), frame=FACE, show="plate")
        again = page.ask(
            "GET",
            "/v1/ui/picture",
            None,
            {"If-None-Match": first.headers["etag"]},
            shot=str(shot),
            frame=FACE,
            show="plate",
        )
        assert again.status == 304 and again.data == b""


class TestLive:
    def test_result_and_its_parts_fit(self, page: Page, shot: Path) -> None:
        values = json.dumps({"matte_feather": 0.1, "generator": "null"})
        about, result = page.picture(shot, FACE, values=values)
        patch_about, patch = page.picture(shot, FACE, show="patch", values=values)
        matte_about, matte = page.picture(shot, FACE, show="matte", values=values)
        _, plate = page.picture(shot, FACE, show="plate")
        assert about["from"] == "live" and about["key"] == patch_about["key"] == matte_about["key"]
        x, y, width, height = patch_about["data"]
        assert matte.shape == (height, width, 1) and matte.max() == 1
        counts = patch[..., 3] > 0
        assert counts.any() and not counts.all()
        inside = result[y : y + height, x : x + width, :3]
        assert np.array_equal(inside[counts], patch[..., :3][counts])
        outside = np.ones(result.shape[:2], bool)
        outside[y : y + height, x : x + width] = ~counts
        assert np.array_equal(result[outside], plate[outside])

    def test_values_are_not_saved(self, page: Page, shot: Path) -> None:
        before = shot.read_bytes()
        (one, _), (two, _) = (
            page.picture(shot, FACE, show="matte", values=json.dumps({"matte_feather": v})) for v in (0.05, 0.3)
        )
        assert one["key"] != two["key"] and shot.read_bytes() == before

    def test_layers(self, page: Page, shot: Path) -> None:
        about, depth = page.picture(shot, FACE, show="depth")
        assert about["channels"] == 1 and np.isfinite(depth).all() and depth.max() > 0
        answer = page.ask("GET", "/v1/ui/picture", shot=str(shot), frame=FACE, show="nothing")
        assert answer.code == "no-layer"
        assert "depth" in page.get("/v1/ui/layers", shot=str(shot))["live"]

    def test_errors_are_sentences(self, page: Page, shot: Path) -> None:
        for values, code in (("[1]", "bad-request"), ("{", "bad-request"), ('{"matte_feather": 99}', "bad-value")):
            answer = page.ask("GET", "/v1/ui/picture", shot=str(shot), frame=FACE, values=values)
            assert answer.code == code and answer.json["error"]["message"].endswith(".")

    @pytest.mark.parametrize(
        "values",
        [
            {"holdout_matte": "/etc/m.####.exr"},
            {"garbage_matte": "/etc/passwd"},
            {"target": "/etc/face.jpg"},
            {"faces": {"ada": {"holdout_matte": "/etc/m.exr"}}},
        ],
    )
    def test_values_name_no_file_outside_the_roots(self, page: Page, shot: Path, values: dict[str, Any]) -> None:
        answer = page.ask("GET", "/v1/ui/picture", shot=str(shot), frame=FACE, values=json.dumps(values))
        assert (answer.status, answer.code) == (403, "outside-roots")

    def test_a_plate_that_is_a_link_out_of_the_roots(
        self, page: Page, make_shot: Callable[..., Path], tmp_path: Path
    ) -> None:
        shot = make_shot(plate="linked.exr")
        elsewhere = tmp_path / "plate.exr"
        elsewhere.write_bytes(shot.with_name("plate.exr").read_bytes())
        shot.with_name("linked.exr").symlink_to(elsewhere)
        for show in ("plate", "result", "patch"):
            assert page.ask("GET", "/v1/ui/picture", shot=str(shot), frame=FACE, show=show).code == "outside-roots"

    def test_a_shot_without_its_track(self, page: Page, make_shot: Callable[..., Path]) -> None:
        answer = page.ask("GET", "/v1/ui/picture", shot=str(make_shot(track="later.track.json")), frame=FACE)
        assert answer.code == "no-track"

    def test_the_newest_request_of_a_tab_wins(self, page: Page, shot: Path) -> None:
        """Those that were overtaken are told so at once, and none of them is in the list of jobs."""
        go, begun, answers = threading.Event(), threading.Event(), dict[int, Answer]()

        def work(job: Job) -> Iterator[None]:
            begun.set()
            go.wait(20)
            yield

        def ask(number: int) -> None:
            values = json.dumps({"matte_feather": 0.01 * number})
            answers[number] = page.ask(
                "GET", "/v1/ui/picture", shot=str(shot), frame=FACE, tab="t", values=values, show="matte"
            )

        page.service.queue.add(Job("busy", work, 1))
        assert begun.wait(10)
        threads = [threading.Thread(target=ask, args=(number,)) for number in (1, 2, 3)]
        try:
            for number, thread in enumerate(threads):
                thread.start()
                until(lambda number=number: page.service.queue.counts()["waiting"] == 1 and len(answers) == number)
            assert not [job for job in page.get("/v1/ui/jobs")["jobs"] if job["kind"] == "picture"]
        finally:
            go.set()
        for thread in threads:
            thread.join(20)
        assert [(answers[number].status, answers[number].code) for number in (1, 2)] == [(409, "superseded")] * 2
        assert answers[3].status == 200
        assert not [job for job in page.service.queue.jobs.values() if job.kind == "picture"]


class TestFiles:
    def test_a_rendered_frame_looks_like_the_live_one(self, page: Page, shot: Path) -> None:
        _, live = page.picture(shot, FACE, **{"from": "live"})
        assert (
            page.ask("GET", "/v1/ui/picture", None, None, shot=str(shot), frame=FACE, **{"from": "file"}).code
            == "not-rendered"
        )
        rendered(page, shot)
        about, pixels = page.picture(shot, FACE)
        assert (about["from"], about["state"]) == ("file", "rendered")
        assert np.allclose(pixels, live, atol=2e-3)
        about, matte = page.picture(shot, FACE, show="matte", proxy=2)
        assert about["from"] == "file" and matte.shape[2] == 1 and 0.9 < matte.max() <= 1

    def test_a_stale_file_is_shown_as_such(self, page: Page, make_shot: Callable[..., Path]) -> None:
        shot = make_shot()
        rendered(page, shot)
        assert page.get("/v1/ui/frames", shot=str(shot))["states"] == {
            "1": "rendered",
            "2": "rendered",
        } | dict.fromkeys(map(str, range(3, 9)), "missing")
        etag = page.get("/v1/ui/shot", shot=str(shot))["etag"]
        edits = {"edits": [{"do": "set", "name": "matte_feather", "value": 0.2}]}
        page.ask("PATCH", "/v1/ui/shot", edits, {"If-Match": etag}, shot=str(shot))
        now = page.get("/v1/ui/frames", shot=str(shot))
        assert now["states"]["1"] == "stale"
        assert now["etag"] == page.get("/v1/ui/shot", shot=str(shot))["etag"] != etag
        assert page.picture(shot, FACE)[0]["from"] == "live"
        assert page.picture(shot, FACE, **{"from": "file"})[0]["state"] == "stale"

    def test_a_file_of_a_proxy_is_not_taken_for_the_frame(self, page: Page, shot: Path) -> None:
        job = page.ask("POST", "/v1/ui/jobs", {"kind": "render", "frames": "1", "proxy": 2}, shot=str(shot)).json
        assert page.finished(job)["state"] == "done"
        assert page.get("/v1/ui/frames", shot=str(shot))["states"]["1"] == "stale"
        assert (
            page.ask("GET", "/v1/ui/picture", None, None, shot=str(shot), frame=FACE, **{"from": "file"}).code
            == "not-rendered"
        )
        assert page.picture(shot, FACE)[0]["from"] == "live"

    def test_takes(self, page: Page, make_shot: Callable[..., Path]) -> None:
        shot = make_shot(output="take{take}/o.####.exr")
        etag = page.get("/v1/ui/shot", shot=str(shot))["etag"]
        page.ask("PATCH", "/v1/ui/shot", {"edits": [{"do": "take", "note": ""}]}, {"If-Match": etag}, shot=str(shot))
        rendered(page, shot)
        assert page.picture(shot, FACE, take=1)[0]["from"] == "file"
        assert page.get("/v1/ui/frames", shot=str(shot), take=1)["states"]["1"] == "rendered"
        assert page.ask("GET", "/v1/ui/picture", shot=str(shot), frame=FACE, take=9).code == "no-take"


class TestProbe:
    def test_gives_the_plates_own_numbers(self, page: Page, shot: Path) -> None:
        plate = PlateFile.open(shot.with_name("plate.exr")).read_rgb()
        said = page.get("/v1/ui/probe", shot=str(shot), frame=FACE, x=100, y=90, show="plate")
        assert [said["values"][name] for name in "RGB"] == plate[90, 100].tolist() and said["space"] == "ACEScg"
        assert page.get("/v1/ui/probe", shot=str(shot), frame=FACE, x=-5, y=0, show="plate")["values"] is None


class TestEncoding:
    def test_values_beyond_half_are_held_at_its_end(self) -> None:
        pixels = np.array([[[-0.05, 64.0, 1e6, 1.0]]], np.float32)
        window = Window(-3, 7, 1, 1)
        picture = encoded(Pixels(pixels, window, window, 1.5, "ACEScg"), {"frame": 7})
        assert np.frombuffer(picture.data, "<f2").tolist() == np.array([-0.05, 64, 65504, 1], np.float16).tolist()
        assert picture.about["data"] == [-3, 7, 1, 1] and picture.about["frame"] == 7

    def test_kept_pictures_are_bounded(self) -> None:
        kept, made = KeptPictures(limit=100), []

        def make(name: str) -> Callable[[], Picture]:
            return lambda: (made.append(name), Picture(bytes(40), {}))[1]

        for name in ("a", "b", "a", "c", "a", "b"):
            kept.get(name, make(name))
        assert made == ["a", "b", "c", "b"] and kept.usage() == {"pictures": 2, "bytes": 80, "limit": 100}
        kept.get("large", lambda: Picture(bytes(101), {}))
        assert kept.usage()["bytes"] <= 100


def test_a_changed_parameter_reads_the_source_once(page: Page, shot: Path) -> None:
    """A shot that differs in parameters alone continues with what is open."""
    pools: list[Any] = []
    for value in (0.1, 0.2):
        etag = page.get("/v1/ui/shot", shot=str(shot))["etag"]
        edits = {"edits": [{"do": "set", "name": "matte_feather", "value": value}]}
        page.ask("PATCH", "/v1/ui/shot", edits, {"If-Match": etag}, shot=str(shot))
        page.picture(shot, FACE, show="matte")
        newest = next(reversed(page.service.shots._open.values()))
        pools.append(newest.renderer().pool)
    assert pools[0] is pools[1]
