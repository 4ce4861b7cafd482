"""Verify a picture's provenance: generator, integrity, signature and release.

The take's manifest beside the frames says how each frame was written; its signature says who wrote the manifest. Without
a manifest only the frames' headers are read, which anybody can change, and the verdict says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from faceplate.consent.revocation import Revocations
from faceplate.errors import FaceplateError, UsageError
from faceplate.plate import PlateFile, Sequence
from faceplate.provenance.fields import written_fields
from faceplate.provenance.fingerprints import Fingerprint, fingerprint
from faceplate.provenance.manifest import Manifest, manifest_path, read_manifest
from faceplate.signing.keys import Keyring, SignatureState, read_signature

__all__ = ["FrameVerdict", "State", "Verdict", "output_of", "verify"]

Kind = Literal[
    "as-written", "pixels-changed", "field-changed", "other-frame", "missing", "damaged", "unrecorded", "not-faceplate"
]


State = Literal["signed", "unsigned", "unknown-key", "bad-signature", "changed"]
"""A take's verdict in one word; see `Verdict.state`."""


@dataclass(frozen=True)
class FrameVerdict:
    """The verdict on one frame.

    Attributes
    ----------
    frame : int
        The frame's number.
    path : Path
        Its file.
    kind : str
        `as-written`, or what is wrong with it.
    text : str
        One sentence that names what is wrong, "" where nothing is.
    """

    frame: int
    path: Path
    kind: Kind
    text: str = ""

    @property
    def sound(self) -> bool:
        """Whether the frame is as it was written."""
        return self.kind == "as-written"


@dataclass(frozen=True)
class Verdict:
    """The verdict on a frame, a sequence or a take.

    Attributes
    ----------
    frames : tuple of FrameVerdict
        One verdict for each frame.
    made : mapping of str to str
        What made the frames, as they or the manifest say.
    manifest : Path, optional
        The take's manifest, None where there is none.
    signature : SignatureState
        The state of the manifest's signature: `good`, `unsigned`, `unknown-key`, `wrong` or `damaged`.
    release : str
        One sentence on the release, then and now.
    """

    frames: tuple[FrameVerdict, ...]
    made: Mapping[str, str] = field(default_factory=dict)
    manifest: Path | None = None
    signature: SignatureState = "unsigned"
    release: str = ""

    @property
    def state(self) -> State:
        """The verdict in one word.

        `changed`: a frame is not as it was written. `bad-signature`: the manifest is not what was signed, or its
        signature cannot be read. `unsigned`: nobody signed the manifest, so it proves nothing against a deliberate
        change. `unknown-key`: it is signed by a key that is not in the keyring. `signed`: all is as it was written, and
        a key of the keyring says so.
        """
        if not all(frame.sound for frame in self.frames):
            return "changed"
        if self.signature == "good":
            return "signed"
        return "bad-signature" if self.signature in ("wrong", "damaged") else self.signature

    @property
    def sound(self) -> bool:
        """Whether every frame is as it was written and a key of the keyring signed for it."""
        return self.state == "signed"

    def acceptable(self, require_signature: bool) -> bool:
        """Return whether the take may be used where signatures are asked for, or are not.

        An unsigned take, or one with an unknown key, is acceptable only without `require_signature`.
        """
        return self.sound or (not require_signature and self.state in ("unsigned", "unknown-key"))


def verify(target: str | Path, keyring: Keyring, revocations: Revocations | None = None) -> Verdict:
    """Verify a frame, a pattern, a manifest, or a folder with one manifest.

    Parameters
    ----------
    target : str or Path
        What to verify.
    keyring : Keyring
        The public keys that are trusted.
    revocations : Revocations, optional
        The releases that were revoked.

    Raises
    ------
    UsageError
        `nothing-to-verify`, `several-manifests`, `manifest-damaged`.
    """
    output, path = _located(Path(target).expanduser(), str(target))
    manifest, signature = None, "unsigned"
    if path is not None and path.exists():
        manifest, document = read_manifest(path)
        found = read_signature(path)
        signature = "damaged" if found == "damaged" else keyring.check(document, found)
    else:
        path = None
    frames = tuple(_frames(output, manifest))
    if not frames:
        raise UsageError("nothing-to-verify", f"No frame of {output} was found; check the pattern and the folder.")
    made = _made(frames, manifest)
    when = manifest.made if manifest else ""
    return Verdict(frames, made, path, signature, _release(made, when, revocations or Revocations()))


def output_of(target: str | Path) -> Sequence:
    """Return the sequence that `verify` looks at for `target`. Raises what `verify` raises."""
    return _located(Path(target).expanduser(), str(target))[0]


def _located(target: Path, text: str) -> tuple[Sequence, Path | None]:
    if target.is_dir():
        found = sorted(target.glob("*.manifest.json"))
        if len(found) != 1:
            code = "several-manifests" if found else "nothing-to-verify"
            what = "several takes" if found else "no take's manifest"
            raise UsageError(code, f"{target} holds {what}; name a pattern such as {target / 'swap.####.exr'}.")
        target = found[0]
    if target.name.endswith(".manifest.json"):
        manifest, _ = read_manifest(target)
        pattern = manifest.take.get("output", "")
        if not pattern:
            raise UsageError("manifest-damaged", f"{target} does not name its frames; name a pattern.")
        return Sequence.parse(target.parent / Path(pattern).name), target
    output = Sequence.parse(text)
    return output, manifest_path(output)


def _frames(output: Sequence, manifest: Manifest | None) -> Iterator[FrameVerdict]:
    recorded = {int(number) for number in manifest.frames} if manifest else set()
    if output.declared is not None:
        wanted = set(output.declared)
    else:
        wanted = recorded | set(output.on_disk()) or ({0} if output.is_still else set())
    by_pixels = {item.pixels: number for number, item in manifest.frames.items()} if manifest else {}
    for number in sorted(wanted):
        yield _frame(output, number, manifest, by_pixels)


def _frame(output: Sequence, number: int, manifest: Manifest | None, by_pixels: Mapping[str, str]) -> FrameVerdict:
    path = output.path(number)
    if not path.exists():
        return FrameVerdict(number, path, "missing", f"{path.name} was removed")
    try:
        seen = fingerprint(path)
    except FaceplateError as error:
        return FrameVerdict(number, path, "damaged", str(error))
    was = manifest.fingerprint(number) if manifest else None
    if was is None:
        if "faceplate:engine" not in seen.fields:
            return FrameVerdict(number, path, "not-faceplate", f"{path.name} does not say that Faceplate made it")
        return FrameVerdict(number, path, "unrecorded", f"{path.name} is in no manifest: only its header was read")
    return _compared(number, path, seen, was, by_pixels)


def _compared(
    number: int, path: Path, seen: Fingerprint, was: Fingerprint, by_pixels: Mapping[str, str]
) -> FrameVerdict:
    if seen.pixels != was.pixels:
        other = by_pixels.get(seen.pixels)
        if other is not None:
            return FrameVerdict(number, path, "other-frame", f"{path.name} shows what frame {other} showed")
        return FrameVerdict(number, path, "pixels-changed", f"{path.name} does not show what was written")
    names = sorted(
        name for name in was.fields.keys() | seen.fields.keys() if was.fields.get(name) != seen.fields.get(name)
    )
    if names:
        how = [_changed(name, seen.fields, was.fields) for name in names]
        return FrameVerdict(number, path, "field-changed", f"{path.name}: {', '.join(how)}")
    return FrameVerdict(number, path, "as-written")


def _changed(name: str, seen: Mapping[str, str], was: Mapping[str, str]) -> str:
    """Return what became of a header field, in words."""
    if name not in seen:
        return f"'{name}' was removed"
    return f"'{name}' was {'changed' if name in was else 'added'}"


def _made(frames: tuple[FrameVerdict, ...], manifest: Manifest | None) -> dict[str, str]:
    """Return what made the frames: as the first readable one says, else as the manifest does."""
    for item in frames:
        try:
            fields = written_fields(PlateFile.open(item.path))
        except FaceplateError:
            continue
        found = {name.partition(":")[2]: value for name, value in fields.items()}
        if found:
            return found
    return dict(manifest.take) if manifest else {}


def _release(made: Mapping[str, str], when: str, revocations: Revocations) -> str:
    """Return one sentence on the release: its state when the frames were made, and a later revocation."""
    state, release = made.get("release_state", ""), made.get("release", "")
    if not state:
        return "The frames do not say whether there was a release."
    then = (
        f"Release {release} was {state} when they were made."
        if release
        else "There was no release when they were made."
    )
    trained = made.get("training_releases", "")
    if trained:
        then += f" Its model was trained under {trained}."
    # A picture of several people names the release of each, and a model those of the people whom it learned from.
    ids = list(dict.fromkeys(own for text in (release, trained) if text for own in text.split(", ")))
    for own in ids:
        day = revocations.day(own)
        if day is not None:
            before = "" < when[:10] < day.isoformat()
            which = "It" if len(ids) == 1 else own
            then += f" {which} was revoked on {day}{', afterwards' if before else ''}."
    return then
