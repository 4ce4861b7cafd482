"""Track export for other programs: Nuke nodes as text to paste, a data file for Blender, USD, and a table.

Nuke's y grows up and its pixel (0, 0) covers 0 to 1, so its coordinates are continuous, as ours are. A plate point (x, y),
y down in the file's numbering, is at (x - display.x, display.y + display.height - y) in Nuke, whose format is the display
window. Overscan and cropped data windows need no further conversion. Anamorphic plates stay in their squeezed pixels.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from faceplate.errors import RenderError, UsageError
from faceplate.face import topology
from faceplate.face.align import similarity
from faceplate.face.shape import RIGID
from faceplate.system.atomic import publish, temporary_beside, write_failed
from faceplate.track.track import Track, TrackedFace

__all__ = ["FORMATS", "TRACKER_POINTS", "export_track"]

TRACKER_POINTS: tuple[tuple[str, int], ...] = (
    ("eye right outer", 33),
    ("eye right inner", 133),
    ("eye left inner", 362),
    ("eye left outer", 263),
    ("nose bridge", 6),
    ("nose tip", 4),
    ("mouth right", 61),
    ("mouth left", 291),
    ("chin", 152),
)
"""The nine points of the Tracker4, by the mesh's point number. Right and left are the person's own."""

# The columns of Tracker4's table as Nuke saves them: type, visible, width, title, name.
_TRACKER_COLUMNS: tuple[tuple[int, int, int, str, str], ...] = (
    (5, 1, 20, "enable", "e"),
    (3, 1, 75, "name", "name"),
    *((2, 1, 58, name, name) for name in ("track_x", "track_y")),
    *((2, 1, 63, name, name) for name in ("offset_x", "offset_y")),
    *((4, 1, 27, name, name) for name in "TRS"),
    (2, 0, 45, "error", "error"),
    *((1, 1, 0, name, name) for name in ("error_min", "error_max")),
    *((1, 1, 0, name, name) for name in (f"{box}_{side}" for box in ("pattern", "search") for side in "xyrt")),
    (2, 1, 0, "key_track", "key_track"),
    *((2, 1, 0, name, name) for name in (f"key_{box}_{side}" for box in ("search", "track") for side in "xyrt")),
    *((2, 1, 0, name, name) for name in ("key_centre_offset_x", "key_centre_offset_y")),
)


@dataclass(frozen=True)
class _Shot:
    """The data of an export: one person's faces by frame, and the display window (x, y, width, height)."""

    track: Track
    person: str
    name: str
    faces: dict[int, TrackedFace]
    display: tuple[int, int, int, int]

    def nuke(self, points: np.ndarray) -> np.ndarray:
        """Convert plate points (n, 2) to Nuke's coordinates."""
        x, y, _, height = self.display
        return np.column_stack([points[:, 0] - x, y + height - points[:, 1]])


def export_track(
    track: Track, path: str | Path, person: str, form: str | None = None, reference: int | None = None
) -> Path:
    """Write one person's track for another program; return the path.

    Parameters
    ----------
    track : Track
        The track.
    path : str or Path
        The file to write.
    person : str
        The person's id.
    form : str, optional
        One of `FORMATS`; by default from the file's suffix.
    reference : int, optional
        The frame in which CornerPin2D and Transform have no effect; the first by default.

    Raises
    ------
    UsageError
        `bad-format`, `no-usd`, `no-such-person` or `no-frames`.
    RenderError
        `output-unwritable`.
    """
    path = Path(path)
    kind = form or {
        ".nk": "nuke",
        ".csv": "csv",
        ".json": "blender",
        ".usd": "usd",
        ".usda": "usd",
        ".usdc": "usd",
    }.get(path.suffix.lower(), path.suffix)
    if kind not in FORMATS:
        raise UsageError("bad-format", f"'{kind}' is not an export format; use one of: {', '.join(FORMATS)}.")
    shot = _shot(track, person)
    if reference is None:
        reference = min(shot.faces)
    elif reference not in shot.faces:
        raise UsageError("no-frames", f"The reference frame {reference} does not show {shot.name}; choose another.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RenderError("output-unwritable", f"The folder {path.parent} cannot be made: {error.strerror}.") from error
    with temporary_beside(path) as part:
        try:
            FORMATS[kind](shot, part, reference)
        except OSError as error:
            raise write_failed(path, error) from error
        publish(part, path)
    return path


def _shot(track: Track, person: str) -> _Shot:
    known = track.person(person)
    faces = {frame: face for frame in known.frames if (face := track.face(person, frame)) is not None}
    if not faces:
        raise UsageError("no-frames", f"{known.name} is in no frame of the track.")
    return _Shot(track, person, known.name, faces, track.sidecar.plate.display)


# Nuke ---------------------------------------------------------------------------------------------------------------


def _nuke(shot: _Shot, path: Path, reference: int) -> None:
    parts = [_tracker(shot), _corner_pin(shot, reference), _transform(shot, reference)]
    path.write_text("\n".join(parts), encoding="utf-8")


def _curve(frames: Sequence[int], values: Iterable[float]) -> str:
    """Format a Nuke curve: `x1001` sets the frame, values of the frames after it follow."""
    words, expected = [], None
    for frame, value in zip(frames, values, strict=True):
        if frame != expected:
            words.append(f"x{frame}")
        words.append(f"{round(float(value), 6) + 0.0:.10g}")
        expected = frame + 1
    return "{curve " + " ".join(words) + "}"


def _tracker(shot: _Shot) -> str:
    frames = sorted(shot.faces)
    placed = {frame: shot.nuke(shot.faces[frame].face.points[:, :2]) for frame in frames}
    first = frames[0]
    rows = []
    for name, point in TRACKER_POINTS:
        x, y = (_curve(frames, (placed[f][point, axis] for f in frames)) for axis in (0, 1))
        offset = f"{{curve K x{first} 0}}"
        boxes = "-15 -15 15 15 -10 -10 10 10"
        start = f'{{curve K x{first} 1}} "{name}" {x} {y} {offset} {offset} 1 1 1 {{curve x{first} 0}} 1 0 {boxes}'
        rows.append(f" {{ {start} {' '.join(['{}'] * 11)} }}")
    columns = "\n".join("{ " + " ".join(map(str, column)) + " 1 }" for column in _TRACKER_COLUMNS)
    size = f"{{ 1 {len(_TRACKER_COLUMNS)} {len(TRACKER_POINTS)} }}"
    table = "\n".join(rows)
    return (
        "set cut_paste_input [stack 0]\nversion 13.2 v8\npush $cut_paste_input\nTracker4 {\n"
        f" tracks {{ {size}\n{{ {columns}\n}}\n{{\n{table}\n}}\n}}\n"
        f" reference_frame {first}\n name {_node(shot, 'Tracker')}\n selected true\n}}\n"
    )


def _corner_pin(shot: _Shot, reference: int) -> str:
    """Format a CornerPin2D: the face's box in the reference frame, moved by the face's similarity."""
    frames = sorted(shot.faces)
    points = shot.faces[reference].face.points[:, :2]
    low, high = points.min(axis=0), points.max(axis=0)
    corners = np.array([[low[0], high[1]], [high[0], high[1]], [high[0], low[1]], [low[0], low[1]]])
    moves = {frame: _similarity(shot, reference, frame) for frame in frames}
    still = shot.nuke(corners)
    lines = ["CornerPin2D {"]
    for k in range(4):
        moved = [shot.nuke(corners @ moves[f][:, :2].T + moves[f][:, 2])[k] for f in frames]
        lines.append(f" to{k + 1} {{{_curve(frames, [m[0] for m in moved])} {_curve(frames, [m[1] for m in moved])}}}")
    lines += [f" from{k + 1} {{{still[k, 0]:.4f} {still[k, 1]:.4f}}}" for k in range(4)]
    lines += [" filter Cubic", f" name {_node(shot, 'CornerPin')}", " selected true", "}"]
    return "push $cut_paste_input\n" + "\n".join(lines) + "\n"


def _transform(shot: _Shot, reference: int) -> str:
    """Format a Transform with the same similarity about the face's centre in the reference frame.

    Nuke rotates counter-clockwise.
    """
    frames = sorted(shot.faces)
    centre = shot.faces[reference].face.points[:, :2].mean(axis=0)
    at = shot.nuke(centre[None])[0]
    moves = {frame: _similarity(shot, reference, frame) for frame in frames}
    shifts = [shot.nuke((moves[f][:, :2] @ centre + moves[f][:, 2])[None])[0] - at for f in frames]
    turns = np.degrees(np.unwrap([-math.atan2(moves[f][1, 0], moves[f][0, 0]) for f in frames]))
    scales = [math.hypot(moves[f][0, 0], moves[f][1, 0]) for f in frames]
    lines = [
        "Transform {",
        f" translate {{{_curve(frames, [s[0] for s in shifts])} {_curve(frames, [s[1] for s in shifts])}}}",
        f" rotate {{{_curve(frames, turns)}}}",
        f" scale {{{_curve(frames, scales)}}}",
        f" center {{{at[0]:.4f} {at[1]:.4f}}}",
        " filter Cubic",
        f" name {_node(shot, 'Transform')}",
        " selected true",
        "}",
    ]
    return "push $cut_paste_input\n" + "\n".join(lines) + "\n"


def _similarity(shot: _Shot, first: int, second: int) -> np.ndarray:
    """Fit the matrix (2, 3) on plate pixels that moves the face of one frame onto that of another, by its skull."""
    return similarity(shot.faces[first].face.points[RIGID, :2], shot.faces[second].face.points[RIGID, :2])


def _node(shot: _Shot, kind: str) -> str:
    plain = "".join(c if c.isascii() and c.isalnum() else "_" for c in shot.name)
    return f"Faceplate_{kind}_{plain}"


# Blender, USD, CSV ----------------------------------------------------------------------------------------------------


def _blender(shot: _Shot, path: Path, reference: int) -> None:
    """Write the data file of docs/tracks.md, "The Blender data file"."""
    width, height = shot.display[2:]
    frames = sorted(shot.faces)
    item: dict[str, Any] = {
        "faceplate_blender_track": 1,
        "person": shot.name,
        "width": width,
        "height": height,
        "pixel_aspect": shot.track.sidecar.plate.pixel_aspect,
        "reference_frame": reference,
        "triangles": topology().closed.tolist(),
        "frames": [],
    }
    lines = []
    for frame in frames:
        tracked = shot.faces[frame]
        points = shot.nuke(tracked.face.points[:, :2])
        uvz = np.column_stack([points / (width, height), -tracked.face.points[:, 2] / width])
        lines.append(
            json.dumps(
                {
                    "frame": frame,
                    "weight": round(tracked.weight, 6),
                    "confidence": tracked.confidence,
                    "pose": list(tracked.pose),
                    "points": np.round(uvz, 6).ravel().tolist(),
                },
                separators=(",", ":"),
            )
        )
    head = json.dumps(item, separators=(",", ":"))
    path.write_text(head[:-2] + "\n" + ",\n".join(lines) + "\n]}\n", encoding="utf-8")


def _csv(shot: _Shot, path: Path, reference: int) -> None:
    """Write a row a frame: weight, confidence, pose, box, and x, y of all 478 points in plate pixels (y down)."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    head = ["frame", "weight", "bad", "seen", "confidence", "yaw", "pitch", "roll", "level"]
    table.writerow(head + [f"{axis}{point}" for point in range(478) for axis in "xyz"])
    for frame, tracked in sorted(shot.faces.items()):
        facts = [frame, tracked.weight, int(tracked.bad), int(tracked.seen), tracked.confidence, *tracked.pose]
        table.writerow([*facts, tracked.face.level, *np.round(tracked.face.points, 3).ravel().tolist()])
    path.write_text(text.getvalue(), encoding="utf-8")


def _usd(shot: _Shot, path: Path, reference: int) -> None:
    """Write a time-sampled mesh in pixels of the display window: x right, y up, z towards the camera."""
    try:
        gf, sdf, usd, geom, vt = (import_module(f"pxr.{name}") for name in ("Gf", "Sdf", "Usd", "UsdGeom", "Vt"))
    except ImportError as error:
        raise UsageError(
            "no-usd", "USD export needs the package usd-core: pip install 'faceplate[usd]' and try again."
        ) from error
    frames = sorted(shot.faces)
    stage = usd.Stage.CreateInMemory()
    stage.SetStartTimeCode(frames[0])
    stage.SetEndTimeCode(frames[-1])
    geom.SetStageUpAxis(stage, geom.Tokens.y)
    root = geom.Xform.Define(stage, "/faceplate")
    stage.SetDefaultPrim(root.GetPrim())
    mesh = geom.Mesh.Define(stage, "/faceplate/face")
    triangles = topology().closed[:, ::-1]
    mesh.CreateFaceVertexCountsAttr([3] * len(triangles))
    mesh.CreateFaceVertexIndicesAttr(vt.IntArray(triangles.ravel().tolist()))
    mesh.CreateSubdivisionSchemeAttr(geom.Tokens.none)
    weight = mesh.GetPrim().CreateAttribute("faceplate:weight", sdf.ValueTypeNames.Float)
    points = mesh.CreatePointsAttr()
    extent = mesh.CreateExtentAttr()
    for frame in frames:
        tracked = shot.faces[frame]
        placed = np.column_stack([shot.nuke(tracked.face.points[:, :2]), -tracked.face.points[:, 2]])
        points.Set(vt.Vec3fArray([gf.Vec3f(*map(float, row)) for row in placed]), frame)
        extent.Set([gf.Vec3f(*map(float, placed.min(axis=0))), gf.Vec3f(*map(float, placed.max(axis=0)))], frame)
        weight.Set(float(tracked.weight), frame)
    # USD refuses the temporary name's suffix for a layer, so the layer is created in memory and exported.
    if not stage.GetRootLayer().Export(str(path)):
        raise OSError(0, "USD could not write it")


FORMATS: dict[str, Callable[[_Shot, Path, int], None]] = {
    "nuke": _nuke,
    "blender": _blender,
    "usd": _usd,
    "csv": _csv,
}
"""The export formats by name."""
