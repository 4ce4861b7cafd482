"""Run by the environment's Python: does everything that was installed load? Prints the first that does not, as JSON."""

from __future__ import annotations

import importlib
import json
import sys

MODULES = ("numpy", "cv2", "onnxruntime", "PyOpenColorIO", "OpenImageIO", "fileseq", "faceplate")


def first_failure(modules: tuple[str, ...]) -> dict[str, str] | None:
    """The first module that does not load and its error, or None."""
    for module in modules:
        try:
            importlib.import_module(module)
        except Exception as error:  # a broken binary raises anything
            return {"module": module, "error": f"{type(error).__name__}: {error}".splitlines()[0]}
    return None


if __name__ == "__main__":
    failure = first_failure(tuple(sys.argv[1:]) or MODULES)
    print(json.dumps(failure))
    sys.exit(1 if failure else 0)
