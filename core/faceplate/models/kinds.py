"""The kinds of network that Faceplate can feed, and how a graph's kind is recognised.

A kind is not a file: `inswapper_128` stands for every network with these inputs and this recipe. Licences are those of
the published files. A studio's own network of the same kind has its own licence, which is why adding one asks for it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from faceplate.errors import RenderError
from faceplate.models.graph import Graph, Signature

__all__ = ["KINDS", "Kind", "Known", "candidates", "check_signature", "kind_called", "known_files"]

Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class Kind:
    """One kind: its name (a card's `family`), its role, and the shapes that it must have (None = any length).

    Attributes
    ----------
    inputs : tuple of Shape
        All required inputs.
    outputs : tuple of Shape
        Shapes that must be among the outputs.
    licence, commercial
        Licence of the published files, and whether it allows commercial use.
    optional : tuple of Shape
        Inputs that may be present too.
    holds : tuple of int, optional
        Shape of a matrix that must be among the weights.
    outputs_exactly : int, optional
        Exact number of outputs.
    """

    name: str
    role: str
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    licence: str
    commercial: bool
    optional: tuple[Shape, ...] = ()
    holds: tuple[int, ...] | None = None
    outputs_exactly: int | None = None


_INSIGHTFACE = "InsightFace non-commercial"
_LATENT = (1, 512)


def _picture(side: int | None) -> Shape:
    return (1, 3, side, side)


def _swap(
    name: str, side: int, licence: str, commercial: bool, source: Shape = _LATENT, **more: tuple[int, ...]
) -> Kind:
    return Kind(name, "swap", (_picture(side), source), (_picture(side),), licence, commercial, **more)  # type: ignore[arg-type]


def _restorer(name: str, licence: str, commercial: bool, side: int | None = 512) -> Kind:
    """Describe a restorer; any export of one may have a fidelity weight beside its picture."""
    return Kind(name, "restore", (_picture(side),), (_picture(side),), licence, commercial, ((), (1,)))


KINDS: tuple[Kind, ...] = (
    _swap("inswapper_128", 128, _INSIGHTFACE, False, holds=(512, 512)),
    _swap("hyperswap_256", 256, "ResearchRAIL", False),
    _swap("ghost_256", 256, "Apache-2.0", True),
    _swap("simswap_256", 256, "CC-BY-NC-4.0", False),
    _swap("simswap_512", 512, "CC-BY-NC-4.0", False),
    _swap("hififace_256", 256, "unknown", False),
    _swap("blendswap_256", 256, "non-commercial", False, source=_picture(112)),
    _swap("uniface_256", 256, "unknown", False, source=_picture(256)),
    Kind(
        "dfm",
        "swap",
        ((1, None, None, 3),),
        ((1, None, None, 3), (1, None, None, 1)),
        "the studio's own",
        True,
        ((1,),),
    ),
    Kind("crossface_ghost", "converter", (_LATENT,), (_LATENT,), "unknown", False),
    Kind("crossface_simswap", "converter", (_LATENT,), (_LATENT,), "unknown", False),
    Kind("crossface_hififace", "converter", (_LATENT,), (_LATENT,), "unknown", False),
    _restorer("gfpgan", "Apache-2.0", True),
    _restorer("restoreformer", "Apache-2.0", True),
    _restorer("codeformer", "S-Lab-1.0 (non-commercial)", False),
    _restorer("gpen", "non-commercial", False, side=None),
    Kind("yunet", "detector", ((1, 3, 640, 640),), ((1, 6400, 1), (1, 6400, 10)), "MIT", True, outputs_exactly=12),
    Kind("scrfd", "detector", ((1, 3, None, None),), ((None, None, 10),), _INSIGHTFACE, False, outputs_exactly=9),
    Kind("retinaface", "detector", ((1, 3, None, None),), ((None, None, 10),), _INSIGHTFACE, False, outputs_exactly=9),
    Kind("yoloface", "detector", ((1, 3, 640, 640),), ((1, 20, 8400),), "GPL-3.0", True, outputs_exactly=1),
    Kind("face_landmarker", "landmarks", ((1, 256, 256, 3),), ((1, 1, 1, 1434),), "Apache-2.0", True),
    Kind("2dfan4", "landmarks", (_picture(256),), ((1, 68, 3),), "MIT", True),
    Kind("2d106det", "landmarks", (_picture(192),), ((1, 212),), _INSIGHTFACE, False),
    Kind("sface", "identity", (_picture(112),), ((1, 128),), "Apache-2.0", True),
    Kind("arcface_w600k_r50", "identity", (_picture(112),), (_LATENT,), _INSIGHTFACE, False),
    Kind("arcface_w600k_mbf", "identity", (_picture(112),), (_LATENT,), _INSIGHTFACE, False),
    Kind("xseg", "occlusion-matte", ((1, 256, 256, 3),), ((1, 256, 256, 1),), "GPL-3.0", True),
    Kind("selfie_segmentation", "person-matte", ((1, 256, 256, 3),), ((1, 256, 256, 1),), "Apache-2.0", True),
    Kind("bisenet", "face-parser", (_picture(512),), ((1, 19, 512, 512),), "MIT code, non-commercial data", False),
)


@dataclass(frozen=True)
class Known:
    """A published file that is identified by its hash, so that nothing has to be asked."""

    name: str
    kind: str
    version: str
    licence: str
    commercial: bool
    source: str


@cache
def known_files() -> dict[str, Known]:
    """Load the table of published files, by sha256."""
    table = json.loads((Path(__file__).parent / "weights" / "known.json").read_text(encoding="utf-8"))
    return {sha256: Known(**entry) for sha256, entry in table.items()}


def kind_called(name: str) -> Kind | None:
    """Return the kind with that name, or None."""
    return next((kind for kind in KINDS if kind.name == name), None)


def candidates(graph: Graph) -> tuple[Kind, ...]:
    """List the kinds whose signature `graph` has: none, one, or several that only a person can tell apart."""
    return tuple(kind for kind in KINDS if _signature_fits(graph, kind))


def check_signature(graph: Graph, family: str) -> None:
    """Check that `graph` has the signature of kind `family`.

    Raises
    ------
    RenderError
        `wrong-signature`, with the signature found and the one expected.
    """
    kind = kind_called(family)
    if kind is None or _signature_fits(graph, kind):
        return
    wanted = f"{_format_shapes([*kind.inputs])} in and {_format_shapes([*kind.outputs])} out"
    inputs, outputs = (_format_shapes([item.shape for item in side]) for side in (graph.inputs, graph.outputs))
    has = f"{inputs} in and {outputs} out"
    raise RenderError(
        "wrong-signature", f"{graph.path.name} is not a network of kind '{family}': that has {wanted}, this one {has}."
    )


def _signature_fits(graph: Graph, kind: Kind) -> bool:
    left = list(graph.inputs)
    for shape in kind.inputs:
        found = next((item for item in left if _shape_matches(item, shape)), None)
        if found is None:
            return False
        left.remove(found)
    if any(not any(_shape_matches(item, shape) for shape in kind.optional) for item in left):
        return False
    if kind.outputs_exactly is not None and len(graph.outputs) != kind.outputs_exactly:
        return False
    if kind.holds is not None and not any(tensor.shape == kind.holds for tensor in graph.initializers):
        return False
    return all(any(not item.shape or _shape_matches(item, shape) for item in graph.outputs) for shape in kind.outputs)


def _shape_matches(item: Signature, wanted: Shape) -> bool:
    """Check whether the graph's shape can be `wanted`; a 0 in the graph stands for any length."""
    if len(item.shape) == len(wanted) - 1 and wanted[0] in (1, None):  # some exporters drop the batch axis
        wanted = wanted[1:]
    if len(item.shape) != len(wanted):
        return False
    return all(not side or want is None or side == want for side, want in zip(item.shape, wanted, strict=True))


def _format_shapes(shapes: list) -> str:
    return ", ".join("x".join(str(side or "?") for side in shape) or "a number" for shape in shapes) or "nothing"
