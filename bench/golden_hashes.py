"""Print a SHA-256 of every picture of the demo shot, so that two versions of the engine can be compared bit for bit.

    python bench/golden_hashes.py > before.txt
    python bench/golden_hashes.py > after.txt && diff before.txt after.txt

The hash covers pixels, channel names and windows of every part of each file, and no metadata: version, dates and parameter
names may change between versions, pixels may not. The script drives the command line alone, so that it runs on any version.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import OpenImageIO as oiio  # noqa: N813

# Extra renders of the demo plate: name, further arguments of `faceplate render`, frames.
VARIANTS = {
    "over": (["--mode", "over"], "1003,1012"),
    "layers": (["--layers", "all"], "1005,1015"),
    "keep": (["--keep", "eyes,mouth", "--matte-feather", "0.1", "--forehead", "0.8"], "1007"),
    "multiband": (["--blend", "multiband", "--light-scale", "0.05", "--enhance", "0.4"], "1009"),
    "plate_mouth": (["--mouth", "plate", "--eyes", "plate", "--shape", "0.3"], "1010,1014"),
    "squeezed_detail": (["--plate-detail", "0.5", "--grain", "0.5", "--occlusion", "0"], "1011"),
    "null": (["--generator", "null"], "1002"),
}


def main() -> None:
    """Render everything into a temporary folder and print one line per file: hash, then name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep-files", type=Path, help="render into this folder and leave the files there")
    folder = parser.parse_args().keep_files
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        print_hashes(folder)
        return
    with tempfile.TemporaryDirectory() as temporary:
        print_hashes(Path(temporary))


def print_hashes(out: Path) -> None:
    """Render the demo (24 frames), then the variants and the ST map, into `out`, and print the hash of each file."""
    faceplate("demo", "--out", str(out))
    plate, track = str(out / "plate" / "plate.####.exr"), str(out / "swap" / "swap.track.json")
    from faceplate.demo import person

    source = ["--source", str(person("bea"))]
    for name, (options, frames) in VARIANTS.items():
        output = str(out / name / f"{name}.####.exr")
        faceplate("render", plate, *source, "-o", output, "--track", track, "--frames", frames, *options)
    faceplate("render", plate, *source, "-o", str(out / "alone" / "alone.####.exr"), "--frames", "1008", "--no-track")
    faceplate("stmap", plate, "-o", str(out / "stmap" / "map.####.exr"), "--frames", "1004", "--track", track)
    for path in sorted(out.glob("*/*.exr")):
        print(picture_hash(path), path.relative_to(out).as_posix())
    people = json.loads(Path(track).read_text("utf-8"))["people"]
    print(hashlib.sha256(json.dumps(people, sort_keys=True).encode()).hexdigest(), "swap.track.json people")


def picture_hash(path: Path) -> str:
    """SHA-256 over every part's windows, channel names and pixels as float32."""
    digest = hashlib.sha256()
    file = oiio.ImageInput.open(str(path))
    if file is None:
        raise SystemExit(f"{path} cannot be read: {oiio.geterror()}")
    part = 0
    while file.seek_subimage(part, 0):
        spec = file.spec()
        window = (spec.x, spec.y, spec.width, spec.height, spec.full_x, spec.full_y, spec.full_width, spec.full_height)
        digest.update(repr((window, spec.channelnames, str(spec.format))).encode())
        pixels = file.read_image(part, 0, 0, spec.nchannels, "float")
        if pixels is None:
            raise SystemExit(f"{path} cannot be read: {file.geterror()}")
        digest.update(pixels.tobytes())
        part += 1
    file.close()
    return digest.hexdigest()


def faceplate(*arguments: str) -> None:
    """Run the command line of the engine that this Python imports; its output goes to standard error."""
    program = [sys.executable, "-c", "from faceplate.cli.main import run; run()"]
    subprocess.run([*program, *arguments], check=True, stdout=sys.stderr)


if __name__ == "__main__":
    main()
