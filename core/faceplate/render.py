"""Renders a frame: the only place that knows the order of the stages.

    read → find → frame and crop → encode → generate → decode → matte → match → element → plate space → write

Every stage is a function of what the one before it gave; nothing is remembered from frame to frame, so a frame alone is
the same picture as in the full run.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from faceplate import __version__
from faceplate.color import ColorConfig, Exposure, decode, encode
from faceplate.comp import Comp, compose_change, enhance_detail, gradient_blend, hull_matte
from faceplate.errors import RenderError, UsageError
from faceplate.face import Face, FaceFinder, choose_face, parse_target
from faceplate.face.align import apply, invert, resample, scale_of
from faceplate.frame import Frame, read_frame
from faceplate.params import Parameters
from faceplate.plate import PlateFile, Sequence, Written, same_target, write_element, write_over
from faceplate.pyramid import heal
from faceplate.shot import Shot
from faceplate.swap import Crop, Framing, Generated, Generator, MeshGenerator, NullGenerator, Source, read_source
from faceplate.window import Window

__all__ = ["Rendered", "Renderer", "Swapped", "reach", "render", "swap_face"]


# The hull's spline may bulge past its points by less than this part of the face.
_HULL_MARGIN = 0.02


@dataclass(frozen=True)
class Swapped:
    """A face put on a plate, in the plate's own colour space `space`, on `window` of it.

    `over` float32 (h, w, 3) is the plate with the face in it, bit for bit the plate's where nothing changed; `element`
    float32 (h, w, 4) the face alone, premultiplied; `matte` float32 (h, w). `notes` are worth a line to the artist.
    """

    window: Window
    space: str
    over: np.ndarray
    element: np.ndarray
    matte: np.ndarray
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rendered:
    """One frame's result. `face` is None, and the swap's window empty, when the frame shows nobody and that was allowed."""

    frame: int
    file: PlateFile
    swapped: Swapped
    face: Face | None


@dataclass(frozen=True)
class Renderer:
    """A shot made ready: colour, networks and source are prepared once, then any frame in any order.

    `generator` overrides the one that the shot's parameters name (a studio's own class, or a test's).
    """

    shot: Shot
    finder: FaceFinder = field(default_factory=FaceFinder.embedded)
    generator: Generator | None = None

    @cached_property
    def color(self) -> ColorConfig:
        """The shot's colour configuration."""
        return ColorConfig.load(self.shot.ocio, working=self.shot.working)

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

    @cached_property
    def source(self) -> Source:
        """The source's pictures. Raises what `read_source` raises, and `UsageError('no-source')`."""
        if self.shot.source is None:
            raise UsageError("no-source", "The generator needs a source; give a picture or a folder of the person.")
        return read_source(self.shot.source, self.color, self.finder, self.shot.source_space)

    @cached_property
    def _generator(self) -> Generator:
        if self.generator is not None:
            return self.generator
        if self.shot.parameters.generator == "null":
            return NullGenerator(side=self.shot.parameters.crop)
        return MeshGenerator(self.source, self.shot.parameters.shape)

    @cached_property
    def _wanted(self) -> np.ndarray | None:
        """The identity of the picture that `target` names, if it names one."""
        target = parse_target(self.shot.parameters.target)
        if isinstance(target, int) or target in ("auto", "largest", "leftmost", "rightmost"):
            return None
        path = Path(target).expanduser()
        if not path.exists():
            raise UsageError(
                "bad-target",
                f"The target '{target}' is neither auto, largest, leftmost, rightmost, a number, nor a picture that exists.",
            )
        return read_source(path, self.color, self.finder, self.shot.source_space).embedding(self.finder)

    @property
    def left_out(self) -> tuple[str, ...]:
        """What was skipped of the source, in words; empty when no source is used."""
        return self.source.skipped if isinstance(self._generator, MeshGenerator) else ()

    def prepare(self) -> None:
        """Opens everything that any frame needs, so that a wrong request is refused before the first frame."""
        for name in (self.shot.space, self.shot.source_space):
            if name is not None:
                self.color.resolve(name)
        if self.shot.output:
            self._refuse_overwriting_the_plate()
        _ = self._generator, self._wanted
        if self.shot.output:
            self._make_output_folder()

    def frames(self) -> tuple[int, ...]:
        """The frames to render: those asked for, else the pattern's own range, else what lies on disk."""
        wanted = self.shot.frames or self.plate.declared or self.plate.on_disk()
        if not wanted:
            raise UsageError("no-frames", f"No frame of {self.plate} was found; check the pattern and the folder.")
        return tuple(wanted)

    def plate_frame(self, frame: int) -> int | None:
        """The plate's frame to read for `frame`, by the shot's way with holes: None means leave it out."""
        if self.shot.missing == "fail" or self.plate.path(frame).exists():
            return frame
        if self.shot.missing == "skip":
            return None
        earlier = [number for number in self.plate.on_disk() if number < frame]
        if not earlier:
            raise RenderError("plate-missing", f"Frame {frame} of {self.plate} is missing and no earlier one can be held.")
        return max(earlier)

    def open(self, frame: int) -> PlateFile:
        """The plate's file for `frame`. Raises `RenderError('plate-missing')` and its kin."""
        number = self.plate_frame(frame)
        return PlateFile.open(self.plate.path(frame if number is None else number), layer=self.shot.layer)

    def find(self, file: PlateFile) -> Face | None:
        """The target's face in one plate file, or None when it shows nobody and `no_face` allows that."""
        picture = self._read(file, self._search(file))
        picture = picture.with_pixels(heal(picture.pixels)[0])
        faces = self.finder.find(picture)
        if not faces and self.shot.parameters.no_face == "pass":
            return None
        try:
            target = parse_target(self.shot.parameters.target)
            return choose_face(faces, target, lambda face: self.finder.embed(picture, face), self._wanted)
        except RenderError as error:
            raise RenderError(error.code, f"{file.path.name}: {error}") from error

    def render(self, frame: int, face: Face | None = None) -> Rendered:
        """Renders one frame. With `face` given (from a track) nothing is searched, and only its region is read."""
        file = self.open(frame)
        known = face or self.find(file)
        if known is None:
            return _nothing(frame, file)
        return self._swap(frame, file, known)

    def write(self, rendered: Rendered) -> Written:
        """Writes one frame as the shot's mode says: whole, or not at all."""
        path = self.output.path(rendered.frame)
        attributes = self.attributes()
        if self.shot.mode == "over":
            return write_over(
                rendered.file,
                path,
                rendered.swapped.window,
                rendered.swapped.over,
                rendered.swapped.matte > 0,
                attributes,
                self.shot.compression,
            )
        return write_element(
            rendered.file,
            path,
            rendered.swapped.window,
            rendered.swapped.element,
            {"matte": rendered.swapped.matte},
            attributes,
            self.shot.compression,
            multipart=self.shot.multipart,
        )

    def attributes(self) -> dict[str, str | int | float]:
        """What made a frame, for its metadata: engine, generator, weights with hash and licence, parameters, colour."""
        used = (self.finder.detector, self.finder.landmarker, *self._generator.weights)
        cards = [self.finder.store.card(name) for name in used]
        return {
            "faceplate:engine": f"faceplate {__version__}",
            "faceplate:generator": self._generator.name,
            "faceplate:weights": ", ".join(f"{card.name} {card.sha256[:16]} {card.licence}" for card in cards),
            "faceplate:parameters": json.dumps(self.shot.parameters.model_dump(), sort_keys=True),
            "faceplate:ocio": self.color.source,
            "faceplate:working_space": self.color.working_space,
        }

    def _read(self, file: PlateFile, region: Window) -> Frame:
        return read_frame(file, self.color, self.shot.space, region)

    def _search(self, file: PlateFile) -> Window:
        if self.shot.search is None:
            return file.data
        region = Window(*self.shot.search).intersect(file.data)
        if region.empty:
            raise UsageError("bad-search", f"The search region {self.shot.search} lies outside the plate's picture.")
        return region

    def _swap(self, frame: int, file: PlateFile, face: Face) -> Rendered:
        framing = self._generator.frame(face, file.pixel_aspect)
        around = reach(framing, face).intersect(file.data)
        if face.window(_HULL_MARGIN).intersect(file.data).empty:
            raise RenderError("face-outside", f"{file.path.name}: the face lies outside the plate's picture.")
        swapped = swap_face(self._read(file, around), face, self._generator, self.shot.parameters)
        return Rendered(frame, file, swapped, face)

    def _refuse_overwriting_the_plate(self) -> None:
        if same_target(self.plate, self.output, self.frames()):
            raise UsageError(
                "output-is-plate", f"The output {self.output} would overwrite the plate; give another name or folder."
            )

    def _make_output_folder(self) -> None:
        folder = self.output.path(self.frames()[0]).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RenderError(
                "output-unwritable", f"The output folder {folder} cannot be made: {error.strerror}."
            ) from error


def render(shot: Shot, frame: int) -> Rendered:
    """Renders one frame of `shot`. For many frames keep a `Renderer`: it prepares source and networks once."""
    return Renderer(shot).render(frame)


def swap_face(picture: Frame, face: Face, generator: Generator, parameters: Parameters) -> Swapped:
    """Puts the generator's face on `picture` (the plate, or the part of it that `reach` names).

    NaN and infinite pixels are healed first. What lies outside `Swapped.window` is not touched.
    """
    framing = generator.frame(face, picture.pixel_aspect)
    region = face.window(_HULL_MARGIN).intersect(picture.window)
    healed, bad = heal(picture.pixels)
    healed_picture = picture.with_pixels(healed)
    comp = _comp(healed_picture, healed_picture.working(), region, framing, face, generator, parameters)
    inside = region.slices(picture.window)
    notes = _healed_note(bad[inside] & (comp.matte > 0))
    return _in_plate_space(healed_picture.region(region), comp, notes)


def reach(framing: Framing, face: Face) -> Window:
    """The plate pixels that a swap looks at: the crop's footprint with room for its filters, and the face's hull."""
    w = framing.window
    corners = np.array([[w.x, w.y], [w.right, w.y], [w.x, w.bottom], [w.right, w.bottom]], np.float64)
    room = 0.0 if _on_plate_grid(framing) else 4.0 * max(1.0, 1.0 / scale_of(framing.matrix))
    return Window.around(apply(invert(framing.matrix), corners), room).union(face.window(_HULL_MARGIN))


def _comp(
    picture: Frame,
    working: np.ndarray,
    region: Window,
    framing: Framing,
    face: Face,
    generator: Generator,
    parameters: Parameters,
) -> Comp:
    crop_face = face.moved(_mapped(face.points, framing.matrix))
    seen = resample(working, picture.window, framing.matrix, framing.window)
    shown, generated = _generated(picture.color, seen, framing, crop_face, generator)
    matched = _match(generated, shown, crop_face, framing.window, parameters)
    back = invert(framing.matrix)
    change = resample(matched - shown, framing.window, back, region)
    covered = _whole(resample(generated.coverage, framing.window, back, region))
    matte = covered * hull_matte(face, region, erode=parameters.matte_erode, feather=parameters.matte_feather)
    crop_on_plate = None
    if parameters.plate_detail != 1.0 and not _on_plate_grid(framing):
        crop_on_plate = resample(seen, framing.window, back, region)
    plate = working[region.slices(picture.window)]
    return compose_change(plate, change, crop_on_plate, matte, parameters.plate_detail)


def _generated(
    color: ColorConfig, seen: np.ndarray, framing: Framing, face: Face, generator: Generator
) -> tuple[np.ndarray, Generated]:
    """The crop as the generator saw it, and what it made of it, both scene-linear working space."""
    if generator.encoding == "working":
        return seen, generator.generate(Crop(seen, framing, face))
    gain = Exposure.of_level(face.level).gain
    encoded = encode(color.to_linear709(seen), gain)
    made = generator.generate(Crop(encoded, framing, face))

    def decoded(pixels: np.ndarray) -> np.ndarray:
        return color.from_linear709(decode(pixels, gain))

    return decoded(encoded), Generated(decoded(made.pixels), made.coverage)


def _match(
    generated: Generated, shown: np.ndarray, face: Face, window: Window, parameters: Parameters
) -> np.ndarray:
    """The generated face sharpened as asked and brought to the plate's light, on the crop's pixels."""
    pixels = enhance_detail(generated.pixels, face.size, face.level, parameters.enhance)
    if parameters.blend == "none" or parameters.blend_amount == 0:
        return pixels
    ramp = hull_matte(face, window, erode=parameters.matte_erode, feather=parameters.matte_feather)
    ramp = ramp * generated.coverage
    seam = ((ramp > 0) & (ramp < 1)).astype(np.float32)
    return gradient_blend(pixels, shown, ramp >= 1, seam, face.level, parameters.blend_amount)


def _in_plate_space(plate: Frame, comp: Comp, notes: tuple[str, ...]) -> Swapped:
    def back(pixels: np.ndarray) -> np.ndarray:
        return plate.color.from_working(pixels, plate.space)

    came_back = back(plate.working())
    over = plate.pixels + (back(comp.over) - came_back)
    alone = plate.pixels + (back(comp.face) - came_back)
    element = np.dstack([alone * comp.matte[..., None], comp.matte]).astype(np.float32)
    return Swapped(plate.window, plate.space, over, element, comp.matte, notes)


def _nothing(frame: int, file: PlateFile) -> Rendered:
    pixels = np.zeros((0, 0, 4), np.float32)
    empty = Window(file.data.x, file.data.y, 0, 0)
    return Rendered(
        frame, file, Swapped(empty, "", pixels[..., :3], pixels, pixels[..., 0], ("shows no face",)), None
    )


def _whole(coverage: np.ndarray) -> np.ndarray:
    """Coverage in 0..1 that is exactly 1 where resampling left it within a rounding of it."""
    return np.clip(np.where(coverage > 1 - 1e-4, np.float32(1), coverage), 0, 1)


def _mapped(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return np.column_stack([apply(matrix, points[:, :2]), points[:, 2] * scale_of(matrix)])


def _on_plate_grid(framing: Framing) -> bool:
    return np.array_equal(framing.matrix, np.eye(2, 3))


def _healed_note(bad: np.ndarray) -> tuple[str, ...]:
    count = int(bad.sum())
    return (f"{count} NaN or infinite pixels inside the matte were healed",) if count else ()
