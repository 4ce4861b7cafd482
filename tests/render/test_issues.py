"""What a render notices is put into the shot's list, by face, and the list is read from all producers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceplate.demo import person
from faceplate.errors import RenderError
from faceplate.face import FaceFinder
from faceplate.generators import NullGenerator
from faceplate.image.window import Window
from faceplate.issues import IssueFile, Mark
from faceplate.render import Rendered, Renderer
from faceplate.render.batch import FrameDone
from faceplate.render.composite import empty_composite
from faceplate.render.issues import RenderIssues, issue_file, shot_issues
from faceplate.shot import Policy, Shot, ShotFace
from faceplate.shot.parameters import Parameters
from stand_ins import write_noise_plate
from track_sightings import seen_frames, track_from
from turning_heads import turned


@pytest.fixture
def shot(tmp_path: Path) -> Shot:
    """Three frames of noise and a track of two people, of whom the second turns fast."""
    for frame in (1001, 1002, 1003):
        write_noise_plate(tmp_path / f"p.{frame}.exr")
    away = np.array([400.0, 0.0, 0.0])
    people: dict[int, Callable[[int], np.ndarray | None]] = {
        1: lambda i: turned(0.2 * i),
        2: lambda i: turned(12.0 * i - 30) + away,
    }
    track_from(seen_frames(6, people, flowing=False)).save(tmp_path / "a.track.json")
    return Shot(
        plate=f"{tmp_path}/p.####.exr", frames=(1001, 1002, 1003), track=tmp_path / "a.track.json", output=f"{tmp_path}/o.####.exr",
        source=person("bea") / "front.jpg", parameters=Parameters(target="1"), policy=Policy(preview_slate=False),
    )  # fmt: skip


def done(renderer: Renderer, frame: int, notes: tuple[str, ...] = (), **more: Any) -> FrameDone:
    file = renderer.open(frame)
    result = replace(empty_composite(Window(0, 0, 0, 0), renderer.shot.parameters, "face"), notes=notes)
    return FrameDone(frame, Rendered(frame, file, result, None, renderer.shot.parameters, **more))


def test_notes_and_failures_are_kept_for_the_frames_that_were_rendered(shot: Shot, finder: FaceFinder) -> None:
    renderer = Renderer(shot, finder)
    issues = RenderIssues(renderer)
    issues.add(done(renderer, 1001, ("3 NaN or infinite pixels inside the matte were healed",)))
    issues.add(FrameDone(1002, error=RenderError("plate-missing", "The plate is missing.")))
    issues.add(FrameDone(1003, current=Path("o.1003.exr")))
    assert issues.keep() == ""
    listed = [issue for issue in shot_issues(renderer) if issue.kind in ("note", "failed")]
    assert [(issue.first, issue.kind, issue.severity) for issue in listed] == [
        (1001, "note", "low"), (1002, "failed", "high"),
    ]  # fmt: skip
    assert listed[0].text == "3 NaN or infinite pixels inside the matte were healed."
    again = RenderIssues(renderer)
    again.add(done(renderer, 1002))
    again.keep()
    assert [issue.kind for issue in shot_issues(renderer)] == ["note"]


def test_a_head_that_no_picture_shows_is_not_covered(shot: Shot, finder: FaceFinder) -> None:
    renderer = Renderer(shot, finder)
    front = renderer.source.views[0].face
    issues = RenderIssues(renderer)
    for frame, yaw in ((1001, 5.0), (1002, 45.0)):
        frame_done = done(renderer, frame)
        assert frame_done.rendered is not None
        issues.add(replace(frame_done, rendered=replace(frame_done.rendered, face=front.moved(turned(yaw)))))
    issues.keep()
    (found,) = shot_issues(renderer)
    assert (found.kind, found.first, found.threshold) == ("source-does-not-cover", 1002, 20.0)
    assert found.value == pytest.approx(45, abs=8) and "degrees away" in found.text


def test_no_source_is_asked_of_a_generator_that_has_no_views(shot: Shot, finder: FaceFinder) -> None:
    renderer = Renderer(shot, finder, NullGenerator(side=128))
    issues = RenderIssues(renderer)
    issues.add(done(renderer, 1001))
    assert shot.output and issues.keep() == ""
    assert issue_file(renderer) == IssueFile(Path(shot.output).parent / "a.issues.json")


def test_only_the_people_who_are_replaced_are_listed_by_their_names(shot: Shot, finder: FaceFinder) -> None:
    assert shot_issues(Renderer(shot, finder)) == ()
    turning = shot.model_copy(update={"parameters": Parameters(target="2"), "person": "Eve"})
    assert {(issue.kind, issue.face) for issue in shot_issues(Renderer(turning, finder))} == {("fast-turn", "Eve")}
    faces = tuple(ShotFace(name=name, constants={"target": target}) for name, target in (("Ann", "1"), ("Bob", "2")))
    both = Renderer(shot.model_copy(update={"faces": faces}), finder)
    assert {(issue.kind, issue.face) for issue in shot_issues(both)} == {("fast-turn", "Bob")}
    issues = RenderIssues(both)
    issues.add(FrameDone(1001, error=RenderError("no-face", "Bob: is not there.")))
    issues.keep()
    assert {issue.face for issue in shot_issues(both)} == {"Bob", ""}


def test_a_render_that_fails_on_every_frame_leaves_no_new_file(shot: Shot, finder: FaceFinder) -> None:
    renderer = Renderer(shot, finder)
    issues = RenderIssues(renderer)
    issues.add(FrameDone(1001, error=RenderError("plate-missing", "The plate is missing.")))
    file = issue_file(renderer)
    assert issues.keep() == "" and file is not None and not file.path.exists()


def test_a_note_of_one_of_several_faces_names_it(shot: Shot, finder: FaceFinder) -> None:
    faces = tuple(ShotFace(name=name, constants={"target": target}) for name, target in (("Ann", "1"), ("Bob", "2")))
    both = Renderer(shot.model_copy(update={"faces": faces}), finder)
    parts = tuple(done(face, 1001).rendered for face in both.faces)
    issues = RenderIssues(both)
    issues.add(done(both, 1001, ("Bob: shows no face",), faces=parts))
    issues.keep()
    assert ("note", "Bob", "Shows no face.") in {(found.kind, found.face, found.text) for found in shot_issues(both)}


def test_a_damaged_list_is_a_sentence_and_the_render_goes_on(shot: Shot, finder: FaceFinder) -> None:
    renderer = Renderer(shot, finder)
    file = issue_file(renderer)
    assert file is not None
    file.path.write_text("{")
    issues = RenderIssues(renderer)
    issues.add(done(renderer, 1001, ("something",)))
    assert "cannot be read" in issues.keep() and file.path.read_text() == "{"


def test_a_shot_without_a_track_keeps_its_list_beside_its_output(tmp_path: Path, finder: FaceFinder) -> None:
    bare = Shot(plate=f"{tmp_path}/p.####.exr", output=f"{tmp_path}/swap.####.exr")
    file = issue_file(Renderer(bare, finder))
    assert file is not None and file.path == tmp_path / "swap.issues.json"
    file.replace("check", [Mark(kind="fault", frame=1, text="A fault.")])
    assert [issue.kind for issue in shot_issues(Renderer(bare, finder))] == ["fault"]
    assert issue_file(Renderer(bare.model_copy(update={"output": ""}), finder)) is None
