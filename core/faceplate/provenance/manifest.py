"""The manifest of a take: what made it, and a hash of every frame, in one file beside the frames.

Each frame leaves a record of its own when it is written (`.faceplate/<pattern>/1001.json`), so that farm nodes never
share a file; collecting them gives `<pattern>.manifest.json`, signed where a key is at hand. Whoever collects last has
them all.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from faceplate.errors import UsageError
from faceplate.plate import Sequence
from faceplate.provenance.fingerprints import Fingerprint, fingerprint
from faceplate.signing.canonical import read_json
from faceplate.signing.keys import Key, sign, signature_path, write_json
from faceplate_client.version import __version__

__all__ = ["FrameRecord", "Manifest", "collect", "manifest_path", "read_manifest", "record", "records_folder"]


class FrameRecord(BaseModel):
    """One frame as it was written: its file's name, the hash of its pixels, and one of each header field."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    pixels: str
    fields: dict[str, str]


class Manifest(BaseModel):
    """`<pattern>.manifest.json`, version 1. `common` are the header fields that all frames share."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    faceplate_manifest: Literal[1] = 1
    engine: str
    made: str
    take: dict[str, str]
    common: dict[str, str]
    frames: dict[str, FrameRecord]

    def fingerprint(self, frame: int) -> Fingerprint | None:
        """What was recorded of a frame, or None."""
        found = self.frames.get(str(frame))
        return None if found is None else Fingerprint(found.pixels, {**self.common, **found.fields})


def manifest_path(output: Sequence) -> Path:
    """Where the manifest of an output lies: swap.####.exr → swap.manifest.json."""
    return output.folder / f"{_stem(output)}.manifest.json"


def records_folder(output: Sequence) -> Path:
    """Where the frames' own records lie."""
    return output.folder / ".faceplate" / _stem(output)


def record(output: Sequence, frame: int, take: Mapping[str, str]) -> Path:
    """Leaves the record of a frame that was just written. `take` says what made it, the same for every frame.

    Reads the file back, which also proves that it is whole. Raises `RenderError`.
    """
    path = output.path(frame)
    seen = fingerprint(path)
    document = {"take": dict(take), "frame": {"file": path.name, "pixels": seen.pixels, "fields": dict(seen.fields)}}
    target = records_folder(output) / f"{frame}.json"
    write_json(target, document)
    return target


def collect(output: Sequence, key: Key | None = None) -> Path | None:
    """Makes the manifest out of the frames' records, and signs it. Returns its path; None where there is no record.

    Frames whose file is gone are left out. Records that cannot be read are too: `verify` then misses the frame.
    """
    take: dict[str, str] = {}
    frames: dict[int, FrameRecord] = {}
    for path in sorted(records_folder(output).glob("*.json")):
        try:
            document = json.loads(path.read_text("utf-8"))
            found = FrameRecord.model_validate(document["frame"])
            number = int(path.stem)
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if output.path(number).exists():
            frames[number] = found
            take = document.get("take", take)
    if not frames:
        return None
    common = _common([found.fields for found in frames.values()])
    manifest = Manifest(
        engine=f"faceplate {__version__}",
        made=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        take=take,
        common=common,
        frames={str(number): _without(frames[number], common) for number in sorted(frames)},
    ).model_dump()
    path = manifest_path(output)
    if key is not None:
        write_json(signature_path(path), sign(manifest, key).model_dump())
    else:
        signature_path(path).unlink(missing_ok=True)
    write_json(path, manifest)
    return path


def read_manifest(path: Path) -> tuple[Manifest, Any]:
    """A manifest, and the document as it stands. Raises `UsageError('manifest-damaged')`, naming the field."""
    document = read_json(path, "manifest-damaged", UsageError)
    try:
        return Manifest.model_validate(document), document
    except ValidationError as error:
        field = ".".join(map(str, error.errors()[0]["loc"])) or "the file"
        raise UsageError("manifest-damaged", f"{path}: {field}: {error.errors()[0]['msg']}.") from None


def _common(fields: list[dict[str, str]]) -> dict[str, str]:
    shared = set(fields[0].items())
    for other in fields[1:]:
        shared &= set(other.items())
    return dict(sorted(shared))


def _without(found: FrameRecord, common: Mapping[str, str]) -> FrameRecord:
    own = {name: value for name, value in found.fields.items() if common.get(name) != value}
    return found.model_copy(update={"fields": own})


def _stem(output: Sequence) -> str:
    """The pattern's name without frame number and extension: swap.####.exr → swap."""
    name = output.prefix if output.is_still else output.prefix + output.suffix
    return Path(name).with_suffix("").name.strip("._-") or "frames"
