"""`faceplate demo`: the main job on the embedded people, end to end."""

from __future__ import annotations

from pathlib import Path

from faceplate.cli.progress import Batch, render_batch
from faceplate.demo import person
from faceplate.demo.plate import make_plate
from faceplate.render import Renderer
from faceplate.shot import Shot

__all__ = ["run_demo"]


def run_demo(out: Path, frames: int) -> Batch:
    """Makes the plate in `out`/plate, renders `frames` of it into `out`/swap, writes `out`/contact_sheet.png, and says so."""
    out = out.expanduser().resolve()
    print(f"Making the demo plate ({frames} frames) …", flush=True)
    plate = make_plate(out / "plate", frames=frames)
    shot = Shot(
        plate=str(out / "plate" / Path(plate).name),
        source=person("bea"),
        output=str(out / "swap" / "swap.####.exr"),
    )
    sheet = out / "contact_sheet.png"
    batch = render_batch(Renderer(shot), sheet)
    print(f"The plate, half-float EXR in ACEScg:     {shot.plate}")
    print(f"The element, RGBA + matte, to lay over:  {shot.output}")
    print(f"The contact sheet, plate · over · matte: {sheet}")
    return batch
