"""Small stores of networks with known answers, faces at known places, and the published alignment templates."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np

from faceplate.color import KEY, ColorConfig
from faceplate.face import Face
from faceplate.face.shape import head_model
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from faceplate.models import Card, ModelStore, Network, open_network
from faceplate.models.card import write_card
from faceplate.models.store import digest
from faceplate.source.source import Source

# The published points (right eye, left eye, nose, mouth corners), in fractions of the side.
_PUBLISHED = """
arcface_112_v1 .35473214 .45658929 .64526786 .45658929 .5 .61154464 .37913393 .776875 .62086607 .776875
arcface_112_v2 .34191607 .46157411 .65653393 .45983393 .500225 .64050536 .37097589 .82469196 .63151696 .82325089
arcface_128 .36167656 .40387734 .63696719 .40235469 .50019687 .56044219 .38710391 .72160547 .61507734 .72034453
ffhq_512 .37691676 .46864664 .62285697 .46912813 .50123859 .61331904 .39308822 .725411 .61150205 .72490465
mtcnn_512 .36562865 .46733799 .63305391 .46585885 .50019127 .61942959 .39032951 .77598822 .61178945 .77476328
dfl_whole_face .35342266 .39285716 .62797622 .39285716 .48660713 .5401786 .38839287 .68750011 .59821427 .68750011
"""
POINTS = {line.split()[0]: np.array(line.split()[1:], float).reshape(5, 2) for line in _PUBLISHED.strip().splitlines()}


def write_network_card(folder: Path, name: str, family: str, role: str = "swap", **more: Any) -> Card:
    path = folder / f"{name}.onnx"
    made = Card.model_validate(
        {
            "name": name, "role": role, "file": path.name, "sha256": digest(path), "version": "1", "licence": "CC0-1.0",
            "commercial": True, "source": "test", "converted": "none", "inputs": (), "outputs": (),
            "family": family, **more,
        }
    )  # fmt: skip
    write_card(folder, made)
    return made


def opened_network(folder: Path, name: str, family: str, **more: Any) -> Network:
    write_network_card(folder, name, family, **more)
    return open_network(ModelStore((folder,)), name)


def frontal_head(centre: tuple[float, float], radius: float, level: float = KEY) -> Face:
    """The mean head, facing front, as a face of 478 points."""
    points = head_model().reference * radius + np.array([*centre, 0.0])
    return Face(points, 1.0, 1.0, level)


def with_five(face: Face, five: np.ndarray) -> Face:
    """`face` with exactly these five alignment points (each iris is moved whole)."""
    points = face.points.copy()
    for group, wanted, own in zip((slice(468, 473), slice(473, 478), 1, 61, 291), five, face.five, strict=True):
        points[group, :2] += wanted - own
    return face.moved(points)


def plate_frame(color: ColorConfig, pixels: np.ndarray) -> Frame:
    return Frame(np.ascontiguousarray(pixels, np.float32), Window(0, 0, *pixels.shape[1::-1]), "ACEScg", color)


@dataclass(frozen=True)
class View:
    """What a network asks of a view of the source."""

    frame: Frame
    face: Face


def source_of(*views: View) -> Source:
    return Source(cast(Any, views), ())


def source_view(color: ColorConfig, face_centre: tuple[float, float] = (200, 210)) -> View:
    """A source view: an sRGB picture 400 x 420 of smooth colour, with a face in it."""
    y, x = np.mgrid[0:420, 0:400] / 420.0
    pixels = np.stack([0.3 + 0.3 * x, 0.6 - 0.4 * y, 0.2 + 0.2 * x * y + 0.1 * y], axis=-1).astype(np.float32)
    frame = Frame(pixels, Window(0, 0, 400, 420), color.resolve("srgb_tx"), color)
    return View(frame, frontal_head(face_centre, 70))


def crop_of(view: View, template: str, side: int) -> np.ndarray:
    """The view's own sRGB numbers on a template, by plain OpenCV."""
    matrix = plain_matrix(view.face.five, template, side)
    matrix[:, 2] += matrix[:, :2].sum(axis=1) / 2 - 0.5
    return cv2.warpAffine(
        view.frame.pixels, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def plain_matrix(five: np.ndarray, template: str, side: int) -> np.ndarray:
    """The similarity onto a template by a plain least-squares system in its four unknowns."""
    rows, wanted = [], []
    for (x, y), (u, v) in zip(five, POINTS[template] * side, strict=True):
        rows += [[x, -y, 1, 0], [y, x, 0, 1]]
        wanted += [u, v]
    a, b, c, d = np.linalg.lstsq(np.array(rows), np.array(wanted), rcond=None)[0]
    return np.array([[a, -b, c], [b, a, d]])


def turned(face: Face, angle: float) -> Face:
    centre = face.points[:, :2].mean(axis=0)
    spin = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return face.moved(np.column_stack([(face.points[:, :2] - centre) @ spin.T + centre, face.points[:, 2]]))


def plain_card(name: str, family: str) -> Card:
    return Card(
        name=name, role="swap", file=f"{name}.onnx", sha256="0" * 64, version="1", licence="CC0-1.0", commercial=True,
        source="test", converted="none", inputs=(), outputs=(), family=family,
    )  # fmt: skip
