"""The frames that a dataset is made from: pictures, frames and movies of a person, and the faces of tracked shots."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from faceplate.color import ColorConfig
from faceplate.color.reading import read_still
from faceplate.errors import UsageError
from faceplate.face import Face, FaceFinder
from faceplate.image.frame import Frame
from faceplate.plate import Sequence
from faceplate.plate.movie import is_movie, open_movie
from faceplate.render.resources import RenderResources
from faceplate.render.tracking import tracker_for
from faceplate.shot import Shot, is_shot_file, load_shot
from faceplate.source.pictures import source_files
from faceplate.system.user_paths import exists, is_dir
from faceplate.track import PlateReader, Track, auto_track_path

__all__ = ["ReadSettings", "SeenFaces", "TrainingFrame", "TrainingInput", "open_input"]

# Faces of one picture that are compared with the person, the largest first.
_FACES = 4
# Margin around a tracked face that is read, as a fraction of the face's size: the crop's template and occluders lie inside.
_MARGIN = 0.5


@dataclass(frozen=True)
class ReadSettings:
    """How inputs are read.

    Attributes
    ----------
    finder : FaceFinder
        Finds the faces of pictures, and recognises all.
    ocio : str, optional
        An OCIO config for pictures and movies; a shot names its own.
    space : str, optional
        The pictures' colour space where the files do not say.
    every : int
        Every n-th frame of a movie, a sequence or a track is read.
    """

    finder: FaceFinder
    ocio: str | None = None
    space: str | None = None
    every: int = 1


@dataclass(frozen=True)
class SeenFaces:
    """A frame, or a part of one, and the faces in it, the largest first."""

    picture: Frame
    faces: tuple[Face, ...]


@dataclass(frozen=True)
class TrainingFrame:
    """One frame of an input.

    Attributes
    ----------
    file : str
        The file's name, with the name of its folder.
    frame : int, optional
        The frame of a movie or of a shot.
    read : callable
        Reads the frame. Raises `FaceplateError` with the reason why it cannot be used.
    """

    file: str
    frame: int | None
    read: Callable[[], SeenFaces]


@dataclass(frozen=True)
class TrainingInput:
    """One input of a person: `path` as it was given, the `frames` in order, and what the shot is, for its release.

    `place` is where a release lies beside, `shot` and `production` the shot's, "" for pictures.
    """

    path: str
    place: Path
    frames: tuple[TrainingFrame, ...]
    shot: str = ""
    production: str = ""


def open_input(path: Path, settings: ReadSettings) -> TrainingInput:
    """List the frames of an input; nothing is read yet.

    Parameters
    ----------
    path : Path
        A folder of pictures and movies, a picture, a movie, frames (`turn.####.exr`), or a tracked shot (`x.shot.json`).
    settings : ReadSettings
        How it is read.

    Raises
    ------
    UsageError
        `source-missing`, `source-without-face`, what `load_shot` raises; `no-track` for a shot without a track.
    RenderError
        What `open_movie` raises, and `Track.choose` for a shot whose `target` names nobody.
    """
    if is_shot_file(path):
        return _tracked(path, settings)
    color = ColorConfig.load(settings.ocio)
    frames: list[TrainingFrame] = []
    files = source_files(path)
    step = 1 if is_dir(path) else settings.every  # stills of a folder are no neighbours
    for file in files[::step]:
        frames += list(_frames_of(file, color, settings))
    return TrainingInput(str(path), path, tuple(frames))


def _frames_of(file: Path, color: ColorConfig, settings: ReadSettings) -> Iterator[TrainingFrame]:
    name = f"{file.parent.name}/{file.name}"

    def reader(index: int | None) -> Callable[[], SeenFaces]:
        def read() -> SeenFaces:
            picture = read_still(file, color, settings.space, index or 0)
            return SeenFaces(picture, settings.finder.find(picture)[:_FACES])

        return read

    numbers = range(0, len(open_movie(file)), settings.every) if is_movie(file) else (None,)
    for number in numbers:
        yield TrainingFrame(name, number, reader(number))


def _tracked(path: Path, settings: ReadSettings) -> TrainingInput:
    """List the frames of a shot in which its track shows the person that the shot's `target` names."""
    shot = load_shot(path)
    resources = RenderResources(shot.model_copy(update={"track": _track_file(shot, path)}), settings.finder)
    track = resources.given_track
    assert track is not None
    person = resources.person(shot.parameters)
    reader = tracker_for(shot, resources.color, settings.finder).reader
    wanted = set(shot.frames) if shot.frames else None
    numbers = [frame for frame in track.person(person).frames if wanted is None or frame in wanted]
    frames = tuple(
        TrainingFrame(path.name, number, _tracked_reader(reader, track, person, number))
        for number in numbers[:: settings.every]
    )
    return TrainingInput(str(path), Path(shot.plate), frames, shot.name, shot.production)


def _tracked_reader(reader: PlateReader, track: Track, person: str, number: int) -> Callable[[], SeenFaces]:
    def read() -> SeenFaces:
        seen = track.face(person, number)
        if seen is None or seen.bad:
            raise UsageError("left-out", "an artist left the frame out of the track")
        if not seen.seen:
            raise UsageError("not-seen", "the track interpolates the face here")
        with reader.open(number) as picture:
            return SeenFaces(picture.read(seen.face.window(_MARGIN)), (seen.face,))

    return read


def _track_file(shot: Shot, path: Path) -> Path:
    """Return the shot's track, else the one kept beside its output. Raises `UsageError('no-track')`."""
    kept = auto_track_path(Sequence.parse(shot.output)) if shot.output else None
    found = shot.track or kept
    if found is None or not exists(found):
        where = found or path.with_name(path.name.replace(".shot.json", ".track.json"))
        raise UsageError("no-track", f"{path} has no track; run: faceplate track '{shot.plate}' -o {where}")
    return found
