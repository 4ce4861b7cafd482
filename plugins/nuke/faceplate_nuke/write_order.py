"""The render order of `nuke -x`: the Writes inside FaceSwaps before the script's own, which are never changed unasked."""

from __future__ import annotations

import nuke

from . import names
from .nodes import faceswaps, inner, is_faceswap, nodes_inside, set_quietly
from .upstream import faceswaps_before

__all__ = ["late_writes", "offer_order", "order_inner_writes"]

_EARLY = -100
"""Below every order that Nuke's panel offers (from 1), so that the script's own Writes stay as they are."""

_ASKED: set[str] = set()
"""Writes about which the user was asked in this session."""


def order_inner_writes() -> None:
    """Set the order of the inner Writes: a FaceSwap that another one needs comes before it, and all before 1.

    A Nuke that does not keep an order below 1 gets orders from 1 on; `late_writes` then finds the Writes in question.
    """
    for group in faceswaps():
        place = 1 + len(faceswaps_before(group))
        for name in (names.PLATE_OUT, names.MATTE_OUT):
            write = inner(group, name)
            set_quietly(write, "render_order", _EARLY + place)
            if write["render_order"].value() != _EARLY + place:
                set_quietly(write, "render_order", place)


def late_writes() -> list[tuple[nuke.Node, int]]:
    """Return the script's Writes that `nuke -x` would render before the inner Writes they need, each with the order it needs."""
    found = []
    for write in nodes_inside(nuke.root()):
        before = faceswaps_before(write) if write.Class() == "Write" and not is_faceswap(write.parent()) else []
        used = [inner(group, name) for group in before for name in (names.PLATE_OUT, names.MATTE_OUT)]
        orders = [float(node["render_order"].value()) for node in used if not node["disable"].value()]
        if orders and write["render_order"].value() <= max(orders):
            found.append((write, int(max(orders)) + 1))
    return found


def offer_order() -> None:
    """Ask once about each Write that would render too early; a yes raises its order as one undo step.

    Without a window nothing is changed: the guard stops a render whose frames are not there.
    """
    if not nuke.GUI:
        return
    late = [(write, order) for write, order in late_writes() if write.fullName() not in _ASKED]
    if not late:
        return
    _ASKED.update(write.fullName() for write, _ in late)
    lines = ", ".join(
        "{} from {:g} to {}".format(write.fullName(), float(write["render_order"].value()), order)
        for write, order in late
    )
    if not nuke.ask(
        f"For nuke -x these Writes must render after the FaceSwaps before them. Raise their render order?\n{lines}"
    ):
        return
    nuke.Undo.begin("Render order")
    try:
        for write, order in late:
            write["render_order"].setValue(order)
    finally:
        nuke.Undo.end()
