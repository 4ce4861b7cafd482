"""A clip's grade: taken off while its range is rendered, and copied to the result, so that it is never burnt in unasked.

The API reports no wheels, curves or stabiliser of a single node. So the grade is not asked for: it is always taken off, by a
colour version of its own without a grade, and always copied.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from faceplate_client import HostError

from .host import has
from .rollback import Rollback

if TYPE_CHECKING:
    from fusionscript import TimelineItem

__all__ = ["copy_grade", "without_grade"]

_VERSION = "Faceplate ungraded"
_LOCAL = 0


def without_grade(item: TimelineItem, kept: Rollback) -> Callable[[], bool]:
    """Take the grade off a clip; return how to put it back, which `kept` does too when a later step fails.

    Raises HostError `graded` where Resolve does not do it; the clip is then as it was.
    """
    before = item.GetCurrentVersion() or {}
    name, kind = before.get("versionName"), before.get("versionType", _LOCAL)
    group = item.GetColorGroup() if has(item, "GetColorGroup") else None
    if not name or not has(item, "AddVersion") or not item.AddVersion(_VERSION, _LOCAL):
        raise HostError(
            "graded", "Resolve does not take the clip's grade off: turn 'Burn in the grade' on to render with it."
        )

    def put_back() -> bool:
        done = bool(item.LoadVersionByName(str(name), kind)) and bool(item.DeleteVersionByName(_VERSION, _LOCAL))
        if group:
            done = bool(item.AssignToColorGroup(group)) and done
        return done and (item.GetCurrentVersion() or {}).get("versionName") == name

    kept.done("the clip's grade", put_back)
    graph = item.GetNodeGraph(1)
    off = bool(graph) and bool(graph.ResetAllGrades()) and graph.GetNumNodes() <= 1 and not graph.GetToolsInNode(1)
    if group:
        off = bool(item.RemoveFromColorGroup()) and off
    if not off:
        raise HostError(
            "graded", "Resolve does not take the clip's grade off: turn 'Burn in the grade' on to render with it."
        )
    return put_back


def copy_grade(original: TimelineItem, placed: TimelineItem) -> str:
    """Copy the grade of a clip to its result; return a sentence where Resolve did not, else an empty text."""
    done = has(original, "CopyGrades") and bool(original.CopyGrades([placed]))
    group = original.GetColorGroup() if has(original, "GetColorGroup") else None
    if group:
        done = bool(placed.AssignToColorGroup(group)) and done
    graphs = [item.GetNodeGraph(1) for item in (original, placed)]
    nodes = [graph.GetNumNodes() if graph else 0 for graph in graphs]
    if done and nodes[0] == nodes[1]:
        return ""
    return "Resolve did not copy the clip's grade to the result: copy it on the Color page."
