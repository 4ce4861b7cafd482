"""The network's form: sizes, whose layers a swap passes, and what a step may change."""

# pyright: reportMissingImports=false
# PyTorch is an extra: a type check passes without it.

from __future__ import annotations

import pytest

from faceplate.errors import UsageError
from faceplate.train.presets import PRESETS, Shape, levels_of, preset_called

torch = pytest.importorskip("torch", reason="NOT RUN: training, because PyTorch is not installed (faceplate[train])")

from faceplate.train.network import SwapNetwork  # noqa: E402


def network(side: int = 64) -> SwapNetwork:
    torch.manual_seed(1)
    return SwapNetwork(Shape(side, ("actor", "double"), 16, 8, 16, 1))


@pytest.mark.parametrize("side", [64, 96, 128])
def test_every_size_gives_face_and_matte(side: int) -> None:
    faces = torch.rand(2, 3, side, side)
    face, matte = network(side)(faces, torch.eye(2))[0]
    assert face.shape == (2, 3, side, side) and matte.shape == (2, 1, side, side)


@pytest.mark.parametrize(("side", "levels"), [(64, 3), (96, 4), (128, 4), (160, 5), (256, 5), (512, 6)])
def test_the_smallest_map_has_at_most_eight_pixels(side: int, levels: int) -> None:
    assert levels_of(side) == levels and side >> levels <= 8


def test_a_size_that_cannot_be_halved_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="--size 96") as caught:
        levels_of(100)
    assert caught.value.code == "bad-size"


def test_an_unknown_preset_names_those_there_are() -> None:
    with pytest.raises(UsageError, match="quick, standard, quality"):
        preset_called("fast")
    assert preset_called("quick") is PRESETS["quick"]


def test_a_swap_differs_from_the_face_by_the_actor_s_own_layers_alone() -> None:
    made = network()
    faces, double = torch.rand(2, 3, 64, 64), torch.tensor([[0.0, 1.0]] * 2)
    actor = torch.tensor([[1.0, 0.0]] * 2)
    (face, _), (swap, _) = made(faces, double, 2, actor)
    assert torch.equal(face, swap)  # people begin alike
    with torch.no_grad():
        made.own_weight[0] += 0.1
        made.scales[0][0] += 0.1
    (again, _), (changed, _) = made(faces, double, 2, actor)
    assert torch.equal(face, again)
    assert not torch.allclose(swap, changed)


def test_the_swapped_face_is_encoded_again() -> None:
    """Its code belongs to the code that it was decoded from, and only the way through the swap has a gradient."""
    made = network()
    faces, double = torch.rand(2, 3, 64, 64), torch.tensor([[0.0, 1.0]] * 2)
    codes = made(faces, double, 1, torch.tensor([[1.0, 0.0]]), True)[2]
    assert codes[0].shape == codes[1].shape == (1, 16)
    assert torch.allclose(codes[1], made.encoder(faces)[1:], atol=1e-5)
    assert codes[0].requires_grad and not codes[1].requires_grad
    codes[0].square().sum().backward()
    assert made.own_weight.grad is not None and made.own_weight.grad[0].abs().max() > 0


def test_a_person_s_own_layers_learn_from_that_person_s_faces_alone() -> None:
    made = network()
    made(torch.rand(2, 3, 64, 64), torch.tensor([[0.0, 1.0]] * 2))[0][0].sum().backward()
    gradient = made.own_weight.grad
    assert gradient is not None and gradient[0].abs().max() == 0 and gradient[1].abs().max() > 0
    assert made.shared.weight.grad is not None and made.shared.weight.grad.abs().max() > 0
