"""What training needs beyond the engine: PyTorch, from the extra `faceplate[train]`."""

from __future__ import annotations

import importlib.util

from faceplate.errors import UsageError

__all__ = ["require_torch"]


def require_torch() -> None:
    """Refuse where PyTorch or `onnx` is not installed.

    Raises
    ------
    UsageError
        `no-pytorch`.
    """
    for module in ("torch", "onnx"):
        if importlib.util.find_spec(module) is None:
            raise UsageError(
                "no-pytorch", f'Training needs the package {module}; install it with: pip install "faceplate[train]"'
            )
