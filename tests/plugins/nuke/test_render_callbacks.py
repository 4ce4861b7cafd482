"""Threads, callbacks and rendering without an engine."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from fake_nuke import nuke
from nuke_stage import Stage


def test_the_fake_refuses_other_threads_and_nesting(stage: Stage) -> None:
    caught: list[BaseException] = []

    def elsewhere() -> None:
        try:
            stage.read["first"].setValue(3)
        except RuntimeError as error:
            caught.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert "main thread" in str(caught[0])
    with pytest.raises(RuntimeError, match="main thread"):
        nuke.executeInMainThread(print)


def test_callbacks_come_in_nukes_order(stage: Stage, tmp_path: Path) -> None:
    import numpy as np

    from plates import write_plate

    for frame in (1001, 1002):
        write_plate(tmp_path / f"plate.{frame}.exr", np.zeros((4, 4, 3), np.float32))
    write = stage.write(stage.read)
    heard: list[str] = []
    write["beforeFrameRender"].setValue("nuke.heard.append('knob')")
    nuke.heard = heard  # type: ignore[attr-defined]
    nuke.addBeforeFrameRender(lambda: heard.append("*"), nodeClass="*")
    nuke.addBeforeFrameRender(lambda: heard.append("Write"))
    nested: list[str] = []

    def nest() -> None:
        try:
            nuke.execute(write, 1001, 1001)
        except RuntimeError as error:
            nested.append(str(error))

    nuke.addAfterFrameRender(nest)
    stage.session.log.clear()
    nuke.execute(write, 1001, 1002)
    del nuke.heard  # type: ignore[attr-defined]
    assert heard == ["knob", "Write", "*"] * 2
    assert [(event, frame) for event, _, frame in stage.session.log] == [
        ("beforeRender", 1001),
        ("beforeFrameRender", 1001),
        ("afterFrameRender", 1001),
        ("beforeFrameRender", 1002),
        ("afterFrameRender", 1002),
        ("afterRender", 1001),
    ]
    assert nested == ["I'm already executing something else"] * 2


def test_a_stale_prerender_fails_the_render_with_what_to_type(stage: Stage) -> None:
    node = stage.faceswap(nuke.nodes.Grade(inputs=[stage.read]))
    write = stage.write(node)
    stage.save()
    with pytest.raises(RuntimeError, match=r"Error: FaceSwap1 \(frame 1001\).*nuke -X FaceSwap1\.PlateOut"):
        nuke.execute(write, 1001, 1001)
    assert stage.session.printed[-1].startswith("Error: FaceSwap1")


def test_a_node_that_is_switched_off_asks_for_nothing(stage: Stage, tmp_path: Path) -> None:
    import numpy as np

    from plates import write_plate

    write_plate(tmp_path / "plate.1001.exr", np.zeros((4, 4, 3), np.float32))
    write = stage.write(stage.faceswap(disable=True))
    nuke.execute(write, 1001, 1001)
    assert (tmp_path / "out_Write1" / "final.1001.exr").exists()


@pytest.mark.parametrize(
    "button", ["track_shot", "render_frame", "render_range", "take_pick", "export_shot", "track_nodes"]
)
def test_a_button_that_cannot_do_it_says_one_sentence(stage: Stage, button: str) -> None:
    node = stage.faceswap()
    stage.session.answers["getFilename"] = str(stage.folder / "a.shot.json")
    node[button].execute()
    assert len(stage.session.said) == 1 and stage.session.said[0].endswith(".")
    assert "Traceback" not in stage.session.said[0]


@pytest.mark.parametrize(
    ("words", "kept", "frames", "writes"),
    [
        (["a.nk", "--frames=1-3,7"], "", (1, 2, 3, 7), []),
        (["a.nk", "--frames=1-3", "Write2"], "", (1, 2, 3), ["Write2"]),
        (["a.nk", "Write2"], "5-6", (5, 6), ["Write2"]),
        (["a.nk"], "5,8", (5, 6, 7, 8), []),
        (["a.nk"], "5", (5,), []),
    ],
)
def test_words_of_render_faceplate(
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    kept: str,
    frames: tuple[int, ...],
    writes: list[str],
) -> None:
    """`kept` is what Nuke takes off the end of the script's words."""
    monkeypatch.setattr(nuke, "rawArgs", ["nuke", "-t", "render_faceplate.py", *words, *([kept] if kept else [])])
    assert stage.adapter("script_render")._asked(words) == ("a.nk", frames, writes)
