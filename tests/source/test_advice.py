"""Sentences on what a source lacks."""

from __future__ import annotations

from dataclasses import replace

from faceplate.source import Source
from faceplate.source.advice import missing_pictures
from occluders import DARK_FRAME, with_glasses
from source_views import repainted, scene_of


def only(source: Source, *names: str) -> Source:
    return Source(tuple(view for view in source.views if view.path.stem in names), ())


def test_a_full_set_lacks_only_closed_eyes(source_bea: Source) -> None:
    assert missing_pictures(source_bea) == ("No picture shows closed eyes: take one with the eyes closed.",)


def test_missing_sides_and_expressions_are_named(source_bea: Source) -> None:
    lines = missing_pictures(only(source_bea, "front", "left"))
    assert lines[0] == (
        "No picture shows the right side of the face: take one with the head turned about 30 degrees to the person's left."
    )
    assert any(line.startswith("No picture shows an open mouth") for line in lines)
    assert any(line.startswith("No picture shows a closed mouth") for line in lines)
    assert not any("left side" in line or "from the front" in line for line in lines)
    turned = missing_pictures(only(source_bea, "open", "closed"))
    assert [line[:35] for line in turned[:2]] == [
        "No picture shows the right side of ",
        "No picture shows the left side of t",
    ]


def test_glasses_in_every_picture_are_named(source_bea: Source) -> None:
    worn = [repainted(view, with_glasses(scene_of(view), DARK_FRAME)[0]) for view in source_bea.views]
    line = "Every picture shows glasses: take one without them."
    assert line in missing_pictures(Source(tuple(worn), ()))
    assert line not in missing_pictures(Source((*worn[1:], source_bea.views[0]), ()))


def test_small_and_hard_pictures_are_named(source_bea: Source) -> None:
    view = next(view for view in source_bea.views if view.path.stem == "front")
    hard = view.analysis.model_copy(update={"light": [[0.0, 1.4, 0.0, 0.0]] * 3})
    lines = missing_pictures(Source((replace(view, analysis=hard),), ()))
    assert "Every picture is lit hard from one side: take one in soft, even light." in lines
