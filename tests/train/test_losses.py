"""The losses, against values worked out another way."""

# pyright: reportMissingImports=false
# PyTorch is an extra: a type check passes without it.

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="NOT RUN: training, because PyTorch is not installed (faceplate[train])")
pytest.importorskip("onnx")

from torch import Tensor  # noqa: E402
from torch.nn import functional  # noqa: E402

from faceplate.color.encoding import SHOULDER  # noqa: E402
from faceplate.demo import people_folder  # noqa: E402
from faceplate.face.identity import embed  # noqa: E402
from faceplate.models import embedded_store, open_network  # noqa: E402
from faceplate.train.curve import KNEE, LIMIT, network_of, plain_of  # noqa: E402
from faceplate.train.losses import (  # noqa: E402
    expression_loss,
    likeness_loss,
    pixel_weights,
    plain_picture,
    reconstruction,
    structure_loss,
    structure_scale,
)
from faceplate.train.presets import LossWeights  # noqa: E402
from faceplate.train.recogniser import open_recogniser  # noqa: E402

ONES = torch.ones(1, 1, 64, 64)


def picture(seed: int = 0) -> Tensor:
    torch.manual_seed(seed)
    return functional.interpolate(torch.rand(1, 3, 16, 16), size=64, mode="bicubic").clamp(0, 1)


def test_structure_is_zero_for_equal_pictures_and_grows_with_blur() -> None:
    sharp = picture()
    soft = functional.avg_pool2d(sharp, 5, 1, 2)
    softer = functional.avg_pool2d(soft, 5, 1, 2)
    assert float(structure_loss(sharp, sharp, ONES)) < 1e-6
    one, two = (float(structure_loss(made, sharp, ONES)) for made in (soft, softer))
    assert 0 < one < two < 1


def test_one_window_is_the_formula_of_the_paper() -> None:
    one, two = picture(1)[:, :, :7, :7].double(), picture(2)[:, :, :7, :7].double()
    a, b = one.numpy().reshape(3, -1), two.numpy().reshape(3, -1)
    covariance = ((a - a.mean(1, keepdims=True)) * (b - b.mean(1, keepdims=True))).mean(1)
    luminance = (2 * a.mean(1) * b.mean(1) + 1e-4) / (a.mean(1) ** 2 + b.mean(1) ** 2 + 1e-4)
    contrast = (2 * covariance + 9e-4) / (a.var(1) + b.var(1) + 9e-4)
    found = structure_scale(one, two, torch.ones(1, 1, 7, 7, dtype=torch.double))
    assert float(found) == pytest.approx(float(((1 - luminance * contrast) / 2).mean()), abs=1e-9)


def test_eyes_weigh_more_than_skin_and_skin_more_than_the_background() -> None:
    layers = torch.zeros(1, 3, 8, 8)
    layers[:, 0, :, 4:] = 1
    layers[:, 1, 0, 6:] = 1
    weight = pixel_weights(layers, LossWeights())[0, 0]
    assert float(weight.mean()) == pytest.approx(1)
    assert weight[0, 7] / weight[4, 7] == pytest.approx(6.0)
    assert weight[4, 7] / weight[4, 0] == pytest.approx(10.0)


def test_a_highlight_is_compared_as_it_looks() -> None:
    """In plain sRGB, the encoding of what network space decodes to; above the limit a straight line with a gradient."""
    network = np.linspace(-0.1, LIMIT, 200, dtype=np.float32)
    linear = SHOULDER.decode(network)
    above = network > KNEE
    wanted = np.where(above, 1.055 * np.abs(linear) ** (1 / 2.4) - 0.055, network)
    assert np.abs(plain_picture(torch.from_numpy(network)).numpy() - wanted).max() < 1e-4
    assert np.abs(plain_of(network) - wanted).max() < 1e-4
    assert np.abs(network_of(plain_of(network)) - network).max() < 1e-5
    far = torch.tensor([0.5, 0.85, 1.2], requires_grad=True)
    plain_picture(far).sum().backward()
    assert far.grad is not None and far.grad.tolist() == pytest.approx([1.0, float(far.grad[1]), 1.0])
    assert float(far.grad[1]) > 3


def test_a_right_face_with_a_right_matte_costs_almost_nothing() -> None:
    layers = torch.zeros(1, 3, 64, 64)
    layers[:, 0, 16:48, 16:48] = 1
    logits = (layers[:, :1] * 2 - 1) * 20
    losses = reconstruction((picture(), logits), picture(), layers, LossWeights())
    assert float(losses["total"]) < 1e-4
    wrong = reconstruction((picture(), -logits), picture(), layers, LossWeights())
    assert float(wrong["matte"]) > 1 and float(wrong["pixel"]) < 1e-6


def test_the_recogniser_is_the_network_that_ships() -> None:
    """On a grey crop that it is given whole, the embedding is ONNX Runtime's."""
    import cv2

    grey = cv2.imread(str(people_folder() / "ada" / "front.jpg"), cv2.IMREAD_GRAYSCALE)
    assert grey is not None
    crop = np.repeat(cv2.resize(grey, (112, 112))[..., None].astype(np.float32) / 255, 3, axis=2)
    wanted = embed(open_network(embedded_store(), "sface"), crop)
    faces = torch.from_numpy(crop.transpose(2, 0, 1)[None].copy()).requires_grad_()
    whole = torch.tensor([[[1.0, 0, 0], [0, 1.0, 0]]])
    found = open_recogniser(embedded_store())(faces, whole)
    assert np.abs(found.detach().numpy()[0] - wanted).max() < 1e-4
    loss = likeness_loss(found, functional.normalize(torch.from_numpy(wanted), dim=0))
    assert float(loss.detach()) < 1e-6
    found.sum().backward()
    assert faces.grad is not None and faces.grad.abs().max() > 0


def test_more_likeness_than_photographs_have_is_not_asked_for() -> None:
    wanted, other = torch.eye(128)[0], torch.eye(128)[1]
    for angle, missing in ((0.3, 0.0), (0.6, 0.0), (0.8, 0.8 - math.cos(0.8))):
        face = (math.cos(angle) * wanted + math.sin(angle) * other)[None].requires_grad_()
        loss = likeness_loss(face, wanted, most=0.8)
        assert float(loss.detach()) == pytest.approx(missing, abs=1e-6)
        loss.backward()
        assert face.grad is not None and bool(face.grad.abs().max() > 0) == (missing > 0)


def test_the_recogniser_s_crop_follows_its_matrix() -> None:
    """A face twice as large, with the matrix that says so, has nearly the embedding of the face itself."""
    import cv2

    grey = cv2.imread(str(people_folder() / "ada" / "front.jpg"), cv2.IMREAD_GRAYSCALE)
    assert grey is not None
    small = np.repeat(
        cv2.resize(grey, (112, 112), interpolation=cv2.INTER_AREA)[..., None] / np.float32(255), 3, axis=2
    )
    large = np.zeros((300, 300, 3), np.float32)
    large[40:264, 60:284] = cv2.resize(small, (224, 224), interpolation=cv2.INTER_LINEAR)
    net = open_recogniser(embedded_store())
    one = net(torch.from_numpy(small.transpose(2, 0, 1)[None].copy()), torch.tensor([[[1.0, 0, 0], [0, 1.0, 0]]]))
    two = net(torch.from_numpy(large.transpose(2, 0, 1)[None].copy()), torch.tensor([[[2.0, 0, 60], [0, 2.0, 40]]]))
    assert float(likeness_loss(two, functional.normalize(one, dim=1))) < 0.02


def test_detail_is_the_difference_of_slopes() -> None:
    """A constant error has none; a stripe's two edges count with their height, over all pixels."""
    wanted = torch.full((1, 3, 64, 64), 0.4)
    layers = torch.cat([ONES, ONES * 0, ONES * 0], 1)
    logits = torch.full((1, 1, 64, 64), 20.0)
    weights = LossWeights()
    even = reconstruction((wanted + 0.1, logits), wanted, layers, weights)
    assert float(even["detail"]) == pytest.approx(0, abs=1e-6) and float(even["pixel"]) == pytest.approx(0.1, abs=1e-5)
    made = wanted.clone()
    made[:, :, :, 20:30] += 0.1
    assert float(reconstruction((made, logits), wanted, layers, weights)["detail"]) == pytest.approx(0.2 / 63, abs=1e-5)


def test_expression_is_one_minus_the_cosine() -> None:
    codes = functional.normalize(torch.randn(4, 16), dim=1) * 4  # mean square 1
    assert float(expression_loss(codes, codes)) == 0
    cosine = functional.cosine_similarity(codes[:2], codes[2:]).mean()
    assert float(expression_loss(codes[:2], codes[2:])) == pytest.approx(float(1 - cosine), abs=1e-5)


def test_likeness_to_the_replaced_person_counts_where_it_is_more_than_the_actor_s() -> None:
    actor, double = torch.eye(128)[0], functional.normalize(torch.eye(128)[0] + torch.eye(128)[1], dim=0)
    both = torch.stack([actor, double])
    assert float(likeness_loss(both, actor)) == pytest.approx(0.5 * (1 - 0.5**0.5), abs=1e-6)
    excess = 0.5 * (1 - 0.5**0.5)  # of the second alone: the first is as like the double as the actor is
    assert float(likeness_loss(both, actor, double) - likeness_loss(both, actor)) == pytest.approx(excess, abs=1e-6)
