"""Build the experimental OpenFX plug-in and the small host that tests it: python plugins/openfx/build.py [FOLDER]

Needs a C++17 compiler (CXX, c++, g++ or clang++) on Linux or macOS and nothing else. FOLDER is plugins/openfx/build by default.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CLIENT = HERE.parents[1] / "core" / "faceplate_client"
NAME = "Faceplate.ofx"
# The parameters of the spike; labels, help, ranges and defaults come from the engine's list.
SHOWN = (
    "target", "shape", "mouth", "match_mouth", "matte_erode", "matte_feather", "forehead", "occlusion", "light_luminance",
    "light_color", "enhance", "grain",
)  # fmt: skip
KINDS = {"float": "number", "int": "number", "string": "text", "path": "text", "choice": "choice"}


def compiler() -> list[str] | None:
    """Return the command of a C++ compiler, None where there is none."""
    named = os.environ.get("CXX")
    if named:
        return shlex.split(named)
    found = next((path for name in ("c++", "g++", "clang++") if (path := shutil.which(name))), None)
    return [found] if found else None


def architecture() -> str:
    """Return the name of the bundle's folder for this system, as the standard lists them."""
    return "MacOS" if sys.platform == "darwin" else f"Linux-{platform.machine().replace('_', '-')}"


def bundle_of(folder: Path) -> Path:
    """Return the plug-in's file in its bundle."""
    return folder / f"{NAME}.bundle" / "Contents" / architecture() / NAME


def build(folder: Path) -> tuple[Path, Path]:
    """Build plug-in and host into `folder`; return their files. Raises `SystemExit` where that fails."""
    command = compiler()
    if command is None:
        sys.exit("Error: no C++ compiler was found; install one, or name it in CXX.")
    if os.name != "posix":
        sys.exit("Error: the OpenFX spike is built on Linux and macOS alone.")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "parameters.inc").write_text(parameters(), "utf-8")
    plugin, host = bundle_of(folder), folder / "mini_host"
    plugin.parent.mkdir(parents=True, exist_ok=True)
    common = [
        *command,
        "-std=c++17",
        "-O2",
        "-Wall",
        "-Wextra",
        f"-I{HERE / 'include'}",
        f"-I{HERE / 'src'}",
        f"-I{folder}",
    ]
    libraries = ["-pthread", *(["-lrt"] if sys.platform == "linux" else [])]
    shared = ["-fPIC", "-shared", "-fvisibility=hidden", f'-DFACEPLATE_VERSION="{version()}"']
    sources = [str(HERE / "src" / name) for name in ("plugin.cpp", "engine.cpp", "picture.cpp", "json.cpp")]
    run([*common, *shared, *sources, "-o", str(plugin), *libraries])
    run([*common, str(HERE / "host" / "mini_host.cpp"), "-o", str(host), "-ldl", *libraries])
    return plugin, host


def version() -> str:
    """Return the engine's version."""
    text = (CLIENT / "version.py").read_text("utf-8")
    return text.split('__version__ = "')[1].split('"')[0]


def parameters() -> str:
    """Return the C++ list of the parameters that are shown."""
    known = {item["name"]: item for item in json.loads((CLIENT / "parameters.json").read_text("utf-8"))["parameters"]}
    rows = [row(known[name]) for name in SHOWN]
    head = (
        "// Made by build.py from the engine's list of parameters.\n"
        "struct Parameter {\n  enum Kind { number, text, choice };\n  Kind kind;\n"
        "  const char *name, *label, *help;\n  double standard, least, most;  // of a choice the default's index\n"
        "  int count;\n  const char* words[8];  // a choice's options, or a text's default\n};\n"
        "constexpr Parameter kParameters[] = {\n"
    )
    return head + "".join(rows) + "};\n"


def row(item: dict) -> str:
    """Return one parameter as a row of the C++ list."""
    kind = KINDS[item["type"]]
    default = item["default"]
    words = item["choices"] if kind == "choice" else [default] if kind == "text" else []
    standard = words.index(default) if kind == "choice" else 0 if kind == "text" else default
    numbers = ", ".join(repr(float(value or 0)) for value in (standard, item["minimum"], item["maximum"]))
    texts = ", ".join(json.dumps(item[name]) for name in ("name", "label", "help"))
    listed = ", ".join(map(json.dumps, words))
    return f"    {{Parameter::{kind}, {texts}, {numbers}, {len(words)}, {{{listed}}}}},\n"


def run(command: list[str]) -> None:
    """Run a compiler; end with its words where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.stderr:
        print(done.stderr, file=sys.stderr)
    if done.returncode:
        sys.exit(f"Error: the compiler failed: {shlex.join(command)}")


def main() -> None:
    """Build into the folder that is named."""
    about = argparse.ArgumentParser(
        description="Build the experimental OpenFX plug-in and the small host that tests it."
    )
    about.add_argument("folder", nargs="?", type=Path, default=HERE / "build", help="where the built files go")
    for path in build(about.parse_args().folder.resolve()):
        print(path)


if __name__ == "__main__":
    main()
