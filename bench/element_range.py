"""Print what an element costs in a range of frames, over reading and writing the same frames with OpenImageIO and nothing else.

    python bench/element_range.py [--rounds 3]
    python bench/element_range.py --proxy 2
    python bench/element_range.py --memory 1000

Ten HD frames and ten UHD frames are tracked, and rendered with neighbouring frames in flight as `faceplate render` does it: the
plate is read, the face generated, composited and written, in turns with the bare copy of the ten files. The first ratio is that of
the time that passes, the second that of the processor's time, which depends less on what else the machine does. Making the source
ready, which happens once, is left out.

`--proxy` renders HD frames at half, a quarter or an eighth of the size without writing them, the ten files five times over, and
prints frames a second. `--memory` renders so many HD frames, from ten files that are rendered over and over, and prints the
resident memory.
"""

from __future__ import annotations

import argparse
import itertools
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from faceplate.color import ColorConfig
from faceplate.demo import person
from faceplate.face import FaceFinder
from faceplate.render import Renderer
from faceplate.render.batch import RenderBatch
from faceplate.shot import Shot
from faceplate.system.memory import keep_freed_memory
from faceplate.track import track_shot
from measuring import SIZES, Size, read_exr, write_exr, write_plate

FIRST, COUNT, ROUNDS = 1001, 10, 3
# How many times the files are rendered in a round of `--proxy`: frames are in flight but at its begin and its end.
TIMES = 5


def main() -> None:
    """Print what the options ask for."""
    given = _arguments()
    keep_freed_memory()  # as the program does
    color, finder = ColorConfig.load(environ={}), FaceFinder.embedded()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(shutil.copytree(person("bea"), Path(folder) / "bea"))
        sizes = SIZES[:1] if given.proxy > 1 or given.memory else SIZES
        made = [sequence(Path(folder) / size.name, size, color, finder) for size in sizes]
        renderers = [prepared(plates, source, finder) for plates in made]
        if given.memory:
            memory(renderers[0], given.memory)
        elif given.proxy > 1:
            proxy(renderers[0], given.proxy, given.rounds)
        else:
            print("| plate | bare, ms a frame | element, ms a frame | ratio | ratio of the processor's time |")
            print("|---|---:|---:|---:|---:|")
            for size, plates, renderer in zip(sizes, made, renderers, strict=True):
                measured(size, plates, renderer, given.rounds)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--proxy", type=int, default=1, choices=(1, 2, 4, 8))
    parser.add_argument("--memory", type=int, default=0, metavar="FRAMES")
    return parser.parse_args()


def proxy(renderer: Renderer, factor: int, rounds: int) -> None:
    """Print the frames a second of a reduced plate, the median of the rounds after the first."""
    batch = RenderBatch(renderer, proxy=factor, write=False, alone=True)
    frames = [*renderer.frames()] * TIMES
    seen = [clocked(lambda: list(batch.run_or_raise(frames)), len(frames)) for _ in range(rounds + 1)][1:]
    passed, used = (statistics.median(column) for column in zip(*seen, strict=True))
    print(f"proxy 1/{factor}: {1 / passed:.1f} frames a second, {1e3 * used:.0f} ms of the processor's time a frame")


def memory(renderer: Renderer, frames: int) -> None:
    """Print the resident memory twenty times while `frames` frames are rendered and written."""
    process, every = psutil.Process(), max(frames // 20, 1)
    endless = itertools.islice(itertools.cycle(renderer.frames()), frames)
    for number, _ in enumerate(RenderBatch(renderer, alone=True).run_or_raise(endless), 1):
        if number % every == 0:
            print(f"{number} frames: {process.memory_info().rss / 2**20:.0f} MiB", flush=True)


def sequence(folder: Path, size: Size, color: ColorConfig, finder: FaceFinder) -> list[Path]:
    """Write the plate's frames, which are all alike."""
    folder.mkdir()
    first = write_plate(folder / f"plate.{FIRST}.exr", size, color, finder)
    others = [folder / f"plate.{FIRST + number}.exr" for number in range(1, COUNT)]
    return [first, *(Path(shutil.copy(first, other)) for other in others)]


def prepared(plates: list[Path], source: Path, finder: FaceFinder) -> Renderer:
    """Track the plate and return a renderer of its element."""
    folder = plates[0].parent
    pattern, track = str(folder / "plate.####.exr"), folder / "shot.track.json"
    track_shot(pattern, track)
    frames = tuple(range(FIRST, FIRST + COUNT))
    shot = Shot(plate=pattern, source=source, track=track, output=str(folder / "e" / "swap.####.exr"), frames=frames)
    renderer = Renderer(shot, finder)
    renderer.prepare()
    return renderer


def measured(size: Size, plates: list[Path], renderer: Renderer, rounds: int) -> None:
    """Print the row of a size."""
    bare, element = [], []
    copy = plates[0].with_name("bare.exr")
    for number in range(rounds + 1):
        seen = clocked(lambda: [write_exr(copy, *read_exr(plate)) for plate in plates])
        made = clocked(lambda: list(RenderBatch(renderer, alone=True).run_or_raise(renderer.frames())))
        if number:  # the first round reads and compiles what the others find
            bare.append(seen)
            element.append(made)
    (alone, its), (whole, own) = (
        [statistics.median(part) for part in zip(*rows, strict=True)] for rows in (bare, element)
    )
    print(
        f"| {size.name} | {1e3 * alone:.0f} | {1e3 * whole:.0f} | {whole / alone:.2f} | {own / its:.2f} |",
        flush=True,
    )


def clocked(work: Callable[[], object], frames: int = COUNT) -> tuple[float, float]:
    """Return the seconds for each of the `frames` that pass while `work` runs, and those of the processor."""
    before, begun = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    work()
    passed, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_SELF)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return passed / frames, used / frames


if __name__ == "__main__":
    main()
