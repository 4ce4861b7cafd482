"""Pages that are written while the site is built, so that they cannot be out of date (MkDocs hooks).

`reference/api/*.md`: one page for every room and module of `core/faceplate`, and one for `faceplate_client`, from their
docstrings. `reference/commands.md`: every command and option, from the program. `reference/changelog.md` and
`reference/notice.md`: CHANGELOG.md and NOTICE.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "core"
API_ENTRY = "reference/api/"
# The command line has a page of its own; data files need none.
WITHOUT_PAGE = {"faceplate.cli"}


def api_pages() -> dict[str, str]:
    """The API pages: path inside the docs folder → Markdown, in alphabetical order, the public API first."""
    names = ["faceplate", *_children(CORE / "faceplate"), "faceplate_client"]
    return {f"{API_ENTRY}{'index' if name == 'faceplate' else name}.md": _api_page(name) for name in names}


def _children(package: Path) -> list[str]:
    """Dotted names of the packages and modules directly inside `package`."""
    found = [path for path in package.iterdir() if (path / "__init__.py").is_file() or path.suffix == ".py"]
    names = sorted(f"{package.name}.{path.stem}" for path in found if not path.stem.startswith("_"))
    return [name for name in names if name not in WITHOUT_PAGE]


def _api_page(name: str) -> str:
    if name == "faceplate":
        return (
            "# Python API\n\nAfter reading this page you can use Faceplate from a script: "
            "everything here is imported from `faceplate` itself. The other pages of this section describe one room each; "
            "what they show may change between versions.\n\n"
            "::: faceplate\n    options:\n      show_submodules: false\n      show_root_heading: false\n      heading_level: 2\n"
        )
    return f"# `{name}`\n\n::: {name}\n    options:\n      show_root_heading: false\n      heading_level: 2\n"


def commands_page() -> str:
    """Every command of `faceplate` with its help, arguments and options."""
    sys.path.insert(0, str(CORE))
    from typer.main import get_command

    from faceplate.cli.main import app

    lines = [
        "# Command line",
        "",
        "After reading this page you can look up every command and option of `faceplate`. It is made from the program itself.",
        "",
    ]
    _write_command(lines, get_command(app), "faceplate", 2)
    return "\n".join(lines)


def _write_command(lines: list[str], command: Any, name: str, level: int) -> None:
    if command.hidden:
        return
    lines += [f"{'#' * min(level, 4)} `{name}`", "", _text(command.help or ""), ""]
    rows = [row for row in map(_option_row, command.params) if row]
    if rows:
        lines += ["| | |", "|---|---|", *rows, ""]
    for key, child in getattr(command, "commands", {}).items():
        _write_command(lines, child, f"{name} {key}", level + 1)


def _option_row(parameter: Any) -> str | None:
    if getattr(parameter, "hidden", False) or "--help" in parameter.opts:
        return None
    names = parameter.opts + parameter.secondary_opts
    is_argument = parameter.param_type_name == "argument"
    label = f"`{parameter.name.upper()}`" if is_argument else ", ".join(f"`{name}`" for name in names)
    return f"| {label} | {_text(getattr(parameter, 'help', None) or '')} |"


def _text(help_text: str) -> str:
    return help_text.replace("\b", "").replace("|", "\\|").replace("\n", " ").strip()


def _notice_page() -> str:
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    opening = "After reading this page you know what in Faceplate was made by others, and under which terms."
    return f"# Notice\n\n{opening}\n\n```text\n{notice}```\n"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Puts the API pages into the navigation in place of their entry."""
    pages: list[Any] = list(api_pages())
    config.nav = _filled(config.nav, pages)
    return config


def _filled(nav: Any, pages: list[Any]) -> Any:
    if isinstance(nav, list):
        return [_filled(entry, pages) for entry in nav]
    if isinstance(nav, dict):
        return {title: pages if entry == API_ENTRY else _filled(entry, pages) for title, entry in nav.items()}
    return nav


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that are made."""
    pages = api_pages()
    pages["reference/commands.md"] = commands_page()
    pages["reference/notice.md"] = _notice_page()
    pages["reference/changelog.md"] = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    return files
