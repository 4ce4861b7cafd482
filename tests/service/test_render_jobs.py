"""Render jobs inside one process: the batch rules as entries of a job, and the names of a request's fields."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from engines import until
from faceplate.errors import FaceplateError, RenderError
from faceplate.render import Renderer
from faceplate.service.app import Service
from faceplate.service.events import event_stream
from faceplate.service.job_queue import Job
from faceplate.service.jobs import make_job
from faceplate.service.roots import Roots
from faceplate.service.schema import JobRequest, RenderRequest, ShotRequest


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service(roots=Roots())
    made.queue.start()
    yield made
    made.queue.close(10)
    made.shared.clear()


def run_job(service: Service, folder: Path, document: dict[str, Any], **request: Any) -> Job:
    """A render job, run to its end."""
    opened = service.shots.open(ShotRequest(document=document, base=str(folder)))
    asked: Any = TypeAdapter(JobRequest).validate_python({"kind": "render", "shot": opened.key, **request})
    job = service.queue.add(make_job(service.context, opened, asked))
    until(lambda: job.finished)
    return job


def fail_at(monkeypatch: pytest.MonkeyPatch, frame: int, error: Exception) -> None:
    write = Renderer.write

    def failing(self: Renderer, rendered: Any) -> Any:
        if rendered.frame == frame:
            raise error
        return write(self, rendered)

    monkeypatch.setattr(Renderer, "write", failing)


@pytest.mark.parametrize("priority", ["interactive", "batch"])
def test_a_fatal_error_ends_the_job(
    service: Service,
    fast_folder: Path,
    fast_document: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    priority: str,
) -> None:
    fail_at(monkeypatch, 4, RenderError("disk-full", "The disk is full."))
    output = str(tmp_path / "o.####.exr")
    job = run_job(service, fast_folder, fast_document, frames=list(range(2, 9)), output=output, priority=priority)
    states = [job.frames[frame]["state"] for frame in range(2, 9)]
    assert states == ["done", "done", "failed", *["skipped"] * 4]
    assert all("not rendered" in job.frames[frame]["notes"][0] for frame in range(5, 9))
    assert job.state == "failed" and job.error == {
        "code": "disk-full",
        "message": "1 of 7 frames failed and 4 were not rendered; frame 4: The disk is full.",
    }
    assert job.done == job.total == 7
    assert sorted(path.name for path in tmp_path.glob("o.*.exr")) == ["o.0002.exr", "o.0003.exr"]


def test_an_unexpected_error_fails_one_frame(
    service: Service, fast_folder: Path, fast_document: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_at(monkeypatch, 3, ZeroDivisionError("a bug"))
    job = run_job(service, fast_folder, fast_document, frames=[2, 3, 4], output=str(tmp_path / "o.####.exr"))
    assert [job.frames[frame]["state"] for frame in (2, 3, 4)] == ["done", "failed", "done"]
    assert job.frames[3]["error"]["code"] == "internal-error"


def test_entries_of_done_and_current_frames(
    service: Service, fast_folder: Path, fast_document: dict[str, Any], tmp_path: Path
) -> None:
    asked = {"frames": [2, 3], "output": str(tmp_path / "o.####.exr"), "priority": "batch", "skip_current": True}
    first = run_job(service, fast_folder, fast_document, **asked).frames[2]
    assert first["state"] == "done" and not first["cached"] and first["ms"] > 0
    assert set(first["stages"]) == {"load", "generate", "comp", "write"}
    again = run_job(service, fast_folder, fast_document, **asked).frames[2]
    assert again["cached"] and (again["key"], again["path"]) == (first["key"], first["path"])


def test_the_matte_of_a_request_has_two_names(fast_folder: Path) -> None:
    for name in ("holdout_matte", "hold_out"):
        request = RenderRequest.model_validate({"kind": "render", "shot": "x", "frames": [1], name: "m.####.exr"})
        assert request.of(1) == {"holdout_matte": "m.####.exr"}
    with pytest.raises(ValidationError):
        RenderRequest.model_validate({"kind": "render", "shot": "x", "frames": [1], "hold_outt": "m.exr"})


def test_the_event_stream_pings(service: Service) -> None:
    job = Job("render", lambda job: iter(()), 0)
    response = event_stream(service.queue, job, 0)
    assert response.ping_message_factory is not None
    assert response.ping_message_factory().encode() == b"event: ping\ndata: {}\n\n"
    assert response.media_type == "text/event-stream" and response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["x" * 100_000, "a/" * 50_000 + "b", "nul\0l"], ids=["long", "deep", "null"])
@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"plate": "{}"}, {"plate-unreadable", "bad-pattern"}),
        ({"source": "{}", "parameters": {"generator": "mesh"}}, {"source-missing"}),
        ({"track": "{}"}, {"no-track"}),
        ({"ocio": "{}"}, {"bad-ocio"}),
        ({"output": "{}/o.####.exr"}, {"output-unwritable", "bad-pattern"}),
        ({"parameters": {"holdout_matte": "{}", "generator": "null"}}, {"plate-unreadable", "bad-pattern"}),
        ({"parameters": {"target": "{}.jpg", "generator": "null"}, "track": None}, {"bad-target"}),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_impossible_paths_of_a_shot(
    service: Service,
    fast_folder: Path,
    fast_document: dict[str, Any],
    tmp_path: Path,
    changes: dict[str, Any],
    codes: set[str],
    path: str,
) -> None:
    """A path that the system refuses is one sentence with a stable code, wherever it stands in a shot."""

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: filled(item) for name, item in value.items()}
        return value.replace("{}", path) if isinstance(value, str) else value

    usual = {**fast_document, "output": str(tmp_path / "o.####.exr")}
    own = {**usual["parameters"], **changes.get("parameters", {})}
    document = filled({**usual, **changes, "parameters": own})
    try:
        job = run_job(service, fast_folder, document, frames=[1])
        error = job.error or {}
    except FaceplateError as refused:
        error = {"code": refused.code, "message": str(refused)}
    assert error.get("code") in codes, error
    assert len(error["message"]) < 2000 and "\0" not in error["message"] and error["message"].endswith(".")


@pytest.mark.parametrize("path", ["x" * 100_000, "nul\0l"], ids=["long", "null"])
def test_impossible_paths_of_a_request(
    service: Service, fast_folder: Path, fast_document: dict[str, Any], path: str
) -> None:
    """The shot file, the folder of relative paths, and the output of a job or of a track."""
    for asked in (ShotRequest(path=path), ShotRequest(document=fast_document, base=path)):
        with pytest.raises(FaceplateError) as refused:
            opened = service.shots.open(asked)
            opened.check([1], lambda frame: {})
            opened.renderer().load(1)
        assert refused.value.code in {"no-shot", "no-track", "bad-pattern"} and len(str(refused.value)) < 2000
    with pytest.raises(FaceplateError) as refused:
        run_job(service, fast_folder, fast_document, frames=[2], output=f"{path}/o.####.exr")
    assert refused.value.code in {"output-unwritable", "bad-pattern"}
    opened = service.shots.open(ShotRequest(document=fast_document, base=str(fast_folder)))
    request: Any = TypeAdapter(JobRequest).validate_python(
        {"kind": "track", "shot": opened.key, "output": f"{path}/t.track.json", "frames": [1]}
    )
    job = service.queue.add(make_job(service.context, opened, request))
    until(lambda: job.finished)
    assert job.error is not None and job.error["code"] == "output-unwritable"


def test_a_sheet_shows_the_first_frame_and_writes_no_frames(
    service: Service, fast_folder: Path, fast_document: dict[str, Any], tmp_path: Path
) -> None:
    """For a host's dialog: an 8-bit PNG with plate, result and matte side by side, and nothing else on disk."""
    import cv2

    sheet = tmp_path / "preview.png"
    job = run_job(service, fast_folder, fast_document, frames=[1], pixels="sheet", sheet=str(sheet))
    assert job.state == "done" and job.frames[1]["path"] == str(sheet)
    picture = cv2.imread(str(sheet))
    assert picture is not None and picture.shape[1] == 3 * 480
    assert [path.name for path in tmp_path.iterdir()] == ["preview.png"]


@pytest.mark.parametrize(
    "request_", [{"pixels": "sheet"}, {"pixels": "sheet", "sheet": "a.png", "output": "o.####.exr"}]
)
def test_a_sheet_without_a_path_or_with_frames_is_refused(
    service: Service, fast_folder: Path, fast_document: dict[str, Any], request_: dict[str, Any]
) -> None:
    with pytest.raises(FaceplateError, match="sheet"):
        run_job(service, fast_folder, fast_document, frames=[1], **request_)
