"""Compare generators on the same frames of tracked shots: a table, and a sheet at 1:1.

    python bench/train/compare.py MODEL SHOT.shot.json ... --actor FOLDER --generator mesh --generator ada_v3 --sheet FOLDER

MODEL is the folder of the trained model; by default the frames are those of its held-out stretches, from the first to the last
frame of each, on which no step was trained; `--frames 1001-1048` takes others. Every frame is rendered in over mode with the
shot's own source and track; `--set plate_detail=0` gives the generators but `mesh` other parameters.

`actor` and `target` are the mean cosines of the result's embeddings with the mean embedding of the actor's pictures and
with that of the plate's own faces, `margin` their difference. A trained model was asked for likeness by SFace, which flatters it:
`--arcface FILE` measures by another recogniser, and look at the sheet as well. `lids r` and `mouth r` correlate the openings in
plate and result over all frames, `flicker` is the low-frequency change from frame to frame inside the face, result over plate, as
in `bench/people/measure_flicker.py`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

sys.path.append(str(Path(__file__).parents[1] / "people"))

from measure_flicker import lids
from scenes import Recogniser, face_crop, labelled, opening

from faceplate import Renderer
from faceplate.color import ColorConfig
from faceplate.color.reading import read_frame, read_still
from faceplate.face import Face, FaceFinder, likeness
from faceplate.image.frame import Frame
from faceplate.models import default_store
from faceplate.plate import PlateFile, Sequence
from faceplate.review.measures import change_between, stabilised, stabilising_matrix, stable_mesh
from faceplate.shot import Policy, load_shot
from faceplate.source.pictures import source_files
from faceplate.train.pack import DOUBLE, open_training_set

Tools = tuple[FaceFinder, ColorConfig, Recogniser]
SIDE = 384
ACTOR_PICTURES = 24


@dataclass
class Figures:
    """What was measured of one generator."""

    to_actor: list[float] = field(default_factory=list)
    to_target: list[float] = field(default_factory=list)
    openings: list[tuple[float, float, float, float]] = field(default_factory=list)
    changes: list[tuple[float, float]] = field(default_factory=list)

    @property
    def cells(self) -> tuple[float, ...]:
        """The cells of the table's row."""
        actor, target = float(np.mean(self.to_actor)), float(np.mean(self.to_target))
        opened = np.array(self.openings)
        plate, result = np.array(self.changes).mean(axis=0)
        lid_r, mouth_r = (float(np.corrcoef(opened[:, k], opened[:, k + 1])[0, 1]) for k in (0, 2))
        return actor, target, actor - target, lid_r, mouth_r, float(result / max(plate, 1e-9))


def main() -> None:
    """Run the command line described at the top of this file."""
    given = options()
    finder, color = FaceFinder(default_store()), ColorConfig.load()
    tools = finder, color, Recogniser(finder, given.arcface)
    actor = actor_embedding(given.actor, tools)
    stretches = {shot: frames_of(given, shot) for shot in given.shots}
    targets = target_embedding(stretches, tools)
    print(f"target to actor, before: {likeness(targets, actor):.3f}\n")
    print("| generator | actor | target | margin | lids r | mouth r | flicker | frames |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    strips: dict[str, list[np.ndarray]] = {"plate": []}
    for generator in given.generator:
        found, strips[generator] = Figures(), []
        for shot, runs in stretches.items():
            renderer = renderer_of(shot, generator, finder, {} if generator == "mesh" else dict(given.set))
            for run in runs:
                measure(renderer, run, tools, (actor, targets), found, (strips["plate"], strips[generator]))
        print(
            f"| {generator} | " + " | ".join(f"{cell:.3f}" for cell in found.cells) + f" | {len(found.to_actor)} |",
            flush=True,
        )
    if given.sheet:
        write_sheet(given, strips)


def frames_of(given: argparse.Namespace, shot: Path) -> list[list[int]]:
    """The runs of neighbouring frames to look at."""
    if given.frames:
        first, last = (int(part) for part in given.frames.split("-"))
        return [list(range(first, last + 1))]
    return held_out_runs(given.model, shot)


def held_out_runs(model: Path, shot: Path) -> list[list[int]]:
    """The held-out stretches of the double in `shot`, with the near-duplicates between them, which no step has seen either."""
    document, packs = open_training_set(model)
    left_out = {(Path(one.file).name, one.frame) for one in document.dropped}
    kept: list[tuple[str, int]] = []
    for file in document.people[DOUBLE]:
        place = shot if Path(file).name == shot.name else shot.parent / Path(file).name
        shot_document = json.loads(place.read_text("utf-8"))
        plate = Sequence.parse(str(place.parent / shot_document["plate"]))
        kept += [(place.name, frame) for frame in plate.on_disk() if (place.name, frame) not in left_out]
    held = np.asarray(packs[DOUBLE].held_out)
    if len(kept) != len(held):
        raise SystemExit(f"{model}: {len(kept)} frames of the shots are left, and the dataset holds {len(held)} faces.")
    runs: list[list[int]] = []
    before = False
    for (name, frame), is_held in zip(kept, held, strict=True):
        if is_held and name == shot.name:
            if before:
                runs[-1] += range(runs[-1][-1] + 1, frame + 1)
            else:
                runs.append([frame])
        before = bool(is_held) and name == shot.name
    return runs


def renderer_of(path: Path, generator: str, finder: FaceFinder, values: dict[str, object] | None = None) -> Renderer:
    """The renderer of a shot file with another generator and other values of parameters."""
    document = json.loads(path.read_text("utf-8"))
    document["parameters"] = {**document.get("parameters", {}), **(values or {}), "generator": generator}
    document |= {"mode": "over", "output": f"compare/{generator}.####.exr"}
    shot = load_shot(document, path.parent).model_copy(update={"policy": Policy(preview_slate=False)})
    return Renderer(shot, finder)


def measure(
    renderer: Renderer,
    run: list[int],
    tools: Tools,
    people: tuple[np.ndarray, np.ndarray],
    found: Figures,
    strips: tuple[list[np.ndarray], list[np.ndarray]],
) -> None:
    """Render one run of frames and add its figures and tiles."""
    (finder, color, recogniser), (actor, target) = tools, people
    crops: list[tuple[np.ndarray, np.ndarray]] = []
    face: Face | None = None
    reference: np.ndarray | None = None
    for number, before in plates(renderer, run, color):
        after = before.with_pixels(renderer.over_picture(renderer.render(number))[..., :3].copy())
        face = finder.find(before)[0] if face is None else finder.refine(before, face)
        there = finder.refine(after, face)
        embedding = recogniser.embed(after, there)
        found.to_actor.append(likeness(embedding, actor))
        found.to_target.append(likeness(embedding, target))
        found.openings.append((lids(face.points), lids(there.points), opening(face.points), opening(there.points)))
        reference = stable_mesh(face.points) if reference is None else reference
        matrix = stabilising_matrix(face.points, reference)
        crops.append((stabilised(before, matrix), stabilised(after, matrix)))
        for strip, frame in zip(strips, (before, after), strict=True):
            strip.append(labelled(face_crop(frame, face, SIDE), str(number)))
    found.changes += [(change_between(one[0], two[0]), change_between(one[1], two[1])) for one, two in pairwise(crops)]


def plates(renderer: Renderer, run: list[int], color: ColorConfig) -> Iterator[tuple[int, Frame]]:
    """The plate's frames of a run."""
    sequence = Sequence.parse(renderer.shot.plate)
    for number in run:
        file = PlateFile.open(sequence.path(number))
        yield number, read_frame(file, color, renderer.shot.space, file.data)


def actor_embedding(folder: Path, tools: Tools) -> np.ndarray:
    """Mean embedding of the actor's pictures, of length 1."""
    finder, color, recogniser = tools
    files = source_files(folder)
    picked = [files[int(k)] for k in np.unique(np.linspace(0, len(files) - 1, ACTOR_PICTURES).round())]
    found = []
    for path in picked:
        frame = read_still(path, color)
        faces = finder.find(frame)
        if faces:
            found.append(recogniser.embed(frame, faces[0]))
    return mean_of(found)


def target_embedding(stretches: dict[Path, list[list[int]]], tools: Tools) -> np.ndarray:
    """Mean embedding of the plate's own faces, of length 1."""
    finder, color, recogniser = tools
    found = []
    for path, runs in stretches.items():
        renderer = renderer_of(path, "null", finder)
        for _, frame in plates(renderer, [number for run in runs for number in run][::3], color):
            found.append(recogniser.embed(frame, finder.find(frame)[0]))
    return mean_of(found)


def mean_of(embeddings: list[np.ndarray]) -> np.ndarray:
    """The mean of embeddings brought to length 1, of length 1."""
    mean = np.mean([one / np.linalg.norm(one) for one in embeddings], axis=0)
    return mean / np.linalg.norm(mean)


def write_sheet(given: argparse.Namespace, strips: dict[str, list[np.ndarray]]) -> None:
    """Write the sheet: a column for each of some frames, the plate above, then each generator."""
    path = given.sheet if given.sheet.suffix in (".png", ".jpg") else given.sheet / "compare.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    count = len(strips["plate"]) // len(given.generator)
    picked = np.unique(np.linspace(0, count - 1, min(given.columns, count)).round().astype(int))
    rows = [np.hstack([strip[k] for k in picked]) for strip in strips.values()]
    quality = [cv2.IMWRITE_JPEG_QUALITY, 80] if path.suffix == ".jpg" else []
    cv2.imwrite(str(path), np.ascontiguousarray(np.vstack(rows)[..., ::-1]), quality)
    print(f"\nsheet: {path} (rows: {', '.join(strips)})")


def parameter(text: str) -> tuple[str, object]:
    """Read `name=value`; a value that is no number or other JSON is a word."""
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("shots", type=Path, nargs="+")
    parser.add_argument("--actor", type=Path, required=True, help="the actor's pictures")
    parser.add_argument("--generator", action="append", required=True, help="any number of times")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=parameter,
        help="name=value: a parameter of the generators but mesh",
    )
    parser.add_argument("--frames", help="first-last, instead of the held-out stretches")
    parser.add_argument("--sheet", type=Path, help="folder for the sheet, or its file, *.png or *.jpg")
    parser.add_argument("--arcface", type=Path, help="ONNX file of an ArcFace network; the default is SFace")
    parser.add_argument("--columns", type=int, default=8, help="frames on the sheet")
    return parser.parse_args()


if __name__ == "__main__":
    main()
