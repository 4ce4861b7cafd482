"""The workspace's page in a headless Chromium on an HD shot: slider to picture, scrub rate, playback, and memory.

    PYTHONPATH=bench:tests/support:tests python bench/workspace_page.py

The wait of a slider runs from the pointer's event in the page to the frame that is drawn with the new value. Scrubbing steps
through rendered frames as fast as the viewer shows them, for the first time and again. WebGL is drawn by the processor here,
as on a machine without a graphics card. Beside the waits stands the processor time of the engine and of the browser, which other
programs on the machine change less, and at the end how busy the machine was.

    PYTHONPATH=bench:tests/support:tests python bench/workspace_page.py --scrubs 1800

scrubs through the 24 frames as long as an hour at 12 frames a second does.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from pages import PageEngine, chromium, opened_page, page_engine
from workspace_latency import FIRST, LAST, growth, make_shot

SLIDERS = ("matte_feather", "light_luminance", "light_color", "plate_skin", "grain", "match_mouth", "dial_smile")
ROUNDS = 5
_MIB = 1 << 20

# Waits for the drawn value in the page itself, so that the driver's own messages are not measured.
_WAIT = """name => {
  window.waited = new Promise(done => {
    let begun = 0;
    addEventListener("pointermove", () => { begun = performance.now(); }, { capture: true, once: true });
    const canvas = document.querySelector("canvas.pixels");
    const before = canvas.dataset.values;
    const thumb = document.querySelector(`[data-name=${name}] [role=slider]`);
    const seen = new MutationObserver(() => {
      const values = canvas.dataset.values || "{}";
      const drawn = JSON.parse(values)[name] === Number(thumb.getAttribute("aria-valuenow"));
      if (!begun || values === before || !drawn) return;
      seen.disconnect();
      canvas.getContext("webgl2").readPixels(0, 0, 1, 1, 6408, 5121, new Uint8Array(4)); // waits until it is drawn
      done(performance.now() - begun);
    });
    seen.observe(canvas, { attributes: true });
  });
}"""
# Steps to the next frame when the last one is drawn; the seconds that `count` frames take.
_SCRUB = """async ([first, last, rounds]) => {
  const canvas = document.querySelector("canvas.pixels");
  const drawn = frame => new Promise(done => {
    const look = () => canvas.dataset.frame === String(frame) ? done() : requestAnimationFrame(look);
    look();
  });
  const begun = performance.now();
  for (let round = 0; round < rounds; round += 1) {
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "Home", bubbles: true }));
    await drawn(first);
    for (let frame = first + 1; frame <= last; frame += 1) {
      document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
      await drawn(frame);
    }
  }
  return (performance.now() - begun) / 1000;
}"""


def main() -> None:
    options = argparse.ArgumentParser(description="Measure the workspace's page in a browser.")
    options.add_argument("--scrubs", type=int, default=100, help="how often the long scrub goes through the frames")
    wanted = options.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        shot = make_shot(folder)
        with chromium() as browser, page_engine(folder / "engine") as engine:
            for kind in ("track", "render"):
                finish(engine, shot, kind)
            with opened_page(browser, engine.link(shot)) as page:
                page.set_default_timeout(300_000)
                page.locator(f"canvas.pixels[data-frame='{FIRST}']").wait_for()
                clock = Clock(engine)
                print_sliders(page, clock)
                print_scrub(page, clock)
                print_playback(page)
                print_memory(page, wanted.scrubs)
                print(
                    f"Processes that wanted a core in the last minute: {os.getloadavg()[0]:.1f}, of {os.cpu_count()} cores."
                )


class Clock:
    """Processor time of the engine and of the browser."""

    def __init__(self, engine: PageEngine) -> None:
        assert engine.process is not None
        self._engine = psutil.Process(engine.process.pid)
        children = psutil.Process().children(recursive=True)
        self._browser = [child for child in children if "chrom" in child.name()]

    def spent(self) -> tuple[float, float]:
        """Return the milliseconds so far: the engine's, the browser's."""
        return _processor([self._engine]), _processor(self._browser)


def _processor(processes: list[psutil.Process]) -> float:
    total = 0.0
    for process in processes:
        if process.is_running():
            times = process.cpu_times()
            total += 1000 * (times.user + times.system)
    return total


def finish(engine: PageEngine, shot: Path, kind: str) -> None:
    """Run a job of the shot to its end."""
    job = engine.call("POST", f"/v1/ui/jobs?shot={shot}", {"kind": kind})
    while (now := engine.call("GET", f"/v1/jobs/{job['job']}"))["state"] in ("waiting", "running"):
        time.sleep(0.5)
    if now["state"] != "done":
        raise SystemExit(f"{kind}: {now['error']}")


def print_sliders(page: Any, clock: Clock) -> None:
    """Print the wait from the pointer to the drawn picture while a slider is dragged, on a frame with cached stages."""
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Fit").click()
    page.get_by_role("tab", name="Parameters").click()
    print("| slider | to the first picture, ms: median | slowest | engine's processor, ms | browser's |")
    print("|---|---:|---:|---:|---:|")
    for name in SLIDERS:
        page.get_by_label("Find a parameter").fill(name)
        thumb = page.locator(f"[data-name={name}]").get_by_role("slider")
        low, now, high = (float(thumb.get_attribute(f"aria-value{part}")) for part in ("min", "now", "max"))
        step = 8 if now - low < high - now else -8  # away from the nearer end
        box = thumb.bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.down()
        rounds = [waited(page, thumb, name, step, clock) for _ in range(ROUNDS + 2)][2:]
        waits, engine, browser = zip(*rounds, strict=True)
        print(
            f"| {name} | {median(waits):.0f} | {max(waits):.0f} | {median(engine):.0f} | {median(browser):.0f} |",
            flush=True,
        )
        page.mouse.up()
        page.locator(f"[data-name={name}]").get_by_role("button", name="Reset").click()
        page.locator(f"[data-name={name}]:not(.set)").wait_for()
        page.wait_for_timeout(1500)
    print()


def waited(page: Any, thumb: Any, name: str, step: int, clock: Clock) -> tuple[float, float, float]:
    """Drag the slider on by `step` pixels.

    Returns the milliseconds until the picture with that value is drawn, and of processor time, the engine's and the browser's.
    """
    box = thumb.bounding_box()
    before = clock.spent()
    page.evaluate(_WAIT, name)
    page.mouse.move(box["x"] + box["width"] / 2 + step, box["y"] + box["height"] / 2)
    found = page.evaluate("waited")
    spent = clock.spent()
    page.locator(".viewer[aria-busy=false]").wait_for()
    page.wait_for_timeout(50)
    return float(found), spent[0] - before[0], spent[1] - before[1]


def print_scrub(page: Any, clock: Clock) -> None:
    """Print how many rendered frames a second the viewer shows."""
    count = LAST - FIRST + 1
    print("| scrubbing rendered HD frames at proxy 1/2 | frames/s | engine's processor, ms a frame | browser's |")
    print("|---|---:|---:|---:|")
    for name in ("for the first time", "again"):
        before = clock.spent()
        seconds = page.evaluate(_SCRUB, [FIRST, LAST, 1])
        engine, browser = ((now - then) / count for now, then in zip(clock.spent(), before, strict=True))
        print(f"| {name} | {count / seconds:.1f} | {engine:.0f} | {browser:.0f} |", flush=True)
    print()


def print_playback(page: Any) -> None:
    """Print the pictures shown in the last second of three seconds of playback."""
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_timeout(3000)
    print(f"Playback at 24 frames a second: {page.get_by_text('shown a second').inner_text()}.\n", flush=True)
    page.get_by_role("button", name="Stop").click()


def print_memory(page: Any, scrubs: int) -> None:
    """Print the page's memory over a long scrub."""
    client = page.context.new_cdp_session(page)
    client.send("Performance.enable")
    print("| frames scrubbed | JavaScript heap, MiB | with array buffers, MiB |\n|---:|---:|---:|")
    done, step = 0, max(scrubs // 6, 1)
    seen: list[tuple[int, float]] = []
    while done < scrubs:
        page.evaluate(_SCRUB, [FIRST, LAST, step])
        done += step
        page.evaluate("globalThis.gc?.()")
        heap = client.send("Runtime.getHeapUsage")
        whole = heap["usedSize"] + heap.get("backingStorageSize", 0)
        seen.append((done * (LAST - FIRST + 1), whole / _MIB))
        print(f"| {seen[-1][0]} | {heap['usedSize'] / _MIB:.0f} | {seen[-1][1]:.0f} |", flush=True)
    print(f"\nGrowth after the first quarter: {growth(seen):+.1f} MiB for 1,000 pictures.\n")


if __name__ == "__main__":
    main()
