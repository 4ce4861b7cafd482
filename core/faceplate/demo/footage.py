"""What the plates of the demo and of the course share: pictures in, scene light, grain, time code and EXR out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import OpenImageIO
import PyOpenColorIO

from faceplate.errors import RenderError
from faceplate.image.window import Window

__all__ = [
    "FIRST",
    "GRAIN_FLOOR",
    "GRAIN_SLOPE",
    "acescg_processor",
    "add_grain",
    "decode",
    "make_folder",
    "matte_spec",
    "plate_spec",
    "smooth_step",
    "time_code",
    "write_frame",
]

FIRST = 1001
"""A plate's first frame, at time code 01:00:00:00."""

GRAIN_SLOPE = np.array([8.0e-4, 6.4e-4, 1.2e-3], np.float32)
GRAIN_FLOOR = np.array([7.0e-6, 5.6e-6, 1.05e-5], np.float32)
"""The variance of R, G and B is GRAIN_SLOPE x + GRAIN_FLOOR at scene-linear value x: photon noise and read noise."""

_CONFIG = "cg-config-v2.1.0_aces-v1.3_ocio-v2.3"
_GRAIN_SPREAD = 0.22
"""The share of a photosite's noise that demosaicing gives to either neighbour, in x and in y."""

_FPS = 24
_AP1 = (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767)
_CHANNELS = ("R", "G", "B", "depth.Z")


def make_folder(folder: Path) -> None:
    """Create a folder. Raises `RenderError('cannot-write')`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RenderError(
            "cannot-write", f"{folder} cannot be made ({error.strerror}): choose another folder."
        ) from error


def decode(path: Path, mode: int) -> np.ndarray:
    """Read a picture of the package. Raises `RenderError('demo-damaged')`."""
    picture = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), mode)
    if picture is None:
        raise RenderError("demo-damaged", f"{path.name} of the demo cannot be read: install Faceplate again.")
    return picture


def acescg_processor() -> Any:
    """Return the processor from sRGB to ACEScg, which changes float32 pixels in place (`applyRGB`)."""
    library: Any = PyOpenColorIO  # its stubs hide the classes of the compiled module
    config = library.Config.CreateFromBuiltinConfig(_CONFIG)
    return config.getProcessor("sRGB - Texture", "ACEScg").getDefaultCPUProcessor()


def smooth_step(x: np.ndarray) -> np.ndarray:
    """Smoothstep: 0 below 0, 1 above 1."""
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def add_grain(light: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add Gaussian noise with the variance of `GRAIN_SLOPE` and `GRAIN_FLOOR`; blacks may fall below 0."""
    noise = rng.standard_normal(light.shape, np.float32)
    kernel = np.array([_GRAIN_SPREAD, 1, _GRAIN_SPREAD], np.float32)
    kernel /= np.linalg.norm(kernel)  # keeps the variance
    noise = cv2.sepFilter2D(noise, -1, kernel, kernel, borderType=cv2.BORDER_REFLECT)
    noise *= np.sqrt(np.maximum(light, 0) * GRAIN_SLOPE + GRAIN_FLOOR)
    noise += light
    return noise


def time_code(number: int) -> int:
    """Encode the SMPTE ST 12 time code at 24 frames a second as packed decimal digits; frame 1001 is 01:00:00:00."""
    count = (3600 * _FPS + number - FIRST) % (24 * 3600 * _FPS)
    seconds, frame = divmod(count, _FPS)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    packed = 0
    for value in (hour, minute, second, frame):
        packed = packed << 8 | (value // 10) << 4 | value % 10
    return packed


def plate_spec(
    number: int, data: Window, display: Window, *, depth: bool, fields: Mapping[str, str | float]
) -> OpenImageIO.ImageSpec:
    """Describe a frame's file: half R, G, B in ACEScg, float `depth.Z` where asked for, ZIP, time code, invented camera.

    `fields` are further header fields, and replace those given here.
    """
    channels = 4 if depth else 3
    spec = OpenImageIO.ImageSpec(data.width, data.height, channels, OpenImageIO.HALF)
    spec.x, spec.y = data.x, data.y
    spec.full_x, spec.full_y, spec.full_width, spec.full_height = display.x, display.y, display.width, display.height
    spec.channelnames = _CHANNELS[:channels]
    spec.channelformats = (OpenImageIO.TypeDesc("half"),) * 3 + ((OpenImageIO.TypeDesc("float"),) if depth else ())
    spec.attribute("compression", "zip")
    spec.attribute("smpte:TimeCode", OpenImageIO.TypeDesc("timecode"), (time_code(number), 0))
    spec.attribute("FramesPerSecond", OpenImageIO.TypeDesc("rational"), (_FPS, 1))
    spec.attribute("chromaticities", OpenImageIO.TypeDesc("float[8]"), _AP1)
    spec.attribute("oiio:ColorSpace", "lin_ap1_scene")  # OpenImageIO writes it as colorInteropID
    common: dict[str, str | float] = {
        "DateTime": "2026:01:15 19:30:00",
        "cameraMake": "Faceplate",
        "cameraModel": "Faceplate Demo Camera",
        "lensMake": "Faceplate",
        "PixelAspectRatio": 1.0,
        "ExposureTime": 1 / 48,
        "isoSpeed": 800.0,
    }
    for name, value in {**common, **fields}.items():
        spec.attribute(name, value)
    return spec


def matte_spec(number: int, window: Window) -> OpenImageIO.ImageSpec:
    """Describe a matte's file: one half channel R, ZIP, time code."""
    spec = OpenImageIO.ImageSpec(window.width, window.height, 1, OpenImageIO.HALF)
    spec.channelnames = ("R",)
    spec.attribute("compression", "zip")
    spec.attribute("smpte:TimeCode", OpenImageIO.TypeDesc("timecode"), (time_code(number), 0))
    return spec


def write_frame(path: Path, spec: OpenImageIO.ImageSpec, pixels: np.ndarray) -> None:
    """Write to a hidden name in the same folder, flush it to the disk, and rename. Raises `RenderError('cannot-write')`."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        out: Any = OpenImageIO.ImageOutput.create("exr")
        written = out.open(str(part), spec) and out.write_image(pixels)
        if not (out.close() and written):
            raise RenderError(
                "cannot-write", f"{path} cannot be written ({out.geterror()}): is the disk full or read-only?"
            )
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise RenderError(
            "cannot-write", f"{path} cannot be written ({error.strerror}): choose another folder."
        ) from error
    finally:
        with suppress(OSError):
            part.unlink()
