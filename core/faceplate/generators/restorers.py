"""Restorers: networks that add detail to a face. They get FFHQ's crop and nothing else.

GFPGAN, RestoreFormer++, CodeFormer and GPEN share one recipe: RGB (x - 0.5) / 0.5, NCHW, and back; CodeFormer has a
fidelity weight.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from faceplate.cache import digest
from faceplate.color import ColorConfig, Exposure, decode, encode
from faceplate.errors import RenderError, UsageError
from faceplate.face import Face
from faceplate.face.align import crop_matrix, invert, resample
from faceplate.generators.interface import CacheIdentity, Crop, CropTransform, Encoding, Generated, Generator, Reshaping
from faceplate.image.window import Window
from faceplate.models import ModelStore, Network, Runtime, open_network
from faceplate.models.device_session import Port

__all__ = ["RESTORERS", "Restored", "Restorer", "open_restorer"]

RESTORERS = ("gfpgan", "restoreformer", "codeformer", "gpen")
"""The supported kinds."""

# GPEN's 256-pixel file was trained on another crop than its larger ones.
_SMALL_SIDE, _SMALL_TEMPLATE, _TEMPLATE = 256, "arcface_128", "ffhq_512"


@dataclass(frozen=True)
class Restorer:
    """A restorer ready to run.

    Attributes
    ----------
    network : Network
        The opened network.
    amount : float
        0..1, the share of its picture in the result.
    fidelity : float
        0..1, for networks with such a weight (CodeFormer: 1 stays nearest to the input).
    """

    network: Network
    amount: float = 0.8
    fidelity: float = 0.5

    @property
    def side(self) -> int:
        """Side of its crop in pixels. Raises `RenderError('wrong-signature')` when the graph does not give it."""
        shape = self._port.shape
        if len(shape) != 4 or not shape[2] or shape[2] != shape[3]:
            raise RenderError(
                "wrong-signature", f"'{self.network.card.name}' does not say its size; a restorer's input is square."
            )
        return shape[2]

    def frame(self, face: Face, pixel_aspect: float) -> CropTransform:
        """Compute the crop that it was trained on."""
        side = self.side
        template = _SMALL_TEMPLATE if side == _SMALL_SIDE else _TEMPLATE
        return CropTransform(crop_matrix(face.five, template, side, pixel_aspect), Window(0, 0, side, side))

    def restore(self, pixels: np.ndarray) -> np.ndarray:
        """Restore `pixels`, float32 (side, side, 3), display-referred RGB, and blend by `amount`; not clipped.

        Raises
        ------
        RenderError
            `wrong-signature` when no output is a picture of the input's size.
        """
        picture = self._port
        feed = {
            picture.name: np.ascontiguousarray((pixels.transpose(2, 0, 1)[None] - np.float32(0.5)) / np.float32(0.5))
        }
        for port in self.network.inputs:
            if port is not picture:
                feed[port.name] = np.full([side or 1 for side in port.shape], self.fidelity, port.dtype)
        made = next(
            (array for array in self.network.infer(feed).values() if array.shape == feed[picture.name].shape), None
        )
        if made is None:
            raise RenderError(
                "wrong-signature", f"'{self.network.card.name}' gave no picture of the size it was given."
            )
        restored = made[0].transpose(1, 2, 0) * np.float32(0.5) + np.float32(0.5)
        return np.ascontiguousarray(pixels + np.float32(self.amount) * (restored - pixels), np.float32)

    @property
    def _port(self) -> Port:
        return next(port for port in self.network.inputs if len(port.shape) == 4)


def _run(make: Callable[[], Generated]) -> Generated:
    return make()


@dataclass(frozen=True)
class Restored:
    """A generator followed by a restorer; itself a generator, on the restorer's crop.

    The inner generator works on its own crop, cut out of this one; only its change is transferred back.

    Attributes
    ----------
    generator : Generator
        The inner generator.
    restorer : Restorer
        The restorer.
    color : ColorConfig, optional
        Required for a generator that works in scene-linear light (`mesh`).
    remembers : callable
        Runs the inner generator, or returns its cached result.
    """

    generator: Generator
    restorer: Restorer
    color: ColorConfig | None = None
    encoding: Encoding = "network"
    remembers: Callable[[Callable[[], Generated]], Generated] = _run

    def remembering(self, remembers: Callable[[Callable[[], Generated]], Generated]) -> Restored:
        """Return the same generator with its inner result cached by `remembers`."""
        return replace(self, remembers=remembers)

    @property
    def name(self) -> str:
        """The inner generator's name and the restorer's card, joined by +."""
        return f"{self.generator.name}+{self.restorer.network.card.name}"

    @property
    def weights(self) -> tuple[str, ...]:
        """The cards of the inner generator and of the restorer."""
        return (*self.generator.weights, self.restorer.network.card.name)

    @property
    def networks(self) -> tuple[Network, ...]:
        """The networks that run in a frame, the inner generator's first."""
        return (*getattr(self.generator, "networks", ()), self.restorer.network)

    def frame(self, face: Face, pixel_aspect: float) -> CropTransform:
        """Compute the restorer's crop."""
        return self.restorer.frame(face, pixel_aspect)

    def reshaped(self, face: Face, pixel_aspect: float) -> Face:
        """Reshape the face as the inner generator does."""
        return self.generator.reshaped(face, pixel_aspect) if isinstance(self.generator, Reshaping) else face

    def cache_identity(self) -> str:
        """Return a text that is the same exactly when the results are; "" when the inner generator has none."""
        inner = self.generator.cache_identity() if isinstance(self.generator, CacheIdentity) else ""
        if not inner:
            return ""
        restorer = self.restorer
        config = "" if self.color is None else self.color.cache_id
        return digest(inner, restorer.network.card.model_dump_json(), restorer.amount, restorer.fidelity, config)

    def generate(self, crop: Crop) -> Generated:
        """Generate the face with the inner generator, then restore it."""
        inner = self.generator.frame(crop.face, 1.0)
        seen = resample(self._to_inner(crop.pixels, crop.face), crop.transform.window, inner.matrix, inner.window)
        face = _moved(crop.face, inner.matrix)
        made = self.remembers(lambda: self.generator.generate(replace(crop, pixels=seen, transform=inner, face=face)))
        back, window = invert(inner.matrix), crop.transform.window
        change = self._to_network(made.pixels, face) - self._to_network(seen, face)
        covered = np.clip(resample(_ending(made.coverage), inner.window, back, window), 0, 1)
        swapped = crop.pixels + covered[..., None] * resample(change, inner.window, back, window)
        return Generated(self.restorer.restore(swapped), covered)

    def _to_inner(self, pixels: np.ndarray, face: Face) -> np.ndarray:
        if self.generator.encoding == "network":
            return pixels
        return self._color.from_linear709(decode(pixels, Exposure.of_level(face.level).gain))

    def _to_network(self, pixels: np.ndarray, face: Face) -> np.ndarray:
        if self.generator.encoding == "network":
            return pixels
        return encode(self._color.to_linear709(pixels), Exposure.of_level(face.level).gain)

    @property
    def _color(self) -> ColorConfig:
        if self.color is None:
            raise UsageError(
                "no-color",
                f"The generator '{self.generator.name}' works in scene-linear light; a restorer after it needs the colour "
                "configuration.",
            )
        return self.color


def open_restorer(
    store: ModelStore, name: str, *, runtime: Runtime | None = None, amount: float = 0.8, fidelity: float = 0.5
) -> Restorer:
    """Open the restorer of card `name`.

    Raises
    ------
    UsageError
        `not-a-restorer`; also what `open_network` raises.
    """
    if store.card(name).kind not in RESTORERS:
        usable = ", ".join(sorted(card.name for card in store if card.kind in RESTORERS)) or "none"
        raise UsageError("not-a-restorer", f"'{name}' is not a restorer; the store's restorers are: {usable}.")
    return Restorer(open_network(store, name, runtime=runtime), amount, fidelity)


def _ending(coverage: np.ndarray) -> np.ndarray:
    """Set the outermost pixels of `coverage` to 0, because resampling repeats them where nothing is known."""
    return cv2.copyMakeBorder(coverage[1:-1, 1:-1], 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0.0)


def _moved(face: Face, matrix: np.ndarray) -> Face:
    linear = matrix[:, :2]
    depth = face.points[:, 2] * np.sqrt(abs(float(np.linalg.det(linear))))
    return face.moved(np.column_stack([face.points[:, :2] @ linear.T + matrix[:, 2], depth]))
