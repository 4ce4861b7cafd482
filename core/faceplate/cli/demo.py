"""`faceplate demo`: a complete shot with the embedded people."""

from __future__ import annotations

from pathlib import Path

from faceplate.cli.progress import BatchReport, render_batch
from faceplate.demo import person
from faceplate.demo.plate import make_plate
from faceplate.render import Renderer
from faceplate.render.batch import RenderBatch
from faceplate.shot import Shot

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
    return report
