"""Mixing of the texture layers."""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.face import Face
from faceplate.face.raster import MeshRaster
from faceplate.generators.mesh.grid import disc
from faceplate.generators.mesh.light_removal import remove_light
from faceplate.generators.mesh.texture_layers import TextureLayer

__all__ = ["fill_inner_gaps", "mix_layers"]


def mix_layers(layers: list[TextureLayer], raster: MeshRaster, face: Face) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mix the layers' texture without light by their shares.

    Returns
    -------
    texture, light : np.ndarray
        float32 (h, w, 3), log domain, on the plate's pixels: the mixed texture, and the layers' mean light.
    confidence : np.ndarray
        float32 (gh, gw), the share of the mix that comes from clean skin.
    """
    shape = (raster.window.height, raster.window.width)
    total, light = np.zeros((*shape, 3), np.float32), np.zeros((*shape, 3), np.float32)
    weight, sure, whole = np.zeros(shape, np.float32), np.zeros(raster.covered.shape, np.float32), 0.0
    for layer in layers:
        texture, own_light, clean = remove_light(layer, face, raster)
        share = np.maximum(raster.enlarge(layer.share * clean), 0)
        total += texture * share[..., None]
        weight += share
        sure += layer.share * clean
        overall = float((layer.share * raster.covered).sum())
        light += own_light * np.float32(overall)
        whole += overall
    return total / np.maximum(weight, 1e-6)[..., None], light / np.float32(whole), sure


def fill_inner_gaps(clean: np.ndarray, covered: np.ndarray, border: float) -> np.ndarray:
    """Fill the gaps of `clean` (gh, gw), 0..1, that stay `border` cells inside `covered`: no hair comes in there."""
    count, found = cv2.connectedComponents((clean < 1.0).astype(np.uint8), connectivity=8)
    labels = np.asarray(found, np.int64)
    if count == 1:
        return clean
    inside = cv2.erode(covered.astype(np.uint8), disc(border), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    reaches = np.bincount(labels.ravel(), (inside == 0).ravel(), count) > 0
    return np.where((labels > 0) & ~reaches[labels], np.float32(1), clean)
