"""The view plan of an open shot, for a host's panel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from faceplate.demo import people_folder
from faceplate.render import Renderer
from faceplate.service.view_lists import views_of
from faceplate.shot import load_shot


def test_a_run_of_the_source_that_leads(fast_folder: Path, fast_document: dict[str, Any]) -> None:
    document = {**fast_document, "source": str(people_folder() / "bea" / "front.jpg")}
    shot = load_shot(document, fast_folder).model_copy(update={"track_first": False})
    (face,) = views_of(Renderer(shot))
    assert face["face"] == shot.person and "front.jpg" in face["names"]
    assert [(run["first"], run["last"], run["pinned"]) for run in face["lane"]] == [(1, 1, False)]
    assert face["lane"][0]["view"] in face["names"]


def test_without_source_or_track_nothing_leads(fast_folder: Path, fast_document: dict[str, Any]) -> None:
    for left_out in ("source", "track"):
        document = {**fast_document, "source": str(people_folder() / "bea" / "front.jpg")}
        del document[left_out]
        shot = load_shot(document, fast_folder).model_copy(update={"track_first": False})
        assert views_of(Renderer(shot))[0]["lane"] == []
