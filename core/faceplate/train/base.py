"""The dataset of a base: the people of several datasets, and of folders of released people, joined into one."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from faceplate.consent import TrainingPictures, judge_training
from faceplate.errors import UsageError
from faceplate.train.dataset import check_size, make_dataset_folder
from faceplate.train.gather import Gathered, Gathering, GatherProgress, gather, look_alike
from faceplate.train.inputs import TrainingInput, open_input
from faceplate.train.pack import (
    Pack,
    TrainingSet,
    dataset_folder,
    open_training_set,
    pack_digest,
    write_pack,
    write_training_set,
)
from faceplate.train.spool import Spool

__all__ = ["BaseRequest", "make_base"]


@dataclass(frozen=True)
class BaseRequest:
    """What the dataset of a base is made from.

    Attributes
    ----------
    model : Path
        The folder of the base.
    datasets : tuple of Path
        Folders of models, whose people are taken over.
    people : tuple of Path
        Inputs (`open_input`), each of a person of their own.
    gathering : Gathering, optional
        How the faces of `people` are gathered.
    production : str
        The production for which their releases are asked.
    """

    model: Path
    datasets: tuple[Path, ...] = ()
    people: tuple[Path, ...] = ()
    gathering: Gathering | None = None
    production: str = ""


def make_base(request: BaseRequest, progress: GatherProgress | None = None) -> TrainingSet:
    """Write all people as `person_00`, `person_01` … into the dataset of the base.

    A person who is in several datasets with the same files enters once. The releases of all come along; those of `people` are
    checked before a picture is read.

    Raises
    ------
    UsageError
        `dataset-exists`, `no-people`, `sizes-differ`, `same-person`, `too-few-faces`, and what `open_training_set`,
        `open_input` and `judge_training` raise.
    RenderError
        `disk-full`, `output-unwritable`.
    """
    folder = dataset_folder(request.model)
    if folder.exists() and any(folder.iterdir()):
        raise UsageError("dataset-exists", f"{folder} holds a dataset; go on with --resume, or name another folder.")
    opened = [open_training_set(source) for source in request.datasets]
    size = _common_size(request, [document for document, _ in opened])
    releases = {release for document, _ in opened for release in document.releases}
    inputs, more = _released(request)
    packs: dict[str, Pack] = {}
    people: dict[str, tuple[str, ...]] = {}
    for document, found in opened:
        for person, pack in found.items():
            if document.people[person] not in people.values():
                name = f"person_{len(people):02d}"
                people[name], packs[name] = document.people[person], pack
    if len(people) + len(inputs) < 2:
        raise UsageError("no-people", "A base needs two people at least; name them with --person or --dataset.")
    make_dataset_folder(folder)
    with contextlib.ExitStack() as stack:
        gathered = _gathered(request, inputs, stack, progress)
        for item, found in zip(inputs, gathered, strict=True):
            name = f"person_{len(people):02d}"
            people[name], packs[name] = (item.path,), found.pack()
        for name, pack in packs.items():
            write_pack(folder, name, pack)
    dropped = tuple(one for found in gathered for one in found.dropped)
    joined = TrainingSet(
        size=size,
        people=people,
        releases=tuple(sorted(releases | set(more))),
        sha256=pack_digest(folder, people),
        dropped=dropped,
    )
    write_training_set(folder, joined)
    return joined


def _common_size(request: BaseRequest, documents: list[TrainingSet]) -> int:
    """Return the side of all crops. Raises `UsageError` `bad-size`, `sizes-differ`, `no-people`."""
    sizes = {document.size for document in documents}
    if request.people and request.gathering is not None:
        check_size(request.gathering.size)
        sizes.add(request.gathering.size)
    if len(sizes) > 1:
        listed = ", ".join(str(size) for size in sorted(sizes))
        raise UsageError("sizes-differ", f"The faces of a base must be of one size; these are of {listed} pixels.")
    if not sizes:
        raise UsageError("no-people", "A base needs two people at least; name them with --person or --dataset.")
    return sizes.pop()


def _released(request: BaseRequest) -> tuple[list[TrainingInput], tuple[str, ...]]:
    """Return the inputs of `people`, and the ids of the releases that permit training on them."""
    if request.gathering is None:
        return [], ()
    inputs = [open_input(path, request.gathering.settings) for path in request.people]
    asked = [
        TrainingPictures("performer", item.place, request.production or item.production, item.shot) for item in inputs
    ]
    return inputs, judge_training(asked)


def _gathered(
    request: BaseRequest, inputs: list[TrainingInput], stack: contextlib.ExitStack, progress: GatherProgress | None
) -> list[Gathered]:
    """Gather the faces of each input; their crops last as long as `stack`. Raises `UsageError('same-person')`."""
    people: list[Gathered] = []
    for number, item in enumerate(inputs):
        assert request.gathering is not None
        spool = stack.enter_context(
            Spool.beside(dataset_folder(request.model) / f"input_{number:02d}.spool", request.gathering.size)
        )
        found = gather(f"person in {item.path}", [item], request.gathering, spool, progress)
        for other, before in zip(inputs, people, strict=False):
            if (likeness := look_alike(before, found)) is not None:
                raise UsageError(
                    "same-person",
                    f"{other.path} and {item.path} look like one person (likeness {likeness:.2f}); give all that shows a "
                    "person in one folder.",
                )
        people.append(found)
    return people
