"""The node classes that the tests' scripts are made of: their knobs and how many inputs they have."""

from __future__ import annotations

from collections.abc import Callable

from .knobs import (
    BBox_Knob,
    Boolean_Knob,
    Double_Knob,
    Enumeration_Knob,
    File_Knob,
    Int_Knob,
    Knob,
    Script_Knob,
    String_Knob,
    XY_Knob,
)

__all__ = ["COMMON", "INPUTS", "KNOBS", "make_knobs"]

Maker = Callable[[str], Knob]


def _choice(*choices: str) -> Maker:
    return lambda name: Enumeration_Knob(name, None, list(choices))


def _word(name: str) -> Knob:
    return Enumeration_Knob(name, None, [], free=True)


def _value(make: Callable[[str], Knob], value: object) -> Maker:
    def made(name: str) -> Knob:
        knob = make(name)
        knob._values = [value] * knob.size
        knob._defaults = [value] * knob.size
        return knob

    return made


COMMON: dict[str, Maker] = {
    "name": String_Knob,
    "label": String_Knob,
    "xpos": Int_Knob,
    "ypos": Int_Knob,
    "selected": Boolean_Knob,
    "disable": Boolean_Knob,
    "tile_color": Int_Knob,
    "hide_input": Boolean_Knob,
    **{event: String_Knob for event in ("onCreate", "onDestroy", "knobChanged", "updateUI", "autolabel")},
}

_FRAME_MODE = {"frame_mode": _choice("expression", "start at", "offset"), "frame": String_Knob}
_EDGE = _choice("hold", "loop", "bounce", "black")
_CALLBACKS = {name: String_Knob for name in ("beforeRender", "beforeFrameRender", "afterFrameRender", "afterRender")}
_MERGE = {"operation": _value(_word, "over"), "bbox": _choice("union", "intersection", "A", "B")}

KNOBS: dict[str, dict[str, Maker]] = {
    "Root": {
        "name": File_Knob,
        "project_directory": File_Knob,
        "frame": _value(Int_Knob, 1),
        "first_frame": _value(Int_Knob, 1),
        "last_frame": _value(Int_Knob, 100),
        "fps": _value(Double_Knob, 24.0),
        "format": String_Knob,
        "proxy": Boolean_Knob,
        "proxy_type": _value(_choice("format", "scale"), "scale"),
        "proxy_scale": _value(Double_Knob, 0.5),
        "views": String_Knob,
        "colorManagement": _choice("Nuke", "OCIO"),
        "OCIO_config": _value(_word, "nuke-default"),
        "customOCIOConfigPath": File_Knob,
        "workingSpaceLUT": _value(_word, "linear"),
        **{event: String_Knob for event in ("onScriptLoad", "onScriptSave", "onScriptClose")},
    },
    "Read": {
        "file_type": _word,
        "file": File_Knob,
        "format": String_Knob,
        "proxy": File_Knob,
        "first": _value(Int_Knob, 1),
        "last": _value(Int_Knob, 1),
        "before": _EDGE,
        "after": _EDGE,
        **_FRAME_MODE,
        "origfirst": _value(Int_Knob, 1),
        "origlast": _value(Int_Knob, 1),
        "origset": Boolean_Knob,
        "on_error": _choice("error", "black", "checkerboard", "nearest frame"),
        "reload": Script_Knob,
        "auto_alpha": Boolean_Knob,
        "premultiplied": Boolean_Knob,
        "raw": Boolean_Knob,
        "colorspace": _value(_word, "default (linear)"),
    },
    "Write": {
        "channels": _value(_word, "rgb"),
        "file": File_Knob,
        "proxy": File_Knob,
        **_FRAME_MODE,
        "views": _value(_word, "main"),
        "file_type": _word,
        "datatype": _choice("16 bit half", "32 bit float"),
        "compression": _value(_word, "Zip (1 scanline)"),
        "raw": Boolean_Knob,
        "colorspace": _value(_word, "default (linear)"),
        "create_directories": Boolean_Knob,
        "render_order": _value(Double_Knob, 1.0),
        "use_limit": Boolean_Knob,
        "first": _value(Int_Knob, 1),
        "last": _value(Int_Knob, 1),
        **_CALLBACKS,
    },
    "Input": {"number": Int_Knob},
    "Output": {},
    "Group": {},
    "Gizmo": {},
    "LiveGroup": {},
    "Precomp": {"file": File_Knob},
    "Dot": {},
    "NoOp": {},
    "PostageStamp": {},
    "Viewer": {},
    "FrameRange": {"first_frame": _value(Int_Knob, 1), "last_frame": _value(Int_Knob, 100)},
    "FrameHold": {"first_frame": Int_Knob, "increment": Int_Knob},
    "TimeOffset": {"time_offset": Int_Knob},
    "Merge2": {**_MERGE, "mix": _value(Double_Knob, 1.0)},
    "Copy": {name: _value(_word, "none") for number in range(4) for name in (f"from{number}", f"to{number}")},
    "Crop": {"box": BBox_Knob, "reformat": Boolean_Knob, "crop": _value(Boolean_Knob, True)},
    "Expression": {f"expr{number}": String_Knob for number in range(4)},
    "Switch": {"which": Double_Knob},
    "Blur": {"channels": _value(_word, "all"), "size": Double_Knob},
    "Grade": {
        "channels": _value(_word, "rgb"),
        "white": _value(Double_Knob, 1.0),
        "black_clamp": _value(Boolean_Knob, True),
    },
    "Constant": {"color": XY_Knob, "channels": _value(_word, "rgb"), "format": _word},
    "RotoPaint": {},
    "STMap": {"uv": _value(_word, "none")},
    "Text2": {
        "message": String_Knob,
        "box": BBox_Knob,
        "xjustify": _value(_word, "left"),
        "yjustify": _value(_word, "top"),
    },
    "Premult": {},
    "Unpremult": {},
    "Grain2": {"maskChannelInput": _value(_word, "none")},
    "OneView": {"view": _word},
    "ContactSheet": {
        "width": Int_Knob,
        "height": Int_Knob,
        "rows": _value(Int_Knob, 4),
        "columns": _value(Int_Knob, 6),
        "gap": Int_Knob,
        "center": Boolean_Knob,
        "roworder": _choice("BottomTop", "TopBottom"),
    },
    "Tracker4": {"tracks": String_Knob, "reference_frame": Int_Knob},
    "CornerPin2D": {**{f"{end}{n}": XY_Knob for end in ("to", "from") for n in range(1, 5)}, "filter": _word},
    "Transform": {
        "translate": XY_Knob,
        "rotate": Double_Knob,
        "scale": _value(Double_Knob, 1.0),
        "center": XY_Knob,
        "filter": _word,
    },
}

INPUTS = {"Read": 0, "Input": 0, "Constant": 0, "Root": 0, "Merge2": 2, "Copy": 2, "Switch": 2, "STMap": 2}
"""Inputs of a class as a script takes them for granted; 1 for all others."""


def make_knobs(cls: str) -> list[Knob]:
    """Raises RuntimeError for a class that the fake does not know, as Nuke does for a plug-in that is missing."""
    if cls not in KNOBS:
        raise RuntimeError(f"{cls}: Unknown command")
    return [make(name) for name, make in {**COMMON, **KNOBS[cls]}.items()]
