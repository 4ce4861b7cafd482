"""The workspace: the page in a browser, and the routes that it calls. `docs/workspace.md` describes both."""

from faceplate.workspace.routes import extension

__all__ = ["extension"]
