"""Jobs of the page and of hosts: pace, repeat, exports, and the stream of events."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import faceplate.workspace.page_jobs as page_jobs
from engines import FACE, until
from faceplate.service.job_queue import Job
from workspace_page import TOKEN, Page


@contextmanager
def following(page: Page, shot: Path | None = None) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """The events of a page's stream, as they come."""
    events: list[tuple[str, dict[str, Any]]] = []
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=10)
    place = f"?shot={shot}" if shot else ""
    connection.request("GET", f"/v1/ui/events{place}", headers=page.headers)
    response = connection.getresponse()
    assert response.getheader("content-type", "").startswith("text/event-stream")

    def read() -> None:
        name = ""
        try:
            while line := response.readline():
                key, _, value = line.decode().rstrip("\n").partition(": ")
                if key == "event":
                    name = value
                elif key == "data":
                    events.append((name, json.loads(value)))
        except (OSError, ValueError, AttributeError):
            return

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    until(lambda: events)
    try:
        yield events
    finally:
        sock = connection.sock
        if sock is not None:
            sock.close()
        response.close()
        connection.close()


def start(page: Page, shot: Path, **request: Any) -> dict[str, Any]:
    answer = page.ask("POST", "/v1/ui/jobs", request, shot=str(shot))
    assert answer.status == 202, answer.data
    return answer.json


class TestStream:
    def test_a_render_is_followed(self, page: Page, shot: Path) -> None:
        with following(page, shot) as events:
            assert events[0][0] == "jobs"
            job = start(page, shot, kind="render", frames="1-3", only="all")
            until(lambda: any(name == "job" and data["state"] == "done" for name, data in events), 20)
            frames = [
                (data["frame"], data["state"]) for name, data in events if name == "frame" and data["job"] == job["job"]
            ]
            assert [frame for frame, state in frames if state == "done"] == [1, 2, 3]
            last = [data for name, data in events if name == "job" and data["job"] == job["job"]][-1]
            assert (last["done"], last["total"], last["own"], last["retry"]) == (3, 3, True, True)
            assert (
                last["fps"] > 0
                and last["shot"] == str(shot)
                and last["label"] == "Render fast"
                and last["frames"] == {}
            )
            until(lambda: any(name == "ping" for name, _ in events), 10)

    def test_files_that_somebody_else_writes(self, page: Page, shot: Path) -> None:
        with following(page, shot) as events:
            time.sleep(1.2)
            document = json.loads(shot.read_text())
            document["parameters"]["matte_feather"] = 0.3
            shot.write_text(json.dumps(document))
            shot.with_name("fast.notes.json").write_text('{"faceplate_notes": 1}')
            until(lambda: {data["what"] for name, data in events if name == "file"} >= {"shot", "notes"}, 10)
            change = next(data for name, data in events if name == "file" and data["what"] == "shot")
            assert change["etag"] == page.get("/v1/ui/shot", shot=str(shot))["etag"]

    def test_an_open_page_keeps_the_engine(self, page: Page) -> None:
        until(lambda: page.service.open_pages == 0, 20)  # streams of other tests are closed by then
        with following(page):
            assert page.service.open_pages == 1
        until(lambda: page.service.open_pages == 0, 20)

    def test_a_stream_of_a_shot_outside_the_roots(self, page: Page) -> None:
        assert page.ask("GET", "/v1/ui/events", shot="/etc/x.shot.json").code == "outside-roots"


class TestList:
    def test_jobs_of_hosts_are_in_it(self, page: Page, shot: Path) -> None:
        host = Page(page.port, page.service, {"Authorization": f"Bearer {TOKEN}"})
        opened = host.ask("POST", "/v1/shots", {"path": str(shot)}).json
        job = host.ask("POST", "/v1/jobs", {"kind": "render", "shot": opened["shot"], "frames": [2]}).json
        page.finished(job)
        found = next(item for item in page.get("/v1/ui/jobs")["jobs"] if item["job"] == job["job"])
        assert (found["label"], found["own"], found["retry"]) == ("Render fast", False, False)
        assert page.ask("POST", f"/v1/ui/jobs/{job['job']}/retry").code == "not-repeatable"

    def test_pace_and_time_left(self, page: Page) -> None:
        go, queue = threading.Event(), page.service.queue

        def work(job: Job) -> Iterator[None]:
            for done in range(1, 5):
                queue.progress(job, done)
                time.sleep(0.05)
                yield
            go.wait(10)
            yield

        job = queue.add(Job("track", work, 8, lane="tracks"))
        until(lambda: job.done == 4)
        told = next(item for item in page.get("/v1/ui/jobs")["jobs"] if item["job"] == job.id)
        assert told["state"] == "running" and 0 < told["fps"] <= 80 and told["left_s"] > 0 and told["started"]
        cancelled = page.ask("DELETE", f"/v1/jobs/{job.id}").json
        go.set()
        assert cancelled["state"] == "cancelled"

    def test_a_failed_job_is_told_and_repeated(self, page: Page, make_shot: Callable[..., Path]) -> None:
        shot = make_shot(frames="1,6000")  # the track ends at 5000
        first = page.finished(start(page, shot, kind="render", only="all"))
        assert first["state"] == "failed" and first["error"]["message"].endswith(".")
        timeline = page.get("/v1/ui/frames", shot=str(shot))
        assert timeline["states"]["6000"] == "failed" and timeline["states"]["1"] == "rendered"
        assert timeline["errors"]["6000"]["message"]
        again = page.ask("POST", f"/v1/ui/jobs/{first['job']}/retry").json
        assert again["job"] != first["job"] and page.finished(again)["state"] == "failed"

    @pytest.mark.parametrize(
        ("request_", "code"),
        [
            ({"kind": "nonsense"}, "bad-request"), ({"kind": "render", "frames": "x"}, "bad-frames"), ({}, "bad-request"),
            ({"kind": "review-movie", "take": 4}, "no-take"), ({"kind": "review-movie"}, "no-frames"),
            ({"kind": "contact-sheet", "display": "sRGB - Display", "view": "none"}, "unknown-view"),
        ],
    )  # fmt: skip
    def test_wrong_requests(
        self, page: Page, make_shot: Callable[..., Path], request_: dict[str, Any], code: str
    ) -> None:
        assert page.ask("POST", "/v1/ui/jobs", request_, shot=str(make_shot(output="none/o.####.exr"))).code == code


class TestExports:
    def test_contact_sheet_and_movie(self, page: Page, make_shot: Callable[..., Path]) -> None:
        pytest.importorskip("av", reason="the extra movies is not installed")
        shot = make_shot(name="ex/port")
        page.finished(start(page, shot, kind="render", frames="1-3"))
        for kind, name in (("contact-sheet", "ex_port_contact_sheet.png"), ("review-movie", "ex_port_review.mp4")):
            done = page.finished(start(page, shot, kind=kind))
            assert done["state"] == "done", done["error"]
            sent = page.ask("GET", done["result"]["download"])
            assert sent.status == 200 and f'filename="{name}"' in sent.headers["content-disposition"]
            if kind == "contact-sheet":
                sheet = cv2.imdecode(np.frombuffer(sent.data, np.uint8), cv2.IMREAD_COLOR)
                assert sheet is not None and sheet.shape[1] == 3 * 480
            else:
                assert sent.data[4:8] == b"ftyp"

    def test_a_view_shows_what_ocio_shows(self, page: Page, make_shot: Callable[..., Path]) -> None:
        """The sheet's result through a view that is far from sRGB, and without one."""
        shot = make_shot(name="viewed")
        named = {"display": "sRGB - Display", "view": "Raw"}
        sheets = []
        for view in (named, {}):
            done = page.finished(start(page, shot, kind="contact-sheet", frames=str(FACE), **view))
            assert done["state"] == "done", done["error"]
            sent = page.ask("GET", done["result"]["download"])
            sheet = cv2.imdecode(np.frombuffer(sent.data, np.uint8), cv2.IMREAD_COLOR)
            assert sheet is not None
            sheets.append(sheet[22:, :480, ::-1] / 255.0)
        raw, shown = sheets
        inside = (shown > 0.3).all(axis=2) & (shown < 0.6).all(axis=2)
        assert inside.sum() > 1000
        linear = ((shown[inside] + 0.055) / 1.055) ** 2.4  # of sRGB; the primaries differ, luminance hardly
        assert np.abs(raw[inside].mean() - linear.mean()) < 0.03 < shown[inside].mean() - raw[inside].mean()

    def test_a_movie_is_cancelled_between_two_frames(
        self, page: Page, make_shot: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        calls: list[int] = []

        def reviewed(*_: Any, progress: Callable[[int, int], None], **__: Any) -> None:
            calls.append(1)
            for done in range(1000 if len(calls) == 1 else 1):
                progress(done, 1000)
                time.sleep(0.02)

        monkeypatch.setattr(page_jobs, "review", reviewed)
        shot = make_shot(name="cancelled")
        page.finished(start(page, shot, kind="render", frames="1"))
        job = start(page, shot, kind="review-movie")
        until(lambda: page.get(f"/v1/jobs/{job['job']}")["done"] > 2)
        assert page.ask("DELETE", f"/v1/jobs/{job['job']}").json["state"] == "cancelled"
        assert page.finished(start(page, shot, kind="review-movie"), 10)["state"] == "done", "the lane is free again"

    def test_only_exports_are_sent(self, page: Page, shot: Path) -> None:
        done = page.finished(start(page, shot, kind="faces", frame=1))
        assert done["state"] == "done" and len(done["result"]["faces"]) == 1
        assert page.ask("GET", f"/v1/ui/export/{done['job']}").code == "no-export"
        assert page.ask("GET", "/v1/ui/export/none").code == "unknown-job"
