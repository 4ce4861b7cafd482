"""Reading what one frame needs: the plate's region of interest, the artist's mattes, and the grain where no track has it.

With and without a stage cache the steps are the same; a cache that holds the prepared plate saves reading its pixels.
"""

from __future__ import annotations

import numpy as np

from faceplate.cache import StageCache
from faceplate.color.reading import reduced
from faceplate.comp.grain import Grain, measure_grain, reduced_grain
from faceplate.face import Face
from faceplate.generators import Generator, Reshaping
from faceplate.image.frame import Frame
from faceplate.image.inpaint import heal
from faceplate.image.window import Window
from faceplate.plate import PlateFile, Sequence
from faceplate.render.frame_cache import NO_FRAME_CACHE, FrameCache
from faceplate.render.matte import InputMattes
from faceplate.render.plate_grain import grain_is_used, grain_window
from faceplate.render.prepare import PreparedPlate, prepare_plate, region_of_interest
from faceplate.render.resources import RenderResources
from faceplate.render.result import LoadedFrame, LocatedFrame

__all__ = ["load_frame", "needed_window"]


def load_frame(resources: RenderResources, located: LocatedFrame, stage_cache: StageCache) -> LoadedFrame:
    """Read and prepare the plate around the target, with everything else that the frame reads from files."""
    request, face, target = located.request, located.face, located.target
    if face is None:
        return LoadedFrame(located)
    generator = resources.generator(request.parameters)
    lens = located.lens
    shaped = _shaped(generator, located)
    region = _window_of(generator, located, shaped)
    grain = target.grain if request.proxy == 1 else _proxy_grain(resources, located, stage_cache)
    inputs = _read_input_mattes(located, region)
    cache = NO_FRAME_CACHE
    if stage_cache.active:
        stage_keys = located.keys.stage_keys(face, region, grain, target.weight, target.views, target.look, lens)
        cache = FrameCache(stage_cache, stage_keys)

    def prepare() -> PreparedPlate:
        picture = _read_region(resources, located, region)
        return prepare_plate(
            picture,
            face,
            generator,
            request.parameters,
            frame=request.frame,
            grain=grain,
            weight=target.weight,
            look=target.look,
            lens=lens,
            shaped=shaped,
        )

    prepared = cache.make("prepare", prepare).with_parameters(request.parameters)
    return LoadedFrame(located, prepared, inputs, grain, cache)


def needed_window(resources: RenderResources, located: LocatedFrame) -> Window:
    """Return the plate's pixels that the frame's face reads; empty for a frame without the face."""
    generator = resources.generator(located.parameters)
    return _window_of(generator, located, _shaped(generator, located))


def _window_of(generator: Generator, located: LocatedFrame, shaped: Face | None) -> Window:
    """Return the window of `needed_window` for a face that the generator gives the shape `shaped`."""
    face, data = located.face, located.file.data
    if face is None:
        return Window(data.x, data.y, 0, 0)
    transform, grain_known = generator.frame(face, located.file.pixel_aspect), located.target.grain is not None
    seen = region_of_interest(transform, face, located.parameters, grain_known, located.lens, shaped)
    return seen.intersect(data)


def _shaped(generator: Generator, located: LocatedFrame) -> Face | None:
    """Return the frame's face in the shape that the generator gives it; None where it keeps its shape or there is no face."""
    face = located.face
    if face is None or not isinstance(generator, Reshaping):
        return None
    return generator.reshaped(face, located.file.pixel_aspect)


def _read_region(resources: RenderResources, located: LocatedFrame, region: Window) -> Frame:
    """Return the plate's pixels on `region`; those that the search for the face has read already are not read again."""
    searched, proxy = located.target.searched, located.request.proxy
    if searched is not None and proxy == 1 and region.intersect(searched.window) == region:
        return searched.region(region)
    return resources.read_plate(located.request.file, region, proxy, whole=True)


def _proxy_grain(resources: RenderResources, located: LocatedFrame, cache: StageCache) -> Grain | None:
    """Return the grain of the reduced plate, derived from the full plate's; None where no parameter asks for it.

    Measured on a proxy's few pixels, skin texture would be taken for grain.
    """
    request, target = located.request, located.target
    if not grain_is_used(request.parameters) or target.face is None:
        return None
    window = grain_window(target.face, request.file.data)

    def measure() -> Grain:
        picture = resources.read_plate(request.file, window)
        return measure_grain(picture.with_pixels(heal(picture.pixels)[0]).working())

    key = located.keys.plate_grain(target.face, window)
    return reduced_grain(target.grain or cache.make("grain", key, measure, keep=True), request.proxy)


def _read_input_mattes(located: LocatedFrame, region: Window) -> InputMattes:
    """Return the artist's mattes of the frame on `region`."""
    parameters = located.parameters
    return InputMattes(
        _read_matte(parameters.holdout_matte, located, region), _read_matte(parameters.garbage_matte, located, region)
    )


def _read_matte(pattern: str, located: LocatedFrame, region: Window) -> np.ndarray | None:
    """Return the red channel of a matte's file, float32 (h, w) on `region`; 0 where the file has no pixels."""
    if not pattern:
        return None
    file = PlateFile.open(Sequence.parse(pattern).path(located.frame), frame=located.frame)
    return np.nan_to_num(reduced(file, region, located.request.proxy)[..., 0])
