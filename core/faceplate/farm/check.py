"""Checks a rendered sequence: complete, whole, of one take, finite, as recorded, and made from the current inputs.

Release and signature are checked by `faceplate verify`; this is what a farm asks before anybody looks at the frames.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813  (the name its own documentation uses)

from faceplate.comp.layers import face_layer
from faceplate.errors import FaceplateError, UsageError
from faceplate.issues import Mark
from faceplate.models.devices import cores
from faceplate.plate import Sequence
from faceplate.plate.reader import open_input
from faceplate.provenance import collect, record
from faceplate.provenance.fingerprints import fingerprint
from faceplate.provenance.manifest import manifest_path, records_folder
from faceplate.render import Renderer
from faceplate.render.current import is_current, is_whole
from faceplate.render.issues import issue_file
from faceplate.render.mixed_tracks import other_tracks
from faceplate.render.resources import RenderResources
from faceplate.signing import signing_key
from faceplate.signing.canonical import sha256_of
from faceplate.system.user_paths import exists
from faceplate_client.exr import header

__all__ = ["FAULTS", "Fault", "Report", "check_shot", "leftovers"]

FAULTS = {
    "missing": "there is no file",
    "damaged": "the file is not whole",
    "foreign": "Faceplate did not make the file",
    "plate-changed": "the plate is another one than the frame was made from",
    "weights-changed": "the weights are others than the frame was made with",
    "other-track": "the frame was made with a track of other frames than the shot has now",
    "stale": "source, track, parameters or colours are others than the frame was made with",
    "other-take": "the frame is of another take than most",
    "not-finite": "there are samples that are NaN or infinite",
    "black": "the whole frame is black",
    "empty": "the track has a face, the element is empty",
    "duplicate": "the frame shows what another frame shows, whose plate is another one",
    "changed": "the pixels are not those that were written",
}
"""Every kind of fault, and its meaning."""

_TAKE = ("faceplate:engine", "faceplate:generator", "faceplate:shot_id", "faceplate:take", "faceplate:purpose")


@dataclass(frozen=True)
class Fault:
    """A fault of one frame: a code of `FAULTS`, and one sentence; `face` is the person that it is about, in a shot of several."""

    frame: int
    code: str
    message: str
    face: str = ""


@dataclass(frozen=True)
class Report:
    """What a check found.

    `left` are hidden files that killed writers left behind; they are harmless. `refused` is one sentence where the take's
    signed manifest no longer matches the frames and there is no key to sign it again. `note` is one sentence where the faults
    could not be put into the shot's list of issues.
    """

    frames: tuple[int, ...]
    faults: tuple[Fault, ...]
    left: tuple[Path, ...]
    manifest: Path | None
    devices: tuple[str, ...] = ()
    refused: str = ""
    note: str = ""

    @property
    def sound(self) -> bool:
        """Whether no frame has a fault and the manifest fits."""
        return not self.faults and not self.refused

    @property
    def bad(self) -> tuple[int, ...]:
        """The frames to render again."""
        return tuple(sorted({fault.frame for fault in self.faults}))


@dataclass(frozen=True)
class _Seen:
    """What was read from one frame's file."""

    frame: int
    path: Path
    faults: tuple[Fault, ...] = ()
    said: Mapping[str, Any] = field(default_factory=dict)
    pixels: str = ""
    plate: str = ""


def check_shot(
    renderer: Renderer,
    frames: Iterable[int] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Read every frame of the shot's output, or of `frames`, and report what is wrong.

    A sound frame without a record (its writer was killed in between) gets one, and the take's manifest is collected
    again from all records. Raises `FaceplateError` where the shot itself cannot be opened.
    """
    renderer.prepare()
    wanted = tuple(sorted(set(frames or renderer.frames())))
    wanted = tuple(frame for frame in wanted if renderer.plate_frame(frame) is not None)
    seen: list[_Seen] = []
    with ThreadPoolExecutor(min(cores(), 8)) as pool:
        for item in pool.map(lambda frame: _look(renderer, frame), wanted):
            seen.append(item)
            if progress is not None:
                progress(len(seen), len(wanted))
    faults = [fault for item in seen for fault in item.faults]
    faults += [*_other_takes(seen), *_duplicates(seen)]
    _record_missing(renderer, seen)
    manifest, refused = _collected(renderer.output)
    devices = sorted({str(item.said["faceplate:device"]) for item in seen if "faceplate:device" in item.said})
    found = tuple(sorted(faults, key=lambda fault: (fault.frame, fault.code)))
    note = _keep_issues(renderer, found, wanted)
    return Report(wanted, found, leftovers(renderer.output), manifest, tuple(devices), refused, note)


def _keep_issues(renderer: Renderer, faults: Iterable[Fault], frames: tuple[int, ...]) -> str:
    """Put the faults of the checked `frames` into the shot's list of issues; return why not, else ""."""
    file = issue_file(renderer)
    marks = [Mark(kind="fault", frame=fault.frame, face=fault.face, text=fault.message) for fault in faults]
    try:
        if file is not None:
            file.replace("check", marks, frames)
    except FaceplateError as error:
        return error.message
    return ""


def _collected(output: Sequence) -> tuple[Path | None, str]:
    """Return the take's manifest, made anew of all records, and why a signed one was left as it is."""
    try:
        return collect(output, signing_key()), ""
    except UsageError as error:
        if error.code != "manifest-signed":
            raise
        return manifest_path(output), error.message


def leftovers(output: Sequence) -> tuple[Path, ...]:
    """Return the hidden files that killed writers of this sequence left behind."""
    stem = Path(output.path(0)).stem if output.is_still else output.prefix
    with suppress(OSError):
        frames = output.folder.glob(f".{stem}*.part{Path(output.path(0)).suffix}")
        return tuple(sorted((*frames, *records_folder(output).glob(".*.part.json"))))
    return ()


# One frame ----------------------------------------------------------------------------------------------------------


def _look(renderer: Renderer, frame: int) -> _Seen:
    path = renderer.output.path(frame)
    if not exists(path):
        return _Seen(frame, path, (_fault(frame, "missing", path),))
    said = header(str(path))
    if path.suffix.lower() == ".exr" and not is_whole(path):
        return _Seen(frame, path, (_fault(frame, "damaged", path),))
    try:
        pixels = fingerprint(path).pixels
        values = _values(path, _part(renderer, frame))
    except FaceplateError as error:
        return _Seen(frame, path, (Fault(frame, "damaged", str(error)),))
    if path.suffix.lower() == ".exr" and "faceplate:key" not in said:
        return _Seen(frame, path, (_fault(frame, "foreign", path),))
    codes = [*_of_pixels(renderer, frame, values), *_made_of(renderer, frame, said)]
    empty = [*_empty_faces(renderer, frame, values)] if "empty" not in codes else []
    if _recorded(renderer.output, frame) not in ("", pixels):
        codes.append("changed")
    faults = (*(_fault(frame, code, path) for code in codes), *(_fault(frame, "empty", path, name) for name in empty))
    return _Seen(frame, path, faults, said, pixels, str(said.get("faceplate:plate_sha256", "")))


def _fault(frame: int, code: str, path: Path, face: str = "") -> Fault:
    """Return a fault; `face` names the person that it is about, in a shot of several."""
    who = f"{path.name}, {face}" if face else path.name
    return Fault(frame, code, f"{who}: {FAULTS[code]}.", face)


def _part(renderer: Renderer, frame: int) -> int:
    """Return the part of the frame's file that holds the picture: an over has the parts of its plate, an element one at first."""
    if renderer.shot.mode != "over":
        return 0
    with suppress(FaceplateError):
        file = renderer.open(frame)
        return file.part if file.is_exr else 0
    return 0


def _values(path: Path, part: int = 0) -> dict[str, np.ndarray]:
    """Every channel of a part, float32 (h, w), by name."""
    source = open_input(path)
    try:
        spec = source.spec(part, 0)
        pixels = np.asarray(source.read_image(part, 0, 0, spec.nchannels, oiio.FLOAT))
        return {name: pixels[..., index] for index, name in enumerate(spec.channelnames)}
    finally:
        source.close()


def _of_pixels(renderer: Renderer, frame: int, values: Mapping[str, np.ndarray]) -> Iterable[str]:
    if not all(np.isfinite(channel).all() for name, channel in values.items() if not name.startswith("depth")):
        yield "not-finite"
    colours = [values[name] for name in ("R", "G", "B") if name in values]
    dark = bool(colours) and all(float(np.nanmax(channel, initial=0.0)) <= 0 for channel in colours)
    if renderer.shot.mode == "over":
        if dark and not _plate_is_black(renderer, frame):
            yield "black"
        return
    alpha = values.get("A")
    covered = alpha is not None and float(np.nanmax(alpha, initial=0.0)) > 0
    if covered and dark:
        yield "black"
    if not covered and any(_has_face(face.resources, frame) for face in renderer.faces or (renderer,)):
        yield "empty"


def _empty_faces(renderer: Renderer, frame: int, values: Mapping[str, np.ndarray]) -> Iterable[str]:
    """Yield the names of those whose own element is empty although the track has their face there."""
    for face in renderer.faces:
        alpha = values.get(f"{face_layer(face.shot.person)}.A")
        if alpha is not None and float(np.nanmax(alpha, initial=0.0)) <= 0 and _has_face(face.resources, frame):
            yield face.shot.person


def _plate_is_black(renderer: Renderer, frame: int) -> bool:
    file = renderer.open(frame)
    return float(np.nanmax(file.read_rgb(file.data), initial=0.0)) <= 0


def _has_face(resources: RenderResources, frame: int) -> bool:
    """Say whether the track has the face in the frame, with a weight above 0."""
    track = resources.track
    if track is None:
        return False
    number = resources.plate_frame(frame)
    if number is None:
        return False
    found = track.face(resources.person(resources.values(frame)), number)
    return found is not None and found.weight > 0


def _made_of(renderer: Renderer, frame: int, said: Mapping[str, Any]) -> Iterable[str]:
    """Name the input that has changed since the frame was made; only the plainest reason."""
    if "faceplate:key" not in said:
        return
    plate = said.get("faceplate:plate_sha256")
    try:
        if plate and plate != sha256_of(renderer.open(frame).path):
            yield "plate-changed"
            return
        if not _same_weights(renderer, str(said.get("faceplate:weights_sha256", ""))):
            yield "weights-changed"
            return
        if not is_current(renderer, frame):
            yield "other-track" if other_tracks(renderer, [frame]) else "stale"
    except (FaceplateError, OSError):  # the plate is not there any more
        yield "plate-changed"


def _same_weights(renderer: Renderer, said: str) -> bool:
    """Say whether the weights that a frame names are those of the store now; their files are read."""
    store = renderer.finder.store
    for entry in filter(None, said.split(", ")):
        name, _, digest = entry.rpartition(" ")
        if name in store.cards:
            try:
                store.path(name)
            except FaceplateError:
                return False
            if store.card(name).sha256 != digest:
                return False
    return True


# The frames together ------------------------------------------------------------------------------------------------


def _other_takes(seen: list[_Seen]) -> Iterable[Fault]:
    takes = {item.frame: tuple(str(item.said.get(name, "")) for name in _TAKE) for item in seen if item.said}
    usual = Counter(takes.values()).most_common(1)
    for item in seen:
        if item.frame in takes and takes[item.frame] != usual[0][0]:
            pairs = zip(_TAKE, takes[item.frame], usual[0][0], strict=True)
            how = ", ".join(
                f"{name.partition(':')[2]} {own or '–'}, not {most or '–'}" for name, own, most in pairs if own != most
            )
            yield Fault(item.frame, "other-take", f"{item.path.name}: {FAULTS['other-take']}: {how}.")


def _duplicates(seen: list[_Seen]) -> Iterable[Fault]:
    """Yield frames with the pixels of an earlier one although their plates differ. Elements without a face are not compared."""
    first: dict[str, _Seen] = {}
    for item in seen:
        if not item.pixels or any(fault.code == "empty" for fault in item.faults):
            continue
        earlier = first.setdefault(item.pixels, item)
        if earlier is not item and earlier.plate != item.plate and _has_alpha(item.path):
            words = f"{item.path.name} shows what {earlier.path.name} shows, and their plates differ."
            yield Fault(item.frame, "duplicate", words)


def _has_alpha(path: Path) -> bool:
    values = _values(path)
    return "A" not in values or float(np.nanmax(values["A"], initial=0.0)) > 0


def _recorded(output: Sequence, frame: int) -> str:
    """Return the hash of the pixels as recorded when the frame was written; "" without a record."""
    try:
        document = json.loads((records_folder(output) / f"{frame}.json").read_text("utf-8"))
        return str(document["frame"]["pixels"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _record_missing(renderer: Renderer, seen: list[_Seen]) -> None:
    bare = [item.frame for item in seen if not item.faults and not _recorded(renderer.output, item.frame)]
    take = renderer.take() if bare else {}
    for frame in bare:
        record(renderer.output, frame, take)
