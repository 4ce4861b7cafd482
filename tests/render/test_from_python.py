"""From Python: parameters by name reach generator, restorer, occluder, parser and pins, and the user's model store is seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceplate import FaceDetector, FaceSwapper, Renderer, Shot, UsageError, open_frame
from faceplate.demo import person
from faceplate.face import FaceFinder
from faceplate.models import embedded_store
from faceplate.shot import Policy
from faceplate.shot.parameters import Parameters
from plates import read_file
from stand_ins import FACE, make_store, write_noise_plate


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("python")
    make_store(folder / "models")
    write_noise_plate(folder / "p.1001.exr")
    return folder


@pytest.fixture
def store(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's model store is the one in `folder`."""
    monkeypatch.setenv("FACEPLATE_MODELS", str(folder / "models"))
    return folder / "models"


def swapped(folder: Path, number: int | None = None, source: Path | None = None, **values: Any) -> np.ndarray:
    """The plate with the face in it, by `FaceSwapper` with these parameters."""
    parameters = Parameters.model_validate({"grain": 0.0, "occlusion": 0.0, "generator": "null", **values})
    swapper = FaceSwapper(source, parameters)
    frame = open_frame(folder / "p.1001.exr")
    result = swapper.swap(frame, FACE) if number is None else swapper.swap(frame, FACE, number)
    picture = frame.pixels.copy()
    picture[result.window.slices(frame.window)] = result.over
    return picture


@pytest.mark.parametrize(
    ("values", "plain"),
    [
        ({"generator": "actor"}, {}),
        ({"generator": "actor", "restorer": "sharper"}, {"generator": "actor"}),
        ({"generator": "actor", "occlusion": 0.5, "occluder": "xseg"}, {"generator": "actor"}),
        ({"generator": "actor", "parser": "parser"}, {"generator": "actor"}),
    ],
    ids=("generator", "restorer", "occluder", "parser"),
)
def test_a_swapper_follows_its_parameters_as_a_render_does(
    folder: Path, store: Path, values: dict[str, Any], plain: dict[str, Any]
) -> None:
    ours = swapped(folder, **values)
    assert not np.array_equal(ours, swapped(folder, **plain)), "the parameter is not ignored"
    named = Parameters.model_validate({"grain": 0.0, "occlusion": 0.0, **values})
    shot = Shot(plate=f"{folder}/p.####.exr", parameters=named, policy=Policy(preview_slate=False))
    rendered = Renderer(shot).render(1001, FACE)
    theirs = open_frame(folder / "p.1001.exr").pixels.copy()
    theirs[rendered.result.window.slices(rendered.file.data)] = rendered.result.over
    assert np.array_equal(ours, theirs)


def test_a_swapper_follows_pins(folder: Path) -> None:
    pinned = {"generator": "mesh", "pins": "left.jpg@1001"}
    on, off = (swapped(folder, number, person("bea"), **pinned) for number in (1001, 1002))
    assert not np.array_equal(on, off)
    assert np.array_equal(off, swapped(folder, 1002, person("bea"), generator="mesh"))
    with pytest.raises(UsageError) as refused:
        swapped(folder, 1001, person("bea"), generator="mesh", pins="nobody.jpg@1001")
    assert refused.value.code == "bad-pin"


def test_a_swapper_opens_its_networks_once(folder: Path, store: Path) -> None:
    swapper = FaceSwapper(parameters=Parameters(generator="actor", restorer="sharper"))
    assert swapper.resources.networks == swapper.resources.networks
    assert [network.card.name for network in swapper.resources.networks] == ["actor", "sharper"]


def test_the_python_start_works_with_a_network_of_the_store(folder: Path, store: Path, tmp_path: Path) -> None:
    shot = Shot(
        plate=f"{folder}/p.####.exr",
        output=f"{tmp_path}/o.####.exr",
        frames=(1001,),
        parameters=Parameters(generator="actor"),
    )
    renderer = Renderer(shot)
    renderer.prepare()
    written = renderer.write(renderer.render(1001, FACE))
    assert read_file(written.path)[1].getattribute("faceplate:generator") == "actor"
    assert FaceDetector().finder.store.card("actor").family == "dfm"


def test_a_finder_that_is_given_decides_which_store_counts(folder: Path, store: Path) -> None:
    shot = Shot(plate=f"{folder}/p.####.exr", parameters=Parameters(generator="actor"))
    embedded = FaceFinder(embedded_store())
    for ask in (
        lambda: Renderer(shot, embedded).load(1001, FACE),
        lambda: FaceSwapper(parameters=shot.parameters, finder=embedded).swap(open_frame(folder / "p.1001.exr"), FACE),
    ):
        with pytest.raises(UsageError) as refused:
            ask()
        assert refused.value.code == "unknown-model"
