"""Command line for Studio, also with `resolve -nogui`: `swap`, `next`, `batch` on the open project and timeline."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any, Callable

from faceplate_client import ClientError, Engine, HostError, connect, parameters

from .batch import batch, marked_items
from .dialog import ELEMENT, OVER, TAKE, SwapRequest, read_request, swap_panel
from .host import Host, from_outside
from .interface import Console
from .menu import COLOR
from .settings import remembered
from .swap import current_item, next_version, swap_clip
from .swap_record import load_shot, record_of
from .timing import frame_of_timecode

__all__ = ["main"]


def main(
    arguments: list[str] | None = None,
    outside: Callable[[], Host] = from_outside,
    connected: Callable[[], Engine] = connect,
) -> int:
    """Run the command line; return 0 when everything was done, 1 when something failed, 2 for a wrong request."""
    given = _parser().parse_args(arguments)
    try:
        host = outside()
        return _run(host, given, connected)
    except ClientError as error:
        print(f"faceplate: {error}", file=sys.stderr)
        return 2 if getattr(error, "code", "") in ("bad-value", "no-source") else 1


def _parser() -> argparse.ArgumentParser:
    own = remembered()
    parser = argparse.ArgumentParser(prog="faceplate-resolve", description=__doc__)
    parser.add_argument("what", choices=("swap", "next", "batch"))
    parser.add_argument("--source", default="", help="pictures of the person, or a folder of them")
    parser.add_argument("--folder", default=own.folder, help="where results go")
    parser.add_argument("--mode", choices=("auto", "source", "render"), default="auto")
    parser.add_argument("--handles", type=int, default=8, help="frames beyond the cut")
    parser.add_argument("--no-track", action="store_true", help="find the face in each frame separately")
    parser.add_argument("--space", default="", help="the plate's OCIO colour space, when the files do not state it")
    parser.add_argument("--purpose", choices=("preview", "final"), default="preview")
    parser.add_argument("--result", choices=(OVER, ELEMENT, TAKE), default=OVER, help="where the result goes")
    parser.add_argument("--burn-grade", action="store_true", help="render a clip's range with its grade")
    parser.add_argument("--at", default="", metavar="TIMECODE", help="move the playhead there first")
    parser.add_argument("--color", default=COLOR, help="batch: of marker, flag or clip colour")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter; may be repeated")
    return parser


def _run(host: Host, given: argparse.Namespace, connected: Callable[[], Engine]) -> int:
    interface = Console()
    if given.at:
        _move(host, given.at)
    try:
        return _work(host, given, connected, interface)
    finally:
        for note in interface.notes:
            print(note)


def _work(host: Host, given: argparse.Namespace, connected: Callable[[], Engine], interface: Console) -> int:
    if given.what == "batch":
        items = marked_items(host, given.color)
        if not items:
            raise HostError("no-clip", f"No clip has a {given.color} marker, flag or clip colour.")
        outcomes = batch(host, items, _request(given, {}, ""), connected(), interface)
        for outcome in outcomes:
            print(f"{outcome.name}: {'done, ' if outcome.done else ''}{outcome.text}")
        return 0 if len(outcomes) == len(items) and all(outcome.done for outcome in outcomes) else 1
    item = current_item(host)
    if given.what == "swap":
        placed = swap_clip(host, item, _request(given, {}, ""), connected(), interface)
        print(f"done: record frames {placed.GetStart(False)}-{placed.GetEnd(False)}")
        return 0
    record = record_of(item)
    document = load_shot(record) if record else {}
    request = _request(given, document.get("parameters") or {}, str(document.get("source") or ""))
    print(f"done: take {next_version(host, item, request, connected(), interface)}")
    return 0


def _move(host: Host, timecode: str) -> None:
    try:
        frame_of_timecode(timecode, host.rate)
    except ValueError as error:
        raise HostError("bad-value", f"{error}.") from None
    if not host.timeline.SetCurrentTimecode(timecode) or host.timeline.GetCurrentTimecode() != timecode:
        raise HostError("bad-value", f"Resolve cannot move the playhead to {timecode}.")


def _request(given: argparse.Namespace, values: dict[str, Any], source: str) -> SwapRequest:
    own = SwapRequest(
        source=given.source or source,
        folder=given.folder,
        mode=given.mode,
        handles=given.handles,
        track=not given.no_track,
        space=given.space,
        values={},
        purpose=given.purpose,
        result=given.result,
        burn_grade=given.burn_grade,
    )
    panel = swap_panel("", (), parameters(), values, own)
    contents = {field.name: field.value for field in panel.fields}
    for text in given.set:
        name, equals, value = text.partition("=")
        if not equals or name not in contents:
            raise HostError("bad-value", f"'{text}' is no parameter setting; write --set grain=0.5.")
        contents[name] = _plain(value)
    return read_request(panel, contents)


def _plain(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
