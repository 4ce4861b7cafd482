"""How `landmarks.json` and the demo performance's guide were made: by Google's own MediaPipe runtime, not by Faceplate.

    python make_truth.py face_landmarker_v2_with_blendshapes.task core/faceplate/demo/people

It needs `mediapipe==0.10.21` in an environment of its own (it is not a dependency of Faceplate) and is not run by the
tests: it stands here so that every number in `landmarks.json` can be made again.

**Pixel convention.** The points that are stored are continuous coordinates with pixel centres at +0.5, as in
`faceplate.image.window`. What MediaPipe answers, times the picture's size, is *not* quite that. On the CPU it cuts the
network's 256 x 256 input out of the picture with a warp whose corners are the region's corners but whose samples are
taken at whole indices (`image_to_tensor_converter_opencv.cc`), on both sides. With `s` picture pixels to one network
pixel and a region turned by `R`, the answer lies `R (s/2, s/2) - (1/2, 1/2)` too far right and down: about 1.3 pixels
in these pictures. Two measurements on the 36 views bear it out:

- Reading a picture at 1/2, 1/4 and 2 times its size moves the mean answer, in the picture's own pixels, by
  (-0.52, -0.41), (-1.58, -1.35) and (+0.31, +0.22); whole-index sampling predicts -0.5, -1.5 and +0.25, and true
  continuous coordinates would not move.
- The mean x of a picture and the mean x of its mirror image add up to the width plus 2.48 pixels; the formula
  predicts 2.65, and true continuous coordinates would add up to the width.

A third one, on the 41 pictures of `landmarks.json`: the same landmark network in ONNX Runtime, on the same regions cut
out with pixel centres at +0.5, answers (-0.06, -0.01) pixels away from the stored points in the mean.

The script takes that offset off.

**Steadiness.** One answer moves by 1.5 pixels in the mean when the picture is turned or scaled a little. What is stored is
the median of 16 answers, on the picture turned by up to 10 degrees, scaled to 80 % or more and moved by up to 30 pixels,
each brought back.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import zipfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import mediapipe as mp  # pyright: ignore[reportMissingImports]
import numpy as np

VIEWS = ("front", "left", "right", "open", "closed", "smile")
TESTED_FRAMES = (1001, 1006, 1012, 1018, 1024)
NETWORK_SIDE = 256
NUDGES = 16
REGION_SCALE = 1.5
"""The landmark network sees a square of 1.5 times the longer side of the detector's box (MediaPipe's graph)."""

IRISES = ((468, 469, 471), (473, 474, 476))
"""Centre, and the two ends of the horizontal diameter, of the iris at the picture's left and at its right."""

MATTE_SIDE = 128
MATTES_ACROSS = 6


class Truth:
    """Google's face landmarker and its own detector, on one picture at a time."""

    def __init__(self, task: Path) -> None:
        vision, base = mp.tasks.vision, mp.tasks.BaseOptions
        self._landmarker = vision.FaceLandmarker.create_from_options(
            vision.FaceLandmarkerOptions(
                base_options=base(model_asset_path=str(task)), num_faces=1, output_face_blendshapes=True
            )
        )
        with zipfile.ZipFile(task) as archive:
            detector = archive.read("face_detector.tflite")
        self._detector = vision.FaceDetector.create_from_options(
            vision.FaceDetectorOptions(base_options=base(model_asset_buffer=detector))
        )

    def measure(self, path: Path) -> dict[str, object] | None:
        """What `landmarks.json` holds of one picture, or None when MediaPipe's default options find no face."""
        image = mp.Image.create_from_file(str(path))
        found, faces = self._landmarker.detect(image), self._detector.detect(image).detections
        if not found.face_landmarks or not faces:
            return None
        size = np.array([image.width, image.height], np.float64)
        points = np.median(list(self._answers(image.numpy_view())), axis=0)
        box = faces[0].bounding_box
        return {
            "size": size.astype(int).tolist(),
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "box": [box.origin_x, box.origin_y, box.width, box.height],
            "points": np.round(points, 2).tolist(),
            "blendshapes": {shape.category_name: round(shape.score, 4) for shape in found.face_blendshapes[0]},
        }

    def _answers(self, pixels: np.ndarray) -> Iterator[np.ndarray]:
        """The points (478, 2) as seen in nudged copies of `pixels`, in continuous coordinates of `pixels`."""
        height, width = pixels.shape[:2]
        for matrix in _nudges(width, height):
            linear, shift = matrix[:, :2], matrix[:, 2]
            whole = np.column_stack([linear, linear @ (0.5, 0.5) + shift - 0.5])
            warped = cv2.warpAffine(
                pixels, whole, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
            )
            image = mp.Image(image_format=mp.ImageFormat.SRGB, data=np.ascontiguousarray(warped))
            found, faces = self._landmarker.detect(image), self._detector.detect(image).detections
            if found.face_landmarks and faces:
                size = np.array([width, height], np.float64)
                seen = np.array([(point.x, point.y) for point in found.face_landmarks[0]]) * size
                yield (seen - _crop_offset(faces[0], size) - shift) @ np.linalg.inv(linear).T


def _nudges(width: int, height: int) -> Iterator[np.ndarray]:
    """Matrices (2, 3) in continuous coordinates that turn, shrink and move a picture a little."""
    random = np.random.default_rng(1)
    centre = np.array([width / 2, height / 2])
    for _ in range(NUDGES):
        angle, scale, shift = np.radians(random.uniform(-10, 10)), random.uniform(0.8, 1.0), random.uniform(-30, 30, 2)
        linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        yield np.column_stack([linear, centre + shift - linear @ centre])


def _crop_offset(face: object, size: np.ndarray) -> np.ndarray:
    """How far right and down of the truth MediaPipe's answer lies, in pixels (2,): see the top of this file."""
    box = face.bounding_box  # pyright: ignore[reportAttributeAccessIssue]
    eyes = np.array([(k.x, k.y) for k in face.keypoints[:2]]) * size  # pyright: ignore[reportAttributeAccessIssue]
    turn = math.atan2(*(eyes[1] - eyes[0])[::-1])
    half = REGION_SCALE * max(box.width, box.height) / NETWORK_SIDE / 2
    cos, sin = math.cos(turn), math.sin(turn)
    return np.array([half * (cos - sin) - 0.5, half * (sin + cos) - 0.5])


def _pictures(people: Path) -> list[Path]:
    views = [person / f"{view}.jpg" for person in sorted(p for p in people.iterdir() if p.is_dir()) for view in VIEWS]
    return views + [people / "ada" / "performance" / f"ada.{frame}.jpg" for frame in TESTED_FRAMES]


def write_truth(truth: Truth, people: Path, target: Path) -> None:
    """Measures every picture the tests use and writes one line for each."""
    lines = []
    for path in _pictures(people):
        measured = json.dumps(truth.measure(path), separators=(",", ":"))
        lines.append(f"{json.dumps(path.relative_to(people).as_posix())}:{measured}")
    about = (
        "478 points [x, y] in pixels of that picture, continuous, pixel centres at +0.5, y down; box is the detector's "
        "[x, y, width, height]; points are the median of 16 nudged looks; null: no face found. See make_truth.py."
    )
    made = {"mediapipe": mp.__version__, "options": "FaceLandmarker, IMAGE mode, num_faces=1, otherwise default"}
    body = ",\n".join(lines)
    target.write_text(f'{{"about":{json.dumps(about)},\n"made_with":{json.dumps(made)},\n"pictures":{{\n{body}\n}}}}\n')


def write_guide(truth: Truth, performance: Path) -> None:
    """Writes what the demo plate needs to know of each frame: `guide/eyes.json` and `guide/mattes.png`."""
    segmenter = mp.solutions.selfie_segmentation.SelfieSegmentation(model_selection=0)
    eyes, mattes = {}, []
    for path in sorted(performance.glob("*.jpg")):
        measured = truth.measure(path)
        if measured is None:
            raise SystemExit(f"MediaPipe finds no face in {path}.")
        points = np.array(measured["points"])
        eyes[path.stem.split(".")[1]] = [
            [*np.round(points[centre], 1).tolist(), round(float(np.linalg.norm(points[a] - points[b]) / 2), 1)]
            for centre, a, b in IRISES
        ]
        picture = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        matte = segmenter.process(picture[..., ::-1].copy()).segmentation_mask
        side = (MATTE_SIDE, MATTE_SIDE)
        mattes.append(np.round(cv2.resize(matte, side, interpolation=cv2.INTER_AREA) * 255).astype(np.uint8))
    rows = [np.hstack(mattes[i : i + MATTES_ACROSS]) for i in range(0, len(mattes), MATTES_ACROSS)]
    guide = performance / "guide"
    guide.mkdir(exist_ok=True)
    cv2.imwrite(str(guide / "mattes.png"), np.vstack(rows), [cv2.IMWRITE_PNG_COMPRESSION, 9])
    body = ",\n".join(f"{json.dumps(frame)}:{json.dumps(value)}" for frame, value in eyes.items())
    (guide / "eyes.json").write_text(f"{{\n{body}\n}}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures the demo people with MediaPipe.")
    parser.add_argument("task", type=Path, help="face_landmarker_v2_with_blendshapes.task")
    parser.add_argument("people", type=Path, help="core/faceplate/demo/people")
    options = parser.parse_args()
    truth = Truth(options.task)
    write_truth(truth, options.people, Path(__file__).with_name("landmarks.json"))
    write_guide(truth, options.people / "ada" / "performance")


if __name__ == "__main__":
    main()
