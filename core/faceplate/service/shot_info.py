"""What the service answers about an open shot: frames, people, weights, release, colour space, warnings."""

from __future__ import annotations

from typing import Any

from faceplate.color.reading import choice_of
from faceplate.errors import FaceplateError, UsageError
from faceplate.models import Card
from faceplate.plate.movie import open_movie
from faceplate.render import Renderer
from faceplate.render.issues import shot_issues
from faceplate.service.shots import OpenShot
from faceplate.track import Track

__all__ = ["describe", "issues_of", "movie_facts", "people", "plate_space"]


def describe(opened: OpenShot) -> dict[str, Any]:
    """Return the answer of `POST /v1/shots`.

    A track, a source or frames that are not there yet are warnings. Raises what `Renderer.prepare` raises otherwise.
    """
    shot, renderer = opened.shot, opened.renderer()
    warnings: list[str] = []
    if not opened.tracked:
        warnings.append(f"The track {opened.missing_track} is not there yet; track the shot.")
    frames = shot.frames or opened.plate.declared or opened.plate.on_disk()
    if not frames:
        warnings.append(f"No frame of {shot.plate} is there yet.")
    weights: list[Card] = []
    try:
        if opened.tracked:
            renderer.prepare()
            weights = renderer.resources.cards()
    except UsageError as error:
        # In a new shot the artist chooses the source next; finding faces and tracking need none.
        if error.code != "no-source":
            raise
        warnings.append(str(error))
    named = shot.track or next((face.track for face in shot.face_shots if face.track is not None), None)
    track = Track.load(named) if named is not None and opened.tracked else None
    return {
        "shot": opened.key,
        "name": shot.name,
        "frames": list(frames),
        "person": shot.person,
        "faces": [_face(face) for face in renderer.faces],
        "people": people(track) if track else [],
        "tracked": track.range_text if track else "",
        "weights": [{"name": card.name, "licence": card.licence, "commercial": card.commercial} for card in weights],
        "source_release": _release(renderer),
        "space": plate_space(renderer, tuple(frames)),
        "movie": movie_facts(renderer),
        "warnings": warnings + [f"Source: left out {line}" for line in renderer.resources.skipped_pictures],
    }


def plate_space(renderer: Renderer, frames: tuple[int, ...]) -> dict[str, Any] | None:
    """Return the colour space that the plate is read in and the reason, for a panel; None where it is not known yet."""
    if not frames or not renderer.plate.has(frames[0]):
        return None
    try:
        choice = choice_of(renderer.open(frames[0]), renderer.color, renderer.shot.space)
    except FaceplateError:  # rendering reports it
        return None
    return {"name": choice.name, "reason": choice.reason, "assumed": choice.assumed}


def movie_facts(renderer: Renderer) -> dict[str, Any] | None:
    """Return a movie's frame rate as a fraction and whether its frames come steadily; None for other plates."""
    plate = renderer.plate
    if not plate.is_movie or not plate.has(0):
        return None
    movie = open_movie(plate.path(0))
    return {"rate": str(movie.rate), "steady": movie.steady}


def issues_of(opened: OpenShot) -> list[dict[str, Any]]:
    """Return the issues of a shot as plain values, by frame. Raises what `shot_issues` raises."""
    renderer = opened.renderer(opened.shot.output)
    return [issue.model_dump() for issue in shot_issues(renderer)]


def people(track: Track) -> list[dict[str, Any]]:
    """Return the people in a track, for a panel's list."""
    return [
        {
            "id": person.id,
            "name": person.name,
            "number": person.number,
            "first": person.frames[0] if person.frames else None,
            "last": person.frames[-1] if person.frames else None,
            "frames": len(person.frames),
        }
        for person in track.people
    ]


def _face(renderer: Renderer) -> dict[str, Any]:
    """Return one of several faces, for a panel's list: the person's name, the files, whom it replaces, and its release."""
    shot = renderer.shot
    return {
        "name": shot.person,
        "source": str(shot.source or ""),
        "track": str(shot.track or ""),
        "target": shot.parameters.target,
        "source_release": _release(renderer),
    }


def _release(renderer: Renderer) -> dict[str, str]:
    """Return the source's release for this shot: its state, one sentence, and the slate that pictures carry."""
    check, decision = renderer.resources.consent
    return {"state": str(check.state), "text": check.text, "id": check.id, "slate": decision.slate}
