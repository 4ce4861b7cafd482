"""Matching of the new face's grain to the plate's."""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.comp.grain.blocks import (
    BLOCK,
    FEWEST_BLOCKS,
    LUMINANCE_CLASSES,
    BlockStatistics,
    block_statistics,
    flattest_blocks,
    usable_blocks,
)
from faceplate.comp.grain.measure import estimate_grain, measure_grain
from faceplate.comp.grain.model import Grain
from faceplate.comp.grain.removal import degrain
from faceplate.comp.grain.synthesis import safe_reciprocal, smooth_signal, unit_noise
from faceplate.image.weighting import times
from faceplate.image.window import Window

__all__ = ["MATCH_ROOM", "match_grain"]

MATCH_ROOM = 3 * BLOCK
"""Pixels around those that change whose grain is measured with them."""

# Below this matte the plate's own grain is complete to within 6 %; dividing by less would amplify rounding.
_LEAST_MATTE = 0.125
# Size of a face in pixels from which the level of its grain is computed at half the resolution.
_COARSE_FACE = 512.0


def match_grain(
    result: np.ndarray,
    plate: np.ndarray,
    matte: np.ndarray,
    window: Window,
    frame: int,
    amount: float = 1.0,
    keep_own: float = 1.0,
    *,
    size: float | None = None,
    grain: Grain | None = None,
    own: Grain | None = None,
    kept: np.ndarray | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Add the grain that a result lacks compared with the plate.

    plate + matte * (returned - plate) has `amount`^2 of the plate's grain variance everywhere, also in the feather, where
    averaging two independent grains would give less. All pictures are scene-linear, finite, and lie on the plate's `window`.

    Parameters
    ----------
    result, plate : np.ndarray
        float32 (h, w, 3).
    matte : np.ndarray
        (h, w), with which the result will be laid over the plate.
    window : Window
        The plate pixels of these arrays.
    frame, seed : int
        Select the noise pattern.
    amount : float
        Standard deviation of the grain relative to the plate's.
    keep_own : float
        1 keeps the result's own texture noise and adds what is missing; 0 removes it first.
    size : float, optional
        The face's size in pixels; the matte's height by default.
    grain : Grain, optional
        The plate's grain. Measured on all of `plate` by default; better measured around the face too, where only grain is
        fine because the background is out of focus.
    own : Grain, optional
        Upper limit of the grain in the result, where it is known. Skin texture of a still looks like grain but does not
        change from frame to frame, so it must not count as grain.
    kept : np.ndarray, optional
        (h, w), how far the result is the plate's own picture with its grain.

    Returns
    -------
    np.ndarray
        float32 (h, w, 3). Pixels that equal the plate bit for bit, and pixels without matte, are returned bit for bit. The
        same array when `amount` is 0 and `keep_own` is 1.
    """
    touched = (matte > 0) & _differ(result, plate)
    if not touched.any() or (amount == 0 and keep_own >= 1):
        return result
    box = Window.of_mask(touched, window).grow(MATCH_ROOM).intersect(window)
    near = box.slices(window)
    part, beneath = np.ascontiguousarray(result[near]), np.ascontiguousarray(plate[near])
    cover, changed = np.ascontiguousarray(matte[near], np.float32), np.ascontiguousarray(touched[near])
    if keep_own < 1:
        clean = degrain(part, 1.0, size or float(box.height))
        part = clean + np.float32(keep_own) * (part - clean)
    if amount > 0:
        whole = grain or measure_grain(plate)
        deviation = _missing_deviation(
            part,
            beneath,
            cover,
            changed,
            np.zeros_like(cover) if kept is None else np.clip(kept[near], 0, 1),
            amount=amount,
            grain=whole,
            own=None if own is None else own.scaled(keep_own),
            coarse=(size or float(box.height)) >= _COARSE_FACE,
        )
        noise = unit_noise(whole, box, frame, seed, changed)
        part = cv2.add(part, cv2.multiply(noise, deviation, dst=deviation), dst=deviation)
    answer = result.copy()
    answer[near] = cv2.copyTo(part, changed.astype(np.uint8), np.ascontiguousarray(answer[near]))
    return answer


def _differ(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Find the pixels that differ in any channel, bool (h, w)."""
    apart = cv2.compare(first, second, cv2.CMP_NE)
    return cv2.transform(apart, np.ones((1, 3), np.float32)) > 0


def _missing_deviation(
    result: np.ndarray,
    plate: np.ndarray,
    matte: np.ndarray,
    changed: np.ndarray,
    kept: np.ndarray,
    *,
    amount: float,
    grain: Grain,
    own: Grain | None,
    coarse: bool,
) -> np.ndarray:
    """Compute the standard deviation of the grain to add, float32 (h, w, 3).

    With matte m, let the result be the plate's own picture by k and new by j = 1 - k, with own variance o (in the plate's
    units, at most what the result is known to have) and correlation c with the plate's grain. The composite then has the variance
    (1 - m j)^2 + m^2 (j^2 o + added) + 2 m j (1 - m j) c sqrt(o). Result and plate are measured by the same estimator on the
    same pixels, so that a result that equals the plate except for rounding lacks nothing. `coarse` computes it at half the
    resolution: level, matte and what is kept of the plate are soft on a large face.
    """
    # A result that is known to have no grain needs no measurement.
    measured = None if own is not None and own.empty else _measured(result, plate, matte, changed)
    height, width = matte.shape
    signal = _signal(result, kept, own)
    if coarse:
        half = ((width + 1) // 2, (height + 1) // 2)
        signal, matte, kept = (
            cv2.resize(part, half, interpolation=cv2.INTER_AREA)
            for part in (signal, matte, np.asarray(kept, np.float32))
        )
    cover = np.maximum(matte, np.float32(_LEAST_MATTE))
    new = 1 - kept
    whole = grain.variance(signal)
    target = np.float32(amount * amount) * new * (2 / cover - new)
    if measured is None:
        deviation = np.sqrt(times(whole, target))
        return cv2.resize(deviation, (width, height), interpolation=cv2.INTER_LINEAR) if coarse else deviation
    found, reference, correlation = measured
    # A hundred times the plate's grain lacks nothing; the limit keeps the ratio finite where the plate has almost none.
    share = np.minimum(found.variance(signal) * safe_reciprocal(reference.variance(signal)), np.float32(100))
    if own is not None:
        share = np.minimum(share, own.variance(signal) * safe_reciprocal(whole))
    shared = cv2.transform(np.sqrt(share), np.diag(correlation))
    lacking = cv2.merge([target] * 3)
    lacking -= times(share, new * new, out=share)
    lacking -= times(shared, 2 * new * (1 / cover - new), out=shared)
    deviation = np.sqrt(whole * np.maximum(lacking, np.float32(0), out=lacking))
    return cv2.resize(deviation, (width, height), interpolation=cv2.INTER_LINEAR) if coarse else deviation


def _measured(
    result: np.ndarray, plate: np.ndarray, matte: np.ndarray, changed: np.ndarray
) -> tuple[Grain, Grain, np.ndarray] | None:
    """Return the grain of the result and of the plate, and their correlation float32 (3,); None where the result has none."""
    ours, theirs = block_statistics(result), block_statistics(plate)
    inside = changed & (matte > 0.5)
    if usable_blocks(ours, inside).sum() < FEWEST_BLOCKS * LUMINANCE_CLASSES:
        inside = changed
    # Only the ratio matters and both are measured alike, so one pass is enough.
    found, reference = estimate_grain(ours, inside, 1), estimate_grain(theirs, inside, 1)
    return None if found.empty else (found, reference, _plate_correlation(ours, theirs, usable_blocks(ours, inside)))


def _signal(result: np.ndarray, kept: np.ndarray, own: Grain | None) -> np.ndarray:
    """Return what the grain's amplitude follows, float32 (h, w, 3): the result, low-passed where it has grain of its own."""
    smooth = smooth_signal(result)
    if own is None or not own.empty:
        return smooth
    return np.where(kept[..., None] > 0, smooth, result)


def _plate_correlation(ours: BlockStatistics, theirs: BlockStatistics, usable: np.ndarray) -> np.ndarray:
    """Measure how far the result's residual is the plate's own, float32 (3,), 0..1: the median correlation of flat blocks."""
    if usable.sum() < FEWEST_BLOCKS:
        return np.zeros(3, np.float32)
    chosen, _ = flattest_blocks(ours, usable, np.zeros_like(ours.structure))
    rows, columns = usable.shape
    first, second = (
        part.residual.reshape(rows, BLOCK, columns, BLOCK, 3)[chosen[0], :, chosen[1]] for part in (ours, theirs)
    )
    common = (first * second).mean(axis=(1, 2))
    scale = np.sqrt(ours.energy[chosen] * theirs.energy[chosen])
    ratio = np.divide(common, scale, out=np.zeros_like(common), where=scale > 0)
    return np.clip(np.median(ratio, axis=0), 0, 1).astype(np.float32)
