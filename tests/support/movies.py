"""Small movies for the tests, encoded with PyAV."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

__all__ = ["CODES", "code_of", "coded_picture", "retimed", "write_movie"]

CODES = 8
"""Bits of a frame's number that `coded_picture` draws."""


def write_movie(
    path: Path,
    pictures: Iterable[np.ndarray | list[np.ndarray]],
    codec: str = "prores_ks",
    pixels: str = "yuv422p10le",
    *,
    rate: Fraction = Fraction(24),
    tags: tuple[int, int, int, int] = (1, 1, 1, 1),
    timecode: str = "",
    **options: str,
) -> Path:
    """uint8 or uint16 RGB pictures (h, w, 3), or planes (3 arrays) as they are, as a movie.

    `tags` are H.273's primaries, transfer, matrix, and range (1 video, 2 full).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=rate, options=dict(options))
        context = stream.codec_context
        stream.pix_fmt = pixels
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = tags
        if timecode:
            container.metadata["timecode"] = timecode
        for picture in pictures:
            frame = _frame(picture, pixels, tags)
            if not context.is_open:
                stream.width, stream.height = frame.width, frame.height
            frame.time_base = 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def retimed(source: Path, target: Path, time: Callable[[int, int], int]) -> Path:
    """The same packets, frame n at `time(n, its time before)`; not encoded again, in decoding order as they were."""
    with av.open(str(source)) as before, av.open(str(target), "w") as after:
        stream = before.streams.video[0]
        out = after.add_stream_from_template(stream)
        packets = [packet for packet in before.demux(stream) if packet.size]
        order = sorted(packet.pts or 0 for packet in packets)
        for packet in packets:
            moved = time(order.index(packet.pts or 0), packet.pts or 0)
            packet.dts = moved + (packet.dts or 0) - (packet.pts or 0)
            packet.pts = moved
            packet.stream = out
            after.mux(packet)
    return target


def _frame(picture: np.ndarray | list[np.ndarray], pixels: str, tags: tuple[int, int, int, int]) -> Any:
    if isinstance(picture, np.ndarray):
        kind = "rgb24" if picture.dtype == np.uint8 else "rgb48le"
        made: Any = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format=kind)
        frame = made.reformat(format=pixels, dst_colorspace=tags[2], dst_color_range=tags[3])
    else:
        height, width = picture[0].shape
        frame: Any = av.VideoFrame(width, height, pixels)
        for plane, values in zip(frame.planes, picture, strict=True):
            rows = np.zeros((plane.height, plane.line_size // values.itemsize), values.dtype)
            rows[:, : plane.width] = values
            plane.update(rows.tobytes())
    frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range = tags
    return frame


def coded_picture(number: int, width: int = 128, height: int = 64) -> np.ndarray:
    """A uint8 picture whose columns are the bits of `number`, light for 1: survives any codec."""
    bits = [(number >> bit) & 1 for bit in range(CODES)]
    row = np.repeat(np.where(bits, 200, 40), width // CODES)
    return np.broadcast_to(row[None, :, None], (height, width, 3)).astype(np.uint8)


def code_of(pixels: np.ndarray) -> int:
    """The number that `coded_picture` drew, from float RGB in 0..1."""
    columns = pixels[..., 1].mean(axis=0).reshape(CODES, -1).mean(axis=1)
    return int(sum(1 << bit for bit, value in enumerate(columns) if value > 0.47))
