"""Why data is aligned: shifts and turns the crop that a network sees.

    python alignment.py            a table, alignment.png and average.png

The recogniser was trained on faces whose eyes, nose and mouth always lie at the same places of a crop. This script moves the crop
on purpose and asks how alike the same person still looks. `average.png` shows the mean of pictures of the demo's people:
aligned, and with crops shifted by up to a tenth of their side and turned by up to 15 degrees.
"""

import cv2
import numpy as np

from faceplate.color import ColorConfig
from faceplate.demo import PEOPLE, VIEWS, person
from faceplate.face import FaceFinder
from faceplate.face.align import crop_matrix, resample
from faceplate.image import Frame, Window

PICTURES = 24  # for the average
SIDE = 256
COLOR, FINDER = ColorConfig.load(environ={}), FaceFinder.embedded()


def read(path):
    """Return a picture as a frame, and the face in it."""
    pixels = np.ascontiguousarray(cv2.imread(str(path))[..., ::-1], np.float32) / 255
    frame = Frame(pixels, Window(0, 0, pixels.shape[1], pixels.shape[0]), COLOR.resolve("sRGB - Texture"), COLOR)
    return frame, FINDER.find(frame)[0]


def moved(face, shift=0.0, degrees=0.0):
    """Return the face with its points shifted to the right by a part of its size, and turned about its middle."""
    points = face.points.copy()
    middle = points[:, :2].mean(axis=0)
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    points[:, :2] = (points[:, :2] - middle) @ np.array([[c, s], [-s, c]]) + middle + (shift * face.size, 0)
    return face.moved(points)


def crop(frame, face):
    """Return the crop that a network would see, in 0..1."""
    return resample(frame.pixels, frame.window, crop_matrix(face.five, "ffhq_512", SIDE), Window(0, 0, SIDE, SIDE))


def unit(vector):
    """Return a vector at length 1."""
    return vector / np.linalg.norm(vector)


def main():
    """Print the table and write both pictures."""
    known, other = read("people/gus_younger/front.jpg"), read(person("bea") / "front.jpg")
    same_frame, same = read("people/gus_younger/smile.jpg")
    who, stranger = unit(FINDER.embed(*known)), unit(FINDER.embed(*other))
    print("the crop is         same person  another person")
    tiles = []
    for text, shift, degrees in (
        ("as it should be", 0, 0), ("shifted by 0.05", 0.05, 0), ("shifted by 0.10", 0.1, 0), ("shifted by 0.20", 0.2, 0),
        ("turned by 10", 0, 10), ("turned by 20", 0, 20), ("turned by 40", 0, 40),
    ):  # fmt: skip
        face = moved(same, shift, degrees)
        seen = unit(FINDER.embed(same_frame, face))
        print(f"{text:18}  {seen @ who:11.3f}  {seen @ stranger:14.3f}")
        tiles.append((text, crop(same_frame, face)))
    write("alignment.png", tiles)
    rng = np.random.default_rng(3)
    paths = [person(name) / f"{view}.jpg" for view in VIEWS for name in PEOPLE]
    faces = [read(path) for path in paths[:PICTURES]]
    aligned = np.mean([crop(frame, face) for frame, face in faces], axis=0)
    loose = [crop(frame, moved(face, rng.uniform(-0.1, 0.1), rng.uniform(-15, 15))) for frame, face in faces]
    write("average.png", [(f"{len(faces)} faces, aligned", aligned), ("not aligned", np.mean(loose, axis=0))])


def write(path, tiles):
    """Write labelled tiles side by side."""
    shown = []
    for text, pixels in tiles:
        tile = np.ascontiguousarray((np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8)[..., ::-1])
        cv2.putText(tile, text, (6, SIDE - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (255, 255, 255), 1, cv2.LINE_AA)
        shown.append(tile)
    cv2.imwrite(path, np.hstack(shown))
    print(path)


if __name__ == "__main__":
    main()
