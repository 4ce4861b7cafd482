"""Progress windows: frames, time left, one bar for a batch, windows with identities of their own; settings of a project."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from faceplate_client import HostError, parameters
from faceplate_resolve import batch as batches
from faceplate_resolve.dialog import ELEMENT, GO, PREVIEW, SwapRequest, swap_panel
from faceplate_resolve.host import Host
from faceplate_resolve.interface import Console
from faceplate_resolve.progress import ProgressLine
from faceplate_resolve.settings import remember, remembered
from faceplate_resolve.ui_dialog import ResolveDialog
from fake_resolve import MediaPoolItem, Project, Resolve, Timeline, World
from fake_resolve.ui import Bmd, Fusion

OWN = SwapRequest("people/bea", "results", "auto", 8, True, "", {})


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_line_has_frames_and_the_time_that_is_left() -> None:
    clock = Clock()
    line = ProgressLine(clock)
    assert line.text("replacing the face", 0, 48) == "replacing the face: frame 0 of 48"
    clock.now = 12.0
    assert line.text("replacing the face", 12, 48) == "replacing the face: frame 12 of 48, 0:36 left"
    clock.now = 90.0
    assert line.text("replacing the face", 30, 48) == "replacing the face: frame 30 of 48, 0:54 left"
    assert line.text("replacing the face", 48, 48) == "replacing the face: frame 48 of 48"


def test_frames_that_were_done_already_are_no_speed_and_another_task_begins_anew() -> None:
    clock = Clock()
    line = ProgressLine(clock)
    line.text("a", 100, 110)
    clock.now = 5.0
    assert line.text("a", 105, 110).endswith("0:05 left"), "not the twentieth of a second that 105 in 5 s would mean"
    assert line.text("b", 0, 50) == "b: frame 0 of 50"


def test_windows_have_identities_of_their_own(edit: tuple[World, Project, Timeline]) -> None:
    """A message over the progress window must not be the progress window."""
    seen: list[Any] = []

    def person(window: Any) -> None:
        seen.append(window)
        window.click("go")

    fusion = Fusion(edit[0], person)
    dialog = ResolveDialog(fusion.UIManager, Bmd(fusion).UIDispatcher(None), fusion)
    dialog.follow(lambda: (1, 4, True), lambda: None, "working")
    dialog.say("It is done.")
    panel = swap_panel("t", (), parameters(), {}, OWN, ((PREVIEW, "Preview this frame"), (GO, "Swap the clip")))
    answer = dialog.ask(panel)
    assert answer is not None and answer["action"] == GO
    assert len({window.shape["ID"] for window in fusion.windows}) == 3
    bar = fusion.windows[0].GetItems()
    assert vars(bar["bar"])["Value"] == 250 and vars(bar["what"])["Text"] == "working: frame 1 of 4"


def test_each_button_says_which_it_was(edit: tuple[World, Project, Timeline]) -> None:
    fusion = Fusion(edit[0], lambda window: window.click(PREVIEW))
    dialog = ResolveDialog(fusion.UIManager, Bmd(fusion).UIDispatcher(None), fusion)
    panel = swap_panel("t", (), parameters(), {}, OWN, ((PREVIEW, "Preview this frame"), (GO, "Swap the clip")))
    assert (dialog.ask(panel) or {})["action"] == PREVIEW
    fusion.person = lambda window: window.click("tweak")
    assert dialog.show("/p/a.png", "said", (("tweak", "Change values"),)) == "tweak"
    assert '<img src="/p/a.png">' in vars(fusion.windows[-1].GetItems()["picture"])["Text"]
    fusion.person = lambda window: window.click("close")
    assert dialog.show("/p/a.png", "said", (("tweak", "Change values"),)) == ""


def test_a_batch_has_one_bar_that_never_goes_back(
    edit: tuple[World, Project, Timeline], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its unit are the frames of all clips; a clip that fails counts as passed."""
    world, project, timeline = edit
    media = MediaPoolItem(world, "m", "", 100, "24")
    items = [timeline._put(1, media, 86400 + 10 * n, length) for n, length in enumerate((4, 8, 4))]
    shown: list[tuple[int, int, str]] = []

    class Watch(Console):
        def follow(self, ask: Any, cancel: Any, title: str) -> None:
            while True:
                done, total, finished = ask()
                shown.append((done, total, title))
                if finished:
                    return

    def one(host: Host, item: Any, request: SwapRequest, engine: Any, interface: Any) -> Any:
        interface.note("a note")
        for title in ("rendering the clip", "tracking the face", "replacing the face"):
            steps = iter([(0, 2, False), (1, 2, False), (2, 2, True)])
            interface.follow(lambda steps=steps: next(steps), lambda: None, title)
            if item is items[1]:
                raise HostError("no-face", "nobody.")
        return item

    monkeypatch.setattr(batches, "swap_clip", one)
    interface = Watch()
    outcomes = batches.batch(Host.of(Resolve(world, project)), items, OWN, None, interface)  # type: ignore[arg-type]
    assert [outcome.done for outcome in outcomes] == [True, False, True] and interface.notes == ["a note"]
    done = [entry[0] for entry in shown]
    assert done == sorted(done) and {entry[1] for entry in shown} == {16}
    assert (done[0], done[-1]) == (0, 16)
    assert shown[-1][2] == "clip 3 of 3, m, replacing the face"
    # Clip 1 alone: rendering is a fifth, tracking up to the half.
    assert done[:9] == [0, 0, 0, 0, 1, 2, 2, 3, 4]


@pytest.mark.usefixtures("own_home")
class TestSettings:
    def hosts(self, edit: tuple[World, Project, Timeline]) -> tuple[Host, Host]:
        world, first, timeline = edit
        second = Project(world, "another", "24")
        second._timeline = timeline
        return Host.of(Resolve(world, first)), Host.of(Resolve(world, second))

    def test_they_are_kept_for_each_project(self, edit: tuple[World, Project, Timeline]) -> None:
        one, two = self.hosts(edit)
        chosen = replace(
            OWN, space="ACEScct", purpose="final", result=ELEMENT, burn_grade=True, mode="render", values={"grain": 0.1}
        )
        remember(one, chosen)
        assert remembered(one) == replace(chosen, mode="auto", values={}), "pictures and parameters are the clip's"
        other = remembered(two)
        assert (other.source, other.folder, other.handles) == ("people/bea", "results", 8)
        assert (other.space, other.purpose, other.result) == ("", "preview", "over the plate")
        remember(two, replace(OWN, source="people/cal"))
        assert remembered(one).space == "ACEScct" and remembered(two).source == "people/cal"

    def test_a_file_that_is_no_settings_is_as_none(self, edit: tuple[World, Project, Timeline], tmp_path: Path) -> None:
        one, _ = self.hosts(edit)
        remember(one, OWN)
        file = next(tmp_path.rglob("resolve.json"))
        for text in ("", "[]", '{"projects": 3}', '{"projects": {"a": {"handles": "many", "source": 7}}}'):
            file.write_text(text)
            assert remembered(one).handles == 8 and remembered(one).source == ""
