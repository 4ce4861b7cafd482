"""The engine as a service: who may ask, what it answers, in which order it works, and that nothing of it is left behind."""

from __future__ import annotations

import http.client
import json
import logging
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import faceplate
from engines import FACE, alive, running, state_of, threads, until
from faceplate.cli import main
from faceplate.errors import RenderError, UsageError
from faceplate.service import run as server_run
from faceplate.service.job_queue import Job, JobQueue
from faceplate.service.page import page_of
from faceplate.service.roots import Roots
from faceplate.service.schema import ShotRequest
from faceplate.service.shared import SharedPixels
from faceplate.service.shots import OpenShots
from faceplate.shot.parameters import describe
from faceplate.system.processes import alive as lives
from faceplate.system.processes import birth
from faceplate_client import Engine, EngineError, take_pixels
from plates import read_file

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def asked(
    engine: Engine, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, Any], http.client.HTTPResponse]:
    """A raw request, so that headers can be wrong. Underscores in names are hyphens."""
    state = state_of(Path(engine.folder))
    assert state is not None
    connection = http.client.HTTPConnection("127.0.0.1", state["port"], timeout=30)
    sent = {"Authorization": f"Bearer {state['token']}"}
    sent.update({name.replace("_", "-"): value for name, value in headers.items()})
    connection.request(method, path, body, {name: value for name, value in sent.items() if value})
    response = connection.getresponse()
    data = response.read()
    connection.close()
    try:
        return response.status, json.loads(data), response
    except ValueError:
        return response.status, {}, response


class TestDoor:
    """Who is let in."""

    @pytest.mark.parametrize("token", ["", "Bearer wrong", "Basic abc", "Bearer "])
    def test_needs_the_token(self, engine: Engine, token: str) -> None:
        for method, path in (("GET", "/v1/status"), ("POST", "/v1/jobs"), ("POST", "/v1/stop"), ("GET", "/none")):
            status, answer, _ = asked(engine, method, path, Authorization=token)
            assert (status, answer["error"]["code"]) == (401, "bad-token")
        assert engine.status()["engine"] == faceplate.__version__

    @pytest.mark.parametrize(
        "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "10.0.0.1:{port}"]
    )
    def test_a_name_that_resolves_here_is_not_ours(self, engine: Engine, host: str) -> None:
        """DNS rebinding: the browser believes that it talks to the page's own server."""
        port = (state_of(Path(engine.folder)) or {})["port"]
        status, answer, _ = asked(engine, "GET", "/v1/status", Host=host.format(port=port))
        assert (status, answer["error"]["code"]) == (403, "foreign-host")
        assert asked(engine, "GET", "/docs", Host=host.format(port=port))[0] == 403

    @pytest.mark.parametrize(
        "origin", ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://127.0.0.1:1", "file://"]
    )
    def test_pages_in_a_browser_are_refused(self, engine: Engine, origin: str) -> None:
        port = (state_of(Path(engine.folder)) or {})["port"]
        for method in ("POST", "OPTIONS"):
            status, answer, response = asked(engine, method, "/v1/stop", b"{}", Origin=origin.format(port=port))
            assert (status, answer["error"]["code"]) == (403, "foreign-origin")
            assert not [name for name, _ in response.getheaders() if name.lower().startswith("access-control")]
        assert asked(engine, "GET", "/v1/status", Sec_Fetch_Site="cross-site")[0] == 403
        assert (
            asked(engine, "GET", "/v1/status", Sec_Fetch_Site="same-origin", Origin=f"http://127.0.0.1:{port}")[0]
            == 200
        )

    def test_the_page_of_the_routes_opens_without_a_token(self, engine: Engine) -> None:
        status, routes, _ = asked(engine, "GET", "/openapi.json", Authorization="")
        assert status == 200 and {"/v1/status", "/v1/jobs", "/v1/jobs/{job}/events"} <= set(routes["paths"])
        status, _, page = asked(engine, "GET", "/docs", Authorization="")
        assert status == 200 and "default-src 'none'" in page.getheader("Content-Security-Policy", "")
        text = page_of(routes)
        assert "http:" not in text and "<script" not in text, "it must open without the internet"
        assert all(path in text for path in routes["paths"]) and "skip_current" in text

    def test_large_bodies(self, engine: Engine) -> None:
        large = b"x" * (server_run.BODY_LIMIT + 1)
        status, answer, _ = asked(engine, "POST", "/v1/shots", b"{}", Content_Length=str(len(large)))
        assert (status, answer["error"]["code"]) == (413, "body-too-large")
        state = state_of(Path(engine.folder)) or {}
        connection = http.client.HTTPConnection("127.0.0.1", state["port"], timeout=30)
        pieces = (large[start : start + (1 << 20)] for start in range(0, len(large), 1 << 20))
        headers = {"Authorization": f"Bearer {state['token']}"}
        try:  # the engine may hang up while the rest is being sent
            connection.request("POST", "/v1/shots", pieces, headers, encode_chunked=True)
            assert connection.getresponse().status == 413
        except (BrokenPipeError, ConnectionResetError):
            pass
        finally:
            connection.close()
        assert engine.status()["pid"] == state["pid"]

    @pytest.mark.parametrize(
        "body", [b"", b"{", b"[]", b'{"kind": "paint"}', b'{"kind": "render", "shto": 1}', b"\xff"]
    )
    def test_bad_requests_get_a_sentence(self, engine: Engine, body: bytes) -> None:
        status, answer, _ = asked(engine, "POST", "/v1/jobs", body, Content_Type="application/json")
        assert (status, answer["error"]["code"]) == (400, "bad-request")
        assert answer["error"]["message"].endswith(".") and "\n" not in answer["error"]["message"]

    @linux
    def test_listens_on_loopback_alone(self, engine: Engine) -> None:
        state = state_of(Path(engine.folder)) or {}
        listening = [
            line.split()[1]
            for table in ("tcp", "tcp6")
            for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
            if line.split()[3] == "0A" and line.split()[1].endswith(f":{state['port']:04X}")
        ]
        assert listening == [f"0100007F:{state['port']:04X}"]

    def test_only_the_user_can_read_the_token(self, engine: Engine) -> None:
        run = Path(engine.folder)
        assert stat.S_IMODE(run.stat().st_mode) == 0o700
        (state,) = run.glob("engine-*.json")
        assert stat.S_IMODE(state.stat().st_mode) == 0o600
        token = json.loads(state.read_text())["token"]
        assert all(token not in path.read_text("utf-8", "replace") for path in run.iterdir() if path != state)

    def test_an_open_folder_is_not_trusted(self, tmp_path: Path) -> None:
        (tmp_path / "run").mkdir()
        (tmp_path / "run").chmod(0o755)
        with running(tmp_path / "run", start=False) as engine, pytest.raises(EngineError, match="chmod 700") as refused:
            engine.reach()
        assert refused.value.code == "run-folder"


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
        text = stream(engine, job.id, 0)
        assert "event: progress" in text and text.rstrip().endswith('"state": "done", "error": null}')
        assert len(stream(engine, job.id, 3)) < len(text)

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


def stream(engine: Engine, job: str, after: int) -> str:
    state = state_of(Path(engine.folder)) or {}
    connection = http.client.HTTPConnection("127.0.0.1", state["port"], timeout=30)
    headers = {"Authorization": f"Bearer {state['token']}", "Last-Event-ID": str(after)}
    connection.request("GET", f"/v1/jobs/{job}/events", headers=headers)
    response = connection.getresponse()
    assert response.getheader("Content-Type", "").startswith("text/event-stream")
    text = response.read().decode()
    connection.close()
    return text


class TestLoad:
    @linux
    def test_64_requests_at_once(self, engine: Engine, fast_folder: Path, fast_document: dict[str, Any]) -> None:
        """Every one is answered, every job ends, and threads and files are afterwards as many as before."""
        shot = engine.open_shot(fast_document, str(fast_folder))
        engine.render(shot, [2]).wait()
        pid = engine.status()["pid"]

        def ask(number: int) -> str:
            if number % 4 == 0:
                job = engine.render(shot, [10 + number], supersede=f"{number % 16}")
                return [event["state"] for event in job.events() if event["event"] == "state"][-1]
            if number % 4 == 1:
                return engine.open_shot(fast_document, str(fast_folder)).key
            if number % 4 == 2:
                return engine.keys(shot, [number])[number]
            return engine.status()["engine"]

        before = threads(pid)
        with ThreadPoolExecutor(64) as pool:
            answers = [answer for _ in range(3) for answer in pool.map(ask, range(64))]
        assert len(answers) == 192 and set(answers[1::4]) == {shot.key} and set(answers[0::4]) <= {"done", "superseded"}
        assert engine.status()["jobs"] == {"waiting": 0, "running": 0}
        # The routes share a pool of 40 threads, which stay for a while.
        until(lambda: threads(pid)[0] <= before[0] + 40 and threads(pid)[1] <= before[1])

    def test_cancel_under_load(
        self, engine: Engine, fast_folder: Path, fast_document: dict[str, Any], tmp_path: Path
    ) -> None:
        shot = engine.open_shot(fast_document, str(fast_folder))
        output = str(tmp_path / "o.####.exr")
        jobs = [engine.render(shot, range(2, 5000), output=output, priority="batch") for _ in range(4)]
        until(lambda: jobs[0].poll()["done"] >= 2)
        began = time.monotonic()
        assert [job.cancel()["state"] for job in jobs] == ["cancelled"] * 4
        assert engine.render(shot, [2], output=output).wait()["state"] == "done"
        assert time.monotonic() - began < 20
        with pytest.raises(EngineError) as refused:
            jobs[0].wait()
        assert refused.value.code == "cancelled"
        count = len(list(tmp_path.iterdir()))
        time.sleep(0.3)
        assert len(list(tmp_path.iterdir())) == count and all(
            not path.name.startswith(".") for path in tmp_path.iterdir() if path.name != ".faceplate"
        )

    def test_an_interactive_frame_overtakes_a_range(
        self, engine: Engine, fast_folder: Path, fast_document: dict[str, Any], tmp_path: Path
    ) -> None:
        shot = engine.open_shot(fast_document, str(fast_folder))
        batch = engine.render(shot, range(2, 5000), output=str(tmp_path / "b.####.exr"), priority="batch")
        until(lambda: batch.poll()["done"] >= 1)
        assert engine.render(shot, [3], output=str(tmp_path / "i.####.exr")).wait(timeout=60)["state"] == "done"
        assert batch.poll()["state"] == "running"
        batch.cancel()


class TestOrder:
    """The queue alone, with steps that the test lets go on one by one."""

    @pytest.fixture
    def queue(self) -> Iterator[JobQueue]:
        queue = JobQueue(waiting_limit=5, kept_limit=4)
        queue.start()
        yield queue
        queue.close(5)
        assert not [lane for lane in queue._lanes if lane.is_alive()]

    def test_interactive_goes_before_the_next_frame_of_a_batch(self, queue: JobQueue) -> None:
        said: list[str] = []
        gate = threading.Semaphore(0)

        def steps(name: str, count: int) -> Any:
            def work(job: Job) -> Iterator[None]:
                for _ in range(count):
                    gate.acquire()
                    said.append(name)
                    yield

            return work

        batch = queue.add(Job("render", steps("batch", 3), 3, "batch"))
        until(lambda: batch.state == "running")
        later = queue.add(Job("render", steps("later", 1), 1, "batch"))
        urgent = [queue.add(Job("render", steps(name, 2), 2)) for name in ("one", "two")]
        gate.release(10)
        until(lambda: later.finished)
        assert said == ["batch", "one", "one", "two", "two", "batch", "batch", "later"]
        assert {job.state for job in (batch, later, *urgent)} == {"done"}

    def test_newer_supersedes_older(self, queue: JobQueue) -> None:
        gate, closed = threading.Event(), threading.Event()

        def work(job: Job) -> Iterator[None]:
            try:
                while True:
                    gate.wait(0.01)
                    yield
            finally:
                closed.set()

        first = queue.add(Job("render", work, 9, supersede="node1"))
        other = queue.add(Job("render", lambda job: iter(()), 0, "batch", supersede="node2"))
        until(lambda: first.state == "running")
        second = queue.add(Job("render", work, 9, supersede="node1"))
        assert first.state == "superseded" and first.error == {
            "code": "superseded",
            "message": "A newer request took its place.",
        }
        assert closed.wait(5) and second.state in ("waiting", "running") and other.state == "waiting"
        third = queue.add(Job("render", lambda job: iter(()), 0, supersede="node1"))
        until(lambda: third.finished and other.finished)
        assert (second.state, third.state, other.state) == ("superseded", "done", "done")

    def test_cancel_lets_go_of_work_that_was_overtaken(self, queue: JobQueue) -> None:
        closed, gate = threading.Event(), threading.Event()

        def long(job: Job) -> Iterator[None]:
            try:
                while True:
                    yield
            finally:
                closed.set()

        def blocking(job: Job) -> Iterator[None]:
            gate.wait(10)
            yield

        batch = queue.add(Job("render", long, 9, "batch"))
        until(lambda: batch.state == "running")
        urgent = queue.add(Job("render", blocking, 1))
        until(lambda: urgent.state == "running")
        queue.cancel(batch)
        gate.set()
        assert closed.wait(5) and batch.state == "cancelled" and batch._steps is None

    def test_what_nobody_foresaw_fails_the_job_and_not_the_lane(
        self, queue: JobQueue, caplog: pytest.LogCaptureFixture
    ) -> None:
        def broken(job: Job) -> Iterator[None]:
            yield
            raise ValueError("a surprise")

        def hopeless(job: Job) -> Iterator[None]:
            raise RenderError("disk-full", "The disk is full.")
            yield

        jobs = [queue.add(Job("render", work, 1)) for work in (broken, hopeless)]
        until(lambda: all(job.finished for job in jobs))
        assert [job.error and job.error["code"] for job in jobs] == ["internal-error", "disk-full"]
        assert "a surprise" in caplog.text and "Traceback" in caplog.text

    def test_tracking_does_not_hold_frames_up(self, queue: JobQueue) -> None:
        gate = threading.Event()

        def track(job: Job) -> Iterator[None]:
            while not job.stop.wait(0.01):
                pass
            raise KeyboardInterrupt
            yield

        tracking = queue.add(Job("track", track, 0, "batch", lane="tracks"))
        frame = queue.add(Job("render", lambda job: iter(()), 0))
        until(lambda: frame.finished)
        assert tracking.state == "running" and not gate.is_set()
        queue.cancel(tracking)
        until(lambda: tracking._steps is None)
        assert tracking.state == "cancelled"

    def test_memory_is_bounded(self, queue: JobQueue) -> None:
        gate = threading.Event()

        def held(job: Job) -> Iterator[None]:
            gate.wait(10)
            yield

        first = queue.add(Job("render", held, 1))
        until(lambda: first.state == "running")
        for _ in range(5):
            queue.add(Job("render", lambda job: iter(()), 0))
        with pytest.raises(UsageError) as refused:
            queue.add(Job("render", lambda job: iter(()), 0))
        assert refused.value.code == "engine-busy"
        gate.set()
        until(lambda: all(job.finished for job in tuple(queue.jobs.values())))
        until(lambda: all(job._steps is None for job in tuple(queue.jobs.values())))
        queue.add(Job("render", lambda job: iter(()), 0))
        assert len(queue.jobs) <= 5
        with pytest.raises(UsageError):
            queue.get(first.id)
        for _ in range(10_000):
            queue.log(first, "info", "line")
        assert len(first.events) < 5000

    def test_results_stay_for_a_while(self) -> None:
        queue = JobQueue(keep=0.05)
        queue.start()
        job = queue.add(Job("render", lambda job: iter(()), 0))
        until(lambda: job.finished)
        assert queue.get(job.id) is job
        time.sleep(0.1)
        with pytest.raises(UsageError, match="long ago"):
            queue.get(job.id)
        queue.close(5)


class TestShared:
    def test_bounded_in_time_and_size(self) -> None:
        shared = SharedPixels(keep=0.05, limit=5000)
        names = [shared.put(np.full((16, 16, 4), number, np.float32))["name"] for number in range(3)]
        assert shared.usage() == {"blocks": 1, "bytes": 4096} and not shared.free(names[0])
        time.sleep(0.1)
        shared.sweep()
        assert shared.usage()["blocks"] == 0 and not shared.free(names[2])

    def test_an_empty_picture(self) -> None:
        shared = SharedPixels()
        assert shared.put(np.zeros((0, 0, 4), np.float32))["shape"] == [0, 0, 4]
        shared.clear()


class TestRoots:
    def test_paths_outside(self, fast_folder: Path, fast_document: dict[str, Any], tmp_path: Path) -> None:
        shots = OpenShots(Roots([fast_folder]))
        assert shots.open(ShotRequest(document=fast_document, base=str(fast_folder))).tracked
        (fast_folder / "link.exr").unlink(missing_ok=True)
        (fast_folder / "link.exr").symlink_to(tmp_path / "outside.exr")
        for changes in (
            {"plate": str(tmp_path / "p.####.exr")},
            {"output": "../o.####.exr"},
            {"source": str(tmp_path)},
            {"track": str(tmp_path / "t.track.json")},
            {"ocio": "/etc/passwd"},
            {"plate": "link.exr"},
            {"parameters": {"holdout_matte": str(tmp_path / "m.####.exr")}},
            {"overrides": [{"frames": "1-2", "parameters": {"garbage_matte": str(tmp_path / "m.####.exr")}}]},
            {"parameters": {"target": str(tmp_path / "somebody.jpg")}},
        ):
            with pytest.raises(UsageError) as refused:
                shots.open(ShotRequest(document={**fast_document, **changes}, base=str(fast_folder)))
            assert refused.value.code == "outside-roots", changes
        for request in (ShotRequest(path="/etc/passwd"), ShotRequest(document=fast_document, base="/etc")):
            with pytest.raises(UsageError) as refused:
                shots.open(request)
            assert refused.value.code == "outside-roots"

    def test_paths_of_jobs_then_idle_stop(
        self, fast_folder: Path, fast_document: dict[str, Any], tmp_path: Path
    ) -> None:
        """One engine for both: started with roots and a short idle time, it refuses, and then ends by itself."""
        with running(tmp_path / "run", idle=1.0, FACEPLATE_ROOTS=str(fast_folder)) as engine:
            shot = engine.open_shot(fast_document, str(fast_folder))
            outside = str(tmp_path / "o.####.exr")
            for ask in (
                lambda: engine.render(shot, [1], output=outside),
                lambda: engine.render(shot, [1], values={"holdout_matte": outside}),
                lambda: engine.render(shot, [1], frame_values={1: {"garbage_matte": outside}}),
                lambda: engine.render(shot, [1], hold_out=outside),
                lambda: engine.keys(shot, [1], values={"target": str(tmp_path / "x.jpg")}),
                lambda: engine.track(shot, output=outside),
            ):
                with pytest.raises(EngineError) as refused:
                    ask()
                assert refused.value.code == "outside-roots"
            assert engine.render(shot, [2]).wait()["state"] == "done"
            state = state_of(tmp_path / "run") or {}
            for _ in range(8):  # to ask for the status does not keep it
                time.sleep(0.1)
                asked(engine, "GET", "/v1/status")
            until(lambda: not alive(state["pid"]), 15)
            assert state_of(tmp_path / "run") is None
            assert "idle" in (tmp_path / "run" / "engine.log").read_text()


@linux
class TestEnds:
    def test_killed_in_the_middle(self, fast_folder: Path, fast_document: dict[str, Any], tmp_path: Path) -> None:
        """kill -9 under a running job: the client starts another engine, opens the shot again, and the job is done."""
        with running(tmp_path / "run") as engine:
            shot = engine.open_shot(fast_document, str(fast_folder))
            engine.render(shot, [FACE], pixels="shared").wait()
            first = state_of(tmp_path / "run") or {}
            assert shared_of(first["pid"]) == 1
            job = engine.render(shot, range(2, 40), output=str(tmp_path / "o.####.exr"), priority="batch")
            until(lambda: len(list(tmp_path.glob("o.*"))) >= 2)
            os.kill(first["pid"], signal.SIGKILL)
            done = job.wait(timeout=120)
            second = state_of(tmp_path / "run") or {}
            assert done["state"] == "done" and len(done["frames"]) == 38 and second["pid"] != first["pid"]
            assert len(list(tmp_path.glob("o.*.exr"))) == 38
            until(lambda: shared_of(first["pid"]) == 0)
            assert not Path(f"/proc/{first['pid']}").exists(), "a zombie is left"
            # A job that was killed once is not submitted for ever.
            os.kill(second["pid"], signal.SIGKILL)
            job.document["state"] = "running"
            with pytest.raises(EngineError) as refused:
                job.poll()
            assert refused.value.code == "unknown-job"

    def test_a_dead_parent(self, fast_folder: Path, fast_document: dict[str, Any], tmp_path: Path) -> None:
        """A host that is killed takes its jobs, and an engine that nobody else uses, with it."""
        with running(tmp_path / "run", start=False):
            host = subprocess.Popen(
                [sys.executable, "-c", HOST, json.dumps(fast_document), str(fast_folder)], stdout=subprocess.PIPE
            )
            assert host.stdout is not None and host.stdout.readline() == b"rendering\n"
            state = state_of(tmp_path / "run") or {}
            assert alive(state["pid"]) and shared_of(state["pid"]) == 1
            host.kill()
            host.wait()
            until(lambda: not alive(state["pid"]), 20)
            assert shared_of(state["pid"]) == 0 and state_of(tmp_path / "run") is None

    def test_two_starts_are_one_engine(self, tmp_path: Path) -> None:
        with running(tmp_path / "run", start=False) as engine:
            others = [Engine(engine.folder, True, 120.0, True, None) for _ in range(3)]
            with ThreadPoolExecutor(4) as pool:
                pids = set(pool.map(lambda one: one.status()["pid"], [engine, *others]))
            assert len(pids) == 1
            engine.stop()
            pid = pids.pop()
            until(lambda: not alive(pid))
            assert others[0].status()["engine"] == faceplate.__version__, "the next one starts while that one ends"

    def test_the_command(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with running(tmp_path / "run", start=False):
            assert "No Faceplate engine" in serve(capsys, 1, "--status")
            shown = subprocess.Popen(
                [sys.executable, "-m", "faceplate.cli.main", "serve", "--foreground"],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            assert shown.stdout is not None and b"http://127.0.0.1:" in shown.stdout.readline()
            assert "0 waiting" in serve(capsys, 0, "--status")
            assert "runs already" in serve(capsys, 0)
            assert "ends" in serve(capsys, 0, "--stop")
            assert shown.wait(20) == 0
            shown.stdout.close()


def serve(capsys: pytest.CaptureFixture[str], code: int, *words: str) -> str:
    with pytest.raises(SystemExit) as left:
        main.run(["serve", *words])
    assert left.value.code == code
    return "".join(capsys.readouterr())


HOST = """
import json, sys, time
from faceplate_client import connect
engine = connect()
shot = engine.open_shot(json.loads(sys.argv[1]), sys.argv[2])
engine.render(shot, [1], pixels="shared").wait()
job = engine.render(shot, range(2, 2000), priority="batch")
while job.poll()["done"] < 1: time.sleep(0.05)
print("rendering", flush=True)
time.sleep(600)
"""


def shared_of(pid: int) -> int:
    """How many blocks of shared memory a process has, as the system shows them; its own are mapped in it."""
    try:
        maps = Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return 0
    return len({line.split()[-1] for line in maps.splitlines() if "/dev/shm/psm_" in line})


class TestHouse:
    def test_the_log_is_kept_short(self, tmp_path: Path) -> None:
        before = logging.root.handlers[:], logging.root.level
        try:
            server_run._open_log(tmp_path / "engine.log", False)
            for _ in range(70):
                logging.getLogger("faceplate.test").info("x" * 100_000)
            for handler in logging.root.handlers:
                handler.close()
        finally:
            logging.root.handlers[:], logging.root.level = before
        sizes = {path.name: path.stat().st_size for path in tmp_path.glob("engine.log*")}
        assert set(sizes) == {"engine.log", "engine.log.1", "engine.log.2"} and max(sizes.values()) <= 2 << 20

    @linux
    def test_who_lives(self) -> None:
        assert lives(os.getpid(), birth(os.getpid())) and not lives(os.getpid(), "1")
        child = subprocess.Popen([sys.executable, "-c", ""])
        until(lambda: not lives(child.pid))  # a zombie: nobody has waited for it
        child.wait()
        assert not lives(child.pid) and birth(child.pid) == ""
