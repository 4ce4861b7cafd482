"""The element: the generator's change carried onto the plate, so that what nobody changed stays as it was shot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Comp", "compose_change"]


@dataclass(frozen=True)
class Comp:
    """The face put on the plate, scene-linear working space, on one region of the plate.

    `over` float32 (h, w, 3) is the plate with the face in it, `face` the face alone at full strength, `matte` (h, w).
    """

    over: np.ndarray
    face: np.ndarray
    matte: np.ndarray


def compose_change(
    plate: np.ndarray, change: np.ndarray, crop_on_plate: np.ndarray | None, matte: np.ndarray, plate_detail: float
) -> Comp:
    """plate + matte · (change − (1 − plate_detail) · (plate − crop_on_plate)), all float32 (h, w, 3), working space.

    `change` is generated minus input crop, warped back; `crop_on_plate` the input crop warped back (None when the crop
    is the plate's own pixels). What the crop could not hold, plate − crop_on_plate, stays as far as `plate_detail` says.
    """
    whole = change
    if crop_on_plate is not None and plate_detail != 1.0:
        whole = change - np.float32(1.0 - plate_detail) * (plate - crop_on_plate)
    return Comp(plate + matte[..., None] * whole, plate + whole, matte)

