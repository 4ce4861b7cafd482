"""Proxies: the plate 2, 4 or 8 times smaller, prefiltered, with windows, face and mattes to match.

Pixel (i, j) of a proxy is the mean of the n x n plate pixels from (n i, n j) on, in scene-linear light, so a continuous place p of
the plate is p / n of the proxy, and a region reduces to the same pixels wherever it begins.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from faceplate.color import ColorConfig
from faceplate.comp.grain import Grain
from faceplate.errors import UsageError
from faceplate.face import Face
from faceplate.frame import Frame, space_of
from faceplate.plate import PlateFile
from faceplate.pyramid import heal
from faceplate.window import Window

__all__ = ["PROXIES", "proxy_face", "proxy_file", "proxy_window", "read_proxy", "reduced", "reduced_grain"]

PROXIES = (1, 2, 4, 8)


def proxy_window(window: Window, proxy: int) -> Window:
    """The proxy's pixels that a window of the plate touches."""
    x, y = window.x // proxy, window.y // proxy
    return Window(x, y, -(-window.right // proxy) - x, -(-window.bottom // proxy) - y)


def proxy_file(file: PlateFile, proxy: int) -> PlateFile:
    """The plate file with the windows of its proxy; it still names the whole file. Raises `UsageError('bad-proxy')`."""
    if proxy not in PROXIES:
        raise UsageError("bad-proxy", f"The proxy is {proxy}; it can be 1, 2, 4 or 8.")
    if proxy == 1:
        return file
    parts = tuple(replace(part, data=proxy_window(part.data, proxy)) for part in file.parts)
    return replace(file, parts=parts, display=proxy_window(file.display, proxy))


def proxy_face(face: Face, proxy: int) -> Face:
    """The face in the proxy's pixels."""
    return face if proxy == 1 else face.moved(face.points / proxy)


def read_proxy(file: PlateFile, color: ColorConfig, requested: str | None, region: Window, proxy: int) -> Frame:
    """`region` of the proxy of the whole plate file `file`, in the plate's own space; NaN and infinite pixels healed first."""
    space = space_of(file, color, requested)
    inside = _enlarged(region, proxy).intersect(file.data)
    pixels = heal(file.read_rgb(inside))[0]
    if color.is_linear(space):
        small = _means(pixels, inside, region, proxy, cv2.BORDER_REPLICATE)
    else:
        small = _means(color.to_working(pixels, space), inside, region, proxy, cv2.BORDER_REPLICATE)
        small = color.from_working(small, space)
    return Frame(small, region, space, color, file.pixel_aspect)


def reduced(file: PlateFile, region: Window, proxy: int) -> np.ndarray:
    """Numbers of a file, such as a matte's, on `region` of its proxy, float32 (h, w, 3); 0 where the file has no pixels."""
    whole = _enlarged(region, proxy)
    pixels = file.read_rgb(whole)
    return pixels if proxy == 1 else _means(pixels, whole, region, proxy, cv2.BORDER_CONSTANT)


def reduced_grain(grain: Grain, proxy: int) -> Grain:
    """The grain that is left in means of n x n pixels: the variance by the grain's own correlation, and taken for white.

    The mean's variance is the sum over lags (i, j) of (n − |i|)(n − |j|) times the autocorrelation there, over n⁴.
    """
    lags = np.arange(-proxy + 1, proxy)
    weights = (proxy - np.abs(lags)).astype(np.float64)
    shares = []
    for kernel in grain.kernel.astype(np.float64):
        spectrum = np.abs(np.fft.fft2(kernel, s=(64, 64))) ** 2
        correlation = np.fft.ifft2(spectrum).real
        near = correlation[np.ix_(lags, lags)] / correlation[0, 0]
        shares.append(weights @ near @ weights / proxy**4)
    left = np.maximum(np.array(shares), 0.0)
    white = Grain.none().kernel
    return replace(grain, slope=grain.slope * left, floor=grain.floor * left, kernel=white)


def _enlarged(region: Window, proxy: int) -> Window:
    return Window(region.x * proxy, region.y * proxy, region.width * proxy, region.height * proxy)


def _means(pixels: np.ndarray, inside: Window, region: Window, proxy: int, border: int) -> np.ndarray:
    """The means of whole blocks; where the plate ends within one, its edge goes on."""
    whole = _enlarged(region, proxy)
    left, top = inside.x - whole.x, inside.y - whole.y
    right, bottom = whole.right - inside.right, whole.bottom - inside.bottom
    if left or top or right or bottom:
        pixels = cv2.copyMakeBorder(pixels, top, bottom, left, right, border, value=0.0)
    return cv2.resize(pixels, (region.width, region.height), interpolation=cv2.INTER_AREA)
