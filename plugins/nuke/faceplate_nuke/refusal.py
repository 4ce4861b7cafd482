"""The one error of the adapter."""

from __future__ import annotations

__all__ = ["Refusal"]


class Refusal(Exception):  # noqa: N818  (what an artist meets is no error of the program)
    """What was asked cannot be done. Its text is one sentence for an artist: what is wrong and what to do."""
