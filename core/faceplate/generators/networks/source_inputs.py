"""The source input of a swap network, computed once for all frames."""

from __future__ import annotations

import numpy as np

from faceplate.errors import UsageError
from faceplate.face.recognisers import convert, display_crop, embed_face
from faceplate.face.shape import pose_of
from faceplate.generators.networks.families import Family
from faceplate.models import Card, ModelStore, Network, Runtime, open_network
from faceplate.models.graph import read_graph
from faceplate.source.source import Source, SourceView

__all__ = ["identity_of", "latent_of", "picture_of", "required", "weighted"]

# Range of the identity weight in public tools: about a third of the target's own embedding is added or subtracted.
_WEIGHT_REACH = 0.35


def identity_of(source: Source, recogniser: Network) -> np.ndarray:
    """Compute the source's raw embedding, float32 (512,): the mean over its pictures."""
    return np.stack([embed_face(recogniser, view.frame, view.face) for view in source.views]).mean(axis=0)


def latent_of(family: Family, raw: np.ndarray, emap: np.ndarray | None, converter: Network | None) -> np.ndarray:
    """Compute the source input, float32 (1, 512), of `family` from ArcFace's raw embedding (512,).

    inswapper: (e @ emap) / |e|, `emap` (512, 512) from the graph. Others: converted if they have a converter, then
    normalised to length 1 if the recipe says so.
    """
    if family.latent == "emap":
        if emap is None:
            raise ValueError("inswapper's latent needs the graph's matrix")
        return ((raw @ emap) / np.linalg.norm(raw)).astype(np.float32)[None]
    moved = convert(converter, raw) if converter is not None else raw
    return (moved / np.linalg.norm(moved) if family.latent == "unit" else moved).astype(np.float32)[None]


def weighted(latent: np.ndarray, target: np.ndarray, weight: float) -> np.ndarray:
    """Mix the target's own raw embedding (512,) into `latent` (1, 512).

    (1 - w) * latent + w * target / |target| with w from 0.35 (weight 0) to -0.35 (weight 1); 0.5 leaves the source unchanged.
    """
    w = np.float32(np.interp(weight, [0.0, 1.0], [_WEIGHT_REACH, -_WEIGHT_REACH]))
    return ((1 - w) * latent + w * (target / np.linalg.norm(target))[None]).astype(np.float32)


def picture_of(family: Family, source: Source) -> np.ndarray:
    """Render the source picture float32 (1, 3, side, side), RGB 0..1, for a family that takes one: the most frontal view."""
    assert family.picture is not None
    template, side = family.picture
    view = min(source.views, key=_turned)
    crop = display_crop(view.frame, view.face, template, side)
    return np.ascontiguousarray(crop.transpose(2, 0, 1)[None], np.float32)


def required(store: ModelStore, kind: str, wanted_by: str) -> Card:
    """Return the store's network of kind `kind`.

    Raises
    ------
    UsageError
        `model-missing`, with the command that adds one.
    """
    card = store.of_family(kind)
    if card is None:
        raise UsageError(
            "model-missing",
            f"'{wanted_by}' needs a network of kind '{kind}', which the store lacks; run: faceplate models add FILE.",
        )
    return card


def emap_of(store: ModelStore, name: str) -> np.ndarray:
    """Read inswapper's matrix: the last 512x512 tensor stored in the graph, float32."""
    return read_graph(store.path(name)).last_initializer((512, 512))


def source_input(
    store: ModelStore, card: Card, family: Family, source: Source, runtime: Runtime, recogniser: Network | None
) -> np.ndarray:
    """Compute the array for the graph's source input from the source's pictures. Raises `UsageError('model-missing')`."""
    if family.latent == "picture":
        return picture_of(family, source)
    assert recogniser is not None
    emap = emap_of(store, card.name) if family.latent == "emap" else None
    converter = None
    if family.converter is not None:
        converter = open_network(store, required(store, family.converter, card.name).name, runtime=runtime)
    return latent_of(family, identity_of(source, recogniser), emap, converter)


def _turned(view: SourceView) -> float:
    yaw, pitch, _ = pose_of(view.face.points).angles
    return float(np.hypot(yaw, pitch))
