"""Network weights: the cards that describe a file, the store that verifies it, and the ONNX sessions that run it."""

from faceplate.models.card import Card, Tensor, Trained, read_card
from faceplate.models.device_session import Port
from faceplate.models.devices import Runtime, available_providers
from faceplate.models.loader import open_network, single_precision
from faceplate.models.network import Network
from faceplate.models.store import ModelStore, check_policy, default_store, embedded_store

__all__ = [
    "Card",
    "ModelStore",
    "Network",
    "Port",
    "Runtime",
    "Tensor",
    "Trained",
    "available_providers",
    "check_policy",
    "default_store",
    "embedded_store",
    "open_network",
    "read_card",
    "single_precision",
]
