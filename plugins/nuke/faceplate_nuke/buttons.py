"""The commands of the node's buttons."""

from __future__ import annotations

import os
import pathlib
import webbrowser
from typing import Callable

import nuke

from faceplate_client import ClientError, HostError

from . import actions, names, template, tools
from .frame_status import LEDGER, refresh
from .messages import say
from .node_state import range_of
from .nodes import is_faceswap, text, whole_group
from .render_callbacks import ENGINE

__all__ = ["press"]


def press(button: str) -> None:
    """Run a button's command: `button` is its knob's name, `nuke.thisNode()` its node."""
    node = nuke.thisNode()
    if not is_faceswap(node):
        return
    try:
        _BUTTONS[button](whole_group(node))
    except ClientError as error:
        say(str(error))


def _render_frame(group: nuke.Group) -> None:
    actions.render(group, (int(nuke.frame()),))


def _render_range(group: nuke.Group) -> None:
    actions.render(group, range_of(group))


def _cancel(group: nuke.Group) -> None:
    actions.TASKS.cancel(text(group, names.ID))


def _stop_engine(group: nuke.Group) -> None:
    actions.TASKS.cancel(text(group, names.ID))
    ENGINE.stop()
    refresh(group, LEDGER)


def _export_shot(group: nuke.Group) -> None:
    path = nuke.getFilename("Export shot", "*.shot.json", default=tools.default_shot_path(group)) if nuke.GUI else None
    chosen = path or ("" if nuke.GUI else tools.default_shot_path(group))
    if chosen:
        tools.export_shot(group, chosen, range_of(group))
        tracked = (
            ""
            if os.path.isfile(text(group, names.TRACK))
            else "; there is no track yet, so it will be tracked when rendered"
        )
        say(f"Wrote {chosen}{tracked}.")


def _contact_sheet(group: nuke.Group) -> None:
    tools.contact_sheet(group, range_of(group))


def _track_nodes(group: nuke.Group) -> None:
    if not text(group, names.TRACK):
        raise HostError("no-track", "Track the shot first.")
    tools.track_nodes(group)


def _take_reader(group: nuke.Group) -> None:
    template.create_take(group)


def _open_help(group: nuke.Group) -> None:
    page = pathlib.Path(__file__).resolve().parents[1] / "help.html"
    if not page.is_file():
        raise HostError("no-help", f"The page {page} is missing; install the plug-in again.")
    webbrowser.open(page.as_uri())


def _as_one_step(work: Callable[[nuke.Group], object]) -> Callable[[nuke.Group], object]:
    """Return `work` as one undo step."""

    def whole(group: nuke.Group) -> None:
        nuke.Undo.begin("Faceplate")
        try:
            work(group)
        finally:
            nuke.Undo.end()

    return whole


_BUTTONS: dict[str, Callable[[nuke.Group], object]] = {
    "track_shot": actions.track,
    "render_frame": _render_frame,
    "render_range": _render_range,
    "cancel": _cancel,
    "take_pick": actions.take_pick,
    "export_shot": _export_shot,
    "track_nodes": _as_one_step(_track_nodes),
    "fit_search": _as_one_step(tools.fit_search),
    "comp_template": _as_one_step(template.comp_template),
    "create_take": _as_one_step(_take_reader),
    "contact_sheet": _as_one_step(_contact_sheet),
    "next_issue": lambda group: actions.step_issue(group, 1),
    "previous_issue": lambda group: actions.step_issue(group, -1),
    "refresh_choices": actions.refresh_choices,
    "open_help": _open_help,
    "check_engine": actions.check_engine,
    "stop_engine": _stop_engine,
}
