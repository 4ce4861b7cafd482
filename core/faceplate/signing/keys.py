"""Ed25519 keys and detached signatures over canonical JSON (RFC 8032, by `cryptography`).

A private key is a PEM file (PKCS #8) that only its owner may read; a public key is a PEM file in a keyring's folder. A
signature is a JSON file beside the document: `release.json` → `release.sig.json`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from faceplate.errors import RenderError, UsageError
from faceplate.signing.canonical import canonical, read_json
from faceplate.system.atomic import publish, temporary_beside

__all__ = [
    "SIGNING_KEY",
    "Key",
    "Keyring",
    "Signature",
    "SignatureState",
    "load_key",
    "new_key",
    "read_signature",
    "sign",
    "signature_path",
    "signing_key",
    "write_json",
]

PASSPHRASE = "FACEPLATE_KEY_PASSPHRASE"
SIGNING_KEY = "FACEPLATE_SIGNING_KEY"
SignatureState = Literal["good", "unsigned", "damaged", "unknown-key", "wrong"]


class Signature(BaseModel):
    """A detached signature: the fingerprint of the signer's public key, and the 64 bytes in base 64."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    faceplate_signature: Literal[1] = 1
    algorithm: Literal["Ed25519"] = "Ed25519"
    key: str = Field(pattern=r"^[0-9a-f]{64}$")
    signature: str


@dataclass(frozen=True)
class Key:
    """A private key. `repr`, logs and errors show its fingerprint alone."""

    private: Ed25519PrivateKey

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the 32 bytes of the public key."""
        return fingerprint(self.private.public_key())

    def __repr__(self) -> str:
        """Return a text that names the key by its fingerprint."""
        return f"Key({self.fingerprint[:16]})"


def fingerprint(public: Ed25519PublicKey) -> str:
    """Return the SHA-256 of a public key's 32 raw bytes, 64 hexadecimal digits."""
    return hashlib.sha256(public.public_bytes_raw()).hexdigest()


def new_key(path: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Make a key pair: the private key `path`, which only its owner may read, and the public key beside it with `.pub`.

    The private key is encrypted where `FACEPLATE_KEY_PASSPHRASE` is set. No file is ever overwritten.

    Returns
    -------
    Path
        The public key.

    Raises
    ------
    UsageError
        `key-exists`.
    RenderError
        `output-unwritable`.
    """
    public = path.with_suffix(".pub")
    for file in (path, public):
        if file.exists():
            raise UsageError("key-exists", f"{file} exists; a key is never overwritten, choose another name.")
    key = Ed25519PrivateKey.generate()
    secret = environ.get(PASSPHRASE, "").encode()
    protection = serialization.BestAvailableEncryption(secret) if secret else serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(private)
        public.write_bytes(
            key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
    except OSError as error:
        raise RenderError("output-unwritable", f"The key {path} cannot be written: {error.strerror}.") from error
    return public


def load_key(path: Path, environ: Mapping[str, str] = os.environ) -> Key:
    """Read a private key.

    Raises
    ------
    UsageError
        `key-missing`; `key-open`, others may read the file; `key-unusable`, damaged, another passphrase or another kind.
    """
    try:
        mode = path.stat().st_mode
        data = path.read_bytes()
    except OSError as error:
        raise UsageError("key-missing", f"The key {path} cannot be read: {error.strerror}.") from error
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise UsageError(
            "key-open", f"The key {path} can be read by others ({stat.S_IMODE(mode):o}); type: chmod 600 {path}"
        )
    secret = environ.get(PASSPHRASE, "").encode() or None
    try:
        key = serialization.load_pem_private_key(data, secret)
    except TypeError:  # cryptography raises it for a missing passphrase, and for one that is not needed
        what = f"set {PASSPHRASE}" if secret is None else f"it has no passphrase; unset {PASSPHRASE}"
        raise UsageError("key-unusable", f"The key {path} cannot be opened: {what}.") from None
    except (ValueError, UnsupportedAlgorithm):
        raise UsageError("key-unusable", f"The key {path} cannot be opened: damaged, or another passphrase.") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError("key-unusable", f"{path} is no Ed25519 key; make one with: faceplate release key {path.name}")
    return Key(key)


def signing_key(environ: Mapping[str, str] = os.environ) -> Key | None:
    """Return the key of `$FACEPLATE_SIGNING_KEY`; None where it is not set. Raises what `load_key` raises."""
    named = environ.get(SIGNING_KEY)
    return load_key(Path(named).expanduser(), environ) if named else None


@dataclass(frozen=True)
class Keyring:
    """The public keys that a studio trusts, by fingerprint, and their folder."""

    keys: Mapping[str, Ed25519PublicKey]
    folder: Path | None = None

    @classmethod
    def read(cls, *folders: Path | None) -> Keyring:
        """Read every `*.pub` of the folders; a folder that is missing holds no keys.

        Raises
        ------
        UsageError
            `keyring-damaged`.
        """
        keys: dict[str, Ed25519PublicKey] = {}
        for folder in folders:
            for path in sorted(folder.glob("*.pub")) if folder else ():
                public = _public_key(path)
                keys[fingerprint(public)] = public
        return cls(keys, folders[0] if folders else None)

    def check(self, document: Any, signature: Signature | None) -> SignatureState:
        """Verify `signature` against `document`.

        Returns
        -------
        {'good', 'unsigned', 'unknown-key', 'wrong'}
            `unsigned` for None; `unknown-key` where the signer's key is not in the ring; `wrong` where the document is not
            what was signed.
        """
        if signature is None:
            return "unsigned"
        public = self.keys.get(signature.key)
        if public is None:
            return "unknown-key"
        try:
            public.verify(base64.b64decode(signature.signature, validate=True), canonical(document))
        except (InvalidSignature, binascii.Error, ValueError):
            return "wrong"
        return "good"


def sign(document: Any, key: Key) -> Signature:
    """Sign the canonical form of `document`."""
    made = key.private.sign(canonical(document))
    return Signature(key=key.fingerprint, signature=base64.b64encode(made).decode("ascii"))


def signature_path(path: Path) -> Path:
    """Return where the signature of a document lies: `release.json` → `release.sig.json`."""
    return path.with_suffix(".sig.json")


def read_signature(path: Path) -> Signature | Literal["damaged"] | None:
    """Return the signature of the document at `path`; None where there is none, "damaged" where it cannot be read."""
    beside = signature_path(path)
    if not beside.exists():
        return None
    try:
        return Signature.model_validate(read_json(beside, "signature-damaged"))
    except (ValidationError, RenderError):
        return "damaged"


def write_json(path: Path, document: Any) -> None:
    """Write a document as indented JSON, whole or not at all.

    Raises
    ------
    RenderError
        `disk-full`, `output-unwritable`.
    """
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    with temporary_beside(path) as temporary:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(text, "utf-8", newline="\n")
        except OSError as error:
            raise RenderError("output-unwritable", f"{path} cannot be written: {error.strerror}.") from error
        publish(temporary, path)


def _public_key(path: Path) -> Ed25519PublicKey:
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise UsageError("keyring-damaged", f"{path} is no public key; replace or remove it.") from error
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError("keyring-damaged", f"{path} is no Ed25519 key; replace or remove it.")
    return key
