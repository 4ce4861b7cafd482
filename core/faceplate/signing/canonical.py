"""Canonical JSON: one way to write a document as bytes, so that a signature holds on every machine.

JSON Canonicalization Scheme, RFC 8785: keys sorted by UTF-16 code units, no white space, UTF-8. Our documents hold no
fractions, which is the part of the scheme that platforms disagree on.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import rfc8785

from faceplate.errors import FaceplateError, RenderError
from faceplate.system.file_hash import sha256_of

__all__ = ["canonical", "digest", "read_json", "sha256_of"]

_LARGEST = 64 << 20


def canonical(document: Any) -> bytes:
    """Return `document` as the bytes that are signed.

    Parameters
    ----------
    document : Any
        Dicts, lists, strings, whole numbers, booleans and None.

    Raises
    ------
    ValueError
        A value that JSON cannot express: a whole number beyond 2**53, a lone surrogate, a set.
    """
    try:
        return rfc8785.dumps(document)
    except rfc8785.CanonicalizationError as error:
        raise ValueError(str(error)) from error


def digest(document: Any) -> str:
    """Return the SHA-256 of the canonical form, 64 hexadecimal digits."""
    return hashlib.sha256(canonical(document)).hexdigest()


def read_json(path: Path, code: str, error: type[FaceplateError] = RenderError) -> Any:
    """Read a JSON file.

    Parameters
    ----------
    path : Path
        The file.
    code : str
        The code of the error to raise.
    error : type of FaceplateError
        The class of the error to raise.

    Raises
    ------
    FaceplateError
        `error(code)`: the file is missing, too large or no JSON, or a key appears twice in it.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise error(code, f"{path} is too large ({path.stat().st_size} bytes).")
        return json.loads(path.read_text("utf-8"), object_pairs_hook=_without_doubles)
    except OSError as reason:
        raise error(code, f"{path} cannot be read: {reason.strerror}.") from reason
    except (ValueError, RecursionError) as reason:
        raise error(code, f"{path} is not valid JSON: {str(reason).splitlines()[0]}.") from reason


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the pairs as a dict. Raises ValueError for a key that appears twice, which two readers may read differently."""
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key '{next(name for name in names if names.count(name) > 1)}' appears twice")
    return found
