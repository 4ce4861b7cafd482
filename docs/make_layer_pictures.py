"""Renders the pictures of `layers.md` from the demo: `python docs/make_layer_pictures.py [--plate FOLDER] [OUT]`.

Without `--plate` it makes the demo plate in a temporary folder first. OUT is `docs/layers` unless given.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np

from faceplate.color import ColorConfig
from faceplate.color.reading import read_frame, read_still
from faceplate.comp.layers import (
    canonical_points,
    confidence,
    cryptomatte,
    cryptomatte_id,
    depth,
    inverse_stmap,
    stmap,
)
from faceplate.comp.matte import hull_matte
from faceplate.demo import people_folder, person
from faceplate.demo.plate import PATTERN, make_plate
from faceplate.face import Face, FaceFinder, topology
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from faceplate.plate import PlateFile
from faceplate.render import Renderer
from faceplate.shot import Shot
from faceplate.shot.parameters import Parameters

FRAME = 1014
UNWRAPPED = 512
PEOPLE = ("bea", "cal")


def main() -> None:
    """Writes every picture of the page."""
    words = argparse.ArgumentParser(description="Renders the pictures of docs/layers.md from the demo.")
    words.add_argument("out", nargs="?", type=Path, default=Path(__file__).parent / "layers")
    words.add_argument("--plate", type=Path, help="a folder with the demo plate, instead of a new one")
    chosen = words.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        folder = chosen.plate or Path(made)
        if chosen.plate is None:
            make_plate(folder, frames=FRAME - 1000)
        pictures = {**swap_pictures(folder), **people_picture()}
    for name, picture in pictures.items():
        save(chosen.out / f"{name}.jpg", picture)


def swap_pictures(folder: Path) -> dict[str, np.ndarray]:
    """One frame of the demo swap: the element, its matte and parts, the generator's own picture, the face's layers."""
    shot = Shot(plate=str(folder / PATTERN), source=person("bea"), parameters=Parameters(layers="matte,parts,raw"))
    renderer = Renderer(shot)
    rendered = renderer.render(FRAME)
    assert rendered.face is not None
    swapped, face, window = rendered.result, rendered.face, rendered.result.window
    plate = read_frame(rendered.file, renderer.color, None, rendered.file.data)

    def seen(pixels: np.ndarray) -> np.ndarray:
        return shown(plate.color, pixels, plate.space)

    part = plate.region(window)
    raw = swapped.layers.get("raw", swapped.over)
    return {
        "rgba": np.hstack([seen(part.pixels), over_checks(seen(swapped.element[..., :3]), swapped.matte)]),
        "matte": matte_parts(swapped.layers, swapped.matte),
        "raw": np.hstack([seen(raw), seen(swapped.over)]),
        **face_pictures(face, part, seen(part.pixels)),
        **unwrapped_pictures(face, plate, part, rendered.file, seen),
    }


def face_pictures(face: Face, plate: Frame, pixels: np.ndarray) -> dict[str, np.ndarray]:
    """ST map, depth and confidence beside the plate."""
    mapped, behind, sure = stmap(face, plate.window), depth(face, plate.window), confidence(face, plate.window)
    blank = np.zeros_like(behind)
    near = np.where(mapped.coverage > 0, 1 - behind / behind.max(), blank)
    return {
        "stmap": np.hstack([pixels, np.dstack([mapped.st, blank])]),
        "depth": np.hstack([grey(near), grey(sure)]),
    }


def unwrapped_pictures(
    face: Face, plate: Frame, part: Frame, file: PlateFile, seen: Callable[[np.ndarray], np.ndarray]
) -> dict[str, np.ndarray]:
    """The plate unwrapped; and a chequer painted on the canonical face, wrapped onto the plate."""
    print_round_trip(face, plate, part, file)
    square = Window(0, 0, UNWRAPPED, UNWRAPPED)
    back, there = inverse_stmap(face, UNWRAPPED, file.display), stmap(face, part.window)
    flat = look_up(seen(plate.pixels), plate.window, back.st, file.display) * back.coverage[..., None]
    painted = chequer(square)
    wrapped = look_up(painted, square, there.st, square)
    mixed = seen(part.pixels) * (1 - 0.6 * there.coverage[..., None]) + wrapped * 0.6 * there.coverage[..., None]
    side = mixed.shape[0] / UNWRAPPED
    both = [cv2.resize(picture, None, fx=side, fy=side, interpolation=cv2.INTER_AREA) for picture in (flat, painted)]
    return {"inverse": np.hstack([both[0], np.clip(both[1], 0, 1), mixed])}


def print_round_trip(face: Face, plate: Frame, part: Frame, file: PlateFile) -> None:
    """How far places and pixels of the face move when unwrapped to 1024 x 1024 and wrapped again."""
    square = Window(0, 0, 1024, 1024)
    back, there = inverse_stmap(face, 1024, file.display), stmap(face, part.window)
    inside = cv2.erode(there.coverage, np.ones((7, 7)), borderValue=0) > 0

    def carried(picture: np.ndarray) -> np.ndarray:
        return look_up(look_up(picture, plate.window, back.st, file.display), square, there.st, square)[inside]

    rows, columns = np.indices(plate.pixels.shape[:2])
    places = np.dstack([columns, rows]).astype(np.float32)
    off = np.linalg.norm(carried(places) - places[part.window.slices(plate.window)][inside], axis=1)
    error = np.sqrt(np.mean((carried(plate.pixels) - part.pixels[inside]) ** 2) / np.mean(part.pixels[inside] ** 2))
    print(f"Round trip: places {off.mean():.3f} pixels off on average, {np.percentile(off, 99):.3f} for 99 of 100,")
    print(f"{off.max():.1f} at most; pixels {100 * error:.2f} % RMS")


def people_picture() -> dict[str, np.ndarray]:
    """Two demo people side by side, and the Cryptomatte that tells them apart, in its ids' colours."""
    color, finder = ColorConfig.load(), FaceFinder.embedded()
    stills = [read_still(people_folder() / name / "front.jpg", color) for name in PEOPLE]
    both = np.hstack([still.pixels[64:, 128:-128] for still in stills])
    picture = Frame(both, Window(0, 0, both.shape[1], both.shape[0]), stills[0].space, color)
    faces = sorted(finder.find(picture), key=lambda face: face.box[0])
    mattes = [hull_matte(face, picture.window, erode=0.0, feather=0.06) for face in faces]
    layers, _ = cryptomatte(list(zip(PEOPLE, mattes, strict=True)))
    first = layers["faceplate_id00"]
    tint = np.zeros_like(both)
    for name, hue in zip(PEOPLE, ((1.0, 0.45, 0.1), (0.1, 0.6, 1.0)), strict=True):
        picked = sum(np.where(first[..., k] == np.float32(cryptomatte_id(name)), first[..., k + 1], 0) for k in (0, 2))
        tint += np.asarray(picked, np.float32)[..., None] * np.array(hue, np.float32)
    pixels = shown(color, picture.pixels, picture.space)
    covered = np.sum(mattes, axis=0)[..., None]
    return {"faceplate_id": np.vstack([pixels, pixels * (1 - 0.75 * covered) * 0.6 + 0.75 * tint * covered])}


def shown(color: ColorConfig, pixels: np.ndarray, space: str) -> np.ndarray:
    """Pixels of `space` as sRGB for a page, 0..1."""
    linear = np.clip(color.to_linear709(color.to_working(np.ascontiguousarray(pixels), space)), 0, 1)
    return np.where(linear < 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055).astype(np.float32)


def over_checks(pixels: np.ndarray, matte: np.ndarray) -> np.ndarray:
    rows, columns = np.indices(matte.shape) // 16
    checks = np.where((rows + columns) % 2, 0.35, 0.45)
    return pixels + ((1 - matte) * checks)[..., None]


def matte_parts(layers: Mapping[str, np.ndarray], matte: np.ndarray) -> np.ndarray:
    parts = [
        part for name, part in layers.items() if part.ndim == 2 and name.removeprefix("matte_") in ("hull", "coverage")
    ]
    return np.hstack([grey(part) for part in (matte, *parts)])


def chequer(square: Window) -> np.ndarray:
    """A chequer with the mesh's own lines over it, float32 (h, w, 3)."""
    rows, columns = np.indices((square.height, square.width)) * 16 // square.width
    odd = ((rows + columns) % 2)[..., None]
    picture = np.where(odd, np.array([0.95, 0.75, 0.2]), np.array([0.1, 0.3, 0.6])).astype(np.float32)
    points = np.round(canonical_points() * (1, -1) * square.width + (0, square.width)).astype(np.int32)
    cv2.polylines(picture, list(points[topology().skin]), True, (1, 1, 1), 1, cv2.LINE_AA)
    return picture


def look_up(picture: np.ndarray, window: Window, st: np.ndarray, frame: Window) -> np.ndarray:
    """What an STMap node does: `picture`, which lies on `window`, read at the parts `st` of `frame`."""
    x = frame.x + st[..., 0] * frame.width - window.x - 0.5
    y = frame.y + (1 - st[..., 1]) * frame.height - window.y - 0.5
    return cv2.remap(picture, x.astype(np.float32), y.astype(np.float32), cv2.INTER_CUBIC)


def grey(values: np.ndarray) -> np.ndarray:
    return np.repeat(np.asarray(values, np.float32)[..., None], 3, axis=2)


def save(path: Path, picture: np.ndarray) -> None:
    """A JPEG of at most 1000 x 640 pixels and 60 KB."""
    scale = min(1.0, 1000 / picture.shape[1], 640 / picture.shape[0])
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    pixels = np.round(np.clip(small[..., ::-1], 0, 1) * 255).astype(np.uint8)
    for quality in (90, 80, 70, 60, 50, 40):
        data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        if len(data) < 60_000:
            break
    path.write_bytes(data)
    print(f"{path} {pixels.shape[1]} x {pixels.shape[0]}, {len(data)} bytes")


if __name__ == "__main__":
    main()
