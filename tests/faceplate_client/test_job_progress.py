"""Following a job to its end, and the sentence for a failed frame; with jobs that the test plays itself."""

from __future__ import annotations

from typing import Any

import pytest

from faceplate_client import EngineError, completed_job, follow_job, frame_path_of
from faceplate_client.job import Job

MISSING = {"code": "plate-missing", "message": "The plate has no frame 1003."}


class PlayedJob(Job):
    """A job whose documents are given: each `poll` gives the next one."""

    def __init__(self, *documents: dict[str, Any]) -> None:
        self.documents = [{"job": "1", "done": 0, "total": 3, "frames": {}, **document} for document in documents]
        self.document = {"job": "1", "state": "waiting"}
        self.cancelled = False

    def poll(self, wait: float = 0.0) -> dict[str, Any]:
        if not self.finished:
            self.document = self.documents.pop(0)
        return self.document

    def cancel(self) -> dict[str, Any]:
        self.cancelled = True
        self.documents = [{**self.documents[-1], "state": "cancelled"}]
        return self.document


def test_progress_is_reported_until_the_job_ends() -> None:
    seen: list[tuple[int, int]] = []
    job = PlayedJob({"state": "running", "done": 1}, {"state": "running", "done": 2}, {"state": "done", "done": 3})

    def progress(done: int, total: int) -> bool:
        seen.append((done, total))
        return True

    assert follow_job(job, progress)["state"] == "done" and seen == [(1, 3), (2, 3), (3, 3)]
    assert follow_job(PlayedJob({"state": "done"}))["state"] == "done"


def test_a_job_is_cancelled_when_progress_says_so() -> None:
    job = PlayedJob({"state": "running"}, {"state": "running"}, {"state": "done"})
    with pytest.raises(EngineError) as refused:
        follow_job(job, lambda done, total: False)
    assert job.cancelled and refused.value.code == "cancelled"
    assert refused.value.message == "Cancelled; the frames that are done stay."


@pytest.mark.parametrize("state", ["failed", "done"])
def test_the_first_failed_frame_is_named(state: str) -> None:
    frames = {
        "1010": {"state": "failed", "error": {"code": "no-face", "message": "No face."}},
        "1003": {"state": "failed", "error": MISSING},
        "999": {"state": "done", "path": "/o/e.0999.exr", "error": None},
    }
    job = PlayedJob({"state": state, "frames": frames, "error": {"code": "failed", "message": "2 frames failed."}})
    job.poll()
    with pytest.raises(EngineError) as refused:
        completed_job(job)
    assert refused.value.code == "plate-missing"
    assert refused.value.message == "Frame 1003: The plate has no frame 1003."
    assert refused.value.job is not None


def test_a_job_that_failed_as_a_whole_keeps_its_own_sentence() -> None:
    job = PlayedJob({"state": "failed", "error": {"code": "out-of-memory", "message": "No memory is left."}})
    job.poll()
    with pytest.raises(EngineError, match=r"^No memory is left\.$") as refused:
        completed_job(job)
    assert refused.value.code == "out-of-memory"


def test_the_file_of_a_frame() -> None:
    document = {"frames": {"7": {"path": "/o/e.0007.exr"}, "8": {"state": "failed", "error": MISSING}}}
    assert frame_path_of(document, 7) == "/o/e.0007.exr"
    with pytest.raises(EngineError) as refused:
        frame_path_of(document, 8)
    assert refused.value.code == "plate-missing"
    with pytest.raises(EngineError, match="no frame 9") as refused:
        frame_path_of(document, 9)
    assert refused.value.code == "no-frame"
