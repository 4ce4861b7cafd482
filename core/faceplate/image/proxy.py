"""Proxies: pictures 2, 4 or 8 times smaller, prefiltered, with windows to match.

Pixel (i, j) of a proxy is the mean of the n x n plate pixels from (n i, n j) on, in scene-linear light. A continuous
position p of the plate is therefore p / n of the proxy, and a region reduces to the same pixels wherever it begins.
"""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.image.window import Window

__all__ = ["PROXIES", "block_means", "enlarged_window", "proxy_window"]

PROXIES = (1, 2, 4, 8)


def proxy_window(window: Window, proxy: int) -> Window:
    """Return the proxy's pixels that a window of the plate touches."""
    x, y = window.x // proxy, window.y // proxy
    return Window(x, y, -(-window.right // proxy) - x, -(-window.bottom // proxy) - y)


def enlarged_window(region: Window, proxy: int) -> Window:
    """Return the plate pixels that a window of the proxy covers."""
    return Window(region.x * proxy, region.y * proxy, region.width * proxy, region.height * proxy)


def block_means(pixels: np.ndarray, inside: Window, region: Window, proxy: int, border: int) -> np.ndarray:
    """Return the means of whole blocks of plate pixels.

    Parameters
    ----------
    pixels : numpy.ndarray
        float32 (h, w, c) on the plate's window `inside`.
    inside : Window
        The plate pixels that are there.
    region : Window
        The proxy's window to return.
    proxy : int
        How many times smaller: 1, 2, 4 or 8.
    border : int
        OpenCV's border type for blocks that reach beyond `inside`.

    Returns
    -------
    numpy.ndarray
        float32 on `region`.
    """
    whole = enlarged_window(region, proxy)
    left, top = inside.x - whole.x, inside.y - whole.y
    right, bottom = whole.right - inside.right, whole.bottom - inside.bottom
    if left or top or right or bottom:
        pixels = cv2.copyMakeBorder(pixels, top, bottom, left, right, border, value=0.0)
    return cv2.resize(pixels, (region.width, region.height), interpolation=cv2.INTER_AREA)
