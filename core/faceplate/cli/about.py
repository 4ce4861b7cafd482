"""`faceplate --version`: the versions that a bug report needs."""

from __future__ import annotations

import platform

from faceplate_client.version import __version__

__all__ = ["version_text"]


def version_text() -> str:
    """Return the engine's version on the first line, then Python, the platform, and the libraries that make pixels."""
    import cv2
    import numpy as np
    import onnxruntime
    import OpenImageIO as oiio  # noqa: N813  (the name its own documentation uses)
    import PyOpenColorIO as ocio  # noqa: N813

    from faceplate.models.devices import available_providers

    rows = {
        "Python": f"{platform.python_version()} ({platform.python_implementation()})",
        "Platform": f"{platform.platform()}, {platform.machine()}",
        "ONNX Runtime": f"{onnxruntime.__version__}, providers: {', '.join(available_providers())}",
        "OpenImageIO": oiio.VERSION_STRING,
        "OpenColorIO": ocio.__version__,
        "OpenCV": cv2.__version__,
        "NumPy": np.__version__,
    }
    return "\n".join([f"faceplate {__version__}", *(f"{name}: {value}" for name, value in rows.items())])
