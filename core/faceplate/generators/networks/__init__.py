"""Swap networks: the public families as data, DFM, and supersampling. The weights are the user's own."""

from faceplate.generators.networks.dfm import DfmGenerator, Mattes
from faceplate.generators.networks.families import FAMILIES, Family
from faceplate.generators.networks.swap import NetworkGenerator, needs_source, network_generator

__all__ = ["FAMILIES", "DfmGenerator", "Family", "Mattes", "NetworkGenerator", "needs_source", "network_generator"]
