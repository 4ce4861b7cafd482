"""The dataset of a base: the people of several datasets joined into one."""

from __future__ import annotations

from pathlib import Path

from faceplate.errors import UsageError
from faceplate.train.pack import (
    TrainingSet,
    dataset_folder,
    open_training_set,
    pack_digest,
    write_pack,
    write_training_set,
)

__all__ = ["join_datasets"]


def join_datasets(model: Path, sources: tuple[Path, ...]) -> TrainingSet:
    """Write the people of the models `sources` as `person_00`, `person_01` … into the dataset of `model`.

    A person who is in several datasets with the same files enters once. The releases of all come along.

    Raises
    ------
    UsageError
        `dataset-exists`, `no-people`, `sizes-differ`, and what `open_training_set` raises.
    RenderError
        `disk-full`, `output-unwritable`.
    """
    folder = dataset_folder(model)
    if folder.exists() and any(folder.iterdir()):
        raise UsageError("dataset-exists", f"{folder} holds a dataset; go on with --resume, or name another folder.")
    opened = [open_training_set(source) for source in sources]
    sizes = {document.size for document, _ in opened}
    if len(sizes) > 1:
        listed = ", ".join(str(size) for size in sorted(sizes))
        raise UsageError("sizes-differ", f"The datasets of a base must be of one size; these are of {listed} pixels.")
    people: dict[str, tuple[str, ...]] = {}
    for document, packs in opened:
        for person, pack in packs.items():
            if document.people[person] in people.values():
                continue
            name = f"person_{len(people):02d}"
            people[name] = document.people[person]
            write_pack(folder, name, pack)
    if len(people) < 2:
        raise UsageError("no-people", "A base needs datasets of two people at least; name them with --dataset.")
    releases = tuple(sorted({release for document, _ in opened for release in document.releases}))
    digest = pack_digest(folder, people)
    joined = TrainingSet(size=sizes.pop(), people=people, releases=releases, sha256=digest)
    write_training_set(folder, joined)
    return joined
