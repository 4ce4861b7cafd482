"""The exported files compute what PyTorch computes, run as DFM networks, and render a frame; the card says what made them."""

# pyright: reportMissingImports=false
# PyTorch is an extra: a type check passes without it.

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from faceplate.color import ColorConfig
from faceplate.errors import RenderError, UsageError
from faceplate.face import FaceFinder
from faceplate.generators.interface import Crop
from faceplate.generators.networks import DfmGenerator, network_generator
from faceplate.models import ModelStore, read_card
from faceplate.models.store import EMBEDDED
from faceplate.render import Renderer
from faceplate.shot import Policy, load_shot

torch = pytest.importorskip("torch", reason="NOT RUN: training, because PyTorch is not installed (faceplate[train])")
onnx = pytest.importorskip("onnx")

from faceplate.train import export  # noqa: E402
from faceplate.train.checkpoint import save_checkpoint  # noqa: E402
from faceplate.train.network import SwapNetwork  # noqa: E402
from faceplate.train.presets import Shape  # noqa: E402
from network_scene import frontal_head  # noqa: E402
from training_faces import write_drawn_dataset  # noqa: E402

SIDE = 64


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with random weights, the people's own ones different, as a training leaves them."""
    folder = tmp_path_factory.mktemp("model")
    document = write_drawn_dataset(folder, SIDE, count=4, held_out=1)
    torch.manual_seed(3)
    shape = Shape(SIDE, ("actor", "double"), 32, 16, 32, 1)
    network = SwapNetwork(shape)
    with torch.no_grad():
        network.own_weight += torch.randn_like(network.own_weight) * 0.05
        for scale in network.scales:
            scale += torch.randn_like(scale) * 0.1
    state = {
        "step": 1234,
        "preset": "tiny",
        "shape": {**shape.__dict__},
        "dataset": document.sha256,
        "base": None,
        "releases": ["release-0"],
        "average": network.state_dict(),
    }
    save_checkpoint(folder, 1234, state)
    return folder


@pytest.fixture(scope="module")
def store_folder(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    export.export_model(model, "ada_v3", ModelStore((folder, EMBEDDED)))
    return folder


def network_of(model: Path) -> SwapNetwork:
    from faceplate.train.initial import best_state

    return export.trained_network(best_state(model))


@pytest.mark.parametrize(("name", "limit"), [("ada_v3", 1e-4), ("ada_v3_fp16", 5e-3)])
def test_every_number_is_pytorch_s(model: Path, store_folder: Path, name: str, limit: float) -> None:
    rng = np.random.default_rng(4)
    faces = rng.random((3, SIDE, SIDE, 3), np.float32) * 1.2
    session = onnxruntime.InferenceSession(store_folder / f"{name}.dfm", providers=["CPUExecutionProvider"])
    assert [item.name for item in session.get_inputs()] == ["in_face:0"]
    assert [item.name for item in session.get_outputs()] == [
        "out_face_mask:0", "out_celeb_face:0", "out_celeb_face_mask:0"
    ]  # fmt: skip
    double_matte, face, actor_matte = (np.asarray(one) for one in session.run(None, {"in_face:0": faces}))
    rgb = torch.from_numpy(faces[..., ::-1].copy()).permute(0, 3, 1, 2)
    actor, double = torch.tensor([[1.0, 0.0]] * 3), torch.tensor([[0.0, 1.0]] * 3)
    (_, wanted_double), (wanted, wanted_actor) = network_of(model)(rgb, double, 3, actor)
    for made, torch_made in (
        (face[..., ::-1], wanted),
        (double_matte, torch.sigmoid(wanted_double)),
        (actor_matte, torch.sigmoid(wanted_actor)),
    ):
        assert np.abs(made - torch_made.permute(0, 2, 3, 1).numpy()).max() < limit


def test_the_card_says_what_made_it(model: Path, store_folder: Path) -> None:
    card, half = (read_card(store_folder / f"{name}.card.json") for name in ("ada_v3", "ada_v3_fp16"))
    assert (card.family, card.licence, card.commercial) == ("dfm", "the studio's own", True)
    assert card.trained is not None and card.trained.steps == 1234 and card.trained.side == SIDE
    assert card.trained.footage == {"actor": ("actor.####.exr",), "double": ("double.####.exr",)}
    assert card.releases == half.releases == ("release-0", "release-1")
    assert half.fp32 == "ada_v3" and half.trained == card.trained
    assert half.sha256 != card.sha256
    size, half_size = ((store_folder / one.file).stat().st_size for one in (card, half))
    assert half_size < 0.6 * size
    words = {item.key: item.value for item in onnx.load(store_folder / card.file).metadata_props}
    assert words["faceplate:releases"] == "release-0, release-1" and words["faceplate:licence"] == "the studio's own"
    assert words["faceplate:dataset"] == card.trained.dataset and words["faceplate:steps"] == "1234"


def test_the_engine_s_dfm_path_runs_it(model: Path, store_folder: Path) -> None:
    generator = network_generator(ModelStore((store_folder,)), "ada_v3", None)
    assert isinstance(generator, DfmGenerator)
    head = frontal_head((300, 300), 80)
    transform = generator.frame(head, 1.0)
    assert (transform.window.width, transform.window.height) == (SIDE, SIDE)
    pixels = np.random.default_rng(1).random((SIDE, SIDE, 3), np.float32)
    made = generator.generate(Crop(pixels, transform, head))
    rgb = torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy())
    wanted = network_of(model)(rgb, torch.tensor([[0.0, 1.0]]), 1, torch.tensor([[1.0, 0.0]]))[1][0]
    assert np.abs(made.pixels - wanted[0].permute(1, 2, 0).numpy()).max() < 1e-4


def test_a_frame_renders(small_plate: Path, store_folder: Path, tmp_path: Path, color: ColorConfig) -> None:
    keys = {
        "faceplate_shot": 1, "plate": str(small_plate), "output": str(tmp_path / "o.####.exr"), "frames": "1001",
        "track": None, "parameters": {"generator": "ada_v3", "occlusion": 0.0, "grain": 0.0},
    }  # fmt: skip
    shot = load_shot(keys, tmp_path).model_copy(update={"track_first": False, "policy": Policy(preview_slate=False)})
    finder = FaceFinder(ModelStore((store_folder, EMBEDDED)))
    rendered = Renderer(shot, finder).render(1001)
    assert rendered.face is not None
    assert rendered.result.matte.max() > 0.1
    assert np.isfinite(rendered.result.over).all()


def test_a_name_is_taken_once(model: Path, store_folder: Path) -> None:
    store = ModelStore((store_folder, EMBEDDED))
    with pytest.raises(UsageError) as caught:
        export.export_model(model, "ada_v3", store)
    assert caught.value.code == "model-exists"
    export.export_model(model, "ada_v3", ModelStore((store_folder, EMBEDDED)), replace=True)
    assert not any(ModelStore((store_folder,)).verify().values())


@pytest.mark.parametrize("name", ["Ada V3", "../ada", "ADA"])
def test_an_odd_name_is_refused(model: Path, name: str) -> None:
    with pytest.raises(UsageError) as caught:
        export.export_model(model, name, None)
    assert caught.value.code == "odd-name"


def test_a_file_that_differs_from_pytorch_is_not_written(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "FP32_LIMIT", 0.0)
    with pytest.raises(RenderError, match="not written") as caught:
        export.export_model(model, "other", None)
    assert caught.value.code == "export-differs"
    assert not (model / "export" / "other.dfm").exists()
