"""The policy of a show: whether a render may begin, and whether it carries a slate.

| release | preview | final |
|---|---|---|
| valid | unchanged | unchanged |
| revoked | refused | refused |
| none, or any other state | with a slate | refused while `final_requires_release` |

A revoked release is the only one that also stops a preview, and with it every model that was trained under it. A show may be
stricter than its releases: `allow_finals` off refuses every final, `always_slate` puts a slate on every picture, and
`sources_from` refuses pictures of people from elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from faceplate.consent.release import TRAINING, JointCheck, ReleaseCheck, ReleaseState, Request, check_release
from faceplate.consent.revocation import read_revocations
from faceplate.errors import UsageError
from faceplate.signing.keys import Keyring
from faceplate.source.pictures import source_files

__all__ = [
    "Decision",
    "Policy",
    "Purpose",
    "TrainingPictures",
    "decide",
    "joint_decision",
    "judge",
    "judge_training",
    "keyring_folder",
    "refuse_revoked",
]

Purpose = Literal["preview", "final"]
KEYRING = "FACEPLATE_KEYRING"

_PREVIEW = "AI-GENERATED PREVIEW – "
_ALWAYS = f"{_PREVIEW}not for release"
_SLATES = {
    ReleaseState.NONE: "no release on file",
    ReleaseState.EXPIRED: "the release has ended",
    ReleaseState.NOT_YET: "the release has not begun",
    ReleaseState.OTHER_PRODUCTION: "released for another production",
    ReleaseState.OTHER_SHOT: "this shot is not released",
    ReleaseState.OTHER_USE: "this use is not released",
    ReleaseState.OTHER_PICTURES: "these pictures are not released",
    ReleaseState.UNSIGNED: "the release is not signed",
    ReleaseState.BAD_SIGNATURE: "the release is not as it was signed",
    ReleaseState.UNKNOWN_KEY: "the release is signed by a stranger",
    ReleaseState.DAMAGED: "the release cannot be read",
}
_REMEDIES = {
    ReleaseState.NONE: "put one beside the source's pictures (faceplate release new), or render a preview",
    ReleaseState.UNSIGNED: "let the production sign it (faceplate release sign), or render a preview",
    ReleaseState.UNKNOWN_KEY: "put the production's public key into the keyring, or render a preview",
    ReleaseState.REVOKED: "take another source",
}
_TRAINING_REMEDIES = {
    ReleaseState.NONE: "put one beside the pictures, or name it (faceplate release new --uses training)",
    ReleaseState.UNSIGNED: "let the production sign it (faceplate release sign)",
    ReleaseState.UNKNOWN_KEY: "put the production's public key into the keyring",
    ReleaseState.OTHER_USE: "ask the rights holder for one that permits training",
    ReleaseState.OTHER_PRODUCTION: "name the production (--production), or ask the rights holder",
    ReleaseState.REVOKED: "leave these pictures out",
}


class Policy(BaseModel):
    """What a show allows.

    Attributes
    ----------
    final_requires_release : bool
        Refuse a final without a valid release.
    allow_noncommercial : bool
        Allow weights whose licence forbids commercial use.
    preview_slate : bool
        Put a slate on a preview without a valid release.
    always_slate : bool
        Put a slate on every picture, also with a valid release.
    allow_finals : bool
        Allow finals. Off refuses every final, also with a valid release.
    sources_from : tuple of Path
        The source's pictures must lie inside every one of these folders; empty allows any place.
    require_signatures : bool
        A take counts only when its manifest is signed by a key of the keyring (`faceplate verify`).
    keyring : Path, optional
        The folder of public keys; else `$FACEPLATE_KEYRING`, else the user's own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    final_requires_release: bool = True
    allow_noncommercial: bool = False
    preview_slate: bool = True
    always_slate: bool = False
    allow_finals: bool = True
    sources_from: tuple[Path, ...] = ()
    require_signatures: bool = False
    keyring: Path | None = None


@dataclass(frozen=True)
class Decision:
    """Whether a render may begin.

    Attributes
    ----------
    allowed : bool
        Whether it may.
    slate : str
        The words that the picture must carry, "" for none.
    code : str
        `release-<state>`, `finals-off` or `source-elsewhere`.
    why : str
        One sentence.
    """

    allowed: bool
    slate: str
    code: str
    why: str

    def enforce(self) -> None:
        """Refuse a render that may not begin.

        Raises
        ------
        UsageError
            The decision's code.
        """
        if not self.allowed:
            raise UsageError(self.code, self.why)


@dataclass(frozen=True)
class TrainingPictures:
    """Pictures of a person from which a model is to learn.

    Attributes
    ----------
    person : str
        The person's role, for sentences: `actor` or `double`.
    place : Path
        The pictures; the release lies beside them, as a source's does.
    production, shot : str
        The production and the plate's shot; "" for pictures that belong to no shot.
    release : Path, optional
        The release's file, where it lies elsewhere.
    """

    person: str
    place: Path
    production: str = ""
    shot: str = ""
    release: Path | None = None


def decide(policy: Policy, purpose: Purpose, check: ReleaseCheck) -> Decision:
    """Return the decision of this module's table."""
    code = f"release-{check.state}"
    if check.state is ReleaseState.VALID:
        return Decision(True, "", code, check.text)
    if check.state is ReleaseState.REVOKED or (purpose == "final" and policy.final_requires_release):
        remedy = _REMEDIES.get(check.state, "ask the rights holder for one that covers it, or render a preview")
        what = "This source may not be used" if check.state is ReleaseState.REVOKED else "No final without a release"
        return Decision(False, "", code, f"{what}: {check.text.rstrip('.')}; {remedy}.")
    slate = f"{_PREVIEW}{_SLATES[check.state]}" if purpose == "preview" and policy.preview_slate else ""
    return Decision(True, slate, code, check.text)


def _of_show(policy: Policy, purpose: Purpose, source: Path | None, decision: Decision) -> Decision:
    """Apply what the show allows whatever the release says."""
    if purpose == "final" and not policy.allow_finals:
        return Decision(False, "", "finals-off", "This show makes no finals: render a preview.")
    outside = _outside(policy.sources_from, source)
    if outside:
        return Decision(False, "", "source-elsewhere", outside)
    if decision.allowed and policy.always_slate:
        return replace(decision, slate=decision.slate or _ALWAYS)
    return decision


def _outside(folders: Sequence[Path], source: Path | None) -> str:
    """Return a sentence where a picture of the source lies outside one of `folders`, "" else. Links are followed."""
    if folders and source is None:
        return f"This show takes sources from {folders[0]} only, and this shot names none: give it a source from there."
    for folder in folders:
        allowed = folder.resolve()
        for file in (source, *_pictures(source)):
            if file is not None and not file.resolve().is_relative_to(allowed):
                return f"This show takes sources from {folder} only: {file} lies elsewhere."
    return ""


def _pictures(source: Path | None) -> Sequence[Path]:
    try:
        return () if source is None else source_files(source)
    except (UsageError, OSError):  # there is no picture: the render itself reports that
        return ()


def joint_decision(people: Sequence[tuple[str, ReleaseCheck, Decision]]) -> tuple[ReleaseCheck, Decision]:
    """Combine what was decided for several people of one picture: it may begin where every one of them allows it.

    Parameters
    ----------
    people : sequence of (str, ReleaseCheck, Decision)
        The person's name, the check of their release, and the decision on it.

    Returns
    -------
    check : ReleaseCheck
        The worst state, with the ids of all releases.
    decision : Decision
        Its sentence names the person. The slate names everyone whose release is at fault, unless all have the same fault.
    """
    worst = min(people, key=lambda one: (one[2].allowed, not one[2].slate, one[1].state is ReleaseState.VALID))
    name, check, decision = worst
    slates = {person: found.slate.removeprefix(_PREVIEW) for person, _, found in people if found.slate}
    if len(slates) == len(people) and len(set(slates.values())) == 1:
        words = next(iter(slates.values()))
    else:
        words = ", ".join(f"{fault} ({person})" for person, fault in slates.items())
    ids = tuple(dict.fromkeys(found.id for _, found, _ in people if found.id))
    joint = JointCheck(check.state, f"{name}: {check.text}", check.release, ids)
    allowed = all(found.allowed for _, _, found in people)
    return joint, Decision(allowed, f"{_PREVIEW}{words}" if words else "", decision.code, f"{name}: {decision.why}")


def judge(
    policy: Policy,
    purpose: Purpose,
    source: Path | None,
    request: Request,
    environ: Mapping[str, str] = os.environ,
    *,
    trained: Mapping[str, Sequence[str]] | None = None,
) -> tuple[ReleaseCheck, Decision]:
    """Read keyring, revocations and release, and decide whether a render may begin.

    A revoked release also refuses every model that was trained under it.

    Parameters
    ----------
    policy : Policy
        The show's policy.
    purpose : {'preview', 'final'}
        What the render is for.
    source : Path or None
        The person's pictures, which the release lies beside.
    request : Request
        Production, shot, day and use.
    environ : mapping of str to str
        The environment, which may name a keyring.
    trained : mapping of str to sequence of str, optional
        For each model that makes the pictures, by name, the releases under which it was trained.

    Returns
    -------
    check : ReleaseCheck
        The result of checking the release.
    decision : Decision
        Whether the render may begin.

    Raises
    ------
    UsageError
        `keyring-damaged`; `revocations-damaged`, for a final alone: a revocation list that cannot be trusted refuses it.
    """
    folder = policy.keyring or keyring_folder(environ)
    keyring = Keyring.read(folder)
    try:
        revoked = read_revocations(folder, keyring).ids
    except UsageError:
        if purpose == "final" and policy.final_requires_release:
            raise
        revoked = frozenset()
    check = check_release(source, request, keyring, revoked)
    for model, releases in (trained or {}).items():
        for release in releases:
            if release in revoked:
                return _model_refused(model, release)
    return check, _of_show(policy, purpose, source, decide(policy, purpose, check))


def judge_training(
    places: Sequence[TrainingPictures], environ: Mapping[str, str] = os.environ, keyring: Path | None = None
) -> tuple[str, ...]:
    """Return the ids of the releases that permit training on all of `places`, each once.

    A person who does not exist (`fictitious`) needs a valid release that says so, and no permission for `training`.

    Parameters
    ----------
    places : sequence of TrainingPictures
        The pictures of each person.
    environ : mapping of str to str
        The environment, which may name a keyring.
    keyring : Path, optional
        The folder of public keys; else that of the environment, else the user's.

    Raises
    ------
    UsageError
        `release-<state>`, naming the person and the pictures; `keyring-damaged`, `revocations-damaged`.
    """
    folder = keyring or keyring_folder(environ)
    ring = Keyring.read(folder)
    revoked = read_revocations(folder, ring).ids
    ids: dict[str, None] = {}
    for item in places:
        request = Request(item.production, item.shot, use=TRAINING)
        check = check_release(item.place, request, ring, revoked, path=item.release)
        if check.state is not ReleaseState.VALID:
            remedy = _TRAINING_REMEDIES.get(check.state, "ask the rights holder for one that covers it")
            why = f"No training on the {item.person}'s {item.place}: {check.text}; {remedy}."
            raise UsageError(f"release-{check.state}", why)
        ids[check.id] = None
    return tuple(ids)


def refuse_revoked(
    model: str, releases: Sequence[str], environ: Mapping[str, str] = os.environ, keyring: Path | None = None
) -> None:
    """Refuse to train or to export a model whose dataset was made under a release that has been revoked since.

    Raises
    ------
    UsageError
        `release-revoked`; `keyring-damaged`, `revocations-damaged`.
    """
    folder = keyring or keyring_folder(environ)
    revoked = read_revocations(folder, Keyring.read(folder)).ids
    for release in releases:
        if release in revoked:
            why = f"The dataset of {model} may not be used: release {release}, under which it was made, was revoked."
            raise UsageError(f"release-{ReleaseState.REVOKED}", f"{why} Make it again without these pictures.")


def _model_refused(model: str, release: str) -> tuple[ReleaseCheck, Decision]:
    text = f"release {release}, under which the model '{model}' was trained, was revoked"
    check = ReleaseCheck(ReleaseState.REVOKED, text)
    why = f"The model '{model}' may not be used: release {release}, under which it was trained, was revoked."
    return check, Decision(False, "", f"release-{check.state}", f"{why} Take another generator.")


def keyring_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of public keys.

    It is `$FACEPLATE_KEYRING`, else `faceplate/keyring` in the user's configuration folder.
    """
    if named := environ.get(KEYRING):
        return Path(named).expanduser()
    if os.name == "nt":
        base = environ.get("APPDATA") or str(Path.home() / "AppData" / "Roaming")
    else:
        base = environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "faceplate" / "keyring"
