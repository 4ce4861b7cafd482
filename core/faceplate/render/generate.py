"""The generator's stage: show it the crop in the encoding that it expects, and bring its answer back to the working space."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from faceplate.color import ColorConfig, Encoding, Exposure, Shoulder, ViewEncoding
from faceplate.errors import UsageError
from faceplate.face import Face
from faceplate.generators import Crop, Generated, Generator
from faceplate.generators.restorers import Restored
from faceplate.render.expression_match import RestingFaces, match_amounts, matched_expression
from faceplate.render.frame_cache import NO_FRAME_CACHE, FrameCache
from faceplate.render.leading_views import mesh_in
from faceplate.render.prepare import PreparedPlate
from faceplate.shot.parameters import Parameters
from faceplate.track.view_plan import Views

__all__ = ["GeneratorResult", "generate_face", "network_encoding"]


@dataclass(frozen=True)
class GeneratorResult:
    """The generator's answer, and its input as it saw it.

    `shown` float32 (h, w, 3) is the crop converted to the generator's encoding and back; it and `generated.pixels` are
    scene-linear working space on the crop's pixels. `notes` are sentences for the artist.
    """

    shown: np.ndarray
    generated: Generated
    notes: tuple[str, ...] = ()


def generate_face(
    prepared: PreparedPlate,
    generator: Generator,
    parameters: Parameters,
    cache: FrameCache = NO_FRAME_CACHE,
    views: Views | None = None,
    rest: RestingFaces | None = None,
) -> GeneratorResult:
    """Run the generator, and its restorer, on the prepared crop, and match the expression of its answer.

    `views` are those that lead in the frame, `rest` the resting faces of both people where they are known.
    """
    color = prepared.plate.color

    def generate() -> GeneratorResult:
        used = generator
        if isinstance(generator, Restored):  # the restorer's values may change without another run of the network
            used = generator.remembering(lambda run: cache.make("inner", run))
        shown, generated = _run(prepared, used, network_encoding(parameters, color), views)
        return GeneratorResult(shown, generated, _resolution_note(generator, prepared.face))

    result, amounts = cache.make("generate", generate), match_amounts(parameters)
    mesh = mesh_in(generator)
    if mesh is not None and mesh.settings.eyes == "source":  # asks for the look of the source
        amounts = replace(amounts, gaze=0.0)
    if not amounts.any:
        return result

    def matched() -> GeneratorResult:
        known, detail = rest or RestingFaces(), parameters.plate_detail
        acted = matched_expression(prepared, result.shown, result.generated, amounts, known, detail)
        return replace(result, generated=acted)

    return cache.make("expression", matched)


def network_encoding(parameters: Parameters, color: ColorConfig) -> Encoding:
    """Return the display-referred encoding in which a network sees the plate. Raises `UsageError('unknown-view')`."""
    if not parameters.network_view:
        return Shoulder()
    display, slash, view = parameters.network_view.rpartition("/")
    if not slash:
        raise UsageError("unknown-view", f"--network-view is '{view}'; write it as display/view.")
    return ViewEncoding(color, display, view)


def _run(
    prepared: PreparedPlate, generator: Generator, encoding: Encoding, views: Views | None
) -> tuple[np.ndarray, Generated]:
    """Return the crop as the generator saw it, and its answer, both scene-linear working space."""
    crop, color = prepared.crop, prepared.plate.color
    teeth = None if prepared.look is None else prepared.look.teeth
    asked = Crop(crop.pixels, crop.transform, crop.face, crop.frame, views, prepared.openings, teeth)
    if generator.encoding == "working":
        return crop.pixels, generator.generate(asked)
    gain = Exposure.of_level(crop.face.level).gain
    encoded = encoding.encode(color.to_linear709(crop.pixels), gain)
    generated = generator.generate(replace(asked, pixels=encoded))

    def decoded(pixels: np.ndarray) -> np.ndarray:
        return color.from_linear709(encoding.decode(pixels, gain))

    return decoded(encoded), Generated(decoded(generated.pixels), generated.coverage, generated.confidence)


def _resolution_note(generator: Generator, face: Face) -> tuple[str, ...]:
    """Return a note for the artist where the source has fewer pixels than the plate asks for."""
    size = getattr(generator, "native_size", None)
    if size is None or size >= 0.8 * face.size:
        return ()
    return (f"the source's face has {size:.0f} pixels where the plate's has more; the new face will look softer",)
