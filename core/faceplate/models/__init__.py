"""Weights: cards that say what a file is, a store that proves it, and ONNX sessions that run it."""

from faceplate.models.card import Card, Tensor, read_card
from faceplate.models.devices import Runtime, available_providers
from faceplate.models.session import Network, open_network, single_precision
from faceplate.models.store import ModelStore, check_policy, default_store, embedded_store

__all__ = [
    "Card",
    "ModelStore",
    "Network",
    "Runtime",
    "Tensor",
    "available_providers",
    "check_policy",
    "default_store",
    "embedded_store",
    "open_network",
    "read_card",
    "single_precision",
]
