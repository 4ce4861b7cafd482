"""What a tweak costs with the stage cache: every number that can be keyed, on an HD plate, without the service.

    python bench/tweak.py

prints the table in `docs/performance.md`: the first stage that the parameter invalidates, the stages that were made again, the
medians of rendering and of writing the element, and both over a whole frame with nothing kept, measured in the same run.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from faceplate.cache import StageCache
from faceplate.cache.stages import CacheSettings
from faceplate.color import ColorConfig
from faceplate.demo import person
from faceplate.face import FaceFinder
from faceplate.render import Renderer
from faceplate.render.cache_types import KINDS
from faceplate.shot import Shot
from faceplate.shot.parameters import describe
from measuring import SIZES, write_plate

ROUNDS = 5


def main(rounds: int = ROUNDS) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder, finder = Path(place), FaceFinder.embedded()
        write_plate(folder / "plate.1001.exr", SIZES[0], ColorConfig.load(environ={}), finder)
        shutil.copytree(person("bea"), folder / "bea")
        shot = Shot(
            plate=str(folder / "plate.####.exr"),
            source=folder / "bea",
            output=str(folder / "o" / "o.####.exr"),
            frames=(1001,),
        )
        bare, kept = Renderer(shot, finder), Renderer(shot, finder, cache=StageCache(CacheSettings(), KINDS))
        for renderer in (bare, kept):
            renderer.prepare()
            tweaked(renderer, {})
        whole = median(sum(tweaked(bare, {})) for _ in range(rounds))
        print(f"A whole frame with nothing kept: {whole:.0f} ms.\n")
        print(
            "| parameter | stage | made again | render, ms | write, ms | of a whole frame |\n|---|---|---|---:|---:|---:|"
        )
        for line in rows(kept, whole, rounds):
            print(line, flush=True)


def tweaked(renderer: Renderer, values: dict[str, float]) -> tuple[float, float]:
    """Milliseconds to render and to write the frame with these values."""
    begun = time.perf_counter()
    rendered = renderer.render(1001, values=values)
    between = time.perf_counter()
    renderer.write(rendered)
    return 1e3 * (between - begun), 1e3 * (time.perf_counter() - between)


def rows(renderer: Renderer, whole: float, rounds: int) -> Iterator[str]:
    """Each round has a value of its own, so that nothing asked before is kept."""
    medians: list[float] = []
    for entry in describe():
        if not entry["animatable"]:
            continue
        low, high = entry["minimum"], min(entry["maximum"], 4.0)
        renderer.cache.counts.computed.clear()
        times = [
            tweaked(renderer, {entry["name"]: low + (high - low) * (turn + 0.5) / (rounds + 1)})
            for turn in range(rounds)
        ]
        again = ", ".join(renderer.cache.counts.computed) or "–"
        render, write = (median(part) for part in zip(*times, strict=True))
        if entry["invalidates"] in ("matte", "match", "element", "write"):
            medians.append(render + write)
        share = (render + write) / whole
        yield f"| `{entry['name']}` | {entry['invalidates']} | {again} | {render:.0f} | {write:.0f} | {share:.2f} |"
    yield f"\nMedian of the parameters after the generator: {median(medians):.0f} ms."


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
