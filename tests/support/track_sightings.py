"""What the tracker would have seen of heads at known places, without a pixel."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from faceplate.face.landmark import Region
from faceplate.face.shape import RIGID, head_model
from faceplate.image.window import Window
from faceplate.track import Track, model
from faceplate.track.assembly import build
from faceplate.track.checkpoint import FrameRecord
from faceplate.track.observation import FaceObservation, FrameObservation
from faceplate.track.optical_flow import Flow
from faceplate.track.shot_analysis import segments_of
from faceplate.track.smooth import decompose, place, region_groups

FIRST = 1001
VIEW = np.full(256, 160, np.uint8)


def mean_head(x: float, y: float, scale: float = 90.0, turn: float = 0.0) -> np.ndarray:
    """The mean head (478, 3) with its skull's centre at (x, y)."""
    shape = head_model().reference - np.array([*head_model().reference[RIGID, :2].mean(axis=0), 0])
    return place(np.array([x, y, np.log(scale), turn]), shape)


def identity(person: int) -> np.ndarray:
    return np.random.default_rng(person).standard_normal(128).astype(np.float32)


def sighting_of(points: np.ndarray, number: int, person: int, new: bool, flow: Flow | None) -> FaceObservation:
    return FaceObservation(
        number=number, points=points, score=0.9, presence=0.99, level=0.2, region=Region(np.zeros(2), 1.0, 0.0),
        corner=(0.0, 0.0), scale=1.0, gain=1.0, new=new, flow=flow, embedding=identity(person) if new else None,
        anchor=points if new else None,
    )  # fmt: skip


def flow_from(before: np.ndarray, after: np.ndarray, moved: int = 0) -> Flow:
    a, b = decompose(before)[0], decompose(after)[0]
    scale, turn = np.exp(b[2] - a[2]), b[3] - a[3]
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix = np.column_stack([linear, b[:2] - linear @ a[:2]])
    return Flow(matrix, 1.0, 0.02, (moved,) * len(region_groups()))


def seen_frames(
    frames: int,
    people: dict[int, Callable[[int], np.ndarray | None]],
    *,
    flowing: bool = True,
    truth: dict[int, Callable[[int], np.ndarray | None]] | None = None,
    views: Callable[[int], np.ndarray] = lambda i: VIEW,
) -> list[FrameRecord]:
    """What a worker would have seen of `people` (their meshes by frame index); the flow tells of `truth`."""
    windows = (Window(0, 0, 1280, 720), Window(-16, 12, 1312, 696))
    truth = truth or people
    seen: list[FrameRecord] = []
    for segment in segments_of(range(FIRST, FIRST + frames)):
        present: set[int] = set()
        numbers: dict[int, int] = {}
        for frame in [*segment.frames, *([segment.tail] if segment.tail else [])]:
            faces = []
            for person, where in people.items():
                points = where(frame - FIRST)
                if points is None:
                    present.discard(person)
                    continue
                if person not in present:
                    numbers[person] = max(numbers.values(), default=-1) + 1
                new, flow = person not in present, None
                if not new and flowing:
                    before, after = (truth[person](frame - FIRST - k) for k in (1, 0))
                    assert before is not None and after is not None
                    flow = flow_from(before, after)
                faces.append(sighting_of(points, numbers[person], person, new, flow))
                present.add(person)
            look = FrameObservation(frame, views(frame - FIRST), tuple(faces), 9)
            seen.append(FrameRecord(segment.number, frame, frame == segment.tail, None, look, "", windows))
    return seen


PLATE = model.Plate(pattern="plate.####.exr", display=(0, 0, 1280, 720), data=(-16, 12, 1312, 696))


def track_from(seen: list[FrameRecord], **smoothing: float) -> Track:
    return Track(build(seen, PLATE, model.Smoothing.model_validate(smoothing), {}))


def points_at(track: Track, person: str, frame: int) -> np.ndarray:
    tracked = track.face(person, frame)
    assert tracked is not None
    return tracked.face.points


def jittery(where: Callable[[int], np.ndarray], noise: float, seed: int = 5) -> Callable[[int], np.ndarray]:
    def points(i: int) -> np.ndarray:
        rng = np.random.default_rng([seed, i])
        # The landmarker's jitter: partly common to all points, partly each point's own.
        return where(i) + noise * (rng.standard_normal((1, 3)) * 0.6 + rng.standard_normal((478, 3)) * 0.8)

    return points


def rms(track: Track, where: Callable[[int], np.ndarray], raw: bool = False) -> float:
    gaps = []
    for frame in track.frames:
        face = track.raw("p1", frame) if raw else track.face("p1", frame)
        assert face is not None
        points = face.points if raw else face.face.points  # type: ignore[union-attr]
        gaps.append((points - where(frame - FIRST))[:, :2])
    gap = np.array(gaps)
    gap -= gap.mean(axis=0)
    return float(np.sqrt((gap**2).sum(axis=2).mean()))
