"""Header fields that say what made a frame.

Every field is a string, because strings are the one kind of field that other programs pass on. The terms of IPTC's
"Digital Source Type" (cv.iptc.org/newscodes/digitalsourcetype) say what kind of picture it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from faceplate.consent.policy import Purpose
from faceplate.consent.release import ReleaseCheck
from faceplate.models import Card
from faceplate.plate import PlateFile
from faceplate.signing.canonical import digest
from faceplate.system.file_hash import sha256_of
from faceplate_client.exr import header

__all__ = ["COMPOSITE", "SOURCE_TYPE", "Provenance", "training_releases", "written_fields"]

# IPTC's term for a picture that mixes photographed parts with parts that a trained network made.
COMPOSITE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
SOURCE_TYPE = "Iptc4xmpExt:DigitalSourceType"


@dataclass(frozen=True)
class Provenance:
    """What made a render, the same for every frame of it.

    Attributes
    ----------
    shot, shot_id, take : str
        The shot's name and id, and the number of the take.
    purpose : {'preview', 'final'}
        What the render is for.
    release : ReleaseCheck
        The check of the source's release for the shot.
    slate : str
        The words of the slate in the picture, "" for none.
    cards : sequence of Card
        The cards of the networks that are used.
    """

    shot: str
    shot_id: str
    take: str
    purpose: Purpose
    release: ReleaseCheck
    slate: str
    cards: Sequence[Card]

    def fields(self, parameters: Mapping[str, object], plate: Path) -> dict[str, str]:
        """Return the header fields of one frame, by name; fields without a value are left out.

        No date is among them, so that a frame that is rendered again is the same file; the take's manifest has the date.

        Parameters
        ----------
        parameters : mapping of str to object
            The frame's own parameter values.
        plate : Path
            The plate file that the frame is made from; it is hashed once while it stays the same file.

        Raises
        ------
        OSError
            The plate cannot be read.
        """
        found = {
            SOURCE_TYPE: COMPOSITE,
            "faceplate:shot": self.shot,
            "faceplate:shot_id": self.shot_id,
            "faceplate:take": self.take,
            "faceplate:purpose": self.purpose,
            "faceplate:release": self.release.id,
            "faceplate:release_state": str(self.release.state),
            "faceplate:training_releases": training_releases(self.cards),
            "faceplate:slate": self.slate,
            "faceplate:weights_sha256": ", ".join(f"{card.name} {card.sha256}" for card in self.cards),
            "faceplate:parameters_sha256": digest(as_text(parameters)),
            "faceplate:plate": plate.name,
            "faceplate:plate_sha256": sha256_of(plate),
        }
        # Not every program keeps an empty field.
        return {name: value for name, value in found.items() if value}


def training_releases(cards: Iterable[Card]) -> str:
    """Return the ids of the releases under which the models were trained, separated by commas; "" for none."""
    return ", ".join(dict.fromkeys(release for card in cards for release in card.releases))


def written_fields(file: PlateFile) -> dict[str, str]:
    """Return the fields of a written frame that say what made it, as text, by name.

    Of an OpenEXR file these are read from the first header, where every written frame has them, whichever part holds the
    picture.
    """
    attributes = header(str(file.path)) if file.is_exr else file.attributes
    return {
        name: str(value)
        for name, value in attributes.items()
        if name.startswith("faceplate:") or name.endswith(":DigitalSourceType")
    }


def as_text(parameters: Mapping[str, object]) -> dict[str, str]:
    """Return values as Python writes them: for a float the shortest text that reads back as the same number."""
    return {name: repr(value) if isinstance(value, float) else str(value) for name, value in parameters.items()}
