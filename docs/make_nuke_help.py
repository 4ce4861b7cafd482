"""Makes the page that the node's Help button opens from docs/nuke.md: `python docs/make_nuke_help.py [OUT]`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import markdown

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "plugins" / "nuke" / "help.html"

_HEAD = """<!doctype html>
<meta charset="utf-8">
<title>FaceSwap in Nuke</title>
<style>
body { font: 16px/1.5 sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; } th, td { border: 1px solid #bbb; padding: .3rem .6rem; text-align: left; }
pre, code { background: #f2f2f2; }
</style>
"""


def page() -> str:
    """Return docs/nuke.md as one page without pictures; links to other pages become plain words."""
    text = (ROOT / "docs" / "nuke.md").read_text("utf-8")
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)\n*", "", text)
    text = re.sub(r"\[([^\]]+)\]\((?!#)[^)]*\)", r"\1", text)
    return _HEAD + markdown.markdown(text, extensions=["tables", "toc", "fenced_code"]) + "\n"


if __name__ == "__main__":
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else PAGE
    out.write_text(page(), "utf-8")
    print(out)
