"""One way to write a document as bytes, so that a signature made on one machine holds on every other.

JSON Canonicalization Scheme, RFC 8785: keys sorted by UTF-16 code units, no white space, UTF-8. Our documents hold no
fractions, which is the part of the scheme that platforms disagree on.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import rfc8785

from faceplate.errors import FaceplateError, RenderError

__all__ = ["canonical", "digest", "read_json", "sha256_of", "sha256_of_known"]

_LARGEST = 64 << 20


def canonical(document: Any) -> bytes:
    """`document` (dicts, lists, strings, whole numbers, booleans, None) as the bytes that are signed.

    Raises ValueError for what JSON cannot say: a whole number beyond 2**53, a lone surrogate, a set.
    """
    try:
        return rfc8785.dumps(document)
    except rfc8785.CanonicalizationError as error:
        raise ValueError(str(error)) from error


def digest(document: Any) -> str:
    """The SHA-256 of the canonical form, 64 hexadecimal digits."""
    return hashlib.sha256(canonical(document)).hexdigest()


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes. Raises OSError."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_of_known(path: Path) -> str:
    """As `sha256_of`, read once for as long as the file keeps its size and time of change. Raises OSError."""
    found = path.stat()
    return _sha256_at(path, found.st_size, found.st_mtime_ns)


@lru_cache(4096)
def _sha256_at(path: Path, size: int, changed: int) -> str:
    return sha256_of(path)


def read_json(path: Path, code: str, error: type[FaceplateError] = RenderError) -> Any:
    """A JSON file's content. Raises `error(code)` in one sentence for a file that is missing, too large or no JSON."""
    try:
        if path.stat().st_size > _LARGEST:
            raise error(code, f"{path} is too large to be what it should be ({path.stat().st_size} bytes).")
        return json.loads(path.read_text("utf-8"), object_pairs_hook=_without_doubles)
    except OSError as reason:
        raise error(code, f"{path} cannot be read: {reason.strerror}.") from reason
    except (ValueError, RecursionError) as reason:
        raise error(code, f"{path} is no JSON: {str(reason).splitlines()[0]}.") from reason


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A key that stands twice means two things to two readers, so it is refused."""
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"'{next(name for name in names if names.count(name) > 1)}' stands twice")
    return found
