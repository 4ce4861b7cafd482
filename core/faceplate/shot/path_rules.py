"""Paths in shot files: variables, base folders of relative paths, and prefixes of other machines."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from faceplate.errors import UsageError

__all__ = ["PathRule", "expand", "mapped", "read_rules", "settle"]

# `$F` and `$F4` are a sequence's padding (Houdini's), not a variable.
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(?!F\d*(?:\W|$))(\w+))")
_DRIVE = re.compile(r"^[A-Za-z]:[\\/]|^\\\\")


@dataclass(frozen=True)
class PathRule:
    """A path prefix of another machine (`source`) and its replacement on this one (`target`)."""

    source: str
    target: str


def expand(text: str, environ: Mapping[str, str], where: str) -> str:
    """Replace `$NAME`, `${NAME}` and a leading `~` in `text`.

    Raises
    ------
    UsageError
        `unset-variable`; the sentence begins with `where`.
    """

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name not in environ:
            raise UsageError("unset-variable", f"{where}: the variable {name} in '{text}' is not set; set it.")
        return environ[name]

    filled = _VARIABLE.sub(value, text)
    if filled == "~" or filled.startswith("~/"):
        home = environ.get("HOME") or environ.get("USERPROFILE") or str(Path.home())
        filled = home + filled[1:]
    return filled


def mapped(path: str, rules: tuple[PathRule, ...]) -> str:
    """Replace the prefix of `path` by the longest matching rule.

    Prefixes match whole folder names. Drive letters and shares match in any case.
    """
    for rule in sorted(rules, key=lambda rule: -len(_steps(rule.source))):
        have, prefix = _steps(path), _steps(rule.source)
        folded = [[step.casefold() for step in steps] for steps in (have, prefix)]
        windows = bool(_DRIVE.match(rule.source))
        same = folded[0][: len(prefix)] == folded[1] if windows else have[: len(prefix)] == prefix
        if same:
            rest = have[len(prefix) :]
            return "/".join([rule.target.rstrip("/\\") or "/", *rest]).replace("//", "/", 1 if not rest else 0)
    return path


def settle(text: str, base: Path, rules: tuple[PathRule, ...], environ: Mapping[str, str], where: str) -> str:
    """Resolve a path of a document to an absolute path of this machine: variables, mapping, then `base`.

    Raises
    ------
    UsageError
        `unset-variable`, or `unmapped-path` for a path of another system that no rule covers.
    """
    filled = expand(text, environ, where)
    if "://" in filled:
        return filled
    here = mapped(filled, rules)
    if Path(here).is_absolute():
        return here
    if _DRIVE.match(here) or PureWindowsPath(here).is_absolute() or PurePosixPath(here).is_absolute():
        raise UsageError(
            "unmapped-path",
            f"{where}: '{here}' is a path of another operating system; add a rule to path_mapping in faceplate.show.json.",
        )
    joined = str(base / here)
    return mapped(joined, rules)


def read_rules(path: Path) -> tuple[PathRule, ...]:
    """Read rules from a JSON file: `[{"from": …, "to": …}]`, or an Open Job Description path mapping file.

    Raises
    ------
    UsageError
        `bad-path-mapping`.
    """
    try:
        item = json.loads(path.read_text(encoding="utf-8"))
        entries = item.get("path_mapping_rules", item.get("path_mapping")) if isinstance(item, dict) else item
        return tuple(_rule(entry) for entry in entries or ())
    except OSError as error:
        raise UsageError("bad-path-mapping", f"The path mapping {path} cannot be read: {error.strerror}.") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UsageError(
            "bad-path-mapping", f'{path} is not a path mapping; write [{{"from": "/mnt/a", "to": "/mnt/b"}}].'
        ) from error


def _rule(entry: dict[str, Any]) -> PathRule:
    if "from" in entry:
        return PathRule(str(entry["from"]), str(entry["to"]))
    return PathRule(str(entry["source_path"]), str(entry["destination_path"]))


def _steps(path: str) -> list[str]:
    """Split a path into its folders; a leading separator is one element, so that `mnt` differs from `/mnt`."""
    plain = path.replace("\\", "/") if _DRIVE.match(path) else path
    root = ["//"] if plain.startswith("//") else ["/"] if plain.startswith("/") else []
    return [*root, *(step for step in plain.split("/") if step)]
