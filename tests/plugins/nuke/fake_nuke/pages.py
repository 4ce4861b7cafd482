"""What the stubs do not know, and the Foundry pages it comes from.

The stubs (types-nuke, of Nuke 13.2) hold the Python names. The adapter uses none that is newer: `NEWER` stays empty until
it does, and pyright refuses one that is not written down there with a `# type: ignore`. Node classes and their knobs are
in no stub at all, so each that the adapter touches is here; `test_nuke_stubs.py` holds the adapter and the fake to it.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["GUIDE", "KNOBS_OF_EVERY_NODE", "NEWER", "NODES", "Page"]

_REFERENCE = "https://learn.foundry.com/nuke/content/reference_guide/"
_DEVELOPERS = "https://learn.foundry.com/nuke/developers/"


@dataclass(frozen=True)
class Page:
    """A node class's page and the knobs that the adapter touches. `seen`: the page was read and names these knobs; else
    they are known from scripts that Nuke has saved, and the first run inside Nuke must confirm them."""

    url: str
    knobs: tuple[str, ...]
    seen: bool = False


NEWER: dict[str, str] = {}
"""Python names newer than the stubs: name → page."""

GUIDE = {
    "callbacks, their order, and that an exception aborts the render": _DEVELOPERS
    + "130/pythondevguide/callbacks.html",
    "how callbacks are kept and called": _DEVELOPERS + "16.1/pythondevguide/_modules/nuke_internal/callbacks.html",
    "executeInMainThread": _DEVELOPERS + "140/pythondevguide/_modules/nuke_internal/executeInMain.html",
    "ProgressTask": _DEVELOPERS + "131/pythondevguide/_autosummary/nuke.ProgressTask.html",
    "nuke.execute": _DEVELOPERS + "130/pythondevguide/_autosummary/nuke.render.html",
    "nuke -t and its arguments": _DEVELOPERS + "80/pythondevguide/command_line.html",
    "which file a Read shows at a frame": (
        "https://learn.foundry.com/nuke/8.0/content/getting_started/managing_scripts/changing_read_frames.html"
    ),
}

KNOBS_OF_EVERY_NODE = frozenset(
    ("name", "label", "disable", "selected", "xpos", "ypos", "tile_color", "hide_input", "onCreate", "onDestroy",
     "knobChanged", "updateUI", "autolabel")
)  # fmt: skip

NODES = {
    "Root": Page(
        _REFERENCE + "other_nodes/root.html",
        ("name", "project_directory", "first_frame", "last_frame", "proxy", "proxy_type", "proxy_scale",
         "colorManagement", "OCIO_config", "customOCIOConfigPath", "workingSpaceLUT"),
        seen=True,
    ),
    "Read": Page(
        "https://learn.foundry.com/nuke/12.2/content/reference_guide/image_nodes/read.html",
        ("file", "file_type", "proxy", "first", "last", "before", "after", "frame_mode", "frame", "on_error", "reload",
         "auto_alpha", "premultiplied", "raw", "colorspace"),
        seen=True,
    ),
    "Write": Page(
        "https://learn.foundry.com/nuke/Content/reference_guide/image_nodes/write.html",
        ("channels", "file", "file_type", "datatype", "raw", "create_directories", "render_order"),
        seen=True,
    ),
    "Input": Page(_REFERENCE + "other_nodes/input.html", ("number",)),
    "Output": Page(_REFERENCE + "other_nodes/output.html", ()),
    "Copy": Page(_REFERENCE + "channel_nodes/copy.html", tuple(f"{way}{n}" for n in range(4) for way in ("from", "to"))),
    "Crop": Page(_REFERENCE + "transform_nodes/crop.html", ("box", "reformat", "crop")),
    "Expression": Page(_REFERENCE + "color_nodes/expression.html", tuple(f"expr{n}" for n in range(4))),
    "Constant": Page(_REFERENCE + "image_nodes/constant.html", ("channels", "format")),
    "RotoPaint": Page(_REFERENCE + "draw_nodes/rotopaint.html", ()),
    "STMap": Page(_REFERENCE + "transform_nodes/stmap.html", ("uv",)),
    "Text2": Page(_REFERENCE + "draw_nodes/text.html", ("message", "box", "xjustify", "yjustify")),
    "Transform": Page(_REFERENCE + "transform_nodes/transform.html", ("scale", "center")),
    "Switch": Page(_REFERENCE + "merge_nodes/switch.html", ("which",)),
    "Merge2": Page(_REFERENCE + "merge_nodes/merge.html", ("operation", "bbox")),
    "FrameRange": Page(_REFERENCE + "time_nodes/framerange.html", ("first_frame", "last_frame")),
    "FrameHold": Page(_REFERENCE + "time_nodes/framehold.html", ("first_frame",)),
    "ContactSheet": Page(
        _REFERENCE + "merge_nodes/contactsheet.html", ("width", "height", "rows", "columns", "center", "roworder")
    ),
    "Grade": Page(_REFERENCE + "color_nodes/grade.html", ("black_clamp",)),
    "Grain2": Page(_REFERENCE + "draw_nodes/grain.html", ()),
    "Premult": Page(_REFERENCE + "merge_nodes/premult.html", ()),
    "Unpremult": Page(_REFERENCE + "merge_nodes/unpremult.html", ()),
}  # fmt: skip
