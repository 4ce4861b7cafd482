"""A release: what a performer agreed to, in a file beside their pictures, signed by the production.

`release.json` says who, for what, until when; `release.sig.json` is the production's signature over it. A
`ReleaseState` says whether the release covers one production, shot and day.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from faceplate.errors import RenderError, UsageError
from faceplate.signing.canonical import read_json, sha256_of
from faceplate.signing.keys import Keyring, read_signature
from faceplate.source.pictures import source_files
from faceplate.system.user_paths import is_dir, is_file

__all__ = [
    "DEMO_KEYS",
    "RELEASE_FILE",
    "TRAINING",
    "JointCheck",
    "Permitted",
    "Release",
    "ReleaseCheck",
    "ReleaseState",
    "Request",
    "check_release",
    "read_release",
    "release_path",
]

RELEASE_FILE = "release.json"
# The key that signed the invented people's releases. It is trusted for people who do not exist, and for nobody else.
DEMO_KEYS = Path(__file__).parent / "keys"

TRAINING = "training"
"""The use of pictures for a network of the person's own (`faceplate train`)."""

Use = Literal["stunt", "de-aging", "look-alike", "continuity", "test", "training", "other"]
_Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=400)]


class ReleaseState(StrEnum):
    """Whether a release covers one production, shot and day, and if not, why."""

    NONE = "none"
    VALID = "valid"
    EXPIRED = "expired"
    NOT_YET = "not-yet"
    OTHER_PRODUCTION = "other-production"
    OTHER_SHOT = "other-shot"
    OTHER_USE = "other-use"
    OTHER_PICTURES = "other-pictures"
    UNSIGNED = "unsigned"
    BAD_SIGNATURE = "bad-signature"
    UNKNOWN_KEY = "unknown-key"
    DAMAGED = "damaged"
    REVOKED = "revoked"


class Permitted(BaseModel):
    """What the performer agreed to. `shots` are names with * and ?; days count whole, the first and the last included."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shots: tuple[_Words, ...] = Field(default=("*",), min_length=1)
    uses: tuple[Use, ...] = Field(default=("other",), min_length=1)
    media: tuple[_Words, ...] = ()
    first_day: dt.date | None = None
    last_day: dt.date | None = None


class Release(BaseModel):
    """The content of `release.json`, version 1.

    Attributes
    ----------
    id : str
        The release's id, which frames carry.
    performer, rights_holder, contact : str
        Who is seen, who grants it, whom to ask.
    production : str
        The production that may use the pictures; "*" is any.
    permitted : Permitted
        What the performer agreed to.
    issued : datetime.date
        The day of the release.
    document, document_sha256 : str
        Name and hash of the signed paper, which stays with the rights holder.
    pictures : tuple of str
        Hashes of the pictures that it covers; empty leaves that open, so that a shoot can grow.
    fictitious : bool
        The person does not exist; such a release must name its pictures.
    note : str
        Anything else.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    faceplate_release: Literal[1] = 1
    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
    performer: _Words
    rights_holder: _Words
    production: _Words
    permitted: Permitted = Permitted()
    contact: _Words
    issued: dt.date
    document: str = ""
    document_sha256: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64})?$")] = ""
    pictures: tuple[Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")], ...] = ()
    fictitious: bool = False
    note: str = ""


@dataclass(frozen=True)
class Request:
    """The use of a face that a render asks for.

    Attributes
    ----------
    production, shot : str
        The production and the shot.
    day : datetime.date, optional
        The day; None for today.
    use : str
        The use; "" asks for no particular one. Training on pictures that belong to no shot asks for none.
    """

    production: str = ""
    shot: str = ""
    day: dt.date | None = None
    use: str = ""

    @property
    def today(self) -> dt.date:
        """The day of the request: `day`, else today in UTC."""
        return self.day or dt.datetime.now(dt.UTC).date()


@dataclass(frozen=True)
class ReleaseCheck:
    """The result of checking a release: its state, one sentence, and the release where it could be read."""

    state: ReleaseState
    text: str
    release: Release | None = None

    @property
    def id(self) -> str:
        """The release's id, "" where there is none."""
        return self.release.id if self.release else ""


@dataclass(frozen=True)
class JointCheck(ReleaseCheck):
    """The releases of several people as one; `ids` are those of all of them."""

    ids: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The releases' ids, separated by commas; "" where there is none."""
        return ", ".join(self.ids)


def release_path(source: Path) -> Path:
    """Return where the release of a source lies.

    It is in the source's folder, else in the folder above (a clip inside a person's folder).
    """
    folder = source if is_dir(source) else source.parent
    above = folder.parent / RELEASE_FILE
    return above if is_file(above) and not is_file(folder / RELEASE_FILE) else folder / RELEASE_FILE


def read_release(path: Path) -> Release:
    """Read a release.

    Raises
    ------
    UsageError
        `release-damaged`, naming the field that is wrong; `release-newer`, written by a newer Faceplate.
    """
    document = read_json(path, "release-damaged", UsageError)
    version = document.get("faceplate_release") if isinstance(document, dict) else None
    if isinstance(version, int) and version > 1:
        raise UsageError("release-newer", f"{path} has version {version}; this Faceplate reads 1: update it.")
    try:
        return Release.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the file"
        raise UsageError("release-damaged", f"{path}: {field}: {first['msg']}.") from None


def check_release(
    source: Path | None,
    request: Request,
    keyring: Keyring,
    revoked: Iterable[str] = (),
    *,
    path: Path | None = None,
) -> ReleaseCheck:
    """Check whether the release beside `source` covers `request`.

    The checks run in this order, and the first that fails counts: revoked, signature, listed pictures, coverage. The
    package's demo key is trusted for people who do not exist, and for nobody else.

    Parameters
    ----------
    source : Path or None
        The person's pictures.
    request : Request
        What is asked for.
    keyring : Keyring
        The public keys that are trusted.
    revoked : iterable of str
        The ids of revoked releases.
    path : Path, optional
        The release's file, where it does not lie beside the pictures.
    """
    if path is None and source is not None:
        path = release_path(source)
    if path is None or not is_file(path):
        return ReleaseCheck(ReleaseState.NONE, "no release on file")
    try:
        release = read_release(path)
    except (UsageError, RenderError) as error:
        return ReleaseCheck(ReleaseState.DAMAGED, str(error))
    if release.id in set(revoked):
        return ReleaseCheck(ReleaseState.REVOKED, f"release {release.id} was revoked", release)
    return _signed(path, release, keyring) or _unlisted(source, release) or _covered(release, request)


def _signed(path: Path, release: Release, keyring: Keyring) -> ReleaseCheck | None:
    """Return the check that fails because the signature cannot be trusted, or None."""
    signature = read_signature(path)
    if signature is None:
        return ReleaseCheck(ReleaseState.UNSIGNED, f"release {release.id} is not signed", release)
    if signature == "damaged":
        return ReleaseCheck(ReleaseState.BAD_SIGNATURE, f"the signature of release {release.id} is damaged", release)
    document = read_json(path, "release-damaged")  # as it stands: fields that are not read are signed too
    rings = [keyring, *([Keyring.read(DEMO_KEYS)] if release.fictitious else [])]
    found = {ring.check(document, signature) for ring in rings}
    if "good" in found:
        return None
    if "wrong" in found:
        what = f"release {release.id} is not what was signed"
        return ReleaseCheck(ReleaseState.BAD_SIGNATURE, what, release)
    what = f"release {release.id} was signed by a key ({signature.key[:16]}) that is not in the keyring"
    return ReleaseCheck(ReleaseState.UNKNOWN_KEY, what, release)


def _unlisted(source: Path | None, release: Release) -> ReleaseCheck | None:
    """Return the check that fails because the release does not name a picture, or None."""
    if source is None or not (release.pictures or release.fictitious):
        return None
    listed = set(release.pictures)
    try:
        stranger = next((file.name for file in source_files(source) if sha256_of(file) not in listed), None)
    except (UsageError, OSError):  # there is no picture: the render itself reports that
        return None
    if stranger is None:
        return None
    what = f"release {release.id} does not name the picture {stranger}"
    return ReleaseCheck(ReleaseState.OTHER_PICTURES, what, release)


def _covered(release: Release, request: Request) -> ReleaseCheck:
    permitted = release.permitted
    if not _same(release.production, request.production):
        what = f"release {release.id} is for {release.production}, not for {request.production or 'no production'}"
        return ReleaseCheck(ReleaseState.OTHER_PRODUCTION, what, release)
    if not _of_no_shot(request) and not any(
        fnmatchcase(_folded(request.shot), _folded(pattern)) for pattern in permitted.shots
    ):
        what = f"release {release.id} does not cover the shot '{request.shot}'"
        return ReleaseCheck(ReleaseState.OTHER_SHOT, what, release)
    if request.use and request.use not in permitted.uses and not (release.fictitious and request.use == TRAINING):
        what = f"release {release.id} is for {', '.join(permitted.uses)}, not for {request.use}"
        return ReleaseCheck(ReleaseState.OTHER_USE, what, release)
    if permitted.first_day and request.today < permitted.first_day:
        what = f"release {release.id} begins on {permitted.first_day}; this machine says {request.today}"
        return ReleaseCheck(ReleaseState.NOT_YET, what, release)
    if permitted.last_day and request.today > permitted.last_day:
        what = f"release {release.id} ended on {permitted.last_day}"
        return ReleaseCheck(ReleaseState.EXPIRED, what, release)
    who = f"{release.performer}, who does not exist" if release.fictitious else release.performer
    return ReleaseCheck(ReleaseState.VALID, f"release {release.id} of {who}", release)


def _of_no_shot(request: Request) -> bool:
    return request.use == TRAINING and not request.shot


def _same(permitted: str, asked: str) -> bool:
    return permitted == "*" or _folded(permitted) == _folded(asked)


def _folded(name: str) -> str:
    """Return a name for comparison: composed and decomposed letters, and capitals, are the same."""
    return unicodedata.normalize("NFC", name.strip()).casefold()
