"""The slate in a rendered picture, and finals without a release."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceplate.demo import person
from faceplate.errors import UsageError
from faceplate.face import FaceFinder
from faceplate.image.window import Window
from faceplate.render import Renderer
from faceplate.shot import Shot
from faceplate.shot.parameters import Parameters
from marked_takes import marking_renderer
from plates import read_file

WIDTH, HEIGHT = 400, 300


@pytest.mark.parametrize("mode", ["over", "element"])
def test_a_preview_without_a_release_carries_a_slate(
    mode: Any, small_plate: Path, unreleased_source: Path, finder: FaceFinder, tmp_path: Path
) -> None:
    out = tmp_path / "out.####.exr"
    marked = marking_renderer(small_plate, unreleased_source, out, finder, mode=mode)
    marked.prepare()
    marked.write(marked.render(1001))
    pixels, spec = read_file(tmp_path / "out.1001.exr")
    assert spec.getattribute("faceplate:slate") == "AI-GENERATED PREVIEW – no release on file"
    assert spec.getattribute("faceplate:release_state") == "none"
    window = Window(spec.x, spec.y, spec.width, spec.height)
    assert window.bottom == HEIGHT and window.width == WIDTH
    bar = pixels[-12:-2, 2:-2]
    plate = read_file(Path(str(small_plate).replace("####", "1001")))[0][-12:-2, 2:-2]
    assert bar[..., :3].max() > 0.6  # letters
    under = plate if mode == "over" else np.zeros_like(bar[..., :3])
    dark = np.abs(bar[..., :3] - 0.25 * under[..., :3]).max(axis=2) < 0.01
    assert dark.mean() > 0.3  # the bar between them
    if mode == "element":
        assert bar[..., 3].min() > 0.7
        assert np.array_equal(pixels[..., 3], pixels[..., spec.channelnames.index("matte")])


def test_a_released_source_leaves_the_picture_alone(small_plate: Path, finder: FaceFinder, tmp_path: Path) -> None:
    for purpose in ("preview", "final"):
        out = tmp_path / f"{purpose}.####.exr"
        renderer = marking_renderer(small_plate, person("bea"), out, finder, mode="over", purpose=purpose)
        renderer.prepare()
        renderer.write(renderer.render(1001))
        plate = Path(str(small_plate).replace("####", "1001"))
        assert np.array_equal(read_file(renderer.output.path(1001))[0], read_file(plate)[0])


def test_a_final_without_a_release_is_refused_before_the_first_frame(
    small_plate: Path, unreleased_source: Path, finder: FaceFinder, tmp_path: Path
) -> None:
    renderer = marking_renderer(
        small_plate, unreleased_source, tmp_path / "new" / "out.####.exr", finder, purpose="final"
    )
    with pytest.raises(UsageError) as told:
        renderer.prepare()
    assert told.value.code == "release-none" and "faceplate release new" in str(told.value)
    assert not (tmp_path / "new").exists()


def test_no_source_needs_no_word(small_plate: Path, finder: FaceFinder, tmp_path: Path) -> None:
    shot = Shot(
        plate=str(small_plate),
        output=str(tmp_path / "o.####.exr"),
        purpose="final",
        space="ACEScg",
        parameters=Parameters(generator="null"),
    )
    renderer = Renderer(shot, finder)
    renderer.prepare()
    assert renderer.resources.consent.decision.allowed and not renderer.resources.consent.decision.slate
