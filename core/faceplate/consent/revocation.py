"""Revoked releases: `revoked.json` in the keyring's folder, signed like a release.

A list that is damaged or badly signed stops every final, because an entry may have been hidden.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from faceplate.errors import UsageError
from faceplate.signing.canonical import read_json
from faceplate.signing.keys import Key, Keyring, read_signature, sign, signature_path, write_json

__all__ = ["REVOKED_FILE", "Revocation", "Revocations", "read_revocations", "revoke"]

REVOKED_FILE = "revoked.json"


class Revocation(BaseModel):
    """One revoked release: from which day, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    release: str
    day: dt.date
    why: str = ""


class Revocations(BaseModel):
    """The content of `revoked.json`, version 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    faceplate_revocations: Literal[1] = 1
    revoked: tuple[Revocation, ...] = ()

    @property
    def ids(self) -> frozenset[str]:
        """The ids of all revoked releases."""
        return frozenset(item.release for item in self.revoked)

    def day(self, release: str) -> dt.date | None:
        """Return the day from which a release is revoked, or None."""
        return min((item.day for item in self.revoked if item.release == release), default=None)


def read_revocations(folder: Path | None, keyring: Keyring) -> Revocations:
    """Read the list of a keyring's folder; it is empty where there is none.

    Raises
    ------
    UsageError
        `revocations-damaged`: the list cannot be read, or no key of the keyring signed it.
    """
    path = None if folder is None else folder / REVOKED_FILE
    if path is None or not path.exists():
        return Revocations()
    document = read_json(path, "revocations-damaged", UsageError)
    signature = read_signature(path)
    state = "damaged" if signature == "damaged" else keyring.check(document, signature)
    if state != "good":
        raise UsageError(
            "revocations-damaged", f"{path} is not signed by a key of the keyring ({state}); fetch it again."
        )
    try:
        return Revocations.model_validate(document)
    except ValidationError as error:
        field = ".".join(map(str, error.errors()[0]["loc"])) or "the file"
        raise UsageError("revocations-damaged", f"{path}: {field}: {error.errors()[0]['msg']}.") from None


def revoke(folder: Path, release: str, key: Key, why: str = "", day: dt.date | None = None) -> Path:
    """Add a release to the list of `folder` and sign the list again.

    Parameters
    ----------
    folder : Path
        The keyring's folder.
    release : str
        The release's id.
    key : Key
        The key to sign with.
    why : str
        The reason, for the list.
    day : datetime.date, optional
        The first day on which the release does not hold; today for None.

    Returns
    -------
    Path
        The list's path.

    Raises
    ------
    UsageError
        `revocations-damaged`, `keyring-damaged`.
    RenderError
        `disk-full`, `output-unwritable`.
    """
    public = {key.fingerprint: key.private.public_key()}
    ring = Keyring({**Keyring.read(folder).keys, **public}, folder)
    before = read_revocations(folder, ring)
    added = Revocation(release=release, day=day or dt.datetime.now(dt.UTC).date(), why=why)
    kept = tuple(item for item in before.revoked if item.release != release)
    document = Revocations(revoked=(*kept, added)).model_dump(mode="json")
    path = folder / REVOKED_FILE
    # The signature first: between the two renames the list is refused, and not trusted without its newest entry.
    write_json(signature_path(path), sign(document, key).model_dump())
    write_json(path, document)
    return path
