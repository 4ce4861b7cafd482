"""`faceplate demo`: a complete shot with the embedded people."""

from __future__ import annotations

from pathlib import Path

from faceplate.cli.progress import BatchReport, render_batch
from faceplate.demo import person
from faceplate.demo.plate import PATTERN, make_plate
from faceplate.farm.run import own_program
from faceplate.plate import Sequence
from faceplate.render import Renderer
from faceplate.render.batch import RenderBatch
from faceplate.shot import Shot, new_document, write_document
from faceplate.system.user_paths import exists
from faceplate.track import auto_track_path

__all__ = ["run_demo"]


def run_demo(out: Path, frames: int) -> BatchReport:
    """Make the plate in `out`/plate, render `frames` of it into `out`/swap, write `out`/contact_sheet.png, and print where."""
    out = out.expanduser().resolve()
    print(f"Making the demo plate ({frames} frames) …", flush=True)
    plate = make_plate(out / "plate", frames=frames)
    shot = Shot(
        plate=str(out / "plate" / Path(plate).name),
        source=person("bea"),
        output=str(out / "swap" / "swap.####.exr"),
    )
    sheet = out / "contact_sheet.png"
    report = render_batch(RenderBatch(Renderer(shot), recorded=True, action="render"), sheet)
    print(f"The plate, half-float EXR in ACEScg:     {shot.plate}")
    print(f"The element, RGBA + matte, to lay over:  {shot.output}")
    print(f"The contact sheet, plate · over · matte: {sheet}")
    file = demo_file(out)
    print(f"The shot file:                           {file}")
    print(f"To look at it in the browser:            {own_program()} ui {file}")
    return report


def demo_file(out: Path) -> Path:
    """Write the shot file of the demo in `out`, where there is none yet; return its path."""
    file = out / "demo.shot.json"
    if not exists(file):
        write_document(
            new_document(
                name="demo",
                plate=f"plate/{PATTERN}",
                source=str(person("bea")),
                output="swap/swap.####.exr",
                track=str(auto_track_path(Sequence.parse("swap/swap.####.exr"))),
            ),
            file,
        )
    return file
