"""A wedge as it is rendered: its shot, its variants, and where their takes are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from faceplate.errors import UsageError
from faceplate.plate import Sequence
from faceplate.review.wedge.axes import Axis, Variant, variants_of
from faceplate.shot import Override, Parameters, Shot, ShotFace, first_fault

__all__ = ["WedgePlan", "shot_with"]

# For a shot without an output, or with one that is a single file.
_FILE_NAME = "wedge.####.exr"


@dataclass(frozen=True)
class WedgePlan:
    """A shot, the axes, and the folder of the takes. The shot's frames are those of the wedge.

    Attributes
    ----------
    shot : Shot
        The shot without the wedge's values; its track and its colour are those of every variant.
    axes : tuple of Axis
        One or two axes; the first is laid out from left to right.
    folder : Path
        The folder of the takes, the sheets and the tables.
    document : str
        The shot file, as it is recorded in `wedge.json`.
    """

    shot: Shot
    axes: tuple[Axis, ...]
    folder: Path
    document: str = ""

    @property
    def variants(self) -> tuple[Variant, ...]:
        """Every combination of the axes' values."""
        return variants_of(self.axes)

    def pattern(self, variant: Variant) -> str:
        """Return where a variant's frames are written: the shot's own file name in the variant's folder."""
        return str(self.folder / variant.name / self._file_name())

    def first_shot(self) -> Shot:
        """Return the first variant's shot with the output of the wedge's shot, beside which a track is made and kept."""
        shot = shot_with(self.shot, self.variants[0].values)
        return shot if shot.output else shot.model_copy(update={"output": str(self.folder / self._file_name())})

    def _file_name(self) -> str:
        name = self.shot.output.replace("\\", "/").rpartition("/")[2]
        if not name:
            return _FILE_NAME
        sequence = Sequence.parse(name)
        return _FILE_NAME if sequence.padding is None or sequence.declared else name

    def variant_shot(self, variant: Variant, track: Path | None) -> Shot:
        """Return the shot of one variant. `track` is the track of the wedge's shot, made or found before the first variant."""
        shot = shot_with(self.shot, variant.values)
        return shot.model_copy(update={"output": self.pattern(variant), "track": track, "track_first": False})


def shot_with(shot: Shot, values: Mapping[str, Any]) -> Shot:
    """Return the shot with these values in every frame and in every face, in the place of constants, keys and overrides.

    The result is the shot of a file that sets the values itself.

    Raises
    ------
    UsageError
        `bad-value`.
    """
    own = dict(values)
    changes: dict[str, Any] = {}
    if "source" in own:
        changes["source"] = Path(own.pop("source")).expanduser().absolute()
    try:
        parameters = Parameters.model_validate({**shot.parameters.model_dump(), **own})
    except ValidationError as error:
        raise UsageError("bad-value", f"The values of the wedge are wrong: {first_fault(error)}.") from error
    return shot.model_copy(
        update={
            **changes,
            "parameters": parameters,
            "curves": _without(shot.curves, own),
            "overrides": _overrides(shot.overrides, own),
            "faces": tuple(_face(face, own, "source" in changes) for face in shot.faces),
        }
    )


def _without(values: Mapping[str, Any], names: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}


def _overrides(overrides: tuple[Override, ...], names: Mapping[str, Any]) -> tuple[Override, ...]:
    kept = (
        item.model_copy(update={"constants": _without(item.constants, names), "curves": _without(item.curves, names)})
        for item in overrides
    )
    return tuple(item for item in kept if item.constants or item.curves)


def _face(face: ShotFace, names: Mapping[str, Any], is_source_given: bool) -> ShotFace:
    changes: dict[str, Any] = {
        "constants": _without(face.constants, names),
        "curves": _without(face.curves, names),
        "overrides": _overrides(face.overrides, names),
    }
    if is_source_given:
        changes["source"] = None
    return face.model_copy(update=changes)
