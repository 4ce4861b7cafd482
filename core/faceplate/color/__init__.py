"""Colour, by OpenColorIO: plate space to working space to network space, and back."""

from faceplate.color.config import BUILTIN_CONFIG, ColorConfig, SpaceChoice
from faceplate.color.encoding import (
    GAIN_RANGE,
    KEY,
    SHOULDER,
    Encoding,
    Exposure,
    Shoulder,
    ViewEncoding,
    decode,
    encode,
    log_average,
    to_uint8,
)

__all__ = [
    "BUILTIN_CONFIG",
    "GAIN_RANGE",
    "KEY",
    "SHOULDER",
    "ColorConfig",
    "Encoding",
    "Exposure",
    "Shoulder",
    "SpaceChoice",
    "ViewEncoding",
    "decode",
    "encode",
    "log_average",
    "to_uint8",
]
