"""What made a frame, said in its header.

Every field is a string, because that is the one kind of field that other programs hand on. The terms of IPTC's
"Digital Source Type" (cv.iptc.org/newscodes/digitalsourcetype) say what kind of picture it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from faceplate.consent.policy import Purpose
from faceplate.consent.release import ReleaseCheck
from faceplate.models import Card
from faceplate.signing.canonical import digest, sha256_of

__all__ = ["COMPOSITE", "SOURCE_TYPE", "Provenance"]

# IPTC's term for a picture that mixes photographed parts with parts that a trained network made.
COMPOSITE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
SOURCE_TYPE = "Iptc4xmpExt:DigitalSourceType"


@dataclass(frozen=True)
class Provenance:
    """What is the same for every frame of a render."""

    shot: str
    shot_id: str
    take: str
    purpose: Purpose
    release: ReleaseCheck
    slate: str
    cards: Sequence[Card]

    def fields(self, parameters: Mapping[str, object], plate: Path) -> dict[str, str]:
        """The header fields of one frame: `parameters` are its values, `plate` is the file that it was made from.

        No date is among them, so that a frame made again is the same file; the take's manifest has it.
        """
        found = {
            SOURCE_TYPE: COMPOSITE,
            "faceplate:shot": self.shot,
            "faceplate:shot_id": self.shot_id,
            "faceplate:take": self.take,
            "faceplate:purpose": self.purpose,
            "faceplate:release": self.release.id,
            "faceplate:release_state": str(self.release.state),
            "faceplate:slate": self.slate,
            "faceplate:weights_sha256": ", ".join(f"{card.name} {card.sha256}" for card in self.cards),
            "faceplate:parameters_sha256": digest(as_text(parameters)),
            "faceplate:plate": plate.name,
            "faceplate:plate_sha256": sha256_of(plate),
        }
        # A field that says nothing is left out: not every program keeps an empty one.
        return {name: value for name, value in found.items() if value}


def as_text(parameters: Mapping[str, object]) -> dict[str, str]:
    """Values as Python writes them: the shortest text that reads back as the same number, the same everywhere."""
    return {name: repr(value) if isinstance(value, float) else str(value) for name, value in parameters.items()}
