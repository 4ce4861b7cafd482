"""Weights: cards that say what a file is, a store that proves it, and ONNX sessions that run it."""

from faceplate.models.card import Card, Tensor, read_card
from faceplate.models.session import Network, available_providers, open_network
from faceplate.models.store import ModelStore, embedded_store

__all__ = [
    "Card",
    "ModelStore",
    "Network",
    "Tensor",
    "available_providers",
    "embedded_store",
    "open_network",
    "read_card",
]
