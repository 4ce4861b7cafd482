"""Restorers: they redraw the generated face sharper. The weights are the user's own."""

from faceplate.swap.restore.restorer import RESTORERS, Restored, Restorer, open_restorer

__all__ = ["RESTORERS", "Restored", "Restorer", "open_restorer"]
