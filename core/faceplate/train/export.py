"""Export of a trained model: ONNX with the signature of a DFM, checked against PyTorch, with a card, into the store."""

# pyright: reportMissingImports=false
# PyTorch is an extra: a type check passes without it.

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from faceplate.errors import RenderError, UsageError
from faceplate.models import Card, ModelStore, Tensor, Trained
from faceplate.models.card import is_plain_name, write_card
from faceplate.models.intake import add_card
from faceplate.models.store import digest
from faceplate.system.atomic import write_bytes
from faceplate.train.batches import plain_batch
from faceplate.train.initial import best_state
from faceplate.train.network import SwapNetwork
from faceplate.train.onnx_graph import INPUT, OUTPUTS, dfm_model
from faceplate.train.pack import ACTOR, DOUBLE, Pack, open_training_set
from faceplate.train.presets import Shape

__all__ = ["FP16_LIMIT", "FP32_LIMIT", "LICENCE", "Exported", "export_folder", "export_model", "trained_network"]

FP32_LIMIT, FP16_LIMIT = 1e-4, 5e-3
"""The largest difference to PyTorch, in network space, that an exported file may have."""

LICENCE = "the studio's own"

_PROBES = 4  # faces of each person that the files are compared on


@dataclass(frozen=True)
class Exported:
    """What an export wrote: the cards in the store, the files, and the largest difference of each to PyTorch."""

    cards: tuple[Card, ...]
    files: tuple[Path, ...]
    errors: tuple[float, ...]


def export_folder(model: Path) -> Path:
    """Return the folder of the exported files in a model's folder."""
    return model / "export"


def trained_network(state: dict) -> SwapNetwork:
    """Return the network of a state (`initial.best_state`), with its averaged weights, on the CPU."""
    shape = Shape(**{**state["shape"], "people": tuple(state["shape"]["people"])})
    network = SwapNetwork(shape)
    network.load_state_dict(state["average"])
    return network.requires_grad_(False).eval()


def export_model(
    model: Path, name: str, store: ModelStore | None, *, latest: bool = False, replace: bool = False
) -> Exported:
    """Write `export/NAME.dfm` and `export/NAME_fp16.dfm` with their cards, and put both into the store.

    Parameters
    ----------
    model : Path
        The model's folder.
    name : str
        The name under which `--generator` finds the network.
    store : ModelStore, optional
        Where the files are copied to; None writes them into the model's folder alone.
    latest : bool
        Take the newest checkpoint instead of the weights that were best on the held-out faces.
    replace : bool
        Replace a network of that name that an earlier export put into the store.

    Raises
    ------
    UsageError
        `odd-name`, `no-checkpoint`, `not-a-swap`, `model-exists`, `dataset-changed`, and what `open_training_set` raises.
    RenderError
        `export-differs`, `damaged-checkpoint`, `disk-full`, `output-unwritable`.
    """
    if not is_plain_name(name) or name != name.lower():
        raise UsageError("odd-name", f"'{name}' is no name for a model; use small letters, digits and . _ + - only.")
    state = best_state(model, latest)
    document, packs = open_training_set(model)
    if state["dataset"] != document.sha256:
        raise UsageError(
            "dataset-changed", f"The dataset of {model} is not the one that its checkpoint was trained on."
        )
    network = trained_network(state)
    if {ACTOR, DOUBLE} - set(network.shape.people):
        raise UsageError(
            "not-a-swap", f"{model} is a base of several people; start an actor's model from it with --init."
        )
    facts = Trained(
        footage={person: tuple(Path(file).name for file in files) for person, files in document.people.items()},
        dataset=document.sha256,
        steps=int(state["step"]),
        side=document.size,
        base=state["base"],
    )
    releases = tuple(sorted({*document.releases, *state.get("releases", ())}))  # those of a base are among the latter
    cards, files, errors = [], [], []
    for half in (False, True):
        path, error = _write_graph(model, name, network, packs, half, facts, releases)
        cards.append(_card(path, name, half, facts, releases))
        write_card(path.parent, cards[-1])
        files.append(path)
        errors.append(error)
    if store is not None:
        for card in cards:
            add_card(store, export_folder(model), card, replace=replace)
    return Exported(tuple(cards), tuple(files), tuple(errors))


def _write_graph(
    model: Path,
    name: str,
    network: SwapNetwork,
    packs: dict[str, Pack],
    half: bool,
    facts: Trained,
    releases: tuple[str, ...],
) -> tuple[Path, float]:
    words = {
        "faceplate:licence": LICENCE,
        "faceplate:releases": ", ".join(releases),
        "faceplate:dataset": facts.dataset,
        "faceplate:steps": str(facts.steps),
    }
    data = dfm_model(network, ACTOR, DOUBLE, half, words).SerializeToString()
    error = largest_difference(data, network, packs)
    limit = FP16_LIMIT if half else FP32_LIMIT
    if not error <= limit:
        kind = "half" if half else "single"
        raise RenderError(
            "export-differs",
            f"The exported network in {kind} precision differs from the trained one by {error:.2g}, "
            f"more than {limit:g}; it was not written.",
        )
    path = export_folder(model) / f"{name}{'_fp16' if half else ''}.dfm"
    write_bytes(path, data)
    return path, error


@torch.no_grad()
def largest_difference(data: bytes, network: SwapNetwork, packs: dict[str, Pack]) -> float:
    """Return the largest difference between the ONNX file and PyTorch, over all outputs, on faces of the dataset."""
    pair = (packs[ACTOR], packs[DOUBLE])
    batch = plain_batch(pair, tuple(np.linspace(0, len(pack) - 1, _PROBES).astype(int) for pack in pair))
    faces = torch.from_numpy(batch.faces)
    people = network.shape.people
    who = torch.zeros(2, len(faces), len(people))
    who[0, :, people.index(ACTOR)] = 1
    who[1, :, people.index(DOUBLE)] = 1
    code = network.encoder(faces)
    (face, actor_matte), (_, double_matte) = network.decode(code, who[0]), network.decode(code, who[1])
    wanted = (torch.sigmoid(double_matte), face.flip(1), torch.sigmoid(actor_matte))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    feed = {INPUT: np.ascontiguousarray(batch.faces.transpose(0, 2, 3, 1)[..., ::-1])}
    made = session.run(list(OUTPUTS), feed)
    return max(
        float(np.abs(np.asarray(one) - other.permute(0, 2, 3, 1).numpy()).max())
        for one, other in zip(made, wanted, strict=True)
    )


def _card(path: Path, name: str, half: bool, facts: Trained, releases: tuple[str, ...]) -> Card:
    side = facts.side
    return Card(
        name=f"{name}{'_fp16' if half else ''}",
        role="swap",
        file=path.name,
        sha256=digest(path),
        version=f"{facts.steps} steps",
        licence=LICENCE,
        commercial=True,
        source="faceplate train, from the studio's own footage",
        converted=f"written by faceplate train export, weights in float{16 if half else 32}",
        inputs=(Tensor(name=INPUT, shape=(0, side, side, 3), meaning="the double's face, BGR in network space, 0..1"),),
        outputs=(
            Tensor(name=OUTPUTS[0], shape=(0, side, side, 1), meaning="matte of the double's face"),
            Tensor(name=OUTPUTS[1], shape=(0, side, side, 3), meaning="the actor's face, BGR in network space"),
            Tensor(name=OUTPUTS[2], shape=(0, side, side, 1), meaning="matte of the actor's face"),
        ),
        family="dfm",
        fp16_ok=not half,
        fp32=name if half else None,
        releases=releases,
        trained=facts,
    )
