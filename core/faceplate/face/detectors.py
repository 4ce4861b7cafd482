"""Detectors beside YuNet: SCRFD, RetinaFace and YOLO-face, selected by the network's card.

All take a picture float32 (640, 640, 3), RGB, display-referred 0..1, with the frame fitted into its top left, and return
`Detection`s. These networks are not shipped.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from faceplate.errors import UsageError
from faceplate.face import detect as yunet
from faceplate.face.detect import SIDE, Detection
from faceplate.models import Network

__all__ = ["DETECTORS", "SIDE", "Detection", "detect"]

_OVERLAP = 0.4
_STRIDES = (8, 16, 32)
_ANCHORS = 2


def detect(network: Network, picture: np.ndarray, threshold: float | None = None) -> list[Detection]:
    """Detect the faces in `picture`, best score first, with the recipe of the network's kind.

    `threshold` None uses the detector's default.

    Raises
    ------
    UsageError
        `not-a-detector`.
    """
    found = DETECTORS.get(network.card.kind)
    if found is None:
        raise UsageError(
            "not-a-detector", f"'{network.card.name}' is not a detector; choose one of: {', '.join(DETECTORS)}."
        )
    return found(network, picture) if threshold is None else found(network, picture, threshold)


def detect_scrfd(network: Network, picture: np.ndarray, threshold: float = 0.5) -> list[Detection]:
    """Detect with SCRFD or InsightFace's RetinaFace: RGB (x - 127.5) / 128, two anchors per cell of strides 8, 16 and 32.

    Box and points are distances from the cell's corner in strides (J. Guo et al., "Sample and Computation Redistribution for
    Efficient Face Detection", 2021).
    """
    blob = (picture * np.float32(255) - np.float32(127.5)) / np.float32(128)
    out = [array.reshape(-1, array.shape[-1]) for array in network.run(_nchw(blob)).values()]
    parts = [_decode_stride(out, stride, threshold) for stride in _STRIDES]
    boxes, five, scores = (np.concatenate(part) for part in zip(*parts, strict=True))
    return _suppress_overlaps(boxes, five, scores, threshold)


def detect_yolo(network: Network, picture: np.ndarray, threshold: float = 0.5) -> list[Detection]:
    """Detect with YOLO-face: RGB 0..1; columns of centre x, centre y, width, height, score and five times x, y, confidence."""
    rows = next(iter(network.run(_nchw(picture)).values()))[0].T.astype(np.float64)
    rows = rows[rows[:, 4] >= threshold]
    boxes = np.concatenate([rows[:, :2] - rows[:, 2:4] / 2, rows[:, 2:4]], axis=1)
    return _suppress_overlaps(boxes, rows[:, 5:20].reshape(-1, 5, 3)[..., :2], rows[:, 4], threshold)


def _decode_stride(out: list[np.ndarray], stride: int, threshold: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Decode one stride into boxes (n, 4), points (n, 5, 2) and scores (n,).

    The outputs are told apart by their sizes, because files name them differently.
    """
    columns = SIDE // stride
    count = columns * columns * _ANCHORS
    score, box, five = (next(array for array in out if array.shape == (count, width)) for width in (1, 4, 10))
    index = np.flatnonzero(score[:, 0] >= threshold)
    cell = index // _ANCHORS
    anchor = np.stack([cell % columns, cell // columns], axis=1).astype(np.float64) * stride
    reach = box[index].astype(np.float64) * stride
    corner = anchor - reach[:, :2]
    points = anchor[:, None] + five[index].reshape(-1, 5, 2).astype(np.float64) * stride
    return np.concatenate([corner, reach[:, :2] + reach[:, 2:]], axis=1), points, score[index, 0].astype(np.float64)


def _suppress_overlaps(boxes: np.ndarray, five: np.ndarray, scores: np.ndarray, threshold: float) -> list[Detection]:
    """Apply non-maximum suppression, best score first."""
    keep = cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), threshold, _OVERLAP) if len(boxes) else []
    order = sorted((int(i) for i in keep), key=lambda i: -float(scores[i]))
    return [Detection(boxes[i], five[i], float(scores[i])) for i in order]


def _nchw(picture: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(picture.transpose(2, 0, 1)[None], np.float32)


DETECTORS: dict[str, Callable[..., list[Detection]]] = {
    "yunet": yunet.detect,
    "scrfd": detect_scrfd,
    "retinaface": detect_scrfd,
    "yoloface": detect_yolo,
}
"""The detector of each kind of network."""
