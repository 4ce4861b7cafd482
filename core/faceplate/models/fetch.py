"""Download of weights: from the card's address or a studio's mirror, resumed after interruptions, verified by hash."""

from __future__ import annotations

import http.client
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import pooch

from faceplate.errors import FaceplateError, RenderError, UsageError
from faceplate.models.card import CARD_SUFFIX, Card, write_card
from faceplate.models.store import ModelStore, digest

__all__ = ["Resuming", "addresses", "fetch_model"]

_BLOCK = 1 << 20
_MAX_TRIES = 6


def fetch_model(
    store: ModelStore,
    name: str,
    environment: dict[str, str] | None = None,
    say: Callable[[int, int], None] | None = None,
) -> Path:
    """Download the weights of card `name` into the store and verify them; a complete file is left unchanged.

    `FACEPLATE_MIRROR` (one or more addresses, separated by spaces) is tried before the card's own address, as MIRROR/FILE.
    Weights outside the graph's file are downloaded from the same place.

    Parameters
    ----------
    store : ModelStore
        The store; the card's folder is used when it is writable.
    name : str
        The card's name.
    environment : dict, optional
        Environment variables; the process's own by default.
    say : callable, optional
        Called with (bytes so far, total bytes) for each file.

    Returns
    -------
    Path
        The graph's file.

    Raises
    ------
    UsageError
        `unknown-model`, `no-address` or `store-read-only`.
    RenderError
        `download-failed` or `weights-changed`.
    """
    card, folder = store.card(name), store.folder(name)
    where = addresses(card, environment)
    if not where:
        raise UsageError(
            "no-address",
            f"The card of '{name}' has no address; put the file at {folder / card.file}, or set FACEPLATE_MIRROR.",
        )
    if not os.access(folder, os.W_OK):
        folder = store.writable()
    # The graph comes last, so that its presence means that all files are there.
    for file, sha256 in (*((item.file, item.sha256) for item in card.external), (card.file, card.sha256)):
        _fetch_from_any(card, file, sha256, addresses(card, environment, file), folder, say)
    if not (folder / f"{name}{CARD_SUFFIX}").exists():
        write_card(folder, card)
    return folder / card.file


def _fetch_from_any(
    card: Card,
    file: str,
    sha256: str,
    where: tuple[str, ...],
    folder: Path,
    say: Callable[[int, int], None] | None,
) -> None:
    failures = []
    for address in where:
        try:
            _fetch(card, file, sha256, address, folder, say)
        except FaceplateError as error:
            failures.append(error)
            continue
        return
    raise failures[-1]


def addresses(card: Card, environment: dict[str, str] | None = None, file: str | None = None) -> tuple[str, ...]:
    """List the addresses of the card's file in order: the studio's mirrors, the card's address, the card's mirrors.

    `file` is one of the card's outside files; None for its graph.

    Raises
    ------
    UsageError
        `no-address` for an address that is not http or https.
    """
    values = os.environ if environment is None else environment
    wanted = file or card.file
    mirrors = [f"{base.rstrip('/')}/{quote(wanted)}" for base in values.get("FACEPLATE_MIRROR", "").split()]
    own = (*((card.url,) if card.url else ()), *card.mirrors)
    if wanted != card.file:
        own = tuple(urljoin(address, quote(wanted)) for address in own)
    found = (*mirrors, *own)
    for address in found:
        try:
            known = urlsplit(address).scheme in ("http", "https") and bool(urlsplit(address).hostname)
        except ValueError:
            known = False
        if not known or any(sign.isspace() or ord(sign) < 32 for sign in address):
            raise UsageError("no-address", f"{address} is not a web address; use http or https, and %20 for a space.")
    return found


def _fetch(
    card: Card, file: str, sha256: str, address: str, folder: Path, say: Callable[[int, int], None] | None
) -> None:
    pooch.get_logger().setLevel("WARNING")  # by default it prints each step on standard error
    part = folder / f".{file}.{sha256[:12]}.download"
    try:
        found = pooch.retrieve(
            address,
            known_hash=f"sha256:{sha256}",
            fname=file,
            path=folder,
            downloader=Resuming(part, say),
        )
    except ValueError as error:  # what pooch raises for a wrong hash
        raise RenderError(
            "weights-changed", f"{address} is not the file on the card of '{card.name}': its hash is another one."
        ) from error
    except (OSError, http.client.HTTPException) as error:
        said = " ".join(str(getattr(error, "reason", None) or getattr(error, "strerror", None) or error).split())
        reason = said or type(error).__name__
        raise RenderError(
            "download-failed", f"{address} could not be downloaded ({reason}); try again, it resumes."
        ) from error
    if digest(Path(found)) != sha256:
        raise RenderError("weights-changed", f"{found} is not the file on its card.")


@dataclass(frozen=True)
class Resuming:
    """A downloader for pooch that resumes where it stopped, within one call and from one call to the next.

    `part` holds what has arrived so far. After RFC 9110, section 14: a server that supports `Range` answers 206 and says
    where the bytes begin; one that does not answers 200 and the file starts over.
    """

    part: Path
    say: Callable[[int, int], None] | None = None
    pause: float = 0.5

    def __call__(self, fname: str, action: Any, pooch: Any, *, check_only: bool | None = None) -> None:
        """Download the address `fname` into the file `action` (pooch's own parameter names)."""
        tries = 0
        while True:
            before = self._size_so_far()
            try:
                if self._download_once(fname):
                    break
                reason: OSError = ConnectionError("the connection ended early")
            except urllib.error.HTTPError as error:
                if error.code == 416 and before:
                    self.part.unlink()
                    continue
                raise
            except http.client.HTTPException as error:
                reason = ConnectionError(f"the server's answer is broken: {type(error).__name__}")
            except OSError as error:
                reason = error
            tries = 0 if self._size_so_far() > before else tries + 1
            if tries >= _MAX_TRIES:
                raise reason
            time.sleep(self.pause * tries)
        os.replace(self.part, action)  # noqa: PTH105

    def _size_so_far(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _download_once(self, url: str) -> bool:
        """Use one connection; return whether the file is complete now."""
        have = self._size_so_far()
        request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
        with urllib.request.urlopen(request, timeout=60) as answer:  # the scheme was checked by `addresses`
            resumed = answer.status == 206 and str(answer.headers.get("Content-Range", "")).startswith(f"bytes {have}-")
            start = have if resumed else 0
            length = answer.headers.get("Content-Length") or ""
            total = start + int(length) if length.isascii() and length.isdecimal() else 0
            with self.part.open("ab" if resumed else "wb") as file:
                while block := answer.read(_BLOCK):
                    file.write(block)
                    if self.say:
                        self.say(file.tell(), total)
        return not total or self._size_so_far() >= total
