"""The page that lists the routes. It loads nothing from elsewhere and runs no script."""

from __future__ import annotations

import json
from html import escape
from typing import Any

__all__ = ["POLICY", "page_of"]

# The page is text: nothing is loaded and nothing runs.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
_STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
code,pre{font:13px/1.45 ui-monospace,monospace}pre{background:#f4f4f4;padding:.7rem;overflow:auto}summary{cursor:pointer}
b{display:inline-block;min-width:4.5rem}details{margin:.35rem 0}"""


def page_of(schema: dict[str, Any]) -> str:
    """Return the routes of an OpenAPI `schema` and their parameters, as HTML."""
    about = schema["info"]
    routes = [
        _route(method.upper(), path, route)
        for path, methods in schema["paths"].items()
        for method, route in methods.items()
    ]
    shapes = [_shape(name, shape) for name, shape in schema.get("components", {}).get("schemas", {}).items()]
    return "\n".join(
        [
            f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(about['title'])}</title>",
            f"<style>{_STYLE}</style><h1>{escape(about['title'])} {escape(about['version'])}</h1>",
            f"<p>{escape(about.get('description', ''))} <a href=/openapi.json>openapi.json</a></p><h2>Routes</h2>",
            *routes,
            "<h2>What requests hold</h2>",
            *shapes,
            "</html>",
        ]
    )


def _route(method: str, path: str, route: dict[str, Any]) -> str:
    more = {key: route[key] for key in ("parameters", "requestBody") if key in route}
    head = f"<b>{method}</b><code>{escape(path)}</code> {escape(route.get('description', ''))}"
    return f"<details><summary>{head}</summary>{_plain(more)}</details>" if more else f"<p>{head}</p>"


def _shape(name: str, shape: dict[str, Any]) -> str:
    head = f"<code>{escape(name)}</code> {escape(shape.get('description', ''))}"
    return f"<details><summary>{head}</summary>{_plain(shape)}</details>"


def _plain(value: Any) -> str:
    return f"<pre>{escape(json.dumps(value, indent=2))}</pre>"
