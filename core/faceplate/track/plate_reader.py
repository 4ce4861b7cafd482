"""Reading of the parts of a plate's frame that tracking needs: bands for cuts, a face's rows, a reduced whole.

Half-float samples stay half until they are cropped: on a UHD plate, converting unused pixels costs more than decoding.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from faceplate.color import ColorConfig
from faceplate.color.reading import space_of
from faceplate.errors import UsageError
from faceplate.image.frame import Frame
from faceplate.image.inpaint import heal
from faceplate.image.window import Window
from faceplate.plate import PlateFile, Sequence
from faceplate.plate.reader import open_input, read_pixels

__all__ = ["Picture", "PlateReader", "Proxy"]

# Largest width at which a frame is searched; the detector's own picture is 640 pixels wide.
_PROXY_WIDTH = 1280
_BANDS, _BAND_ROWS, _BAND_ALIGN, _COLUMNS = 8, 16, 32, 32


@dataclass(frozen=True)
class Proxy:
    """A reduced frame: every `step`-th pixel from `origin` on, in a window of its own that begins at (0, 0)."""

    frame: Frame
    origin: tuple[int, int]
    step: int

    def to_plate(self, points: np.ndarray) -> np.ndarray:
        """Convert continuous points (n, 2+) of the proxy to plate pixels; a third coordinate is scaled."""
        moved = np.array(points, np.float64)
        moved[:, :2] = (moved[:, :2] - 0.5) * self.step + 0.5 + np.array(self.origin)
        moved[:, 2:] *= self.step
        return moved


@dataclass
class Picture:
    """One opened frame of the plate."""

    file: PlateFile
    color: ColorConfig
    space: str
    source: object
    search: Window | None = None
    _whole: np.ndarray | None = field(default=None, repr=False)

    def read(self, window: Window) -> Frame:
        """Read the part of the frame inside `window`, with NaN and infinities repaired; at least one pixel."""
        data = self.file.data
        inside = window.intersect(data)
        if inside.empty:
            x, y = min(max(window.x, data.x), data.right - 1), min(max(window.y, data.y), data.bottom - 1)
            inside = Window(x, y, 1, 1)
        pixels = np.ascontiguousarray(self._samples(inside), np.float32)
        return Frame(heal(pixels)[0], inside, self.space, self.color, self.file.pixel_aspect)

    def proxy(self) -> Proxy:
        """Read the searched part of the frame, reduced by skipping pixels to the width that the detector can use."""
        data = self._searched()
        step = max(1, max(data.width, data.height) // _PROXY_WIDTH)
        pixels = np.ascontiguousarray(self._samples(data)[::step, ::step], np.float32)
        window = Window(0, 0, pixels.shape[1], pixels.shape[0])
        frame = Frame(heal(pixels)[0], window, self.space, self.color, self.file.pixel_aspect)
        return Proxy(frame, (data.x, data.y), step)

    def signature(self) -> np.ndarray:
        """Compute the signature for the detection of cuts: uint8 (256,), light at 8 x 32 places in sixteenths of a stop.

        It uses eight bands of 16 rows that begin at compressed blocks, so that little has to be decoded.
        """
        data = self._searched()
        rows = []
        for index in range(_BANDS):
            top = int((index + 0.5) * data.height / _BANDS) // _BAND_ALIGN * _BAND_ALIGN
            band = Window(data.x, data.y + top, data.width, min(_BAND_ROWS, data.height - top))
            light = self._samples(band)[::2].astype(np.float32).mean(axis=(0, 2), dtype=np.float32)
            light = np.nan_to_num(light, nan=0.0, posinf=1e4, neginf=0.0)
            edges = np.linspace(0, len(light), _COLUMNS + 1).astype(int)[:-1]
            width = np.diff([*edges, len(light)])
            rows.append(np.add.reduceat(light, edges) / np.maximum(width, 1))
        stops = np.log2(np.maximum(np.concatenate(rows), 2.0**-10))
        return np.clip(np.round(stops * 16 + 160), 0, 255).astype(np.uint8)

    def _searched(self) -> Window:
        data = self.file.data
        part = data if self.search is None else self.search.intersect(data)
        if part.empty:
            raise UsageError("bad-search", f"The search region lies outside the picture of {self.file.path.name}.")
        return part

    def _samples(self, window: Window) -> np.ndarray:
        file = self.file
        if not file.is_exr:
            if self._whole is None:
                self._whole = file.read_rgb()
            return self._whole[window.slices(file.data)]
        indices = [file.channels.index(name) for name in file.rgb]
        first = min(indices)
        kind = "half" if file.format == "half" else "float"
        pixels = read_pixels(self.source, file, window, first, max(indices) + 1, kind)  # type: ignore[arg-type]
        order = [index - first for index in indices]
        return pixels if order == list(range(pixels.shape[2])) else pixels[..., order]


@dataclass(frozen=True)
class PlateReader:
    """Opens frames of a plate for tracking."""

    plate: Sequence
    color: ColorConfig
    space: str | None = None
    layer: str | None = None
    search: Window | None = None

    @contextmanager
    def open(self, frame: int) -> Iterator[Picture]:
        """Open one frame.

        Raises
        ------
        RenderError
            `plate-missing`, `plate-unreadable` or `plate-damaged`, also while the frame is read.
        """
        file = PlateFile.open(self.plate.path(frame), layer=self.layer, frame=frame)
        if file.is_movie:
            yield Picture(file, self.color, space_of(file, self.color, self.space), None)
            return
        source = open_input(file.path)
        try:
            yield Picture(file, self.color, space_of(file, self.color, self.space), source, self.search)
        finally:
            source.close()
