"""What a host shows about a shot: stale frames, licences of its weights, and the source's release."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .exr import frame_key
from .sequence import frame_path

if TYPE_CHECKING:
    from .engine import Engine, Shot

__all__ = ["licence_notice", "release_notice", "stale_frames"]


def stale_frames(
    engine: Engine,
    shot: Shot,
    frames: Iterable[int],
    output: str,
    values: Mapping[str, Any] | None = None,
    frame_values: Mapping[int, Mapping[str, Any]] | None = None,
    **more: Any,
) -> list[int]:
    """Return the frames whose file under the pattern `output` is missing or was rendered with other inputs.

    `more` holds other settings that change pixels: ``proxy``, ``mode``. Raises `EngineError`.
    """
    wanted = engine.keys(shot, frames, values, frame_values, **more)
    return [frame for frame, key in wanted.items() if frame_key(frame_path(output, frame)) != key]


def licence_notice(info: Mapping[str, Any]) -> str:
    """Return one line about the licences of a shot's weights; those that forbid commercial use come first."""
    weights = sorted(info.get("weights", ()), key=lambda weight: (bool(weight["commercial"]), weight["name"]))
    forbidden = [weight for weight in weights if not weight["commercial"]]
    names = ", ".join("{} ({})".format(weight["name"], weight["licence"]) for weight in weights)
    if not forbidden:
        return f"Weights: {names}. All may be used commercially." if names else ""
    return f"NOT FOR COMMERCIAL USE: {names}."


def release_notice(info: Mapping[str, Any]) -> str:
    """Return one line with the source's release and the engine's warnings; empty when there is nothing to report."""
    release = (info.get("source_release") or {}).get("text")
    return " ".join(line for line in (release, *(info.get("warnings") or ())) if line)
