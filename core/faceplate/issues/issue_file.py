"""The file of a shot's issues, beside its track: `sh010.issues.json`, the marks of each producer.

Every producer replaces its own marks on the frames that it has looked at again, and leaves all others alone. So a render of
ten frames, on this machine or on a farm's node, keeps what is known of the rest.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from faceplate.errors import UsageError
from faceplate.issues.issue import Mark
from faceplate.system.atomic import write_bytes, write_failed
from faceplate.system.locks import exclusive
from faceplate.system.user_paths import exists, read_bytes

__all__ = ["IssueFile", "Producer", "issues_path"]

Producer = Literal["track", "render", "check"]
_PRODUCERS: tuple[Producer, ...] = get_args(Producer)


class _Content(BaseModel):
    """The file's content: the marks by producer, and what the track's marks were made of (`cache.file_mark`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    faceplate_issues: Literal[1] = 1
    track_mark: str = ""
    marks: Mapping[Producer, tuple[Mark, ...]] = {}


def issues_path(track: Path) -> Path:
    """Return where the issues of a track's shot are kept: `sh010.issues.json` for `sh010.track.json`."""
    return track.with_name(f"{track.name.removesuffix('.json').removesuffix('.track')}.issues.json".removeprefix("."))


@dataclass(frozen=True)
class IssueFile:
    """The issues kept at `path`."""

    path: Path

    def marks(self, *producers: Producer) -> tuple[Mark, ...]:
        """Return the marks of these producers, of all without a name. Raises `UsageError('bad-issues')`."""
        content = self._read()
        return tuple(
            mark for name, marks in content.marks.items() if not producers or name in producers for mark in marks
        )

    @property
    def track_mark(self) -> str:
        """What the track's marks were made of; "" where there are none. Raises `UsageError('bad-issues')`."""
        return self._read().track_mark

    def replace(
        self, producer: Producer, marks: Iterable[Mark], frames: Iterable[int] | None = None, track_mark: str = ""
    ) -> None:
        """Put `marks` in the place of the producer's marks on `frames`, on all frames where it is None.

        The file is written whole or not at all, and by one process at a time. Nothing is written where nothing changes, and
        no file is made for a list without marks.
        Raises `UsageError('bad-issues')` where the file is damaged, which is then left as it is, and `RenderError`
        (`output-unwritable`, `disk-full`).
        """
        wanted = None if frames is None else frozenset(frames)
        own = tuple(marks)

        def changed(content: _Content) -> _Content:
            kept = () if wanted is None else (m for m in content.marks.get(producer, ()) if m.frame not in wanted)
            now = tuple(sorted((*kept, *own), key=lambda mark: (mark.frame, mark.kind, mark.face, mark.text)))
            every: dict[Producer, tuple[Mark, ...]] = {**content.marks, producer: now}
            filled: dict[Producer, tuple[Mark, ...]] = {name: every[name] for name in _PRODUCERS if every.get(name)}
            return _Content(track_mark=track_mark or content.track_mark, marks=filled)

        before = self._read()
        if changed(before) == before or not (own or exists(self.path)):
            return
        try:
            with exclusive(self.path.with_name(f".{self.path.name}.lock")):
                write_bytes(self.path, _text(changed(self._read())).encode("utf-8"))
        except OSError as error:
            raise write_failed(self.path, error) from error

    def _read(self) -> _Content:
        if not exists(self.path):
            return _Content()
        try:
            return _Content.model_validate_json(read_bytes(self.path))
        except (OSError, ValidationError) as error:
            reason = error.strerror if isinstance(error, OSError) else _place(error)
            raise UsageError(
                "bad-issues",
                f"The list of issues {self.path} cannot be read ({reason}); move it away: tracking, rendering and checking "
                "make it again.",
            ) from error


def _place(error: ValidationError) -> str:
    fault = error.errors(include_url=False)[0]
    return ".".join(map(str, fault["loc"])) or "it is no JSON of this kind"


def _text(content: _Content) -> str:
    """Return the content as JSON with one mark on a line."""
    plain = content.model_dump(mode="json", exclude_defaults=True)
    parts = [f'"{producer}": [\n{_lines(marks)}\n]' for producer, marks in plain.get("marks", {}).items()]
    head = f'"faceplate_issues": 1,\n"track_mark": {json.dumps(content.track_mark)},\n"marks": '
    return "{\n" + head + "{\n" + ",\n".join(parts) + "\n}\n}\n"


def _lines(marks: list[dict[str, object]]) -> str:
    return ",\n".join(json.dumps(mark, ensure_ascii=False, allow_nan=False) for mark in marks)
