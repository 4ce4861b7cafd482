"""Identity: SFace's embedding of an aligned face, and the likeness of two embeddings."""

from __future__ import annotations

import numpy as np

from faceplate.models import Network

__all__ = ["SIDE", "TEMPLATE", "embed", "likeness"]

SIDE = 112
"""Side of SFace's crop in pixels."""

TEMPLATE = "arcface_112_v2"
"""SFace's crop template."""


def embed(network: Network, crop: np.ndarray) -> np.ndarray:
    """Compute the raw embedding, float32 (128,), of `crop`, float32 (112, 112, 3), RGB, display-referred 0..1, on `TEMPLATE`."""
    blob = np.ascontiguousarray(np.clip(crop, 0, 1).transpose(2, 0, 1)[None], np.float32) * np.float32(255)
    return next(iter(network.run(blob).values()))[0]


def likeness(first: np.ndarray, second: np.ndarray) -> float:
    """Compute the cosine similarity of two embeddings, -1..1; SFace's authors use 0.363 as the threshold for the same person."""
    return float(first @ second / (np.linalg.norm(first) * np.linalg.norm(second)))
