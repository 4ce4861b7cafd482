"""The one error of the adapter."""

from __future__ import annotations

__all__ = ["Refusal"]


class Refusal(Exception):
    """What was asked cannot be done. Its text is one sentence for an artist: what is wrong and what to do."""
