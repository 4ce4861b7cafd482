"""Sentences for failures outside this project: pip, the system's Python, the system's libraries."""

from __future__ import annotations

import re
import sys
from pathlib import Path

__all__ = ["get_pip", "missing_library", "pip_failure", "system_families"]

_NO_NETWORK = (
    r"NewConnectionError|NameResolutionError|Temporary failure in name resolution|Network is unreachable"
    r"|ConnectTimeout|ReadTimeout|Connection refused|getaddrinfo failed"
)
_PIP_FAILURES = {
    r"No space left on device|Disk quota exceeded|\[WinError 112\]": "the disk is full; free about 1.5 GB",
    r"CERTIFICATE_VERIFY_FAILED|SSLError|SSLCertVerificationError": "the package index's certificate is not trusted; "
    "tell pip about yours with PIP_CERT=/path/to/ca.pem",
    r"ProxyError|Cannot connect to proxy|407 Proxy": "the proxy refused the connection; check HTTPS_PROXY",
    _NO_NETWORK: "the package index cannot be reached; check the network, or name a mirror or a folder of wheels in "
    "FACEPLATE_PIP_ARGS (docs/install.md)",
    r"No matching distribution found|Could not find a version": "a package is not there for this system and Python; "
    "docs/install.md lists the supported ones, and a mirror or a folder of wheels must hold every package",
    r"Permission denied|PermissionError|\[WinError 5\]": "a file may not be written; check who owns the clone and the "
    "environment",
}

_LIBRARY = re.compile(r"(lib[\w.+-]+?\.so(?:\.\d+)*)")
_DEBIAN_PACKAGES = {
    **{"libgomp.so.1": "libgomp1", "libstdc++.so.6": "libstdc++6", "libgcc_s.so.1": "libgcc-s1", "libz.so.1": "zlib1g"},
    **{"libGL.so.1": "libgl1", "libglib-2.0.so.0": "libglib2.0-0", "libgthread-2.0.so.0": "libglib2.0-0"},
}
_GET_PIP = {
    **dict.fromkeys(("debian", "ubuntu"), "sudo apt install python{version}-venv python3-pip"),
    **dict.fromkeys(("fedora", "rhel"), "sudo dnf install python3-pip"),
    "suse": "sudo zypper install python3-pip",
    "arch": "sudo pacman -S python-pip",
    "darwin": "brew install python@{version}",
}


def pip_failure(output: str) -> str:
    """Return what pip's output means, in one clause that says what to do."""
    for pattern, clause in _PIP_FAILURES.items():
        if re.search(pattern, output):
            return clause
    return "pip's own words are above"


def missing_library(module: str, error: str) -> str:
    """Return the sentence for an installed `module` that does not load, from its error text."""
    found = _LIBRARY.search(error)
    if found and "cannot open shared object file" in error:
        package = _DEBIAN_PACKAGES.get(found[1])
        get = (
            f"sudo apt install {package}"
            if package
            else f"apt-file search {found[1]}, then sudo apt install what it names"
        )
        return f"{module} needs the system's library {found[1]}, which is missing; on Debian or Ubuntu: {get}."
    if "DLL load failed" in error:
        return f"{module} needs Microsoft's Visual C++ Redistributable (x64); install it, then try again."
    if "GLIBC_" in error or "GLIBCXX_" in error:
        return f"{module} needs a newer system ({error}); Debian 10, Ubuntu 20.04 and Rocky 8 are new enough."
    return f"{module} was installed but does not load ({error}); 'python3 install clean', then try again."


def get_pip(families: list[str], python: str, version: str) -> str:
    """Return the sentence for a Python that can make no environment, with what to type on this system."""
    line = next((_GET_PIP[family].format(version=version) for family in families if family in _GET_PIP), None)
    what = f"type: {line}" if line else "install pip and venv for it (Windows: python.org's installer, with pip ticked)"
    return f"this Python ({python}) has neither venv with pip nor pip, so no environment can be made; {what}."


def system_families(release: Path = Path("/etc/os-release"), platform: str = sys.platform) -> list[str]:
    """Return this system's name and those of its relatives, nearest first: ['ubuntu', 'debian'], ['darwin']."""
    if not platform.startswith("linux") or not release.is_file():
        return [platform]
    pairs = (line.partition("=") for line in release.read_text("utf-8", "replace").splitlines())
    values = {name: value.strip("\"'") for name, _, value in pairs}
    return [values.get("ID", ""), *values.get("ID_LIKE", "").split()]
