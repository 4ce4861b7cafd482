"""Film-like grades: slope, offset and power in scene-linear Rec.709 light, then saturation around Rec.709 luma."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceplate.image.frame import Frame

__all__ = ["GRADES", "Grade", "graded"]

_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)


@dataclass(frozen=True)
class Grade:
    """An ASC CDL with saturation: `max(0, rgb * slope + offset) ** power`, then `luma + saturation * (rgb - luma)`."""

    slope: tuple[float, float, float] = (1.0, 1.0, 1.0)
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    power: tuple[float, float, float] = (1.0, 1.0, 1.0)
    saturation: float = 1.0

    def __call__(self, linear709: np.ndarray) -> np.ndarray:
        """Return graded pixels, float32 (h, w, 3), scene-linear Rec.709."""
        slope, offset, power = (np.array(v, np.float32) for v in (self.slope, self.offset, self.power))
        rgb = np.maximum(linear709 * slope + offset, 0) ** power
        luma = (rgb @ _LUMA)[..., None]
        return (luma + np.float32(self.saturation) * (rgb - luma)).astype(np.float32)


GRADES: dict[str, Grade] = {
    "desaturated": Grade(saturation=0.45),
    "bleach bypass": Grade((1.15, 1.12, 1.1), power=(1.25, 1.25, 1.25), saturation=0.5),
    "warm": Grade((1.22, 1.0, 0.74), saturation=1.05),
    "cool": Grade((0.78, 0.98, 1.28), saturation=0.95),
    "teal shadows": Grade((1.08, 1.0, 0.92), (-0.004, 0.003, 0.006), (1.05, 1.0, 0.96), 0.85),
    "day for night": Grade((0.22, 0.3, 0.46), power=(1.1, 1.05, 1.0), saturation=0.55),
    "lifted, flat": Grade((0.85, 0.85, 0.88), (0.015, 0.015, 0.018), (0.85, 0.85, 0.85), 0.8),
    "contrast": Grade((1.3, 1.3, 1.3), (-0.006, -0.006, -0.006), (1.2, 1.2, 1.2), 1.1),
    "green fluorescent": Grade((0.95, 1.12, 0.84), saturation=0.75),
    "tungsten, rich": Grade((1.3, 0.95, 0.6), power=(1.05, 1.05, 1.1), saturation=1.25),
}


def graded(frame: Frame, grade: Grade) -> Frame:
    """Return a scene-linear frame with a grade."""
    return frame.with_pixels(frame.color.from_linear709(grade(frame.color.to_linear709(frame.pixels))))
