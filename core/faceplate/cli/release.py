"""`faceplate release …`, `faceplate verify` and `faceplate review`.

A passphrase never reaches the output, nor a private key; a key is named by its fingerprint.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from faceplate.color import ColorConfig
from faceplate.consent import Release, Request, judge, keyring_folder, read_release, read_revocations, revoke
from faceplate.consent.audit import broken_line
from faceplate.consent.policy import Policy
from faceplate.consent.release import release_path
from faceplate.errors import UsageError
from faceplate.plate import Sequence
from faceplate.provenance import Verdict, verify
from faceplate.provenance.content_credentials import KINDS, add_credentials, certificate_chain, read_credentials
from faceplate.provenance.verify import output_of
from faceplate.review.movie import review
from faceplate.shot.load import load_shot, shows_above
from faceplate.signing import Keyring, load_key, new_key, sign
from faceplate.signing.canonical import read_json
from faceplate.signing.keys import SIGNING_KEY, signature_path, write_json
from faceplate.source.pictures import source_files
from faceplate.system.file_hash import sha256_of

__all__ = ["UNSIGNED_EXIT", "app", "review_command", "verify_command"]

app = typer.Typer(name="release", help="A performer's release beside their pictures.", no_args_is_help=True)

UNSIGNED_EXIT = 3
"""Exit code of `faceplate verify` where signatures are required and no key of the keyring signed the take."""

_SIGNATURES = {
    "good": "is signed by a key of the keyring",
    "unsigned": "is unsigned",
    "unknown-key": "is signed by an unknown key: the key is not in the keyring",
    "wrong": "IS NOT WHAT WAS SIGNED",
    "damaged": "has a signature that cannot be read",
}
_VERDICTS = {
    "signed": "signed, and as it was written",
    "unsigned": "unsigned: as it was written, according to an unsigned manifest",
    "unknown-key": "unknown key: as it was written, by a manifest that an unknown key signed",
    "bad-signature": "the manifest was changed after it was signed, or its signature is damaged",
    "changed": "a frame is not as it was written, or there is no record of it",
}

_Source = Annotated[Path, typer.Argument(help="The folder of the person's pictures.")]
_Key = Annotated[Path | None, typer.Option("--key", help="The private key; else $FACEPLATE_SIGNING_KEY.")]
_Ring = Annotated[
    Path | None, typer.Option("--keyring", help="The folder of public keys; else $FACEPLATE_KEYRING, else the user's.")
]


@app.command("key")
def key_command(
    path: Annotated[Path, typer.Argument(help="The private key to make, such as production.pem.")],
    keyring: _Ring = None,
) -> None:
    """Make a production's key pair, and put the public key into the keyring."""
    public = new_key(path.expanduser())
    ring = _ring(keyring)
    ring.mkdir(parents=True, exist_ok=True)
    known = ring / public.name
    if known.exists():
        raise UsageError(
            "key-exists", f"{known} exists; the new public key is {public}, copy it there under another name."
        )
    shutil.copyfile(public, known)
    print(f"The private key, for whoever signs:  {path}")
    print(f"The public key, in the keyring:      {known}")


@app.command("new")
def new_command(
    source: _Source,
    performer: Annotated[str, typer.Option(help="Who is seen in the pictures.")],
    production: Annotated[str, typer.Option(help="The production that may use them.")],
    rights_holder: Annotated[str, typer.Option(help="Who grants it: the performer, an agency, an estate.")],
    contact: Annotated[str, typer.Option(help="Whom to ask.")],
    document: Annotated[Path | None, typer.Option(help="The signed paper; only its hash is stored.")] = None,
    shots: Annotated[str, typer.Option(help="Shots, with * and ?, and commas.")] = "*",
    uses: Annotated[
        str, typer.Option(help="stunt, de-aging, look-alike, continuity, test, training, other; with commas.")
    ] = "other",
    media: Annotated[str, typer.Option(help="Media, with commas; kept as they are written.")] = "",
    first_day: Annotated[str, typer.Option(help="YYYY-MM-DD.")] = "",
    last_day: Annotated[str, typer.Option(help="YYYY-MM-DD.")] = "",
    release_id: Annotated[str, typer.Option("--id", help="The release's id; else made from performer and day.")] = "",
    bind: Annotated[bool, typer.Option(help="Release these pictures alone.")] = False,
) -> None:
    """Write release.json beside the pictures. It is valid once it is signed."""
    path = release_path(source.expanduser())
    if path.exists():
        raise UsageError("release-exists", f"{path} exists; a release is not overwritten, move it away first.")
    today = dt.datetime.now(dt.UTC).date()
    values = {
        "id": release_id or f"{_slug(performer)}-{today:%Y%m%d}",
        "performer": performer,
        "rights_holder": rights_holder,
        "production": production,
        "permitted": {
            "shots": _words(shots),
            "uses": _words(uses),
            "media": _words(media),
            "first_day": first_day or None,
            "last_day": last_day or None,
        },
        "contact": contact,
        "issued": today.isoformat(),
        "document": document.name if document else "",
        "document_sha256": _hash(document) if document else "",
        "pictures": sorted({sha256_of(file) for file in source_files(source.expanduser())}) if bind else [],
    }
    release = _checked(values)
    write_json(path, release.model_dump(mode="json"))
    print(f"{path}\nIt is not signed yet: faceplate release sign {source} --key production.pem")


@app.command("sign")
def sign_command(source: _Source, key: _Key = None) -> None:
    """Sign a release with the production's key."""
    path = release_path(source.expanduser())
    release = read_release(path)
    made = sign(read_json(path, "release-damaged"), load_key(_key(key)))
    write_json(signature_path(path), made.model_dump())
    print(f"{release.id} is signed by key {made.key[:16]}: {signature_path(path)}")


@app.command("verify")
def check_command(
    source: _Source,
    production: Annotated[str, typer.Option(help="The production to check for.")] = "",
    shot: Annotated[str, typer.Option(help="The shot that asks.")] = "",
    use: Annotated[str, typer.Option(help="The use to check for.")] = "",
    keyring: _Ring = None,
) -> None:
    """Check a source's release for a production, a shot and today. Ends with 1 when a final would be refused."""
    policy = Policy(keyring=keyring)
    check, decision = judge(policy, "final", source.expanduser(), Request(production, shot, None, use))
    print(f"{check.state}: {check.text}")
    if not decision.allowed:
        raise typer.Exit(1)


@app.command("revoke")
def revoke_command(
    release: Annotated[str, typer.Argument(help="The release's id.")],
    key: _Key = None,
    why: Annotated[str, typer.Option(help="Why, for the list.")] = "",
    keyring: _Ring = None,
) -> None:
    """Revoke a release: no render of the studio uses it from now on."""
    print(f"{release} is revoked: {revoke(_ring(keyring), release, load_key(_key(key)), why)}")


def verify_command(
    target: Annotated[str, typer.Argument(help="A frame, a pattern, a take's manifest, its folder, or an audit log.")],
    keyring: _Ring = None,
    require_signature: Annotated[
        bool,
        typer.Option(help="Refuse a take that no key of the keyring signed; also where a show file above it asks so."),
    ] = False,
    shot: Annotated[
        Path | None, typer.Option(help="The shot file whose show's policy counts, when the frames lie elsewhere.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Verify a picture's provenance: generator, integrity, signature and release.

    Ends with 0 for a take that is as it was written; with 1 where a frame or the signed manifest was changed; with 3
    where signatures are required (--require-signature, or require_signatures in a show's policy) and no key of the
    keyring signed the take.
    """
    if target.endswith(".jsonl"):
        _verify_log(Path(target))
        return
    if Path(target).suffix.lower() in KINDS and _verify_credentials(Path(target)):
        return
    folder = _ring(keyring)
    ring = Keyring.read(folder)
    verdict = verify(target, ring, read_revocations(folder, ring))
    required = require_signature or _policy_requires(output_of(target).folder, shot)
    _tell_json(verdict, required) if as_json else _tell(verdict, required)
    code = _exit_code(verdict, required)
    if code:
        raise typer.Exit(code)


def review_command(
    rendered: Annotated[str, typer.Argument(help="What was rendered: swap.####.exr.")],
    output: Annotated[str, typer.Option("--output", "-o", help="review.####.png, .jpg, or a movie: review.mp4, .mov.")],
    plate: Annotated[str | None, typer.Option(help="The plate to lay an element over.")] = None,
    space: Annotated[str | None, typer.Option(help="The plate's colour space, when the file does not say.")] = None,
    ocio: Annotated[str | None, typer.Option(help="An OCIO config; else $OCIO, else the built-in ACES config.")] = None,
    burn_in: Annotated[bool, typer.Option(help="Burn in shot, take, frame, day and the AI notice.")] = True,
    rate: Annotated[str, typer.Option(help="Frames a second of a movie: 24, 25, 24000/1001.")] = "24",
    key: _Key = None,
) -> None:
    """Make review pictures or a movie with a burn-in; sign them where a certificate is set ($FACEPLATE_C2PA_CERTIFICATE)."""
    chain = certificate_chain()
    made = review(
        Sequence.parse(rendered),
        output,
        ColorConfig.load(ocio),
        plate=Sequence.parse(plate) if plate else None,
        space=space,
        burn=burn_in,
        rate=_rate(rate),
    )
    if chain is not None:
        signer = load_key(_key(key))
        for path in made.files:
            add_credentials(path, made.fields, signer, chain)
    count = len(made.files)
    print(f"{count} file{'s' if count != 1 else ''}{', signed' if chain else ''}: {output}")


def _rate(text: str) -> Fraction:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise UsageError("bad-rate", f"--rate is '{text}'; write 24, 25 or 24000/1001.") from None


def _verify_log(path: Path) -> None:
    try:
        broken = broken_line(path)
    except OSError as error:
        raise UsageError("nothing-to-verify", f"{path} cannot be read: {error.strerror}.") from error
    if broken is not None:
        print(
            f"{path}: line {broken} does not follow from the one before: one of the two was changed, or a line was removed."
        )
        raise typer.Exit(1)
    print(f"{path}: every line follows from the one before.")


def _verify_credentials(path: Path) -> bool:
    """Print what a movie's or still's Content Credentials say; return False where it has none. Ends with 1 for broken ones."""
    if not path.is_file():
        return False
    found = read_credentials(path)
    if found is None:
        return False
    state, fields = found
    print(f"{path.name}: Content Credentials, {state.lower()}.")
    for name, value in fields.items():
        if value and name != "faceplate:parameters":
            print(f"  {name.removeprefix('faceplate:')}: {value}")
    if state == "Invalid":
        print(f"{path.name} is not as it was signed.")
        raise typer.Exit(1)
    return True


def _policy_requires(folder: Path, shot: Path | None) -> bool:
    """Return whether a show file above `folder`, or above `shot`, asks for signatures."""
    shows = shows_above(folder.absolute())
    if any(show.policy.require_signatures for _, show in shows):
        return True
    return shot is not None and bool(load_shot(shot).policy.require_signatures)


def _exit_code(verdict: Verdict, required: bool) -> int:
    if verdict.acceptable(required):
        return 0
    return UNSIGNED_EXIT if required and verdict.state != "changed" else 1


def _tell(verdict: Verdict, required: bool) -> None:
    sound = [frame for frame in verdict.frames if frame.sound]
    print(f"{len(sound)} of {len(verdict.frames)} frames are as they were written.")
    for frame in verdict.frames:
        if not frame.sound:
            print(f"frame {frame.frame}: {frame.kind}: {frame.text}")
    for name, value in verdict.made.items():
        if value and name != "parameters":
            print(f"  {name}: {value}")
    if verdict.manifest is None:
        print("There is no manifest beside the frames: only their headers were read.")
    else:
        print(f"The manifest {verdict.manifest.name} {_SIGNATURES[verdict.signature]}.")
    print(verdict.release)
    asked = "; a signature is required" if required and not verdict.sound else ""
    print(f"Verdict: {_VERDICTS[verdict.state]}{asked}.")


def _tell_json(verdict: Verdict, required: bool) -> None:
    frames = [
        {"frame": item.frame, "file": str(item.path), "kind": item.kind, "text": item.text} for item in verdict.frames
    ]
    document = {
        "verdict": verdict.state,
        "sound": verdict.sound,
        "signature_required": required,
        "acceptable": verdict.acceptable(required),
        "frames": frames,
        "made": dict(verdict.made),
        "manifest": str(verdict.manifest) if verdict.manifest else None,
        "signature": verdict.signature,
        "release": verdict.release,
    }
    print(json.dumps(document, indent=2, ensure_ascii=False))


def _checked(values: dict[str, object]) -> Release:
    from pydantic import ValidationError

    try:
        return Release.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise UsageError("release-damaged", f"The release's {field}: {first['msg']}.") from None


def _key(given: Path | None) -> Path:
    named = given or (Path(os.environ[SIGNING_KEY]) if os.environ.get(SIGNING_KEY) else None)
    if named is None:
        raise UsageError("key-missing", f"Give the production's private key with --key, or set {SIGNING_KEY}.")
    return named.expanduser()


def _ring(given: Path | None) -> Path:
    return given.expanduser() if given else keyring_folder()


def _hash(path: Path) -> str:
    try:
        return sha256_of(path.expanduser())
    except OSError as error:
        raise UsageError("document-missing", f"The document {path} cannot be read: {error.strerror}.") from error


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _slug(name: str) -> str:
    letters = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name.lower())
    return "-".join(part for part in letters.split("-") if part) or "release"
