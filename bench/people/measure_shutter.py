"""Measure the shutter that tracking finds on simulated whips, runs and shakes of known shutter.

    python bench/people/measure_shutter.py FOLDER --count 0 --clips 24 --seed 1
    python bench/people/measure_shutter.py FOLDER --people aside --count 0 --clips 24 --seed 2

A clip is a person's front picture in front of an uneven wall. The seed draws the way of the face (a whip between two rests, a start
from rest, a run at one speed, a shake, a whip with a turn of its direction), its speed (2 to 18 % of the face's size a frame at
most) and direction, whether the camera pans or the face passes a wall that stands still, the shutter, where in the frame's time
it opens, the face's size, defocus, sensor noise, and whether the clip is compressed as H.264. Each frame is the mean of what the
camera sees while the shutter is open, with the acceleration within that time. `still` clips do not move, and must have no shutter.

`--keep` is a folder for plates' tracks; what is there already is read and measured again. The last lines print the error over the
clips that tell the shutter, and those further than 0.1 from the truth.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from scenes import Setup, header, note, parser_for, row, setup_of

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "support"))

from faceplate.color.reading import read_still
from faceplate.track import Track, track_shot
from faceplate.track.lens import with_lens
from track_plates import background, noisy, over, write

WIDTH, HEIGHT, FRAMES, FIRST = 896, 640, 16, 1001
WAYS = ("whip", "start", "run", "shake", "corner", "still")
SHUTTERS = (0.0, 0.25, 0.35, 0.5, 0.5, 0.5, 0.65, 0.75)
# Moments of an exposure.
SAMPLES = 96
# Room around the plate, in pixels, over which a streak may reach.
ROOM = 72
GOAL = 0.1


@dataclass(frozen=True)
class Clip:
    """What the seed drew: `speed` is the greatest, in fractions of the face's size a frame, `angle` that of the way in radians."""

    person: str
    way: str
    speed: float
    angle: float
    frames: float
    shutter: float
    opens: float
    crosses: bool
    side: float
    sigma: float
    noise: float
    crf: int

    def place(self, times: np.ndarray) -> np.ndarray:
        """Return how far the face has come at `times` (n,), in frames: (n, 2) in fractions of its size."""
        ahead = np.array([np.cos(self.angle), np.sin(self.angle)])
        part = np.clip((times - 3.0) / self.frames, 0.0, 1.0)
        eased = self.speed * self.frames / 1.875 * (part**3 * (10 - 15 * part + 6 * part**2))
        if self.way == "run":
            return (self.speed * times)[:, None] * ahead
        if self.way == "start":
            gone = np.maximum(times - 3.0, 0.0)
            return (self.speed * np.where(gone < 4, gone**2 / 8, gone - 2))[:, None] * ahead
        if self.way == "shake":
            turn = 2 * np.pi / (self.frames + 3)
            return (self.speed / turn * np.sin(turn * times))[:, None] * ahead
        if self.way == "corner":
            later = np.clip((times - 7.0) / self.frames, 0.0, 1.0)
            aside = self.speed * self.frames / 1.875 * (later**3 * (10 - 15 * later + 6 * later**2))
            return eased[:, None] * ahead + aside[:, None] * np.array([-ahead[1], ahead[0]])
        return (eased if self.way == "whip" else np.zeros(len(times)))[:, None] * ahead


def drawn(setup: Setup, number: int, seed: int) -> Clip:
    """Draw a clip."""
    rng = np.random.default_rng([seed, number])
    way = WAYS[number % len(WAYS)]
    side = float(rng.uniform(380, 620))
    # What fits the plate: long ways are level, as most whips are.
    frames, angle = float(rng.uniform(4, 9)), float(rng.normal(0, 0.35) + np.pi * rng.integers(2))
    if way == "shake":
        angle = float(rng.uniform(0, 2 * np.pi))
    return Clip(
        person=setup.people[int(rng.integers(len(setup.people)))].name,
        way=way,
        speed=float(np.exp(rng.uniform(np.log(0.02), np.log(0.18 if way in ("whip", "shake") else 0.09)))),
        angle=angle,
        frames=frames,
        shutter=float(rng.choice(SHUTTERS)),
        opens=float(rng.choice([-0.5, 0.0])),
        crosses=bool(rng.integers(2)),
        side=side,
        sigma=float(rng.choice([0.0, 0.0, 1.0, 2.0])),
        noise=float(rng.choice([0.3, 1.0, 2.0])),
        crf=int(rng.choice([0, 0, 18, 26])),
    )


class Plates:
    """Makes the frames of a clip."""

    def __init__(self, setup: Setup, clip: Clip) -> None:
        self.clip = clip
        person = next(person for person in setup.people if person.name == clip.person)
        portrait = read_still(setup.place(person) / "front.jpg", setup.color).working()
        self.size = float(setup.views(person)[0].face.size) / setup.size * clip.side
        way = clip.place(np.arange(-1, FRAMES + 0.01, 0.1)) * self.size
        self.middle = (way.min(axis=0) + way.max(axis=0)) / 2
        half = np.ceil(np.ptp(way, axis=0) / 2).astype(int) + ROOM
        wide = (WIDTH + 2 * half[0], HEIGHT + 2 * half[1])
        self.wall, self.centre = background(*wide, 5), np.array(wide) / 2
        self.still = np.ascontiguousarray(self.wall[half[1] : half[1] + HEIGHT, half[0] : half[0] + WIDTH])
        head = [over(ground, portrait, tuple(self.centre), clip.side) for ground in (self.wall, 0 * self.wall)]
        matte = 1 - over(np.ones_like(self.wall), 0 * portrait, tuple(self.centre), clip.side)[..., :1]
        scene = np.dstack([head[1], matte]) if clip.crosses else head[0]
        self.scene = cv2.GaussianBlur(scene, (0, 0), clip.sigma) if clip.sigma else scene
        self.spectrum = np.fft.rfft2(np.moveaxis(self.scene, -1, 0), axes=(1, 2)).astype(np.complex64)

    def frame(self, index: int) -> np.ndarray:
        """Return what the camera sees while the shutter is open, scene-linear float32 (h, w, 3)."""
        clip = self.clip
        opened = index + clip.opens * clip.shutter
        times = opened + clip.shutter * (np.arange(SAMPLES) + 0.5) / SAMPLES
        way = clip.place(times) * self.size - self.middle
        whole = np.round(way.mean(axis=0)).astype(int)
        blurred = self._seen_along(way - whole)
        left, top = np.round(self.centre).astype(int) - whole - (WIDTH // 2, HEIGHT // 2)
        seen = blurred[top : top + HEIGHT, left : left + WIDTH]
        return seen[..., :3] + self.still * (1 - seen[..., 3:]) if clip.crosses else seen

    def _seen_along(self, way: np.ndarray) -> np.ndarray:
        """Return the mean of the scene over its places on a `way` (n, 2) in pixels: exact in the frequency domain."""
        height, width = self.scene.shape[:2]
        y, x = np.fft.fftfreq(height), np.fft.rfftfreq(width)
        across, down = (np.exp(-2j * np.pi * np.outer(at, part)) for at, part in zip(way.T, (x, y), strict=True))
        passed = (down.T @ across / len(way)).astype(np.complex64)
        seen = np.fft.irfft2(self.spectrum * passed, s=(height, width), axes=(1, 2))
        return np.ascontiguousarray(np.moveaxis(seen, 0, -1), np.float32)


def compressed(setup: Setup, pictures: list[np.ndarray], crf: int) -> list[np.ndarray]:
    """Return scene-linear pictures after an 8-bit H.264 clip."""
    memory = io.BytesIO()
    with av.open(memory, "w", format="mp4") as written:
        stream = written.add_stream("libx264", rate=24, options={"crf": str(crf), "preset": "fast"})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for picture in pictures:
            shown = np.clip(setup.color.from_working(picture, "sRGB - Texture"), 0, 1)
            written.mux(stream.encode(av.VideoFrame.from_ndarray((shown * 255 + 0.5).astype(np.uint8), format="rgb24")))
        written.mux(stream.encode())
    memory.seek(0)
    with av.open(memory, "r") as read:
        decoded = [frame.to_ndarray(format="rgb24") for frame in read.decode(video=0)]
    return [setup.color.to_working(picture.astype(np.float32) / 255, "sRGB - Texture") for picture in decoded]


def track_of(setup: Setup, clip: Clip, name: str, keep: Path) -> Track:
    """Make and track a clip, or read its track."""
    path, told = keep / f"{name}.track.json", keep / f"{name}.clip.json"
    if path.exists() and json.loads(told.read_text()) == asdict(clip):
        return Track.load(path)
    plates = Plates(setup, clip)
    pictures = [noisy(plates.frame(index), FIRST + index, clip.noise) for index in range(FRAMES)]
    if clip.crf:
        pictures = compressed(setup, pictures, clip.crf)
    with tempfile.TemporaryDirectory() as folder:
        for index, picture in enumerate(pictures):
            write(Path(folder) / f"plate.{FIRST + index}.exr", picture)
        track_shot(str(Path(folder) / "plate.####.exr"), path, finder=setup.finder)
    told.write_text(json.dumps(asdict(clip)))
    return Track.load(path)


def found_in(track: Track) -> float:
    """Return the shutter that the edges of a track tell; NaN where they tell none."""
    shutters = with_lens(track.sidecar).shutters
    return shutters[0].fraction if shutters else float("nan")


def main() -> None:
    """Run the command line described at the top of this file."""
    parser = parser_for(__doc__)
    parser.set_defaults(count=0)
    parser.add_argument("--clips", type=int, default=24, help="number of clips")
    parser.add_argument("--seed", type=int, default=1, help="what the clips are drawn with")
    parser.add_argument("--keep", type=Path, help="folder for tracks, which are kept there")
    given = parser.parse_args()
    setup, rows = setup_of(given), []
    header("clip", "person", "way", "speed, %", "size", "defocus", "noise", "H.264", "truth", "found", words=3)
    with tempfile.TemporaryDirectory() as temporary:
        keep = given.keep or Path(temporary)
        keep.mkdir(parents=True, exist_ok=True)
        for number in range(given.clips):
            clip = drawn(setup, number, given.seed)
            found = found_in(track_of(setup, clip, f"{given.seed}_{number}", keep))
            rows.append((clip, found))
            told = (100 * clip.speed, clip.side, clip.sigma, clip.noise, str(clip.crf or "–"), clip.shutter, found)
            row(str(number), clip.person, clip.way, *told)
            note(f"{number} done")
    summed_up(rows)


def summed_up(rows: list[tuple[Clip, float]]) -> None:
    """Print the errors of the clips that move, and the still ones."""
    still = [found for clip, found in rows if clip.way == "still"]
    print(f"\nstill: {sum(found > 0 for found in still)} of {len(still)} have a shutter")
    moving = [(clip, found) for clip, found in rows if clip.way != "still"]
    groups = {way: [item for item in moving if item[0].way == way] for way in WAYS[:-1]}
    groups["H.264"] = [item for item in moving if item[0].crf]
    groups["not compressed"] = [item for item in moving if not item[0].crf]
    for name, known in {**groups, "all": moving}.items():
        off = np.array([found - clip.shutter for clip, found in known if found == found])
        if off.size:
            print(
                f"{name}: {off.size} of {len(known)} tell a shutter, error {off.mean():+.3f} ({off.std():.3f}), "
                f"largest {np.abs(off).max():.2f}, further than {GOAL}: {int((np.abs(off) > GOAL + 1e-6).sum())}"
            )


if __name__ == "__main__":
    main()
