"""The shutter of a view from the slopes of its faces: found in runs and whips, not taken for defocus, and kept in old tracks."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest

from faceplate.comp.edge_energy import measure_energy
from faceplate.comp.edge_widths import edge_places
from faceplate.face import FaceFinder
from faceplate.track import Track
from faceplate.track.sidecar import dump, parse_sidecar
from faceplate.track.streaks import measured_shutter
from pictures import ReadPicture
from streaks import Scene, scene_of, smeared, softened

SIZE = 300.0
FRAMES = 10

Told = tuple[list[np.ndarray], list[np.ndarray]]


@pytest.fixture(scope="module")
def face_of(read_picture: ReadPicture, finder: FaceFinder) -> dict[str, Scene]:
    return {name: scene_of(read_picture(f"{name}/front.jpg"), finder, SIZE) for name in ("ada", "bea", "cal")}


def started(index: int) -> np.ndarray:
    """A face that starts, runs on a bend and stops."""
    speed, angle = 15.0 * np.sin(np.pi * (index + 0.3) / FRAMES), 0.2 + 0.12 * index
    return speed * np.array([np.cos(angle), np.sin(angle)])


def whipped(index: int) -> np.ndarray:
    """A whip pan between two rests, 46 pixels a frame at its fastest."""
    part = np.clip((index - 1.5) / 7.0, 0.0, 1.0)
    return np.array([46.0 * 16 * (part * (1 - part)) ** 2, 0.0])


def running(index: int) -> np.ndarray:
    """A face that never rests and has one speed."""
    return np.array([26.0, -3.0])


def shot(scene: Scene, shutter: float, sigma: float = 0.0, way: Callable[[int], np.ndarray] = started) -> Told:
    """The energies of a face on its way, with a sensor's grain, and its movements."""
    light, window, face = scene
    rng = np.random.default_rng(6)
    places = edge_places(window, face)
    energies, movements = [], []
    for index in range(FRAMES):
        path = way(index)
        picture = smeared(softened(light, sigma), (shutter * path[0], shutter * path[1]))
        grain = rng.standard_normal(picture.shape).astype(np.float32) * 0.02 * np.sqrt(np.maximum(picture, 0.05))
        energy = measure_energy(places.read(picture + grain, window), places)
        assert energy is not None
        energies.append(energy)
        movements.append(path / face.size)
    return energies, movements


@pytest.mark.parametrize("shutter", [0.0, 0.25, 0.5, 0.75])
def test_the_shutter_is_found(face_of: dict[str, Scene], shutter: float) -> None:
    for scene in face_of.values():
        assert measured_shutter([shot(scene, shutter)]) == pytest.approx(shutter, abs=0.1)


@pytest.mark.parametrize("sigma", [0.0, 1.5])
@pytest.mark.parametrize("shutter", [0.0, 0.3, 0.5])
def test_the_shutter_of_a_whip_is_found(face_of: dict[str, Scene], shutter: float, sigma: float) -> None:
    """From the ratios of the edges alone, whips of shutter 0.5 were measured at 0 to 0.3."""
    for scene in face_of.values():
        assert measured_shutter([shot(scene, shutter, sigma, whipped)]) == pytest.approx(shutter, abs=0.1)


def test_the_shutter_of_a_face_that_never_rests_is_found(face_of: dict[str, Scene]) -> None:
    """Nothing but what people have in common tells it, so it is less exact."""
    for scene in face_of.values():
        assert measured_shutter([shot(scene, 0.5, 0.0, running)]) == pytest.approx(0.5, abs=0.2)


def test_several_faces_tell_one_shutter(face_of: dict[str, Scene]) -> None:
    faces = [
        shot(scene, 0.5, sigma, way)
        for scene, sigma, way in zip(face_of.values(), (0.0, 2.0, 0.0), (whipped, started, running), strict=True)
    ]
    assert measured_shutter(faces) == pytest.approx(0.5, abs=0.1)


def test_defocus_is_not_taken_for_a_shutter(face_of: dict[str, Scene]) -> None:
    assert measured_shutter([shot(face_of["ada"], 0.0, 2.0)]) == pytest.approx(0.0, abs=0.15)


def test_a_face_that_stands_still_tells_no_shutter(face_of: dict[str, Scene]) -> None:
    energies, movements = shot(face_of["bea"], 0.5)
    assert measured_shutter([(energies, [0.02 * movement for movement in movements])]) is None
    assert measured_shutter([([], [])]) is None and measured_shutter([]) is None


def test_a_track_without_energies_keeps_its_shutters(track_of_two: Track) -> None:
    """Tracks that were made before have the edges' ratios alone: smoothing them again must not drop what was found."""
    item = json.loads(dump(track_of_two.sidecar))
    item["shutters"] = [{"first": 1001, "last": 1012, "fraction": 0.4}]
    old = Track(parse_sidecar(json.dumps(item)))
    assert all(line.edges is None for person in old.sidecar.people for block in person.blocks for line in block.raw)
    assert [shutter.fraction for shutter in old.smoothed(1.0).sidecar.shutters] == [0.4]
