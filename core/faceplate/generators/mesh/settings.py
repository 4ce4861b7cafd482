"""Settings of the mesh generator."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["MeshSettings"]


@dataclass(frozen=True)
class MeshSettings:
    """Settings of the mesh generator.

    Attributes
    ----------
    shape : float
        0..1, how much of the source's own shape is used.
    mouth, eyes : str
        `auto`, `source` or `plate`.
    pins : tuple
        (view name, first frame, last frame): on these frames only that view is used.
    """

    shape: float = 1.0
    mouth: str = "auto"
    eyes: str = "auto"
    pins: tuple[tuple[str, int, int], ...] = ()
