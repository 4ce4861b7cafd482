"""The manifest of a take: what made it, and a hash of every frame, in one file beside the frames.

Each frame leaves a record of its own when it is written (`.faceplate/<pattern>/1001.json`), so that farm nodes never
share a file; collecting them makes `<pattern>.manifest.json`, signed if a key is set. The last node to collect has
all records.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from faceplate.errors import FaceplateError, UsageError
from faceplate.plate import Sequence
from faceplate.provenance.fingerprints import Fingerprint, fingerprint
from faceplate.signing.canonical import read_json
from faceplate.signing.keys import SIGNING_KEY, Key, sign, signature_path, write_json
from faceplate_client.version import __version__

__all__ = ["FrameRecord", "Manifest", "collect", "manifest_path", "read_manifest", "record", "records_folder"]


class FrameRecord(BaseModel):
    """One frame as it was written: its file's name, the hash of its pixels, and one of each header field."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    pixels: str
    fields: dict[str, str]


class Manifest(BaseModel):
    """The content of `<pattern>.manifest.json`, version 1.

    Attributes
    ----------
    engine : str
        The version that collected it.
    made : str
        When, in UTC (ISO 8601).
    take : dict of str to str
        What made the take.
    common : dict of str to str
        The header fields that all frames share.
    frames : dict of str to FrameRecord
        The frames by number; fields of `common` are left out of them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    faceplate_manifest: Literal[1] = 1
    engine: str
    made: str
    take: dict[str, str]
    common: dict[str, str]
    frames: dict[str, FrameRecord]

    def fingerprint(self, frame: int) -> Fingerprint | None:
        """Return what was recorded of a frame, or None."""
        found = self.frames.get(str(frame))
        return None if found is None else Fingerprint(found.pixels, {**self.common, **found.fields})


def manifest_path(output: Sequence) -> Path:
    """Return where the manifest of an output lies: swap.####.exr → swap.manifest.json."""
    return output.folder / f"{_stem(output)}.manifest.json"


def records_folder(output: Sequence) -> Path:
    """Return the folder of the frames' own records."""
    return output.folder / ".faceplate" / _stem(output)


def record(output: Sequence, frame: int, take: Mapping[str, str]) -> Path:
    """Write the record of a frame that was just written.

    The frame is read back, which also proves that it is whole.

    Parameters
    ----------
    output : Sequence
        The frames that are rendered.
    frame : int
        The frame's number.
    take : mapping of str to str
        What made it, the same for every frame.

    Returns
    -------
    Path
        The record's path.

    Raises
    ------
    RenderError
        `frame-damaged`, `disk-full`, `output-unwritable`.
    """
    path = output.path(frame)
    seen = fingerprint(path)
    document = {"take": dict(take), "frame": {"file": path.name, "pixels": seen.pixels, "fields": dict(seen.fields)}}
    target = records_folder(output) / f"{frame}.json"
    write_json(target, document)
    return target


def collect(output: Sequence, key: Key | None = None) -> Path | None:
    """Make the manifest of a take from the records of its frames, and sign it.

    A record whose frame is gone, or that cannot be read, is left out; `verify` then misses the frame. Without a key a
    signed manifest is never replaced: where take and frames are as the manifest says, it and its signature stay as
    they are.

    Parameters
    ----------
    output : Sequence
        The frames that were rendered.
    key : Key, optional
        The key to sign with. It also signs a manifest anew that another key had signed.

    Returns
    -------
    Path or None
        The manifest's path; None where there is no record.

    Raises
    ------
    UsageError
        `manifest-signed`: the manifest is signed, no key is given, and the frames are others than it says.
    RenderError
        `disk-full`, `output-unwritable`.
    """
    take, frames = _records(output)
    if not frames:
        return None
    common = _common([found.fields for found in frames.values()])
    manifest = Manifest(
        engine=f"faceplate {__version__}",
        made=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        take=take,
        common=common,
        frames={str(number): _without(frames[number], common) for number in sorted(frames)},
    )
    path = manifest_path(output)
    if key is None and signature_path(path).exists():
        if not _says_the_same(path, manifest):
            raise UsageError(
                "manifest-signed",
                f"{path.name} is signed and the frames have changed since: set {SIGNING_KEY} to sign it again, "
                f"or remove {signature_path(path).name} to give the signature up.",
            )
        return path
    document = manifest.model_dump()
    if key is not None:
        write_json(signature_path(path), sign(document, key).model_dump())
    write_json(path, document)
    return path


def _records(output: Sequence) -> tuple[dict[str, str], dict[int, FrameRecord]]:
    """Return what made the take, and the record of every frame that exists, by frame number."""
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
    return take, frames


def _says_the_same(path: Path, manifest: Manifest) -> bool:
    """Return whether the manifest at `path` holds the take and the frames of `manifest`, whenever it was made."""
    try:
        before, _ = read_manifest(path)
    except FaceplateError:
        return False
    return (before.take, before.common, before.frames) == (manifest.take, manifest.common, manifest.frames)


def read_manifest(path: Path) -> tuple[Manifest, Any]:
    """Read a manifest.

    Returns
    -------
    manifest : Manifest
        The manifest.
    document : Any
        The JSON document as it stands, which the signature is over.

    Raises
    ------
    UsageError
        `manifest-damaged`, naming the field.
    """
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
    """Return the pattern's name without frame number and extension: swap.####.exr → swap."""
    name = output.prefix if output.is_still else output.prefix + output.suffix
    return Path(name).with_suffix("").name.strip("._-") or "frames"
