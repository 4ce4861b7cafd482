"""Reads a FaceSwap from Nuke: how its plate is obtained, and everything that its frames depend on."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import nuke

from faceplate_client import HostError, faces_of_shot_file, frame_path, parameters

from . import names
from .color_management import ColorSettings, config_of, is_linear, plain_name, space_of, working_space
from .coordinates import Display, display_of
from .file_patterns import proxy_pattern, sibling_pattern
from .knobs import parameter_names
from .nodes import file_pattern, flag, parameter_knob, script_path, text
from .pulldowns import value_of
from .read_node import ReadSettings, file_frame, holds_views, only_through_nuke
from .shot_state import ShotState
from .upstream import plain_read

__all__ = [
    "Plan",
    "color_settings",
    "display",
    "frames_folder",
    "knob_names",
    "plan_of",
    "proxy_factor",
    "range_of",
    "read_state",
    "result_of",
]


@dataclass(frozen=True)
class Plan:
    """How the plate is obtained.

    `read` is set when the engine reads that Read's files itself; otherwise `why` tells why the inner Write must render the
    plate. `matte` tells whether the matte input is connected.
    """

    read: ReadSettings | None
    why: str
    matte: bool


def plan_of(group: nuke.Group) -> Plan:
    """Return how the plate of `group` is obtained. Raises HostError `no-plate`."""
    plate = group.input(names.PLATE_INPUT)
    if plate is None:
        raise HostError("no-plate", f"Connect a plate to {group.name()}.")
    matte = group.input(names.MATTE_INPUT) is not None
    node = plain_read(plate)
    if node is None:
        return Plan(None, f"there are nodes between the plate's Read and {group.name()}", matte)
    read = _read_settings(node)
    why = only_through_nuke(read, is_linear)
    return Plan(read if why is None else None, why or "", matte)


def read_state(group: nuke.Group, frames: Iterable[int]) -> ShotState:
    """Return the state of `group` for `frames`. Raises HostError with what is missing."""
    wanted = tuple(sorted(set(frames)))
    script = script_path()
    plan = plan_of(group)
    color = color_settings()
    factor = proxy_factor()
    _refuse_views(plan, wanted)
    if plan.read is None and factor != 1:
        raise HostError(
            "proxy-needs-read",
            f"In proxy mode {group.name()} needs its plate from a Read; turn proxy mode off, because {plan.why}.",
        )
    structure, constants, animated = _values(group, wanted)
    plate = plan.read.file if plan.read else sibling_pattern(result_of(group), "plate")
    if plan.matte:
        constants["holdout_matte"] = sibling_pattern(result_of(group), "matte")
    return ShotState(
        id=text(group, names.ID),
        name=group.name(),
        frames=wanted,
        plate=plate,
        result=proxy_pattern(result_of(group), factor),
        read=plan.read,
        space=space_of(color, plan.read.space, plan.read.raw) if plan.read else working_space(color),
        source=_source(group),
        source_space=text(group, names.SOURCE_SPACE) or None,
        track=_track(group),
        ocio=config_of(color),
        working=working_space(color),
        allow_noncommercial=flag(group, names.NONCOMMERCIAL),
        search=_search(group, plate, wanted[0] if wanted else 0),
        proxy=factor,
        structure=structure,
        constants=constants,
        animated=animated,
        faces=_faces(group),
        app_version=nuke.NUKE_VERSION_STRING,
        script=script,
    )


def range_of(group: nuke.Group) -> tuple[int, ...]:
    """Return the frames of Track and Render range: the node's own range, else the project's."""
    first, last = int(group[names.RANGE_FIRST].value()), int(group[names.RANGE_LAST].value())
    if first == 0 and last == 0:
        root = nuke.root()
        first, last = int(root["first_frame"].value()), int(root["last_frame"].value())
    if last < first:
        raise HostError("bad-range", f"The range of {group.name()} runs backwards: {first} to {last}.")
    return tuple(range(first, last + 1))


def frames_folder(group: nuke.Group) -> str:
    """Return the default folder of a node's files: beside the script, named after the node and its shot."""
    script = script_path()
    stem = os.path.splitext(os.path.basename(script))[0]
    own = "{}_{}".format(re.sub(r"[^\w.-]", "_", group.name()), text(group, names.ID)[:8])
    return "/".join([os.path.dirname(script), "faceplate", stem, own])


def result_of(group: nuke.Group) -> str:
    """Return the pattern of the element's files. Raises HostError while the script has no file."""
    return file_pattern(group, names.RESULT) or frames_folder(group) + "/element.####.exr"


def proxy_factor() -> int:
    """Return 1, or in proxy mode the largest of 2, 4, 8 that is no coarser than the project's proxy scale."""
    root = nuke.root()
    if not flag(root, "proxy"):
        return 1
    if text(root, "proxy_type") == "format":
        # A proxy format may have any size and aspect; the engine's proxies are whole fractions of the plate.
        return 2
    scale = float(root["proxy_scale"].value() or 1.0)
    return max(factor for factor in (1, 2, 4, 8) if factor * scale <= 1.0 + 1e-6 or factor == 1)


def color_settings() -> ColorSettings:
    """Return the project's colour management."""
    root = nuke.root()
    return ColorSettings(
        management=text(root, "colorManagement"),
        config=text(root, "OCIO_config"),
        custom_path=file_pattern(root, "customOCIOConfigPath"),
        working=text(root, "workingSpaceLUT"),
        environment=os.environ.get("OCIO", ""),
        config_folder=os.path.join(os.path.dirname(nuke.EXE_PATH), "plugins", "OCIOConfigs", "configs"),
    )


def _read_settings(node: nuke.Node) -> ReadSettings:
    knobs = [node.knob(name) for name in ("first", "last", "before", "after", "frame", "on_error", "colorspace", "raw")]
    return ReadSettings(
        name=node.name(),
        file=file_pattern(node, "file") if "[" not in text(node, "file") else text(node, "file"),
        first=int(node["first"].value()),
        last=int(node["last"].value()),
        before=text(node, "before"),
        after=text(node, "after"),
        frame_mode=text(node, "frame_mode"),
        frame=text(node, "frame"),
        on_error=text(node, "on_error"),
        space=plain_name(text(node, "colorspace")),
        raw=flag(node, "raw"),
        auto_alpha=flag(node, "auto_alpha"),
        animated=any(knob is not None and knob.isAnimated() for knob in knobs),
    )


def _refuse_views(plan: Plan, frames: tuple[int, ...]) -> None:
    """Raise HostError when the plate differs between views; a Read of one view may be used in a project of several."""
    views = nuke.views()
    if len(views) == 1 or (plan.read is not None and not _several_views(plan.read, frames)):
        return
    raise HostError(
        "several-views",
        f"The project has the views {', '.join(views)}; FaceSwap works on one: connect it to the Read of one view, or "
        "delete the others.",
    )


def _several_views(read: ReadSettings, frames: tuple[int, ...]) -> bool:
    return any(holds_views(frame_path(read.file, file_frame(read, frame))) for frame in frames[:1])


def _values(
    group: nuke.Group, frames: tuple[int, ...]
) -> tuple[dict[str, Any], dict[str, Any], dict[str, dict[int, Any]]]:
    structure: dict[str, Any] = {}
    constants: dict[str, Any] = {}
    animated: dict[str, dict[int, Any]] = {}
    for parameter in parameters():
        name, knob = str(parameter["name"]), parameter_knob(group, str(parameter["name"]))
        if knob is None:
            continue  # the node is older than the parameter, which then has its default
        if not parameter["animatable"]:
            value = _constant(group, knob)
            if parameter["type"] != "path":
                structure[name] = value
            elif value:
                constants[name] = value
        elif knob.isAnimated():
            animated[name] = {frame: float(knob.getValueAt(frame)) for frame in frames}
        else:
            constants[name] = float(knob.value())
    return structure, constants, animated


def _constant(group: nuke.Group, knob: nuke.Knob) -> Any:
    if isinstance(knob, nuke.File_Knob):
        return file_pattern(group, knob.name())
    if isinstance(knob, nuke.Int_Knob):
        return int(knob.value())
    return value_of(knob)


def _source(group: nuke.Group) -> str:
    node = group.input(names.SOURCE_INPUT)
    if node is None:
        return file_pattern(group, names.SOURCE)
    read = plain_read(node)
    if read is None:
        raise HostError(
            "bad-source",
            f"Connect the source input of {group.name()} directly to a Read of the person's pictures.",
        )
    return os.path.dirname(file_pattern(read, "file")) if _is_sequence(read) else file_pattern(read, "file")


def _faces(group: nuke.Group) -> tuple[dict[str, Any], ...]:
    """Return the faces of the node's shot file, and those of its Faces tab with the node's own first.

    Empty where the node swaps one face, or is older than the knobs.
    """
    path = file_pattern(group, names.FACES) if group.knob(names.FACES) is not None else ""
    listed = list(faces_of_shot_file(path)) if path else []
    more = [_more_face(group, n) for n in names.MORE_FACES if file_pattern(group, names.FACE_SOURCE.format(n))]
    own = parameter_knob(group, "target")
    if more and not listed and own is not None:
        listed = [{"name": "face 1", "source": _source(group), "parameters": {"target": value_of(own)}}]
    return tuple(listed + more)


def _more_face(group: nuke.Group, n: int) -> dict[str, Any]:
    target = value_of(group[names.FACE_TARGET.format(n)])
    return {
        "name": f"face {n}",
        "source": file_pattern(group, names.FACE_SOURCE.format(n)),
        "parameters": {"target": target},
    }


def _is_sequence(read: nuke.Node) -> bool:
    return re.search(r"#|%0?\d*d", os.path.basename(text(read, "file"))) is not None


def _track(group: nuke.Group) -> str:
    path = file_pattern(group, names.TRACK)
    return path if path and os.path.isfile(path) else ""


def display(group: nuke.Group, plate: str, frame: int) -> Display:
    """Return the display window of the plate's files; before there are any, the format of the plate input."""
    node = group.input(names.PLATE_INPUT)
    size = node.format() if node is not None else nuke.root().format()
    return display_of(plate, frame, size.width(), size.height())


def _search(group: nuke.Group, plate: str, frame: int) -> tuple[int, int, int, int] | None:
    if not flag(group, names.USE_SEARCH):
        return None
    left, bottom, right, top = (float(group[names.SEARCH].getValue(channel)) for channel in range(4))
    if right <= left or top <= bottom:
        raise HostError("empty-search", f"The search box of {group.name()} is empty; draw it, or switch it off.")
    return display(group, plate, frame).box_to_file((left, bottom, right, top))


def knob_names(group: nuke.Group) -> list[str]:
    """Return the names of the knobs that pixels depend on."""
    own = [names.TRACK, names.SOURCE, names.SOURCE_SPACE, names.NONCOMMERCIAL, names.SEARCH, names.USE_SEARCH]
    more = [form.format(n) for n in names.MORE_FACES for form in (names.FACE_SOURCE, names.FACE_TARGET)]
    own += [name for name in (names.FACES, *more) if group.knob(name) is not None]
    knobs = [parameter_knob(group, name) for name in parameter_names(True) + parameter_names(False)]
    return own + [knob.name() for knob in knobs if knob is not None]
