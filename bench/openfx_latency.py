"""What the OpenFX plug-in adds to the engine's own time for a frame, at HD and UHD, half and float.

    python bench/openfx_latency.py

prints the table in `docs/openfx.md`. The plug-in is built and driven by the small host of `plugins/openfx`, the engine is real and
warm. *tweak* is the tracked frame again with another feather, which leaves the generator alone. *engine* is what the engine says
that the frame itself took, *beside it* all the rest of the host's render call; of that, *copies* are those of pixels in the
plug-in, and *route* the engine's: copying, hashing and writing back the pixels in shared memory. Medians, and for the time beside
the engine's also the least, which a busy machine changes less.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from faceplate.color import ColorConfig  # noqa: E402
from faceplate.demo import person  # noqa: E402
from faceplate.face import FaceFinder  # noqa: E402
from faceplate.plate import PlateFile  # noqa: E402
from faceplate.track import track_shot  # noqa: E402
from faceplate_client import connect  # noqa: E402
from measuring import SIZES, Size, write_plate  # noqa: E402
from plugins.openfx import build  # noqa: E402

ROUNDS = 15
GOAL = 40


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        plugin, host = build.build(folder / "build")
        os.environ.update(FACEPLATE_RUN=str(folder / "run"), FACEPLATE_CACHE=str(folder / "cache"))
        os.environ.setdefault("FACEPLATE_ENGINE", sys.executable)
        engine = connect(idle=120)
        try:
            print("| plate | pixels | render call | engine | beside it | least | copies | route | goal |")
            print("|---|---|---:|---:|---:|---:|---:|---:|---:|")
            for size in SIZES:
                shot = shot_of(folder / size.name, size)
                for depth in ("half", "float"):
                    print(row(size, depth, measured(host, plugin, shot, size, depth)), flush=True)
        finally:
            engine.stop()


def shot_of(folder: Path, size: Size) -> Path:
    """A tracked shot of one frame."""
    color = ColorConfig.load(environ={})
    folder.mkdir()
    plate = write_plate(folder / "plate.1001.exr", size, color, FaceFinder.embedded())
    track_shot(str(plate.with_name("plate.####.exr")), folder / "plate.track.json", color=color)
    shutil.copytree(person("bea"), folder / "bea")
    document = {"faceplate_shot": 1, "plate": "plate.####.exr", "source": "bea", "track": "plate.track.json"}
    path = folder / "bench.shot.json"
    path.write_text(json.dumps(document), "utf-8")
    return path


def measured(host: Path, plugin: Path, shot: Path, size: Size, depth: str) -> list[dict[str, float]]:
    """The milliseconds of each tweak, as the plug-in notes them."""
    folder = shot.parent
    pixels = PlateFile.open(folder / "plate.1001.exr").read_rgb()
    rgba = pixels.astype("<f2" if depth == "half" else "<f4").repeat([1, 1, 2], axis=2)  # the last channel is the alpha
    rgba.tofile(folder / "in.raw")
    times = folder / f"times.{depth}"
    values = ",".join(f"{0.04 + 0.001 * turn:.3f}" for turn in range(ROUNDS))
    subprocess.run(
        [
            str(host), str(plugin), "--in", "in.raw", "--out", "out.raw", "--size", f"{size.width}x{size.height}", "--depth", depth,
            "--frame", "1001", f"shot={shot}", "--turns", "2", "--tweak", f"matte_feather={values}",
        ],
        cwd=folder, env={**os.environ, "FACEPLATE_OFX_TIMES": str(times)}, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return [json.loads(line) for line in times.read_text("utf-8").splitlines()][
        2:
    ]  # the first two make what the others reuse


def row(size: Size, depth: str, times: list[dict[str, float]]) -> str:
    """One row of the table, ms."""
    columns = {
        "total": [item["total"] for item in times],
        "engine": [item["engine"] for item in times],
        "beside": [item["total"] - item["engine"] for item in times],
        "copies": [item["copy_in"] + item["copy_out"] for item in times],
        "route": [item["route"] for item in times],
    }
    told = [f"{median(values):.0f}" for values in columns.values()]
    told.insert(3, f"{min(columns['beside']):.0f}")
    goal = GOAL if size.name == "UHD" else ""
    return f"| {size.name} | {depth} | " + " | ".join(told) + f" | {goal} |"


if __name__ == "__main__":
    main()
