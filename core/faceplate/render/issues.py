"""What a render notices and is worth a look, and the list of a shot's issues from all producers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from faceplate.errors import FaceplateError, UsageError
from faceplate.face.shape import pose_of, unsqueezed
from faceplate.issues import Issue, IssueFile, Mark, issues_path, merged_issues
from faceplate.render.batch import FrameDone
from faceplate.render.leading_views import mesh_in
from faceplate.render.renderer import Renderer
from faceplate.render.resources import RenderResources
from faceplate.render.result import Rendered
from faceplate.system.user_paths import exists
from faceplate.track import AutoTrack, Track, auto_track_path, keep_track_issues

__all__ = ["RenderIssues", "issue_file", "shot_issues"]

NOT_COVERED = 20.0
"""Degrees between the head and the nearest picture of the source. A source with pictures to both sides is never farther away
than 15 from heads that turn between them; from about 25 a cheek or a nostril is shown that no picture has."""


class RenderIssues:
    """Collects the marks of a render's frames, and keeps them in the shot's list at the end."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        self._marks: list[Mark] = []
        self._frames: set[int] = set()
        self._any_rendered = False
        self._turns: dict[str, np.ndarray] = {}

    def add(self, done: FrameDone) -> None:
        """Add one frame of a batch; frames that were left alone keep what is known of them."""
        if done.error is None and done.rendered is None:
            return
        self._frames.add(done.frame)
        if done.error is not None:
            self._marks.append(Mark(kind="failed", frame=done.frame, text=f"{str(done.error).rstrip('.')}."))
            return
        assert done.rendered is not None
        self._any_rendered = True
        names = [face.shot.person for face in self._renderer.faces]
        self._marks += [_of_note(done.frame, note, names) for note in done.notes]
        self._marks += self._not_covered(done.rendered)

    def _not_covered(self, rendered: Rendered) -> Iterator[Mark]:
        """Yield a mark for each face that is turned farther than any picture of its source shows."""
        renderer = self._renderer
        pairs = zip(renderer.faces, rendered.faces, strict=True) if renderer.faces else [(renderer, rendered)]
        for own, item in pairs:
            mesh = mesh_in(own.resources.generator(item.parameters))
            if item.face is None or mesh is None:
                continue
            name = own.shot.person
            if name not in self._turns:
                self._turns[name] = np.array([pose_of(view.face.points).angles[:2] for view in mesh.source.all_views])
            turn = pose_of(unsqueezed(item.face.points, item.file.pixel_aspect)).angles[:2]
            apart = float(np.linalg.norm(self._turns[name] - turn, axis=1).min())
            if apart > NOT_COVERED:
                yield Mark(
                    kind="source-does-not-cover",
                    frame=item.frame,
                    face=name,
                    value=round(apart, 2),
                    threshold=NOT_COVERED,
                    text=f"The nearest picture of the source is turned {apart:.0f} degrees away from the head.",
                )

    def keep(self) -> str:
        """Put the marks into the shot's list; return one sentence where that is not possible, else "".

        A render of which every frame failed leaves no new file behind: its errors are what the artist sees.
        """
        file = issue_file(self._renderer)
        if file is None or not self._frames or not (self._any_rendered or exists(file.path)):
            return ""
        try:
            file.replace("render", self._marks, self._frames)
        except FaceplateError as error:
            return error.message
        return ""


def issue_file(renderer: Renderer) -> IssueFile | None:
    """Return the file of a shot's issues: beside its track, else where a track of its output is kept; None without either."""
    track = _track_path(renderer)
    return None if track is None else IssueFile(issues_path(track))


def shot_issues(renderer: Renderer) -> tuple[Issue, ...]:
    """Return a shot's issues: of its track (those people who are replaced), of its renders and of its checks.

    The track's are made again where it has changed. Raises `UsageError('bad-issues')`, and what loading the track raises.
    """
    file = issue_file(renderer)
    marks = list(file.marks("render", "check")) if file is not None else []
    seen: set[tuple[Path, int]] = set()
    for face in _with_kept_track(renderer):
        for mark in _of_track(face.resources):
            whole = (face.resources.track.path, mark.frame) if face.resources.track and not mark.face else None
            if whole not in seen:
                marks.append(mark)
            if whole is not None and whole[0] is not None:
                seen.add((whole[0], whole[1]))
    return merged_issues(marks)


def _track_path(renderer: Renderer) -> Path | None:
    shot = renderer.shot
    own = next((face.track for face in shot.faces if face.track is not None), None)
    return shot.track or (auto_track_path(renderer.output) if shot.output else own)


def _with_kept_track(renderer: Renderer) -> tuple[Renderer, ...]:
    """Return a renderer of each face, with the track that is kept beside the output where the shot names none."""
    shots = renderer.shot.face_shots
    found = tuple(Renderer(shot, renderer.finder, pool=renderer.pool.of_face(shot.person)) for shot in shots)
    for face in found:
        path = auto_track_path(face.output) if face.shot.track is None and face.shot.output else None
        if path is not None and exists(path):
            face.resources.auto_track = AutoTrack(Track.load(path), False)
    return found


def _of_track(resources: RenderResources) -> Iterator[Mark]:
    """Yield the marks of the person who is replaced, and those of whole frames, with the face's name in the shot."""
    track = resources.track
    if track is None or (track.path is not None and not exists(track.path)):
        return
    try:
        names = {resources.person(resources.shot.parameters): resources.shot.person}
    except UsageError:  # the target is not settled yet: everybody is listed
        names = {person.id: person.name for person in track.people}
    for mark in keep_track_issues(track):
        if not mark.face or mark.face in names:
            yield mark.model_copy(update={"face": names.get(mark.face, "")})


def _of_note(frame: int, note: str, names: list[str]) -> Mark:
    """Return the mark of a note; a note of one of several faces begins with the name."""
    name = next((name for name in names if note.startswith(f"{name}: ")), "")
    text = note.removeprefix(f"{name}: ") if name else note
    return Mark(kind="note", frame=frame, face=name, text=f"{text[:1].upper()}{text[1:].rstrip('.')}.")
