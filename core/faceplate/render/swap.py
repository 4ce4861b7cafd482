"""One face on one picture: every stage in order, without files."""

from __future__ import annotations

from faceplate.comp.grain import Grain
from faceplate.face import Face
from faceplate.generators import Generator
from faceplate.image.frame import Frame
from faceplate.render.blur import blur_reach, find_blur
from faceplate.render.composite import CompositeResult, composite
from faceplate.render.expression_match import RestingFaces
from faceplate.render.generate import generate_face
from faceplate.render.lens import PlateLens
from faceplate.render.match import match_face
from faceplate.render.matte import InputMattes, MatteNetworks, make_mattes
from faceplate.render.prepare import prepare_plate
from faceplate.shot.parameters import Parameters
from faceplate.track.look import Look
from faceplate.track.view_plan import Views

__all__ = ["swap_face"]


def swap_face(
    picture: Frame,
    face: Face,
    generator: Generator,
    parameters: Parameters,
    *,
    frame: int | None = None,
    inputs: InputMattes | None = None,
    networks: MatteNetworks | None = None,
    grain: Grain | None = None,
    name: str = "face",
    weight: float = 1.0,
    views: Views | None = None,
    look: Look | None = None,
    lens: PlateLens | None = None,
    rest: RestingFaces | None = None,
) -> CompositeResult:
    """Put the generator's face on `picture`, the plate or the part of it that `region_of_interest` names.

    NaN and infinite pixels are healed first. Nothing outside `CompositeResult.window` is changed. `frame` is the shot's
    frame number, for pinned views and grain; `grain` is the plate's from the track, if known, else it is measured; `look` is
    the face's from the track, if known, `lens` what is known of the plate's lens and shutter; `rest` are the resting faces of
    both people, if known; `name` is what the id layer calls the person; `weight` 0..1 fades the whole matte.
    Raises `UsageError` for parameters that name something that does not exist.
    """
    prepared = prepare_plate(
        picture, face, generator, parameters, frame=frame, grain=grain, weight=weight, look=look, lens=lens
    )
    result = generate_face(prepared, generator, parameters, views=views, rest=rest)
    blur = find_blur(prepared, result, parameters)
    prepared = prepared.grown(blur_reach(blur), parameters)
    mattes = make_mattes(prepared, result, parameters, inputs=inputs, networks=networks, weight=weight, blur=blur)
    matched = match_face(prepared, result, mattes, parameters, prepared.tones, blur=blur)
    return composite(prepared, result, mattes, matched, parameters, grain=grain, name=name)
