"""DFM: a DeepFaceLab model exported for one actor, which a studio can license.

The graph gives its own size, takes the face as NHWC BGR, may take a morph value, and returns two mattes: one of the
plate's face, one of the generated face.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from faceplate.cache import digest
from faceplate.errors import RenderError
from faceplate.face import Face
from faceplate.face.align import crop_matrix
from faceplate.generators.interface import Crop, CropTransform, Encoding, Generated
from faceplate.generators.networks.tiles import check_multiple, merge, split
from faceplate.image.window import Window
from faceplate.models import Network
from faceplate.models.device_session import Port

__all__ = ["DfmGenerator", "Mattes"]

Mattes = Literal["both", "face", "celeb", "none"]
"""Which of the graph's mattes limit the new face: the plate's face, the actor's, the minimum of both, or none."""

_TEMPLATE = "dfl_whole_face"


@dataclass(frozen=True)
class DfmGenerator:
    """Runs a DFM. `morph` 0..1 is its morph value, for a graph that has one; `supersample` as for other networks."""

    network: Network
    morph: float = 1.0
    mattes: Mattes = "both"
    supersample: int = 1
    encoding: Encoding = "network"

    @property
    def name(self) -> str:
        """The card's name."""
        return self.network.card.name

    @property
    def weights(self) -> tuple[str, ...]:
        """The card's name."""
        return (self.network.card.name,)

    @property
    def networks(self) -> tuple[Network, ...]:
        """The networks that run in a frame."""
        return (self.network,)

    @property
    def side(self) -> int:
        """The graph's side in pixels. Raises `RenderError('wrong-signature')` when the graph does not give it."""
        shape = self._face_port.shape
        if len(shape) != 4 or shape[1] == 0 or shape[1] != shape[2]:
            raise RenderError(
                "wrong-signature", f"'{self.name}' does not say its size; a DFM takes a square NHWC picture."
            )
        return shape[1]

    def frame(self, face: Face, pixel_aspect: float) -> CropTransform:
        """Compute DeepFaceLab's whole-face crop."""
        side = self.side * check_multiple(self.side, self.supersample)
        return CropTransform(crop_matrix(face.five, _TEMPLATE, side, pixel_aspect), Window(0, 0, side, side))

    def cache_identity(self) -> str:
        """Return a text that is the same exactly when the results are."""
        return digest(self.network.card.model_dump_json(), self.morph, self.mattes, self.supersample)

    def generate(self, crop: Crop) -> Generated:
        """Generate the actor's face, with the graph's mattes as coverage."""
        face = self._face_port.name
        feed = {face: np.ascontiguousarray(split(crop.pixels[..., ::-1], self.supersample), np.float32)}
        for port in self.network.inputs:
            if port.name != face:
                feed[port.name] = np.full([side or 1 for side in port.shape], self.morph, np.float32)
        made = self.network.infer(feed, each=(face,))
        picture = merge(_named(made, "out_celeb_face", 3), self.supersample)[..., ::-1]
        return Generated(np.ascontiguousarray(picture, np.float32), self._coverage(made))

    def _coverage(self, made: dict[str, np.ndarray]) -> np.ndarray:
        names = {
            "both": ("out_face_mask", "out_celeb_face_mask"),
            "face": ("out_face_mask",),
            "celeb": ("out_celeb_face_mask",),
        }
        mattes = [merge(_named(made, name, 1), self.supersample)[..., 0] for name in names.get(self.mattes, ())]
        side = self.side * self.supersample
        whole = np.minimum.reduce([*mattes, np.ones((side, side), np.float32)])
        return np.ascontiguousarray(np.clip(whole, 0.0, 1.0), np.float32)

    @property
    def _face_port(self) -> Port:
        named = [port for port in self.network.inputs if "in_face" in port.name]
        return named[0] if named else next(port for port in self.network.inputs if len(port.shape) == 4)


def _named(made: dict[str, np.ndarray], name: str, channels: int) -> np.ndarray:
    """Return the output of that name (exporters add `:0`), (n, S, S, channels)."""
    for key, array in made.items():
        if key.split(":")[0] == name and array.ndim == 4 and array.shape[-1] == channels:
            return array
    raise RenderError(
        "wrong-signature", f"The DFM has no output '{name}' with {channels} channels; it has {', '.join(made)}."
    )
