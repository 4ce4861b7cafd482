"""Changed pixels to be written into a plate: clipped to its data window, in its sample formats."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

import numpy as np
import OpenImageIO as oiio  # noqa: N813  (the name its own documentation uses)

from faceplate.image.window import Window
from faceplate.plate.reader import PlateFile, read_pixels

__all__ = ["Patch", "luminance", "read_native", "to_format", "within_half"]

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)  # Recommendation ITU-R BT.709-6, item 3.2
_HALF_MAX = np.float32(65504)


@dataclass(frozen=True)
class Patch:
    """New colours for some pixels of a plate.

    Attributes
    ----------
    window : Window
        The pixels of `values` and `mask`, inside the plate's data window.
    values : numpy.ndarray
        float32 (h, w, 3) in the plate's encoding.
    mask : numpy.ndarray
        bool (h, w), true where the plate changes.
    outside : int
        The number of changed pixels off the data window, which are left out.
    """

    window: Window
    values: np.ndarray
    mask: np.ndarray
    outside: int

    @classmethod
    def clipped(cls, plate: PlateFile, region: Window, rgb: np.ndarray, changed: np.ndarray) -> Patch:
        """Return the patch of `rgb` (h, w, 3) float32 and `changed` (h, w) bool on `region`, cut to the data window.

        Raises
        ------
        ValueError
            An array does not have the region's size.
        """
        if rgb.shape != (region.height, region.width, 3) or changed.shape != rgb.shape[:2]:
            raise ValueError(f"region {region} needs (h, w, 3) and (h, w), not {rgb.shape} and {changed.shape}")
        window = region.intersect(plate.data)
        cut = window.slices(region) if not window.empty else (slice(0), slice(0))
        mask = np.asarray(changed[cut], bool)
        return cls(window, rgb[cut], mask, int(np.count_nonzero(changed)) - int(np.count_nonzero(mask)))

    def touches(self, window: Window) -> bool:
        """Return whether a changed pixel lies in `window`."""
        common = window.intersect(self.window)
        return not common.empty and bool(self.mask[common.slices(self.window)].any())

    def apply(self, pixels: np.ndarray, window: Window, plate: PlateFile) -> None:
        """Put the changed pixels of `window` into `pixels`, in place.

        Parameters
        ----------
        pixels : numpy.ndarray
            (h, w, channels) of all channels of the beauty part, as `read_native` returns them, or as OpenImageIO returns
            those of an integer file. A grey plate takes the luminance of the colour (BT.709 weights, in the plate's encoding).
        window : Window
            The pixels that the array holds.
        plate : PlateFile
            The plate, which names channels and formats.
        """
        common = window.intersect(self.window)
        if common.empty:
            return
        mask = self.mask[common.slices(self.window)]
        target = pixels[common.slices(window)]
        values = self.values[common.slices(self.window)][mask]
        columns = [luminance(values)] if plate.grey else list(values.T)
        for name, column in zip(plate.rgb, columns, strict=False):
            stored = to_format(column, plate.formats[name], plate.bit_depth)
            if stored.dtype == np.uint32 and target.dtype == np.float32:
                stored = stored.view(np.float32)
            target[..., plate.channels.index(name)][mask] = stored


def luminance(rgb: np.ndarray) -> np.ndarray:
    """Return the luminance of (..., 3) colours: ITU-R BT.709 weights on the values as they are."""
    return rgb @ _LUMINANCE


def to_format(values: np.ndarray, kind: str, bits: int) -> np.ndarray:
    """Convert float32 `values` to the stored format `kind`.

    Half: rounded to nearest; finite values stay finite (at most 65504 either way). Integers: 0..1 becomes 0 to the
    greatest value of `bits` bits, values outside are clipped and NaN becomes 0; where fewer bits are used than stored
    (10 of 16), the top bits are repeated below, as OpenImageIO expects them.

    Parameters
    ----------
    values : numpy.ndarray
        float32, any shape.
    kind : {'half', 'float', 'double', 'uint8', 'uint16', 'uint', 'uint32'}
        The stored format.
    bits : int
        The bits of a sample that are used.
    """
    if kind in ("float", "double"):
        return np.asarray(values, np.float32)
    if kind == "half":
        return within_half(values).astype(np.float16)
    stored = {"uint8": 8, "uint16": 16, "uint": 32, "uint32": 32}[kind]
    bits = min(bits, stored)
    whole = np.rint(np.clip(np.nan_to_num(values, nan=0.0), 0, 1).astype(np.float64) * (2**bits - 1)).astype(np.uint64)
    if bits < stored:
        whole = (whole << np.uint64(stored - bits)) | (whole >> np.uint64(2 * bits - stored))
    return whole.astype(f"uint{stored}")


def within_half(values: np.ndarray) -> np.ndarray:
    """Clip `values` float32 to half's greatest finite value, 65504 either way; infinities and NaN stay.

    Returns the same array where no value is clipped.
    """
    if values.size == 0 or max(float(values.max()), -float(values.min())) <= _HALF_MAX:  # with a NaN it is not
        return values
    return np.where(np.isfinite(values), np.clip(values, -_HALF_MAX, _HALF_MAX), values)


def read_native(source: oiio.ImageInput, plate: PlateFile, window: Window) -> np.ndarray:
    """Read every channel of an OpenEXR beauty part in `window` with no bit altered.

    Returns
    -------
    numpy.ndarray
        (h, w, channels): float16 where all channels are half; else float32, in which half samples are widened (exactly)
        and the bits of 32-bit unsigned integers stand as if they were floats: copying keeps them, arithmetic would not.

    Raises
    ------
    RenderError
        `plate-damaged`.
    """
    formats = plate.beauty.formats
    all_half = set(formats) == {"half"}
    pixels = np.empty((window.height, window.width, len(formats)), np.float16 if all_half else np.float32)
    first = 0
    for kind, run in groupby(formats):
        end = first + len(list(run))
        block = read_pixels(source, plate, window, first, end, kind)
        pixels[..., first:end] = np.ascontiguousarray(block).view(np.float32) if block.dtype == np.uint32 else block
        first = end
    return pixels
