"""A generator that runs a swap network: it crops the face as the family was trained and returns float pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceplate.cache import digest
from faceplate.errors import RenderError, UsageError
from faceplate.face import Face
from faceplate.face.align import crop_matrix, resample
from faceplate.face.recognisers import SIDE, TEMPLATE, embed
from faceplate.generators.interface import Crop, CropTransform, Encoding, Generated, Generator
from faceplate.generators.networks.dfm import DfmGenerator, Mattes
from faceplate.generators.networks.families import FAMILIES, Family
from faceplate.generators.networks.source_inputs import required, source_input, weighted
from faceplate.generators.networks.tiles import check_multiple, merge, split
from faceplate.image.window import Window
from faceplate.models import ModelStore, Network, Runtime, open_network
from faceplate.models.device_session import Port
from faceplate.source.source import Source

__all__ = ["NetworkGenerator", "edge_coverage", "needs_source", "network_generator"]

NEUTRAL = 0.5
"""Value of `identity` that uses the source unchanged."""

_EDGE = 1 / 16


@dataclass(frozen=True, eq=False)
class NetworkGenerator:
    """Runs `network` by the recipe of `family`.

    Attributes
    ----------
    family : Family
        The recipe.
    network : Network
        The swap network.
    source : np.ndarray
        The array for the graph's source input.
    supersample : int
        n makes the crop n times the network's side, run as n^2 tiles.
    identity : float
        0..1, mixes the target's own identity in or removes it (0.5 uses the source unchanged).
    recogniser : Network, optional
        Embeds the target's face; used in a frame only when `identity` is not 0.5.
    also : tuple of str
        The other cards that made the source's input.
    """

    family: Family
    network: Network
    source: np.ndarray
    supersample: int = 1
    identity: float = NEUTRAL
    recogniser: Network | None = None
    also: tuple[str, ...] = ()
    encoding: Encoding = "network"

    @property
    def name(self) -> str:
        """The card's name."""
        return self.network.card.name

    @property
    def weights(self) -> tuple[str, ...]:
        """The cards of the network and of those that made its source input."""
        return (self.network.card.name, *self.also)

    @property
    def networks(self) -> tuple[Network, ...]:
        """The networks that run in a frame."""
        return (self.network, *((self.recogniser,) if self.recogniser is not None else ()))

    def frame(self, face: Face, pixel_aspect: float) -> CropTransform:
        """Compute the crop: the family's template at the network's side, times the supersampling."""
        side = self.family.side * check_multiple(self.family.side, self.supersample)
        return CropTransform(crop_matrix(face.five, self.family.template, side, pixel_aspect), Window(0, 0, side, side))

    def cache_identity(self) -> str:
        """Return a text that is the same exactly when the results are."""
        networks = [network.card.model_dump_json() for network in self.networks]
        return digest(networks, self.family, self.source, self.supersample, self.identity)

    def generate(self, crop: Crop) -> Generated:
        """Generate the new face, float32, not quantised.

        The coverage falls to 0 at the crop's edge, because the network saw nothing beyond it.
        """
        tiles = split(self.family.normalised(crop.pixels), self.supersample)
        target, source = _ports(self.network, self.family)
        feed = {target: np.ascontiguousarray(tiles.transpose(0, 3, 1, 2), np.float32), source: self._source(crop)}
        made = _picture(self.network.infer(feed, each=(target,)), tiles.shape)
        pixels = self.family.denormalised(merge(made.transpose(0, 2, 3, 1), self.supersample))
        return Generated(np.ascontiguousarray(pixels, np.float32), edge_coverage(pixels.shape[0]))

    def _source(self, crop: Crop) -> np.ndarray:
        if self.identity != NEUTRAL and self.family.latent == "picture":
            self.network.note(
                f"'identity' does nothing with '{self.network.card.name}': it is given a picture of the source"
            )
        if self.identity == NEUTRAL or self.family.latent == "picture" or self.recogniser is None:
            return self.source
        matrix = crop_matrix(crop.face.five, TEMPLATE, SIDE)
        seen = resample(crop.pixels, crop.transform.window, matrix, Window(0, 0, SIDE, SIDE))
        return weighted(self.source, embed(self.recogniser, seen), self.identity)


def network_generator(
    store: ModelStore,
    name: str,
    source: Source | None,
    *,
    runtime: Runtime | None = None,
    supersample: int = 1,
    identity: float = NEUTRAL,
    morph: float = 1.0,
    mattes: Mattes = "both",
) -> Generator:
    """Create the generator of the swap network of card `name`, with its source input computed once.

    Parameters
    ----------
    store : ModelStore
        Where the networks are looked up.
    name : str
        Card of the swap network.
    source : Source, optional
        None for a network that needs none (`needs_source`).
    runtime : Runtime, optional
        How to run; read from the environment by default.
    supersample, identity
        As in `NetworkGenerator`.
    morph, mattes
        As in `DfmGenerator`.

    Raises
    ------
    UsageError
        `unknown-model`, `not-a-generator`, `no-source`, `model-missing` or `bad-supersample`; also what `open_network`
        raises.
    """
    wanted = runtime or Runtime.from_environment()
    card = store.card(name)
    if card.kind == "dfm":
        return DfmGenerator(open_network(store, name, runtime=wanted), morph, mattes, supersample)
    family = _family(store, name)
    check_multiple(family.side, supersample)
    if source is None:
        raise UsageError("no-source", f"'{name}' needs a source; give a picture or a folder of the person.")
    also = [required(store, kind, name).name for kind in _helpers(family)]
    recogniser = open_network(store, also[0], runtime=wanted) if also else None
    return NetworkGenerator(
        family=family,
        network=open_network(store, name, runtime=wanted),
        source=source_input(store, card, family, source, wanted, recogniser),
        supersample=supersample,
        identity=identity,
        recogniser=recogniser,
        also=tuple(also),
    )


def needs_source(store: ModelStore, name: str) -> bool:
    """Check whether the swap network `name` needs the source's pictures; a DFM was trained on its actor and does not."""
    return store.card(name).kind != "dfm"


def edge_coverage(side: int) -> np.ndarray:
    """Compute float32 (side, side): 0 on the outermost pixels, 1 from a sixteenth of the side inward, smoothstep between."""
    across = np.minimum(np.arange(side), np.arange(side)[::-1]) / max(_EDGE * side, 1.0)
    ramp = np.clip(across, 0, 1)
    ramp = (ramp * ramp * (3 - 2 * ramp)).astype(np.float32)
    return ramp[:, None] * ramp[None, :]


def _family(store: ModelStore, name: str) -> Family:
    card = store.card(name)
    if card.kind not in FAMILIES:
        usable = ", ".join(sorted(item.name for item in store if item.kind in FAMILIES or item.kind == "dfm")) or "none"
        raise UsageError("not-a-generator", f"'{name}' is not a swap network; the store's swap networks are: {usable}.")
    return FAMILIES[card.kind]


def _helpers(family: Family) -> tuple[str, ...]:
    if family.latent == "picture":
        return ()
    return (family.recogniser, *((family.converter,) if family.converter else ()))


def _ports(network: Network, family: Family) -> tuple[str, str]:
    """Return the names of the target's and the source's input: by name where files give it, else by shape."""
    target = _called(network.inputs, "target") or _shaped(network.inputs, (3, family.side, family.side))
    source = _called(network.inputs, "source") or next((port for port in network.inputs if port is not target), None)
    if target is None or source is None or target is source:
        names = ", ".join(port.name for port in network.inputs)
        raise RenderError(
            "wrong-signature", f"'{network.card.name}' has the inputs {names}; it should have target and source."
        )
    return target.name, source.name


def _called(ports: tuple[Port, ...], word: str) -> Port | None:
    return next((port for port in ports if word in port.name.lower()), None)


def _shaped(ports: tuple[Port, ...], shape: tuple[int, ...]) -> Port | None:
    fitting = [port for port in ports if len(port.shape) == 4 and port.shape[1:] == shape]
    return fitting[0] if len(fitting) == 1 else None


def _picture(made: dict[str, np.ndarray], tiles: tuple[int, ...]) -> np.ndarray:
    """Return the output that is pictures like the tiles, (n, 3, S, S); some files return a mask too."""
    count, height, width, channels = tiles
    for array in made.values():
        if array.shape == (count, channels, height, width):
            return array
    shapes = ", ".join(str(array.shape) for array in made.values())
    raise RenderError("wrong-signature", f"The network gave {shapes}, and no picture of the size it was given.")
