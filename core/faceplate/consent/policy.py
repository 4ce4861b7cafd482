"""What a show allows: whether a render may begin, and whether it carries a slate.

| release | preview | final |
|---|---|---|
| valid | as it is | as it is |
| revoked | refused | refused |
| none, or any other state | with a slate | refused while `final_requires_release` |

Taking consent back is the one thing that stops an artist's preview too.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from faceplate.consent.release import ReleaseCheck, ReleaseState, Request, check_release
from faceplate.consent.revocation import read_revocations
from faceplate.errors import UsageError
from faceplate.signing.keys import Keyring

__all__ = ["Decision", "Policy", "Purpose", "decide", "judge", "keyring_folder"]

Purpose = Literal["preview", "final"]
KEYRING = "FACEPLATE_KEYRING"

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
_MEND = {
    ReleaseState.NONE: "put one beside the source's pictures (faceplate release new), or render a preview",
    ReleaseState.UNSIGNED: "let the production sign it (faceplate release sign), or render a preview",
    ReleaseState.UNKNOWN_KEY: "put the production's public key into the keyring, or render a preview",
    ReleaseState.REVOKED: "take another source",
}


class Policy(BaseModel):
    """A show's rules. `keyring` is the folder of public keys; else `$FACEPLATE_KEYRING`, else the user's own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    final_requires_release: bool = True
    allow_noncommercial: bool = False
    preview_slate: bool = True
    keyring: Path | None = None


@dataclass(frozen=True)
class Decision:
    """Whether a render may begin. `slate` is what the picture must say ("" for nothing), `why` one sentence."""

    allowed: bool
    slate: str
    code: str
    why: str

    def enforce(self) -> None:
        """Raises `UsageError` with the code `release-<state>` where the render may not begin."""
        if not self.allowed:
            raise UsageError(self.code, self.why)


def decide(policy: Policy, purpose: Purpose, check: ReleaseCheck) -> Decision:
    """What the table of this module says."""
    code = f"release-{check.state}"
    if check.state is ReleaseState.VALID:
        return Decision(True, "", code, check.text)
    if check.state is ReleaseState.REVOKED or (purpose == "final" and policy.final_requires_release):
        mend = _MEND.get(check.state, "ask the rights holder for one that covers it, or render a preview")
        what = "This source may not be used" if check.state is ReleaseState.REVOKED else "No final without a release"
        return Decision(False, "", code, f"{what}: {check.text.rstrip('.')}; {mend}.")
    slate = f"AI-GENERATED PREVIEW – {_SLATES[check.state]}" if purpose == "preview" and policy.preview_slate else ""
    return Decision(True, slate, code, check.text)


def judge(
    policy: Policy,
    purpose: Purpose,
    source: Path | None,
    request: Request,
    environ: Mapping[str, str] = os.environ,
) -> tuple[ReleaseCheck, Decision]:
    """Reads keyring, revocations and release, and decides.

    A revocation list that cannot be believed refuses a final, and raises `UsageError('revocations-damaged')` for one.
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
    return check, decide(policy, purpose, check)


def keyring_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of public keys: `$FACEPLATE_KEYRING`, else `faceplate/keyring` in the user's configuration folder."""
    if named := environ.get(KEYRING):
        return Path(named).expanduser()
    if os.name == "nt":
        base = environ.get("APPDATA") or str(Path.home() / "AppData" / "Roaming")
    else:
        base = environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "faceplate" / "keyring"
