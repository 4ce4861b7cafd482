"""Makes core/faceplate/models/weights/face_occlusion.onnx and its card: says where something hides a face (no test runs it).

    python make_occlusion.py faces WHEEL FOLDER 700          openvino; WHEEL is the unpacked random_face folder
    python make_occlusion.py points FOLDER                   faceplate: every face's mesh, beside its picture
    python make_occlusion.py bank FOLDER                     occluders, drawn once and kept
    python make_occlusion.py train FOLDER MINUTES [START [RATE]]  torch; leaves FOLDER/net.pt; goes on from START
    python make_occlusion.py export FOLDER core/faceplate/models/weights

The faces are nobody's: PyPI `random-face` 2021.7.21.1 (MobileStyleGAN, Apache License 2.0), the generator that the
demo people came from, with latents of its own; no demo picture is among them. What hides them is drawn here: hands of
tapered capsules with shading, texture, creases and nails; strands; glasses, of which the frame hides and a clear lens
does not; and shapes filled with colour or with parts of other faces. Faces are relit, shaded, blurred and given grain,
so that colour and level alone decide nothing; a shadow is no occluder. Real fringes over a forehead are nobody's truth
and do not count.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from faceplate.comp import occlusion
from faceplate.face import Face, topology
from faceplate.face.align import apply
from faceplate.models.card import Card, Tensor, write_card
from faceplate.models.store import digest

SIDE, BLOCK = occlusion.SIDE, occlusion.BLOCK
BANK_SIDE, BANK_FACE = 192, 150.0
# Strands are kept at this many times the bank's size.
STRANDS = 2
BANK = {"hand": 2400, "strands": 1500, "thing": 1000}
WIDTHS = (24, 40, 64, 96, 128)
BATCH, PEAK_RATE, VERSIONS = 16, 2.5e-3, 2
# Faces that wear glasses or sunglasses, or have a hand before them: what hides these is nobody's truth, so they are left out.
HIDDEN = frozenset(
    [1, 10, 13, 18, 28, 38, 42, 48, 69, 72, 78, 79, 85, 87, 92, 94, 99, 104, 105, 108, 115, 121, 130, 132, 135, 139, 148,
     169, 172, 180, 200, 202, 210, 211, 214, 215, 223, 225, 227, 247, 248, 250, 254, 266, 271, 274, 277, 282, 288, 300,
     305, 311, 316, 320, 331, 367, 394, 400, 413, 423, 429, 433, 437, 439, 441, 448, 456, 459, 467, 470, 472, 478, 481,
     486, 492, 493, 505, 506, 511, 530, 548, 549, 554, 556, 563, 569, 575, 579, 580, 587, 603, 610, 612, 623, 626, 633,
     634, 640, 653, 662, 679, 687, 699])  # fmt: skip
# Every picture drawn is learnt from so many times, mirrored and not; the weights kept are a running mean of so many steps.
TIMES, MEAN_OF = 2, 500
Y709 = np.array([0.2126, 0.7152, 0.0722], np.float32)
SKINS = np.array(
    [[0.60, 0.38, 0.29], [0.45, 0.26, 0.19], [0.35, 0.19, 0.12], [0.22, 0.12, 0.08],
     [0.12, 0.06, 0.04], [0.06, 0.03, 0.02], [0.70, 0.47, 0.38], [0.50, 0.30, 0.22]], np.float32)  # fmt: skip
HAIRS = np.array(
    [[0.010, 0.009, 0.008], [0.03, 0.02, 0.013], [0.08, 0.045, 0.025], [0.20, 0.12, 0.06],
     [0.45, 0.30, 0.17], [0.30, 0.30, 0.30], [0.70, 0.68, 0.65], [0.15, 0.05, 0.02]], np.float32)  # fmt: skip
Rng = np.random.Generator
CARD = Card(
    name="face_occlusion",
    role="occlusion-matte",
    file="face_occlusion.onnx",
    sha256="0" * 64,
    version="3",
    licence="Apache-2.0",
    commercial=True,
    source="made for Faceplate by tests/truth/make_occlusion.py, from faces of nobody (MobileStyleGAN, PyPI "
    "random-face==2021.7.21.1, Apache-2.0) and drawn occluders",
    converted="PyTorch to ONNX, normalisation folded in, weights kept in half precision",
    inputs=(
        Tensor(
            name="view", shape=(1, SIDE, SIDE, 3), meaning="the face squared up: half the stops from half its level"
        ),
        Tensor(
            name="guide",
            shape=(1, SIDE // BLOCK, SIDE // BLOCK, 4),
            meaning="the mesh drawn: outline; eyes and brows; lips and nose; open mouth, 0..1",
        ),
    ),
    outputs=(Tensor(name="odds", shape=(1, 1, SIDE, SIDE), meaning="log-odds that something hides the face"),),
)


# Faces ----------------------------------------------------------------------------------------------------------------


def make_faces(wheel: Path, folder: Path, count: int) -> None:
    """`count` invented faces of 512 x 512 in `folder`."""
    import openvino  # pyright: ignore[reportMissingImports]

    core: Any = openvino.Core()
    mapping = core.read_model(wheel / "data/MappingNetwork.xml")
    mapping.reshape({mapping.inputs[0].any_name: [256, 512]})
    mapping = core.compile_model(mapping, "CPU")
    synthesis = core.compile_model(core.read_model(wheel / "data/SynthesisNetwork.xml"), "CPU")
    rng = np.random.default_rng(2024)

    def styles() -> np.ndarray:
        return mapping({0: rng.normal(size=(256, 512)).astype(np.float32)})[mapping.outputs[0]]

    mean = np.mean([styles().mean(axis=0) for _ in range(8)], axis=0, keepdims=True)
    folder.mkdir(parents=True, exist_ok=True)
    for number, style in zip(range(count), (style for _ in range(count) for style in styles()), strict=False):
        latent = mean + rng.uniform(0.55, 0.9) * (style[None] - mean)
        picture = synthesis({0: latent.astype(np.float32)})[synthesis.outputs[0]][0]
        picture = np.clip((picture.transpose(1, 2, 0)[..., ::-1] + 1) * 127.5 + 0.5, 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{number:04d}.png"), cv2.resize(picture, (512, 512), interpolation=cv2.INTER_AREA))


def make_points(folder: Path) -> None:
    """The mesh of every face as `.npy` beside its picture."""
    from faceplate.color import ColorConfig
    from faceplate.color.reading import read_still
    from faceplate.face import FaceFinder

    color, finder = ColorConfig.load(), FaceFinder.embedded()
    for path in sorted(folder.glob("*.png")):
        faces = finder.find(read_still(path, color))
        if faces:
            np.save(path.with_suffix(".npy"), faces[0].points)


@dataclass(frozen=True)
class Aligned:
    """A face in the network's square: linear pixels, mesh, and what is drawn from it."""

    pixels: np.ndarray
    points: np.ndarray

    @property
    def maps(self) -> occlusion.MeshMaps:
        return occlusion.mesh_maps(self.points)


def aligned(rng: Rng, path: Path, side: int) -> Aligned:
    """The face at `path` squared up as the network sees it, moved, turned, scaled and mirrored a little."""
    points = np.load(path.with_suffix(".npy"))
    room = occlusion._FILL if side == SIDE else 1.28
    matrix = occlusion.square_matrix(Face(points, 1, 1, 1), 1.0, side, room)
    scale, turn = np.exp(rng.normal(0, 0.04)), rng.normal(0, 0.05)
    around = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) * scale
    matrix[:, :2] = around @ matrix[:, :2]
    matrix[:, 2] = around @ (matrix[:, 2] - side / 2) + side / 2 + rng.normal(0, side / 53, 2)
    if rng.random() < 0.5:
        matrix[0] *= -1
        matrix[0, 2] += side
    shrink = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    picture = np.asarray(cv2.imread(str(path)))[..., ::-1].astype(np.float32) / 255
    linear = np.where(picture <= 0.04045, picture / 12.92, ((picture + 0.055) / 1.055) ** 2.4).astype(np.float32)
    if shrink < 1:
        linear = cv2.GaussianBlur(linear, (0, 0), max(0.5 * np.sqrt(1 / shrink**2 - 1), 0.1))
    centred = matrix.copy()
    centred[:, 2] += centred[:, :2] @ [0.5, 0.5] - 0.5
    pixels = cv2.warpAffine(linear, centred, (side, side), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return Aligned(np.maximum(pixels, 1e-4), apply(matrix, points[:, :2]))


def fringe(face: Aligned, hull: np.ndarray) -> np.ndarray:
    """Pixels above the brows that are not like the face's skin: hair that is there already and counts for nothing."""
    level = 0.02 * float(np.median((face.pixels @ Y709)[hull]))
    logged = np.log(face.pixels + level)
    odd = np.abs(logged - np.median(logged[hull], axis=0)).max(axis=2) > 0.55
    brows = np.concatenate([topology().right_brow, topology().left_brow])
    odd &= np.arange(SIDE)[:, None] < face.points[brows, 1].min() - 4
    return cv2.dilate(odd.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0


# Occluders, in the middle of a square of BANK_SIDE over a face of BANK_FACE -------------------------------------------

X, Y = np.meshgrid(*[np.arange(BANK_SIDE, dtype=np.float32) + 0.5] * 2)
MIDDLE = np.array([BANK_SIDE / 2, BANK_SIDE / 2])


def noise(rng: Rng, sigma: float, channels: int = 1, side: int = BANK_SIDE) -> np.ndarray:
    """A smooth field (side, side, channels) of about unit deviation."""
    count = max(int(side / max(sigma, 0.5)), 2) + 2
    field = rng.standard_normal((count, count, channels)).astype(np.float32)
    return cv2.resize(field, (side, side), interpolation=cv2.INTER_CUBIC).reshape(side, side, channels)


def capsule(start: np.ndarray, end: np.ndarray, first: float, last: float) -> tuple[np.ndarray, np.ndarray]:
    """The radius of a tapered capsule beside every pixel, and the pixel's distance from its axis."""
    a, b = np.asarray(start, np.float32), np.asarray(end, np.float32)
    d = b - a
    t = np.clip(((X - a[0]) * d[0] + (Y - a[1]) * d[1]) / max(float(d @ d), 1e-6), 0, 1)
    return float(first) + float(last - first) * t, np.hypot(X - a[0] - t * d[0], Y - a[1] - t * d[1])


def slopes(field: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    field = field.astype(np.float32)
    return cv2.Sobel(field, cv2.CV_32F, 1, 0, scale=0.125), cv2.Sobel(field, cv2.CV_32F, 0, 1, scale=0.125)


def hand_bones(rng: Rng) -> tuple[list[Any], list[Any], list[Any]]:
    """Capsules (start, end, radius, radius) of arm, palm and fingers; joints and tips as (place, angle, radius)."""
    angle = rng.uniform(0, 2 * np.pi)
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]])
    palm = MIDDLE + rng.normal(0, 0.12, 2) * BANK_FACE - along * rng.uniform(0.15, 0.75) * BANK_FACE
    wide = rng.uniform(0.13, 0.24) * BANK_FACE
    bones = [
        (palm - along * wide * rng.uniform(0.3, 0.9), palm + along * wide * 0.4, wide, wide * rng.uniform(0.8, 1)),
        (palm - along * BANK_FACE * 1.5, palm, wide * rng.uniform(0.55, 0.8), wide * rng.uniform(0.7, 0.9)),
    ]
    joints, tips = [], []
    fingers, fan = int(rng.integers(1, 6)), rng.uniform(0.0, 0.28)
    for finger in range(fingers):
        place = finger - (fingers - 1) / 2
        start, turn = palm + across * place * wide * 0.5 + along * wide * 0.6, angle + place * fan + rng.normal(0, 0.06)
        radius, bend = wide * rng.uniform(0.2, 0.3), rng.normal(0, 0.22)
        if finger == 0 and fingers > 2 and rng.random() < 0.6:  # the thumb
            start, turn = palm + across * place * wide * 0.45, turn + np.sign(place) * rng.uniform(0.2, 0.7)
        for _ in range(3):
            end = start + np.array([np.cos(turn), np.sin(turn)]) * wide * rng.uniform(0.55, 0.85)
            bones.append((start, end, radius, radius * 0.92))
            joints.append((end, turn, radius))
            start, turn, radius = end, turn + bend, radius * 0.92
        tips.append((start, turn, radius))
    return bones, joints, tips


def hand(rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """A hand in the tone (1, 1, 1): pixels (h, w, 3) and alpha (h, w)."""
    bones, joints, tips = hand_bones(rng)
    height, alpha, parting = np.zeros_like(X), np.zeros_like(X), np.ones_like(X)
    soft = rng.uniform(0.7, 1.6) if rng.random() < 0.8 else rng.uniform(2, 5)
    for number, bone in enumerate(bones):
        radius, distance = capsule(*bone)
        bulge = np.sqrt(np.maximum(radius**2 - distance**2, 0))
        bulge = bulge * 0.6 if number < 2 else bulge + 0.3 * radius * (distance < radius)
        if number >= 2 and rng.random() < 0.9:
            parting *= 1 - rng.uniform(0.1, 0.5) * np.exp(-((distance - radius) ** 2) / 2.5) * (alpha > 0.5)
        height, alpha = np.maximum(height, bulge), np.maximum(alpha, np.clip(0.5 - (distance - radius) / soft, 0, 1))
    gx, gy = slopes(cv2.GaussianBlur(height, (0, 0), rng.uniform(1, 3)))
    light = rng.normal(size=3)
    light[2] = abs(light[2]) + 0.4
    light /= np.linalg.norm(light)
    lambert = np.maximum((light[2] - gx * light[0] - gy * light[1]) / np.sqrt(1 + gx * gx + gy * gy), 0)
    ambient = rng.uniform(0.2, 0.8)
    mottled = rng.uniform(0.02, 0.1) * noise(rng, 25, 3) * [0.7, 1, 1] + rng.uniform(0.01, 0.06) * noise(rng, 5)
    albedo = np.exp(mottled + rng.uniform(0, 0.05) * noise(rng, 1.3))
    for place, turn, radius in joints:
        if rng.random() < 0.5:
            t, s = _along(place, turn)
            crease = np.exp(-t * t / 1.5) * np.exp(-s * s / radius**2)
            albedo = albedo * (1 - rng.uniform(0.05, 0.3) * crease)[..., None]
    for place, turn, radius in tips:
        if rng.random() < 0.5:
            t, s = _along(place, turn)
            nail = np.exp(-(((t / (radius * 0.7)) ** 2 + (s / (radius * 0.6)) ** 2) ** 2))
            albedo = albedo * (1 + rng.uniform(0.05, 0.4) * nail)[..., None]
    return albedo * ((ambient + (1 - ambient) * lambert) * parting)[..., None], alpha


def _along(place: np.ndarray, turn: float) -> tuple[np.ndarray, np.ndarray]:
    x, y = X - place[0], Y - place[1]
    return x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)


def shape(rng: Rng) -> np.ndarray:
    """A blob, a polygon, a bar or a disc: alpha (h, w)."""
    kind = rng.integers(4)
    if kind == 0:
        far = ((X - MIDDLE[0]) ** 2 + (Y - MIDDLE[1]) ** 2) / (BANK_FACE * rng.uniform(0.2, 0.6)) ** 2
        field = noise(rng, rng.uniform(12, 40))[..., 0] + 1.2 - 1.6 * far
        return np.clip(0.5 + field / (np.hypot(*slopes(field)) + 1e-3) / rng.uniform(0.8, 2), 0, 1)
    if kind == 1:
        count = int(rng.integers(3, 9))
        turns = np.sort(rng.uniform(0, 2 * np.pi, count))
        reach = BANK_FACE * rng.uniform(0.1, 0.6) * rng.uniform(0.5, 1, count)
        corners = MIDDLE + np.stack([np.cos(turns), np.sin(turns)], -1) * reach[:, None]
        big = np.zeros((BANK_SIDE * 2, BANK_SIDE * 2), np.uint8)
        cv2.fillPoly(big, [np.round(corners * 32).astype(np.int32)], 255, shift=4, lineType=cv2.LINE_AA)
        return cv2.resize(big, (BANK_SIDE, BANK_SIDE), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    if kind == 2:
        turn = rng.uniform(0, 2 * np.pi)
        along = np.array([np.cos(turn), np.sin(turn)]) * BANK_FACE
        start = MIDDLE - along * 1.5 if rng.random() < 0.5 else MIDDLE
        radius, distance = capsule(start, MIDDLE + along * 1.5, *(BANK_FACE * rng.uniform(0.02, 0.15, 2)))
    else:
        end = MIDDLE + rng.normal(0, 0.1, 2) * BANK_FACE
        radius, distance = capsule(MIDDLE, end, *(BANK_FACE * rng.uniform(0.05, 0.3, 2)))
    return np.clip(0.5 - (distance - radius) / rng.uniform(0.8, 2.5), 0, 1)


def thing(rng: Rng, faces: list[Path]) -> tuple[np.ndarray, np.ndarray]:
    """A shape filled with a piece of another picture, or with a colour, flat or shaded, for a face of level 0.3."""
    alpha = shape(rng)
    if rng.random() < 0.55:
        other = aligned(rng, faces[rng.integers(len(faces))], BANK_SIDE).pixels
        other = other * (0.3 / np.median(other))
        if rng.random() < 0.5:
            other = np.roll(np.rot90(other, int(rng.integers(4))), tuple(rng.integers(-40, 40, 2)), (0, 1))
        return other * np.exp(rng.normal(0, 0.3, 3)), alpha
    tone = 0.3 * SKINS[0] / SKINS[0].mean() * np.exp(rng.normal(0, 0.15, 3))
    if rng.random() < 0.55:
        tone = np.exp(rng.uniform(-4.5, 0.3)) * np.exp(rng.normal(0, 0.5, 3))
    texture = rng.uniform(0, 0.3) * noise(rng, rng.uniform(10, 60)) + rng.uniform(0, 0.25) * noise(
        rng, rng.uniform(1, 6)
    )
    fill = tone * np.exp(texture)
    if rng.random() < 0.6:
        inward = np.sqrt(cv2.distanceTransform((alpha > 0.5).astype(np.uint8), cv2.DIST_L2, 5))
        gx, gy = slopes(cv2.GaussianBlur(inward, (0, 0), 2))
        turn = rng.uniform(0, 2 * np.pi)
        fill = fill * np.exp(rng.uniform(0.3, 1.5) * (gx * np.cos(turn) + gy * np.sin(turn)))[..., None]
    return fill, alpha


def strands(rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """One to thirty strands of hair that run together, for a face of level 0.3."""
    count, k = int(rng.choice([1, 2, 3, 5, 9, 16, 30])), 4
    colour = HAIRS[rng.integers(len(HAIRS))] * np.exp(rng.normal(0, 0.25))
    drawn = np.zeros((2, BANK_SIDE * k, BANK_SIDE * k), np.uint8)
    base, main = MIDDLE + rng.normal(0, 0.25, 2) * BANK_FACE, rng.uniform(0, 2 * np.pi)
    curl, spread, wide = rng.normal(0, 0.5), rng.uniform(0.02, 0.35), rng.uniform(0.35, 2.6)
    for _ in range(count):
        turn = main + rng.normal(0, 0.25)
        away = np.array([np.cos(turn), np.sin(turn)]) * rng.uniform(0.2, 1)
        place, wave, bend = (
            base + (rng.normal(0, spread, 2) - away) * BANK_FACE,
            rng.normal(0, 0.12),
            (curl + rng.normal(0, 0.3)) / 24,
        )
        line = []
        for _ in range(int(rng.integers(10, 27))):
            line.append(place)
            wave += rng.normal(0, 0.02)
            turn += bend + wave * 0.1
            place = place + np.array([np.cos(turn), np.sin(turn)]) * BANK_FACE * 0.055
        fixed, thick = (
            [np.round(np.array(line) * k * 16).astype(np.int32)],
            max(round(k * wide * rng.uniform(0.7, 1.3)), 1),
        )
        for plane, value in zip(drawn, (255, int(rng.integers(60, 256))), strict=True):
            cv2.polylines(plane, fixed, False, value, thick, cv2.LINE_AA, 4)
    side = BANK_SIDE * STRANDS
    alpha, tint = (
        cv2.resize(plane, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32) / 255 for plane in drawn
    )
    shine = np.exp(0.25 * noise(rng, 20 * STRANDS, 1, side))
    return colour * (0.55 + 0.6 * tint / np.maximum(alpha, 0.05))[..., None] * shine, alpha


def glasses(rng: Rng, points: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Glasses on the mesh `points` in a square of `side`: the alpha of frame and of lenses (h, w), the frame's colours.

    Frames follow the eyes and their widths, so that a turned head wears them turned.
    """
    k = 2
    eyes = [points[473:478].mean(axis=0), points[468:473].mean(axis=0)]
    apart = eyes[0] - eyes[1]
    along = apart / np.linalg.norm(apart)
    down = np.array([-along[1], along[0]])
    wide = [np.ptp(points[loop] @ along) for loop in (topology().left_eye_loop, topology().right_eye_loop)]
    half, high, drop = rng.uniform(0.85, 1.2), rng.uniform(0.55, 0.95), rng.uniform(-0.05, 0.3)
    power, sag = rng.uniform(2, 5), rng.uniform(-0.15, 0.25)
    t = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    outline = np.stack([np.sign(f) * np.abs(f) ** (2 / power) for f in (np.cos(t), np.sin(t))], -1)
    outline[:, 1] *= 1 + sag * outline[:, 1]
    size = float(np.mean(wide))
    loops = [
        eye + drop * size * down + (w * half * outline[:, :1]) * along + size * high * outline[:, 1:] * down
        for eye, w in zip(eyes, wide, strict=True)
    ]
    rim = 0.0 if rng.random() < 0.12 else size * rng.choice([rng.uniform(0.04, 0.1), rng.uniform(0.1, 0.3)])
    frame, lens = np.zeros((2, side * k, side * k), np.uint8)

    def fixed(line: np.ndarray) -> list[np.ndarray]:
        return [np.round((line * k - 0.5) * 16).astype(np.int32)]

    def line(points: np.ndarray, width: float, closed: bool = False) -> None:
        cv2.polylines(frame, fixed(points), closed, 255, max(round(width * k), 1), cv2.LINE_AA, 4)

    thin = max(rim, size * rng.uniform(0.04, 0.08))
    for loop, temple in zip(loops, (356, 127), strict=True):
        cv2.fillPoly(lens, fixed(loop), 255, cv2.LINE_AA, 4)
        if rim:
            line(loop, rim, closed=True)
            if rng.random() < 0.3:  # a browline
                line(loop[24:48], rim * rng.uniform(1.2, 2))
        sign = 1 if temple == 356 else -1
        outer = loop[np.argmax(sign * (loop @ along))]
        ear = points[temple] + rng.normal(0, 0.1) * size * down
        if sign * float((ear - outer) @ along) > 0:
            line(np.stack([outer - 0.15 * size * down, ear]), thin * rng.uniform(0.8, 1.3))
    inner = loops[1][np.argmax(loops[1] @ along)], loops[0][np.argmin(loops[0] @ along)]
    lift = rng.uniform(0, 0.3) * size * down
    line(
        np.stack([inner[0], inner[0] * 0.7 + inner[1] * 0.3 - lift, inner[0] * 0.3 + inner[1] * 0.7 - lift, inner[1]]),
        thin,
    )
    hidden, glass = (
        cv2.resize(plane, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        for plane in (frame, lens)
    )
    tone = np.exp(rng.uniform(-4.0, -1.2)) * np.exp(rng.normal(0, 0.25, 3))
    if rng.random() < 0.3:  # metal, horn, colour
        tone = np.exp(rng.uniform(-1.5, 0.5)) * np.exp(rng.normal(0, 0.35, 3))
    shine = rng.uniform(0, 0.8) * noise(rng, rng.uniform(4, 30), 1, side) + rng.uniform(0, 0.4) * noise(rng, 3, 3, side)
    return hidden, glass * (1 - hidden), (tone.astype(np.float32) * np.exp(shine)).astype(np.float32)


def make_bank(folder: Path) -> None:
    """Every kind's occluders, kept as `bank_<kind>.npz`."""
    faces = [path.with_suffix(".png") for path in sorted(folder.glob("[0-9]*.npy"))]
    for seed, (kind, count) in enumerate(BANK.items(), start=1):
        rng, kept = np.random.default_rng(seed), []
        while len(kept) < count:
            fill, alpha = hand(rng) if kind == "hand" else strands(rng) if kind == "strands" else thing(rng, faces)
            if alpha.mean() >= 0.002:
                kept.append((np.clip(fill, 0, 100).astype(np.float16), np.round(alpha * 255).astype(np.uint8)))
        fills, alphas = zip(*kept, strict=True)
        np.savez(folder / f"bank_{kind}.npz", fill=np.stack(fills), alpha=np.stack(alphas))


# Pairs of picture and truth -------------------------------------------------------------------------------------------


class Pairs:
    """Endless pictures with their truth."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        paths = [path.with_suffix(".png") for path in sorted(folder.glob("[0-9]*.npy")) if int(path.stem) not in HIDDEN]
        self.faces = [aligned(self.rng, path, SIDE) for path in paths for _ in range(VERSIONS)]
        self.bank = {kind: dict(np.load(folder / f"bank_{kind}.npz")) for kind in BANK}
        self.x, self.y = np.meshgrid(*[(np.arange(SIDE, dtype=np.float32) + 0.5) / (SIDE / 2) - 1] * 2)

    def draw(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The network's view (SIDE, SIDE, 3) and guide, the truth (SIDE, SIDE) and how much each pixel counts."""
        rng, face = self.rng, self.faces[self.rng.integers(len(self.faces))]
        maps = face.maps
        hull = maps.hull
        weight = np.where(cv2.dilate(hull.astype(np.uint8), np.ones((17, 17), np.uint8)) > 0, 1, 0.08).astype(
            np.float32
        )
        picture = self._relit(face.pixels / float(np.median((face.pixels @ Y709)[hull])))
        truth = np.zeros((SIDE, SIDE), np.float32)
        for kind in self._kinds():
            picture, truth, alpha = self._covered(picture, truth, face, hull, kind)
            # A strand has few pixels, and each of them matters; so has a frame.
            weight *= 1 + (5 * cv2.dilate(alpha, np.ones((5, 5))) if kind in ("strands", "glasses") else 0.5 * alpha)
        weight[fringe(face, hull) & (truth < 0.1)] = 0
        if rng.random() < 0.25:
            shade = np.clip(0.5 + noise(rng, rng.uniform(40, 120), 1, SIDE) * rng.uniform(0.5, 3), 0, 1)
            picture = picture * (1 - rng.uniform(0.1, 0.6) * shade)
        if rng.random() < 0.2:  # a cast shadow with an edge hides nothing
            cast = cv2.GaussianBlur(self._placed(face, "thing")[1], (0, 0), rng.uniform(1, 8))
            picture = picture * (1 - rng.uniform(0.2, 0.75) * cast)[..., None]
        if rng.random() < 0.4:
            picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.8))
        picture = picture / np.maximum(np.median(picture[hull], axis=0), 1e-3)
        if rng.random() < 0.35:
            picture, weight = self._cut(picture, weight, hull)
        picture = picture.astype(np.float32)
        grain = rng.standard_normal(picture.shape, np.float32)
        if rng.random() < 0.5:
            grain = 1.6 * cv2.GaussianBlur(grain, (0, 0), 0.7)
        grain *= np.sqrt(np.maximum(picture, 0) + 0.02) * np.float32(rng.uniform(0, 0.07))
        view = occlusion.network_view(picture + grain, np.ones(3, np.float32))
        made = view, maps.guide, truth, weight
        return tuple(part[:, ::-1] for part in made) if rng.random() < 0.5 else made  # pyright: ignore

    def _kinds(self) -> list[str]:
        pick = self.rng.random()
        for most, kinds in ((0.20, []), (0.42, ["hand"]), (0.75, ["strands"]), (0.83, ["glasses"]), (0.91, ["thing"])):
            if pick < most:
                return kinds
        return list(self.rng.choice(["hand", "strands", "thing", "strands", "glasses"], 2))

    def _relit(self, picture: np.ndarray) -> np.ndarray:
        """Under a smooth coloured light from somewhere."""
        rng = self.rng
        turn = rng.uniform(0, 2 * np.pi)
        light = rng.normal(0, 0.35) * (self.x * np.cos(turn) + self.y * np.sin(turn))[..., None]
        light = light + rng.uniform(0, 0.25) * noise(rng, rng.uniform(80, 180), 1, SIDE) + rng.normal(0, 0.12, 3)
        return (picture * np.exp(light + rng.uniform(0, 0.06) * noise(rng, 120, 3, SIDE))).astype(np.float32)

    def _covered(
        self, picture: np.ndarray, truth: np.ndarray, face: Aligned, hull: np.ndarray, kind: str
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rng, tone = self.rng, np.median(picture[hull], axis=0)
        if kind == "glasses":
            return self._bespectacled(picture, truth, face)
        fill, alpha = self._placed(face, kind)
        if kind == "hand":
            like = tone * np.exp(rng.normal(0, 0.15) + rng.normal(0, 0.05, 3))
            other = SKINS[rng.integers(len(SKINS))] * np.exp(rng.normal(0, 0.3)) * 4
            fill = fill * (like if rng.random() < 0.6 else other)
        elif kind == "strands":
            fill = fill * np.exp(rng.normal(1.0, 0.5)) * np.exp(rng.normal(0, 0.1, 3))
            if rng.random() < 0.35 and (alpha > 0.5).any():  # hardly darker or lighter than the skin behind it
                own = np.maximum(np.median(fill[alpha > 0.5], axis=0), 1e-3)
                fill = fill * (tone * np.exp(rng.normal(0.1, 0.25) + rng.normal(0, 0.06, 3)) / own)
        else:
            fill = fill * 3.3 * np.exp(rng.normal(0, 0.4) + rng.normal(0, 0.25, 3))
            if rng.random() < 0.3 and (alpha > 0.5).any():
                fill = fill * tone / np.maximum(np.median(fill[alpha > 0.5]), 1e-3)
        if kind != "strands" and rng.random() < 0.4:  # its shadow on the face
            shift = np.column_stack([np.eye(2), rng.normal(0, 10, 2)])
            side = (int(rng.integers(6, 32)),) * 2
            shadow = cv2.blur(cv2.blur(cv2.warpAffine(alpha, shift, (SIDE, SIDE)), side), side)
            picture = picture * (1 - rng.uniform(0.1, 0.6) * shadow)[..., None]
        over = alpha[..., None]
        picture = (picture * (1 - over) + np.maximum(fill, 1e-5) * over).astype(np.float32)
        return picture, truth * (1 - alpha) + alpha, alpha

    def _bespectacled(
        self, picture: np.ndarray, truth: np.ndarray, face: Aligned
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Frame, its shadow, and lenses: clear, tinted, with a reflection, or dark enough to hide what is behind."""
        rng = self.rng
        alpha, lens, colours = glasses(rng, face.points, SIDE)
        shift = np.column_stack([np.eye(2), rng.normal((0, 5), 3, 2)])
        shadow = cv2.GaussianBlur(cv2.warpAffine(alpha, shift, (SIDE, SIDE)), (0, 0), rng.uniform(1, 6))
        picture = picture * (1 - rng.uniform(0, 0.5) * shadow)[..., None]
        if rng.random() < 0.15:
            alpha = alpha + lens
        elif rng.random() < 0.5:
            glint = np.clip(noise(rng, rng.uniform(10, 60), 1, SIDE) - rng.uniform(0.3, 1.5), 0, 1)
            picture = picture * (1 - rng.uniform(0, 0.35) * lens[..., None])
            picture = picture + rng.uniform(0, 0.8) * lens[..., None] * glint
        over = alpha[..., None]
        return (picture * (1 - over) + colours * over).astype(np.float32), truth * (1 - alpha) + alpha, alpha

    def _placed(self, face: Aligned, kind: str) -> tuple[np.ndarray, np.ndarray]:
        rng, bank, oval = self.rng, self.bank[kind], face.points[topology().oval]
        finer = STRANDS if kind == "strands" else 1
        number, box = rng.integers(len(bank["fill"])), np.ptp(oval, axis=0)
        turn, scale = (
            rng.uniform(0, 2 * np.pi),
            box.max() / (BANK_FACE * finer) * np.exp(rng.normal(0, 0.1 if kind == "strands" else 0.25)),
        )
        linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        linear = linear @ np.diag([rng.choice([-1, 1]), 1])
        place = oval.mean(axis=0) + rng.normal(0, 0.26, 2) * box - 0.5
        matrix = np.column_stack([linear, place - linear @ (MIDDLE * finer - 0.5)])
        fill = cv2.warpAffine(
            bank["fill"][number].astype(np.float32), matrix, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE
        )
        alpha = cv2.warpAffine(bank["alpha"][number], matrix, (SIDE, SIDE), flags=cv2.INTER_CUBIC)
        alpha = alpha.astype(np.float32) / 255
        if kind != "strands":  # enlarged, so its edge is sharpened again
            alpha = np.clip(0.5 + (alpha - 0.5) * np.float32(rng.uniform(1, 2.2)), 0, 1)
        return fill, alpha

    def _cut(self, picture: np.ndarray, weight: np.ndarray, hull: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As when the plate was read close around the face only: its last pixels repeat."""
        rows, columns = np.nonzero(hull)
        room = int(self.rng.integers(0, 12))
        top, bottom = max(rows.min() - room, 0), min(rows.max() + room + 1, SIDE)
        left, right = max(columns.min() - room, 0), min(columns.max() + room + 1, SIDE)
        inside = np.ascontiguousarray(picture[top:bottom, left:right], np.float32)
        cut = cv2.copyMakeBorder(inside, top, SIDE - bottom, left, SIDE - right, cv2.BORDER_REPLICATE)
        kept = np.zeros_like(weight)
        kept[top:bottom, left:right] = weight[top:bottom, left:right]
        return cut, kept


# The network ----------------------------------------------------------------------------------------------------------


def build() -> Any:
    """The U-Net that `faceplate.comp.occlusion` runs, with batch normalisation still in it."""
    import torch  # pyright: ignore[reportMissingImports]
    from torch import nn  # pyright: ignore[reportMissingImports]

    def layer(before: int, after: int) -> Any:
        return nn.Sequential(nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU())

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            a, b, c, d, e = WIDTHS
            for number, (before, after) in enumerate(((BLOCK**2 * 3 + 4, a), (a, b), (b, c), (c, d), (d, e)), start=1):
                self.add_module(f"e{number}", nn.Sequential(layer(before, after), layer(after, after)))
            self.d4, self.d3, self.d2 = layer(e + d, d), layer(d + c, c), layer(c + b, b)
            self.d1 = nn.Sequential(layer(b + a, a), layer(a, a))
            self.out = nn.Conv2d(a, BLOCK**2, 3, padding=1)

        def forward(self, features: Any) -> Any:
            kept = [self.e1(features)]
            for level in (self.e2, self.e3, self.e4, self.e5):
                kept.append(level(nn.functional.max_pool2d(kept[-1], 2)))
            features = kept[-1]
            for level, beside in zip((self.d4, self.d3, self.d2, self.d1), kept[-2::-1], strict=True):
                features = level(torch.cat([nn.functional.interpolate(features, scale_factor=2), beside], 1))
            return nn.functional.pixel_shuffle(self.out(features), BLOCK)[:, 0]

    return Net()


def _unshuffled(view: np.ndarray) -> np.ndarray:
    """(h, w, c) to (h/4, w/4, 16c): each block of 4 x 4 pixels side by side, channel by channel."""
    height, width, channels = view.shape
    blocks = view.reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK, channels).transpose(0, 2, 4, 1, 3)
    return blocks.reshape(height // BLOCK, width // BLOCK, channels * BLOCK**2)


def _drawing(folder: Path, seed: int, queue: Any) -> None:
    """Puts batches of features, truth and weight into `queue` for ever."""
    cv2.setNumThreads(1)
    pairs = Pairs(folder, seed)
    while True:
        views, guides, truths, weights = zip(*[pairs.draw() for _ in range(BATCH)], strict=True)
        features = [np.concatenate([_unshuffled(v), g], axis=2) for v, g in zip(views, guides, strict=True)]
        queue.put((np.stack(features).astype(np.float16), np.stack(truths), np.stack(weights)))


def train(folder: Path, minutes: float, start: Path | None, peak: float = PEAK_RATE) -> None:
    """Cross-entropy, AdamW, the rate falling to nothing over `minutes`; one process draws, one learns."""
    import multiprocessing

    import torch  # pyright: ignore[reportMissingImports]
    from torch.nn import functional  # pyright: ignore[reportMissingImports]

    torch.manual_seed(0)
    torch.set_num_threads(1)
    queue = multiprocessing.get_context("spawn").Queue(6)
    drawing = multiprocessing.get_context("spawn").Process(target=_drawing, args=(folder, 77, queue), daemon=True)
    drawing.start()
    net = build().to(memory_format=torch.channels_last)
    if start is not None:
        net.load_state_dict(torch.load(start))
    mean = torch.optim.swa_utils.AveragedModel(
        net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(1 - 1 / MEAN_OF), use_buffers=True
    )
    optimiser = torch.optim.AdamW(net.parameters(), lr=PEAK_RATE, weight_decay=1e-4)
    began, steps, kept = time.time(), 0, []
    rng = np.random.default_rng(5)
    while (done := (time.time() - began) / (60 * minutes)) < 1:
        for group in optimiser.param_groups:
            group["lr"] = peak * min(1, (steps + 1) / 60) * (1 - done) ** 0.9 + 1e-5
        if steps % TIMES == 0 or len(kept) < 40:
            kept = [*kept[-199:], queue.get()]
            batch = kept[-1]
        else:
            batch = kept[rng.integers(len(kept))]
        features, truth, weight = (torch.from_numpy(part.astype(np.float32)) for part in batch)
        with torch.autocast("cpu", torch.bfloat16):
            odds = net(features.permute(0, 3, 1, 2))
        entropy = functional.binary_cross_entropy_with_logits(odds.float(), truth, reduction="none")
        loss = (entropy * weight).sum() / weight.sum()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        mean.update_parameters(net)
        steps += 1
        if steps % 200 == 0:
            print(steps, round(done, 3), round(loss.item(), 4), flush=True)
            torch.save(mean.module.state_dict(), folder / "net.pt")
    torch.save(mean.module.state_dict(), folder / "net.pt")
    drawing.kill()


def export(folder: Path, target: Path) -> None:
    """Writes the graph into the folder `target`, the normalisation folded in, and its card."""
    import torch  # pyright: ignore[reportMissingImports]

    net = build()
    net.load_state_dict(torch.load(folder / "net.pt"))
    kept: dict[str, np.ndarray] = {}

    def put(name: str, weight: Any, bias: Any) -> None:
        kept[name + "_w"] = weight.detach().numpy().astype(np.float16)
        kept[name + "_b"] = bias.detach().numpy()

    layers = [(n + s, getattr(net, n)[i]) for n in ("e1", "e2", "e3", "e4", "e5", "d1") for i, s in enumerate("ab")]
    for name, layer in [*layers, *((n, getattr(net, n)) for n in ("d4", "d3", "d2"))]:
        factor = layer[1].weight / torch.sqrt(layer[1].running_var + layer[1].eps)
        put(name, layer[0].weight * factor[:, None, None, None], layer[1].bias - layer[1].running_mean * factor)
    put("out", net.out.weight, net.out.bias)
    write(kept, target)


def write(kept: dict[str, np.ndarray], target: Path) -> None:
    """`kept` holds each layer's `_w` float16 (after, before, 3, 3) and `_b` float32 (after,); `target` is a folder."""
    path = target / "face_occlusion.onnx"
    path.write_bytes(graph(kept).SerializeToString())
    write_card(target, CARD.model_copy(update={"sha256": digest(path)}))


def graph(kept: dict[str, np.ndarray]) -> Any:
    """The U-Net as ONNX: `view` and `guide` as `faceplate.comp.occlusion` makes them, log-odds of being hidden out."""
    from onnx import TensorProto, helper, numpy_helper

    nodes: list[Any] = []
    grid = SIDE // BLOCK
    weights = [numpy_helper.from_array(array, name) for name, array in kept.items()]
    weights += [
        numpy_helper.from_array(np.array([1, 3, grid, BLOCK, grid, BLOCK], np.int64), "blocks"),
        numpy_helper.from_array(np.array([1, 3 * BLOCK**2, grid, grid], np.int64), "unshuffled"),
        numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "twice"),
    ]

    def op(kind: str, *inputs: str, out: str = "", **attributes: Any) -> str:
        name = out or f"n{len(nodes)}"
        nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def conv(name: str, x: str, relu: bool = True) -> str:
        made = op("Conv", x, op("Cast", name + "_w", to=TensorProto.FLOAT), name + "_b", pads=[1] * 4)
        return op("Relu", made) if relu else made

    # Each block of 4 x 4 pixels side by side, channel by channel: what `_unshuffled` does.
    blocks = op(
        "Transpose", op("Reshape", op("Transpose", "view", perm=[0, 3, 1, 2]), "blocks"), perm=[0, 1, 3, 5, 2, 4]
    )
    features = op("Concat", op("Reshape", blocks, "unshuffled"), op("Transpose", "guide", perm=[0, 3, 1, 2]), axis=1)
    levels: list[str] = []
    for level in ("e1", "e2", "e3", "e4", "e5"):
        if levels:
            features = op("MaxPool", features, kernel_shape=[2, 2], strides=[2, 2])
        features = conv(level + "b", conv(level + "a", features))
        levels.append(features)
    for level, beside in zip(("d4", "d3", "d2", "d1a"), levels[-2::-1], strict=True):
        larger = op(
            "Resize", features, "", "twice", mode="nearest", nearest_mode="floor",
            coordinate_transformation_mode="asymmetric",
        )  # fmt: skip
        features = conv(level, op("Concat", larger, beside, axis=1))
    op("DepthToSpace", conv("out", conv("d1b", features), relu=False), out="odds", blocksize=BLOCK, mode="CRD")
    ends = [
        helper.make_tensor_value_info(item.name, TensorProto.FLOAT, list(item.shape))
        for item in (*CARD.inputs, *CARD.outputs)
    ]
    made = helper.make_graph(nodes, "face_occlusion", ends[:2], ends[2:], weights)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def main(verb: str, *words: str) -> None:
    places = [Path(word) for word in words]
    if verb == "faces":
        make_faces(places[0], places[1], int(words[2]))
    elif verb == "points":
        make_points(places[0])
    elif verb == "bank":
        make_bank(places[0])
    elif verb == "train":
        train(places[0], float(words[1]), places[2] if len(words) > 2 else None, *map(float, words[3:]))
    elif verb == "export":
        export(places[0], places[1])
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main(*(sys.argv[1:] or ["help"]))
