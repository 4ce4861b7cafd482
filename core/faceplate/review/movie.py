"""Review pictures: a rendered sequence through the display transform, with a burn-in, as stills or a movie.

The burn-in holds what the frames' own headers say (shot, take, purpose), frame and day, and that a machine made part of
the picture. A frame that already has a burn-in gets no second one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from faceplate.color import ColorConfig, to_uint8
from faceplate.color.reading import space_of
from faceplate.errors import UsageError
from faceplate.image.window import Window
from faceplate.plate import PlateFile, Sequence
from faceplate.provenance.fields import written_fields
from faceplate.provenance.slate import make_slate
from faceplate.review.tiles import write_picture
from faceplate.system.atomic import publish, temporary_beside, write_failed

__all__ = ["MARK", "Review", "burn_lines", "review"]

MARK = "AI-GENERATED – composite with trained algorithmic media"
_STILLS = (".png", ".jpg", ".jpeg")
_MOVIES = (".mp4", ".mov")
_WHITE = np.ones(3, np.float32)
_BURNT = "faceplate:burn_in"


@dataclass(frozen=True)
class Review:
    """The files that were written, and the header fields of the first frame (for Content Credentials)."""

    files: tuple[Path, ...]
    fields: Mapping[str, str]


def review(
    rendered: Sequence,
    output: str | Path,
    color: ColorConfig,
    *,
    plate: Sequence | None = None,
    space: str | None = None,
    burn: bool = True,
    rate: Fraction = Fraction(24),
    view: Callable[[np.ndarray], np.ndarray] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Review:
    """Write review pictures of `rendered`.

    Parameters
    ----------
    rendered : Sequence
        The rendered frames.
    output : str or Path
        A pattern of .png or .jpg, or a movie (.mp4, .mov).
    color : ColorConfig
        The config.
    plate : Sequence, optional
        The plate that an element is put over.
    space : str, optional
        The plate's colour space, where the file does not say.
    burn : bool
        Draw the burn-in.
    rate : Fraction
        Frames a second of a movie.
    view : callable, optional
        Turns float32 (h, w, 3) in the working space into display code values; sRGB with a soft shoulder by default.
    progress : callable, optional
        Called with (frames done, total frames) before each frame and at the end. What it raises ends the work, and a movie is
        then not written.

    Raises
    ------
    UsageError
        `no-frames`, `output-format`, `movies-missing`, `bad-rate`, `no-alpha`, and what reading raises.
    RenderError
        `disk-full`, `output-unwritable`, and what reading raises.
    """
    numbers = rendered.declared or rendered.on_disk() or ((0,) if rendered.is_still else ())
    if not numbers:
        raise UsageError("no-frames", f"No frame of {rendered} was found; check the pattern and the folder.")
    target = Path(output)
    kind = target.suffix.lower()
    if kind not in (*_STILLS, *_MOVIES):
        raise UsageError("output-format", f"{target.name}: a review is .png, .jpg, .mp4 or .mov.")
    if rate <= 0:
        raise UsageError("bad-rate", "The rate must be above 0 frames a second.")
    fields = _fields(PlateFile.open(rendered.path(numbers[0])))
    told = progress or (lambda done, total: None)

    def made() -> Iterator[tuple[int, np.ndarray]]:
        for done, number in enumerate(numbers):
            told(done, len(numbers))
            working = _working(rendered, number, color, plate, space)
            yield number, _shown(rendered.path(number), number, (view or color.to_display)(working), burn)
        told(len(numbers), len(numbers))

    pictures = made()
    if kind in _MOVIES:
        return Review((_write_movie(target, (picture for _, picture in pictures), rate),), fields)
    stills = Sequence.parse(str(output))
    return Review(tuple(_written(stills.path(number), picture) for number, picture in pictures), fields)


def burn_lines(fields: Mapping[str, str], frame: int, day: dt.date | None = None) -> tuple[str, str]:
    """Return the two lines of the burn-in.

    Parameters
    ----------
    fields : mapping of str to str
        The frame's header fields.
    frame : int
        The frame's number.
    day : datetime.date, optional
        The day; today for None.

    Returns
    -------
    tuple of str
        Shot, take, frame and day; and the slate's words where the frame had a slate, else the mark.
    """
    shot = fields.get("faceplate:shot") or "no shot name"
    take = fields.get("faceplate:take") or "1"
    when = (day or dt.datetime.now(dt.UTC).date()).isoformat()
    return f"{shot} · take {take} · {frame} · {when}", fields.get("faceplate:slate") or MARK


def _day(path: Path) -> dt.date:
    """Return the day on which a file was written, UTC."""
    return dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC).date()


def _fields(file: PlateFile) -> dict[str, str]:
    return {name: value for name, value in written_fields(file).items() if name.startswith("faceplate:")}


def _working(
    rendered: Sequence, number: int, color: ColorConfig, plate: Sequence | None, space: str | None
) -> np.ndarray:
    """Return one frame, over the plate where that is given, float32 (h, w, 3) in the working space on the display window."""
    file = PlateFile.open(rendered.path(number))
    display = file.display
    below = None if plate is None else PlateFile.open(plate.path(number))
    shown = file.read_rgb(display)
    if below is not None:
        # In the plate's own encoding, where the element was premultiplied.
        shown = shown + (1 - _alpha(file, display)) * below.read_rgb(display)
    return np.nan_to_num(color.to_working(shown, space_of(below or file, color, space)))


def _shown(path: Path, number: int, pixels: np.ndarray, burn: bool) -> np.ndarray:
    """Return display code values (h, w, 3) of a rendered file with the burn-in, uint8 on square pixels."""
    file = PlateFile.open(path)
    display = file.display
    pixels = np.clip(pixels, 0, 1)
    fields = _fields(file)
    if burn and _BURNT not in fields:
        slate = make_slate(burn_lines(fields, number, _day(file.path)), display, file.pixel_aspect, top=True)
        place = slate.window.slices(display)
        pixels[place] = slate.over(pixels[place], _WHITE)
    if file.pixel_aspect != 1.0:
        width = max(round(display.width * file.pixel_aspect), 1)
        pixels = cv2.resize(pixels, (width, display.height), interpolation=cv2.INTER_AREA)
    return to_uint8(pixels)


def _alpha(file: PlateFile, display: Window) -> np.ndarray:
    if "A" not in file.channels:
        raise UsageError("no-alpha", f"{file.path.name} has no alpha: it is no element; leave --plate out.")
    return replace(file, rgb=("A", "A", "A")).read_rgb(display)[..., :1]


def _written(path: Path, picture: np.ndarray) -> Path:
    write_picture(path, picture)
    return path


def _write_movie(path: Path, pictures: Iterable[np.ndarray], rate: Fraction) -> Path:
    """Write H.264 in 4:2:0, BT.709, which every player shows; an odd last row or column is left out."""
    try:
        import av
        from av.error import FFmpegError
    except ImportError:
        raise UsageError("movies-missing", "Movies need the extra movies: pip install 'faceplate[movies]'.") from None
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary_beside(path) as part:
        try:
            with av.open(str(part), "w") as container:
                stream: Any = container.add_stream("libx264", rate=rate, options={"crf": "16"})
                context = stream.codec_context
                stream.pix_fmt = "yuv420p"
                context.color_primaries = context.color_trc = context.colorspace = context.color_range = 1
                for packet in _encoded(stream, pictures, rate):
                    container.mux(packet)
        except (OSError, FFmpegError) as error:
            raise write_failed(path, str(error)) from error
        publish(part, path)
    return path


def _encoded(stream: Any, pictures: Iterable[np.ndarray], rate: Fraction) -> Iterator[Any]:
    import av

    for number, picture in enumerate(pictures):
        even = np.ascontiguousarray(picture[: picture.shape[0] & ~1, : picture.shape[1] & ~1])
        made = av.VideoFrame.from_ndarray(even, format="rgb24")
        frame = made.reformat(format="yuv420p", dst_colorspace=1, dst_color_range=1)
        if not stream.codec_context.is_open:
            stream.width, stream.height = frame.width, frame.height
        frame.pts, frame.time_base = number, 1 / rate
        yield from stream.encode(frame)
    yield from stream.encode()
