"""Prints how like source and target the result is, for every pair of demo people, as a Markdown table.

    python bench/identity_table.py [light_scale]

Likeness is the cosine of SFace's embeddings: of the result to the mean of the source's six views, to the target's own frame; and of
the target to the source before anything was done. The target is each person's front view.
"""

from __future__ import annotations

import itertools
import sys

import numpy as np

from faceplate import FaceSwapper
from faceplate.color import ColorConfig
from faceplate.color.reading import read_still
from faceplate.demo import PEOPLE, person
from faceplate.face import FaceFinder, likeness
from faceplate.face.shape import pose_of, turn_between
from faceplate.generators import MeshGenerator
from faceplate.shot.parameters import Parameters
from faceplate.source import read_source


def main(light_scale: float) -> None:
    color, finder = ColorConfig.load(), FaceFinder.embedded()
    sources = {name: read_source(person(name), color, finder) for name in PEOPLE}
    who = {name: source.embedding(finder) for name, source in sources.items()}
    frames = {name: read_still(person(name) / "front.jpg", color) for name in PEOPLE}
    faces = {name: finder.find(frame)[0] for name, frame in frames.items()}
    print("| source | target | nearest view | before | to source | to target |\n|---|---|---:|---:|---:|---:|")
    rows = []
    for source, target in itertools.permutations(PEOPLE, 2):
        frame, face = frames[target], faces[target]
        generator = MeshGenerator(sources[source])
        swapper = FaceSwapper(
            person(source), finder=finder, generator=generator, parameters=Parameters(light_scale=light_scale)
        )
        result = swapper(frame, (face,))
        embedding = finder.embed(result, finder.refine(result, face))
        pose = pose_of(face.points)
        turn = np.degrees(min(turn_between(pose_of(view.face.points), pose) for view in sources[source].views))
        own = finder.embed(frame, face)
        rows.append((likeness(own, who[source]), likeness(embedding, who[source]), likeness(embedding, own)))
        print(
            f"| {source} | {target} | {turn:.0f}° | {rows[-1][0]:.2f} | {rows[-1][1]:.2f} | {rows[-1][2]:.2f} |",
            flush=True,
        )
    means = np.mean(rows, axis=0)
    won = sum(row[1] > row[2] for row in rows)
    print(f"| mean of {len(rows)} | source wins {won} | | {means[0]:.2f} | {means[1]:.2f} | {means[2]:.2f} |")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else Parameters().light_scale)
