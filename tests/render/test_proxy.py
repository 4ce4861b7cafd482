"""Renders at a proxy agree with the full ones."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from faceplate.image.window import Window
from plates import read_file
from three_frame_shot import ThreeFrameShot

SIDE, BIG = 260, 716


@pytest.mark.parametrize("proxy", [2, 4])
def test_a_proxy_agrees_with_the_full_render_reduced(three_frames: ThreeFrameShot, proxy: int) -> None:
    """On a face of 290 pixels: on average within 5 % of the face's light, the matte within 1.5 % of its area a step."""
    renderer = three_frames.renderer(mode="over", plate="big.####.exr")
    full, small = renderer.render(1001), renderer.render(1001, proxy=proxy)
    size = (BIG // proxy, BIG // proxy)
    assert small.file.data == Window(0, 0, *size)
    wanted = cv2.resize(renderer.over_picture(full), size, interpolation=cv2.INTER_AREA)
    got = renderer.over_picture(small)
    matte, ours = np.zeros((BIG, BIG), np.float32), np.zeros(size, np.float32)
    matte[full.result.window.slices(full.file.data)] = full.result.matte
    matte = cv2.resize(matte, size, interpolation=cv2.INTER_AREA)
    ours[small.result.window.slices(small.file.data)] = small.result.matte
    assert full.face is not None
    away = np.abs(got - wanted)[(matte > 0) | (ours > 0)].mean() / full.face.level
    assert away < 0.05, away
    assert np.abs(ours - matte).sum() / matte.sum() < 0.015 * proxy
    outside = (matte == 0) & (ours == 0)
    assert np.allclose(got[outside], wanted[outside], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mode", ["element", "over"])
def test_a_proxy_is_written_with_its_own_windows(three_frames: ThreeFrameShot, mode: str) -> None:
    renderer = three_frames.renderer(mode=mode, output=f"proxy/{mode}.####.exr", frames="1001")
    renderer.prepare()
    rendered = renderer.render(1001, proxy=4)
    renderer.write(rendered)
    pixels, spec = read_file(three_frames.folder / "proxy" / f"{mode}.1001.exr")
    assert (spec.full_width, spec.full_height) == (SIDE // 4, SIDE // 4)
    assert spec.getattribute("faceplate:proxy") == 4 and spec.getattribute("faceplate:key") == renderer.key(
        1001, proxy=4
    )
    window = rendered.file.data if mode == "over" else rendered.result.window
    assert pixels.shape[:2] == (window.height, window.width) and (spec.x, spec.y) == (window.x, window.y)
