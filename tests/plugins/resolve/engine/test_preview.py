"""Preview this frame: one frame rendered and shown, the timeline untouched, looked at again after a change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from faceplate_client import Engine, HostError
from faceplate_resolve import menu
from faceplate_resolve.clip import read_clip
from faceplate_resolve.dialog import SwapRequest
from faceplate_resolve.interface import Console
from faceplate_resolve.preview import FramePreview
from fake_resolve.ui import Bmd, Fusion
from placed_clips import QUICK, START, host_of
from resolve_scene import Scene


def read(path: str) -> np.ndarray:
    picture = cv2.imread(path)
    assert picture is not None
    return picture.astype(np.float32)


class TestFrame:
    def test_one_frame_is_rendered_and_a_change_shows_another(
        self, scene: Scene, engine: Engine, answer: Callable[..., SwapRequest], tmp_path: Path
    ) -> None:
        item = scene.timeline._put(1, scene.sequence("sh010", 6), START, 4, offset=Fraction(1))
        before = scene.state()
        request = replace(answer(), values=dict(QUICK))
        with FramePreview(host_of(scene), item, read_clip(host_of(scene), item), 2, engine) as preview:
            first = read(preview.picture(request, Console()))
            plate, result, matte = np.split(first[: first.shape[1] // 3], 3, axis=1)
            assert np.abs(plate - result).max() > 40 and matte.max() == 255
            tweaked = replace(request, values={**QUICK, "light_luminance": 0.2})
            second = read(preview.picture(tweaked, Console()))
            assert not np.array_equal(first, second)
            assert np.array_equal(first, read(preview.picture(request, Console())))
        assert scene.state() == before
        assert not list((tmp_path / "results").rglob("*"))

    def test_a_clip_that_resolve_must_render_is_rendered_at_one_frame_only_once(
        self, scene: Scene, engine: Engine, answer: Callable[..., SwapRequest]
    ) -> None:
        media = scene.sequence("fast", 16)
        item = scene.timeline._put(1, media, START, 4, offset=Fraction(2), speed=Fraction(2))
        item._gain = 0.7
        before = scene.state()
        request = replace(answer(space="ACEScg"), values=dict(QUICK))
        with FramePreview(host_of(scene), item, read_clip(host_of(scene), item), 1, engine) as preview:
            for feather in (0.02, 0.1):
                preview.picture(replace(request, values={**QUICK, "matte_feather": feather}), Console())
            assert scene.world.calls.count("Project.StartRendering") == 1
            rendered = list(Path(request.folder).rglob("plate/*.exr"))
            assert len(rendered) == 1
        assert scene.state() == before


@pytest.mark.usefixtures("own_home")
class TestMenu:
    def names(self, scene: Scene, fusion: Fusion) -> dict[str, Any]:
        return {"resolve": scene.resolve, "fusion": fusion, "bmd": Bmd(fusion)}

    def test_look_change_look_again_and_swap(self, scene: Scene, engine: Engine, source: Path, tmp_path: Path) -> None:
        """The dialog, two previews with a change between them, then the clip; and next time the picture comes at once."""
        scene.timeline._put(1, scene.sequence("sh010", 3), START, 2)
        scene.timeline._playhead = START + 1
        windows: list[str] = []
        tracks: list[int] = []

        def person(window: Any) -> None:
            items, name = window.GetItems(), window.shape["ID"]
            windows.append(name)
            assert len(windows) < 9, windows
            tracks.append(len(scene.timeline._tracks))
            if name == "FaceplateSwap":
                items["source"].Text, items["folder"].Text = str(source), str(tmp_path / "results")
                items["occlusion"].Value = items["grain"].Value = 0.0
                items["track"].Checked, items["handles"].Value = False, 0
                if windows.count(name) == 2:
                    assert items["light_luminance"].Value == 0.5, "what was chosen before the look is still there"
                items["light_luminance"].Value = 0.5
                window.click("preview")
            elif name == "FaceplatePreview":
                assert "preview.png" in items["picture"].Text
                window.click("tweak" if windows.count(name) == 1 else "go")
            else:
                window.click("go")

        fusion = Fusion(scene.world, person)
        assert menu.run(self.names(scene, fusion), "preview", lambda: engine) == 0
        assert windows == ["FaceplateSwap", "FaceplatePreview", "FaceplateSwap", "FaceplatePreview", "FaceplateMessage"]
        assert tracks[:4] == [1] * 4 and len(scene.timeline._tracks) == 2, "the timeline is changed by the swap alone"
        scene.timeline._tracks[1].enabled = False
        windows.clear()
        fusion.person = lambda window: (windows.append(window.shape["ID"]), window.click("close"))
        assert menu.run(self.names(scene, fusion), "preview", lambda: engine) == 0
        assert windows == ["FaceplatePreview"] and not list((tmp_path / "results").glob(".preview*"))

    def test_a_frame_that_cannot_be_rendered_is_one_sentence_and_the_dialog_again(
        self, scene: Scene, engine: Engine, tmp_path: Path
    ) -> None:
        scene.timeline._put(1, scene.sequence("sh010", 2), START, 1)
        before = scene.state()
        windows: list[str] = []

        def person(window: Any) -> None:
            windows.append(window.shape["ID"])
            if windows[-1] == "FaceplateSwap" and windows.count("FaceplateSwap") == 1:
                items = window.GetItems()
                items["source"].Text, items["folder"].Text = str(tmp_path / "nobody"), str(tmp_path / "results")
                window.click("preview")
            else:
                window.click("go" if windows[-1] == "FaceplateMessage" else "cancel")

        fusion = Fusion(scene.world, person)
        assert menu.run(self.names(scene, fusion), "preview", lambda: engine) == 0
        assert windows == ["FaceplateSwap", "FaceplateMessage", "FaceplateSwap"] and scene.state() == before

    def test_cancel_stops_the_preview(self, scene: Scene, engine: Engine, answer: Callable[..., SwapRequest]) -> None:
        item = scene.timeline._put(1, scene.sequence("sh010", 2), START, 1)

        class Stops(Console):
            def follow(self, ask: Any, cancel: Any, title: str) -> None:
                cancel()
                raise HostError("cancelled", "it was stopped.")

        with (
            FramePreview(host_of(scene), item, read_clip(host_of(scene), item), 0, engine) as preview,
            pytest.raises(HostError, match="stopped"),
        ):
            preview.picture(answer(), Stops())
