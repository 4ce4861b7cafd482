"""Face detection with YuNet: a display-referred picture in, boxes and five points out."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from faceplate.models import Network

__all__ = ["SIDE", "Detection", "detect"]

SIDE = 640
"""Side in pixels of the square picture that detectors search."""

_STRIDES = (8, 16, 32)
_OVERLAP = 0.3


@dataclass(frozen=True)
class Detection:
    """A detected face: `box` (x, y, width, height) and `five` (5, 2) in pixels of the searched picture, `score` 0..1."""

    box: np.ndarray
    five: np.ndarray
    score: float

    def scaled(self, factor: np.ndarray, offset: np.ndarray) -> Detection:
        """Return the same face in coordinates p * factor + offset."""
        corner = self.box[:2] * factor + offset
        return Detection(np.concatenate([corner, self.box[2:] * factor]), self.five * factor + offset, self.score)


def detect(network: Network, picture: np.ndarray, threshold: float = 0.6) -> list[Detection]:
    """Detect the faces in `picture`, float32 (640, 640, 3), RGB, display-referred 0..1; best score first.

    YuNet's anchor-free decoding (W. Wu, H. Peng, S. Yu, "YuNet: A Tiny Millisecond-level Face Detector", 2023): the score is
    the geometric mean of class and objectness; a cell's box is its offset from the cell, times the stride.
    """
    blob = np.ascontiguousarray(picture[None, :, :, ::-1].transpose(0, 3, 1, 2), np.float32) * np.float32(255)
    out = network.run(blob)
    found = [_decode(out, stride, threshold) for stride in _STRIDES]
    boxes, points, scores = (np.concatenate(part) for part in zip(*found, strict=True))
    keep = cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), threshold, _OVERLAP) if len(boxes) else []
    order = sorted((int(i) for i in keep), key=lambda i: -float(scores[i]))
    return [Detection(boxes[i], points[i], float(scores[i])) for i in order]


def _decode(out: dict[str, np.ndarray], stride: int, threshold: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    score = np.sqrt(np.clip(out[f"cls_{stride}"][0, :, 0], 0, 1) * np.clip(out[f"obj_{stride}"][0, :, 0], 0, 1))
    index = np.flatnonzero(score >= threshold)
    columns = SIDE // stride
    cell = np.stack([index % columns, index // columns], axis=1).astype(np.float64)
    raw = out[f"bbox_{stride}"][0, index].astype(np.float64)
    centre, size = (cell + raw[:, :2]) * stride, np.exp(raw[:, 2:]) * stride
    five = (out[f"kps_{stride}"][0, index].reshape(-1, 5, 2) + cell[:, None]) * stride
    return np.concatenate([centre - size / 2, size], axis=1), five, score[index]
