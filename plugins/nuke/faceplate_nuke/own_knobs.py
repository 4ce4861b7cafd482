"""The adapter's own knobs of each tab, beside those of the parameter list."""

from __future__ import annotations

from typing import Callable

import nuke

from faceplate_client import __version__, first_choices

from . import names
from .pulldowns import words_of

__all__ = ["AFTER", "BEFORE"]


def _with_tip(knob: nuke.Knob, tooltip: str, *flags: int) -> nuke.Knob:
    knob.setTooltip(tooltip)
    for bits in flags:
        knob.setFlag(bits)
    return knob


def _button(name: str, label: str, tooltip: str, new_line: bool = False) -> nuke.Knob:
    knob = nuke.PyScript_Knob(name, label, f"import faceplate_nuke; faceplate_nuke.press('{name}')")
    return _with_tip(knob, tooltip, *([nuke.STARTLINE] if new_line else []))


def _file(name: str, label: str, tooltip: str) -> nuke.Knob:
    return _with_tip(nuke.File_Knob(name, label), tooltip, nuke.NO_ANIMATION)


def _flag(name: str, label: str, tooltip: str, value: bool = False) -> nuke.Knob:
    return _with_tip(nuke.Boolean_Knob(name, label, value), tooltip, nuke.STARTLINE, nuke.NO_ANIMATION)


def _shown(name: str, label: str, tooltip: str, value: str = "") -> nuke.Knob:
    knob = nuke.String_Knob(name, label)
    knob.setValue(value)
    return _with_tip(knob, tooltip, nuke.READ_ONLY)


def _hidden(knob: nuke.Knob, value: object) -> nuke.Knob:
    knob.setValue(value)
    knob.setFlag(nuke.INVISIBLE)
    return knob


def _face() -> list[nuke.Knob]:
    return [
        _hidden(nuke.Int_Knob(names.MARK, "Faceplate"), names.LAYOUT),
        _hidden(nuke.String_Knob(names.ID, "shot id"), ""),
        _hidden(nuke.String_Knob(names.SCRIPT, "script id"), ""),
        _hidden(nuke.String_Knob(names.RESULT_MADE, "frames made"), ""),
        _hidden(nuke.Int_Knob(names.STATE, "frame state"), names.NOT_RENDERED),
        _hidden(nuke.Boolean_Knob(names.RENDERING, "a Write renders", False), False),
        _shown(names.STATUS, "status", "Frames that are rendered, and frames that are stale."),
        _button("render_frame", "Render frame", "Render the current frame.", True),
        _button(
            "render_range", "Render range", "Render the range of the Output tab; frames that are up to date are kept."
        ),
        _button("cancel", "Cancel", "Cancel this node's task; frames that are done stay."),
        _button("previous_issue", "Previous issue", "Go to the issue before this frame.", True),
        _button("next_issue", "Next issue", "Go to the next frame that is worth a look; notes tells why."),
        _flag(
            names.AUTO,
            "auto-update current frame",
            "Render the current frame again whenever a knob, an input, the track, the source or the frame changes.",
        ),
        _flag(
            names.SHOW_MARKS,
            "mark frames in the Viewer",
            "Draw stripes and a line of text over a frame that is not rendered, stale or not checked. Renders never have them.",
            True,
        ),
        nuke.Text_Knob("face_divider", ""),
        _with_tip(
            nuke.XY_Knob(names.PICK, "pick"),
            "Put this point on a face in the Viewer, then press Take picked face.",
            nuke.NO_ANIMATION,
        ),
        _button(
            "take_pick",
            "Take picked face",
            "Set Target to this point, if there is a face under it at the current frame.",
        ),
        _button("refresh_choices", "Refresh lists", "Ask the engine for the networks and people of the pulldowns."),
    ]


def _track() -> list[nuke.Knob]:
    return [
        _button("track_shot", "Track", "Find the faces and track them over the range; writes the track file.", True),
        _file(
            names.TRACK,
            "track file",
            "The tracked faces of the shot, written by Track; by default beside the script.",
        ),
        _with_tip(
            nuke.Int_Knob(names.RANGE_FIRST, "range from"), "First frame of Track and Render range.", nuke.NO_ANIMATION
        ),
        _with_tip(
            nuke.Int_Knob(names.RANGE_LAST, "range to"),
            "Last frame of Track and Render range; 0 and 0: the project's range.",
            nuke.NO_ANIMATION,
        ),
        _flag(
            names.USE_SEARCH, "search only in", "Search the face, and read or render the plate, only inside this box."
        ),
        _with_tip(nuke.BBox_Knob(names.SEARCH, "box"), "The box to search.", nuke.NO_ANIMATION),
        _button("fit_search", "Fit to track", "Set the box to the path of the tracked face, with a margin."),
        nuke.Text_Knob("track_divider", ""),
        _button("track_nodes", "Create track nodes", "Tracker4, CornerPin2D and Transform of the tracked face.", True),
    ]


def _source() -> list[nuke.Knob]:
    return [
        _file(
            names.SOURCE,
            "source",
            "A folder of pictures of the person put in, or one picture. A Read on the source input overrides it.",
        ),
        _with_tip(
            nuke.String_Knob(names.SOURCE_SPACE, "source colour space"),
            "Colour space of the source's pictures; empty: as the files state.",
            nuke.NO_ANIMATION,
        ),
    ]


def _faces() -> list[nuke.Knob]:
    knobs: list[nuke.Knob] = [
        _with_tip(
            nuke.Text_Knob("faces_text", "", "Target (Face) and source (Source) are the first face. Further ones:"),
            "Several people in one pass; every other value is shared.",
        ),
    ]
    for n in names.MORE_FACES:
        knobs += [
            nuke.Text_Knob(f"face{n}_divider", ""),
            _file(
                names.FACE_SOURCE.format(n),
                f"source {n}",
                f"Pictures of the person put in as face {n}; empty: no such face.",
            ),
            _with_tip(
                nuke.Enumeration_Knob(names.FACE_TARGET.format(n), f"target {n}", words_of(first_choices("target"))),
                f"The face of the plate that face {n} replaces.",
                nuke.NO_ANIMATION,
            ),
        ]
    return [
        *knobs,
        nuke.Text_Knob("faces_file_divider", ""),
        _file(
            names.FACES,
            "faces from shot file",
            "A shot file whose faces are swapped too, each with its own source, track and parameters; what a face does not "
            "set is this node's.",
        ),
    ]


def _output() -> list[nuke.Knob]:
    return [
        _with_tip(
            nuke.Enumeration_Knob(names.RESULT_MODE, "result", list(names.RESULT_MODES)),
            "The face over the plate, or the element alone: premultiplied RGBA and its layers.",
            nuke.NO_ANIMATION,
        ),
        _file(names.RESULT, "frames", "Where the engine writes the element; by default in a folder beside the script."),
        nuke.Text_Knob("output_divider", ""),
    ]


def _export() -> list[nuke.Knob]:
    return [
        _button(
            "export_shot", "Export to shot file", "Write a .shot.json that renders these frames without Nuke.", True
        ),
        _button(
            "comp_template",
            "Create comp template",
            "The element through grade and grain over the plate, its matte, and an STMap to paint through the face.",
            True,
        ),
        _button(
            "create_take",
            "Create take reader",
            "A node that reads the finished frames and needs no plug-in: for a script that leaves the house.",
            True,
        ),
        _button(
            "contact_sheet",
            "Open contact sheet",
            "Show frames of the range side by side: plate above, result below.",
            True,
        ),
    ]


def _engine() -> list[nuke.Knob]:
    return [
        _flag(
            names.NONCOMMERCIAL,
            "allow non-commercial weights",
            "Allow networks whose licence forbids commercial use.",
        ),
        _shown(names.LICENCES, "weights in use", "Networks of the last render."),
        _shown(names.NOTES, "notes", "The source's release, the engine's warnings, or the issue at this frame."),
    ]


def _about() -> list[nuke.Knob]:
    return [
        _button("open_help", "Help", "Open the page of this node.", True),
        _shown(names.VERSION, "version", "Version of the plug-in that made this node.", __version__),
        _shown(names.ENGINE_STATE, "engine", "The engine's version and device, when it was last asked."),
        _button("check_engine", "Check engine", "Ask the engine for its state; it is not started.", True),
        _button("stop_engine", "Stop engine", "End the engine's process; the next render starts it again."),
    ]


BEFORE: dict[str, Callable[[], list[nuke.Knob]]] = {
    "Face": _face,
    "Track": _track,
    "Source": _source,
    "Faces": _faces,
    "Output": _output,
    "Export": _export,
    "About": _about,
}
"""By tab: the knobs before those of the parameter list."""

AFTER: dict[str, Callable[[], list[nuke.Knob]]] = {"Engine": _engine}
"""By tab: the knobs after those of the parameter list."""
