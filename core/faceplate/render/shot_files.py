"""The files of a shot: its plate and its output, which frames of them are meant, and the colour in which they are read."""

from __future__ import annotations

from functools import cached_property

from faceplate.color import ColorConfig
from faceplate.color.reading import read_frame, read_proxy
from faceplate.errors import RenderError, UsageError
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from faceplate.plate import GivenPixels, PlateFile, Sequence, given_plate, same_target
from faceplate.render.pool import ResourcePool
from faceplate.shot import Shot
from faceplate.system.user_paths import make_folder

__all__ = ["ShotFiles"]


class ShotFiles:
    """Plate, output, frames and colour of `shot`; a `pool` keeps the colour configuration.

    `given_pixels` are a host's pixels for one frame, which take the place of the plate file's.
    """

    def __init__(self, shot: Shot, pool: ResourcePool, given_pixels: GivenPixels | None = None) -> None:
        self.shot = shot
        self.pool = pool
        self.given_pixels = given_pixels

    @property
    def color(self) -> ColorConfig:
        """The shot's colour configuration."""
        return self.pool.get(("color",), lambda: ColorConfig.load(self.shot.ocio, working=self.shot.working))

    @cached_property
    def plate(self) -> Sequence:
        """The plate's files."""
        return Sequence.parse(self.shot.plate)

    @cached_property
    def output(self) -> Sequence:
        """The files to write. Raises `UsageError('no-output')` when the shot names none."""
        if not self.shot.output:
            raise UsageError("no-output", "The shot names no output; give a pattern such as swap.####.exr.")
        return Sequence.parse(self.shot.output)

    def frames(self) -> tuple[int, ...]:
        """Return the frames to render: those asked for, else the pattern's own range, else those on disk."""
        wanted = self.shot.frames or self.plate.declared or self.plate.on_disk()
        if not wanted:
            raise UsageError("no-frames", f"No frame of {self.plate} was found; check the pattern and the folder.")
        return tuple(wanted)

    def plate_frame(self, frame: int) -> int | None:
        """Return the plate frame to read for `frame`; None for a hole in the plate that the shot skips.

        A shot that holds reads the last frame before the hole. Raises `RenderError('plate-missing')` where there is none.
        """
        if self.shot.missing == "fail" or self.plate.has(frame):
            return frame
        if self.shot.missing == "skip":
            return None
        earlier = [number for number in self.plate.on_disk() if number < frame]
        if not earlier:
            raise RenderError(
                "plate-missing", f"Frame {frame} of {self.plate} is missing and no earlier one can be held."
            )
        return max(earlier)

    def open_plate(self, plate_frame: int) -> PlateFile:
        """Return the header of the plate's file, with a host's pixels behind it where they are given for this frame.

        Raises what `PlateFile.open` and `given_plate` raise.
        """
        file = PlateFile.open(self.plate.path(plate_frame), layer=self.shot.layer, frame=plate_frame)
        given = self.given_pixels
        return given_plate(file, given) if given is not None and given.frame == plate_frame else file

    def read_plate(self, file: PlateFile, region: Window, proxy: int = 1, whole: bool = False) -> Frame:
        """Pixels of a plate file; at a proxy `region` is one of the reduced plate, `file` either of the two.

        A file that is known to be the `whole` plate's is not opened again.
        """
        if proxy == 1:
            return read_frame(file, self.color, self.shot.space, region)
        full = file if whole else PlateFile.open(file.path, self.shot.layer, file.movie_frame or 0)
        return read_proxy(full, self.color, self.shot.space, region, proxy)

    def search_region(self, file: PlateFile) -> Window:
        """Return the part of the plate in which a face is searched. Raises `UsageError('bad-search')`."""
        if self.shot.search is None:
            return file.data
        region = Window(*self.shot.search).intersect(file.data)
        if region.empty:
            raise UsageError("bad-search", f"The search region {self.shot.search} lies outside the plate's picture.")
        return region

    def refuse_overwriting_the_plate(self) -> None:
        """Raise `UsageError('output-is-plate')` where the output would overwrite the plate."""
        if same_target(self.plate, self.output, self.frames()):
            raise UsageError(
                "output-is-plate", f"The output {self.output} would overwrite the plate; give another name or folder."
            )

    def make_output_folder(self) -> None:
        """Make the folder that the output is written into. Raises `RenderError('output-unwritable')`."""
        folder = self.output.path(self.frames()[0]).parent
        make_folder(folder)
