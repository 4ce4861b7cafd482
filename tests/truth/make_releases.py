"""Makes the releases of the invented people, and the key that signs them. Run from the project's root.

    python tests/truth/make_releases.py demo      the six people of the demo
    python tests/truth/make_releases.py course    the man of the course, older and younger

The private key is made, used and forgotten, so nobody can sign for another invented person without a new package.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import sys
import tempfile
from pathlib import Path

from faceplate import course, demo
from faceplate.consent.release import DEMO_KEYS, RELEASE_FILE, Permitted, Release
from faceplate.signing.canonical import sha256_of
from faceplate.signing.keys import load_key, new_key, sign, signature_path, write_json

STATEMENT = "This person does not exist. A generator made every picture of them; nobody's likeness is used."


GROUPS = {
    "demo": ({name: (name.capitalize(), demo.person(name)) for name in demo.PEOPLE}, dt.date(2026, 11, 25)),
    "course": (
        {
            name: (words, course.person(name))
            for name, words in zip(course.PEOPLE, ("Gus", "Gus, younger"), strict=True)
        },
        dt.date(2026, 11, 29),
    ),
}


def main() -> None:
    group = sys.argv[1] if len(sys.argv) == 2 else ""
    if group not in GROUPS:
        raise SystemExit(__doc__)
    people, day = GROUPS[group]
    with tempfile.TemporaryDirectory() as folder:
        public = new_key(Path(folder) / "demo.pem", {})
        (DEMO_KEYS / f"faceplate-{group}.pub").write_bytes(public.read_bytes())
        key = load_key(Path(folder) / "demo.pem", {})
    for name, (performer, place) in people.items():
        pictures = [file for folder in ("", "performance") for file in (place / folder).glob("*.jpg")]
        release = Release(
            id=f"faceplate-{group}-{name.replace('_', '-')}",
            performer=performer,
            rights_holder="Nobody: the person does not exist",
            production="*",
            permitted=Permitted(uses=("stunt", "de-aging", "look-alike", "continuity", "test", "other")),
            contact="the Faceplate project",
            issued=day,
            document=STATEMENT,
            document_sha256=hashlib.sha256(STATEMENT.encode()).hexdigest(),
            pictures=tuple(sorted(sha256_of(file) for file in pictures)),
            fictitious=True,
        )
        path = place / RELEASE_FILE
        document = release.model_dump(mode="json")
        write_json(path, document)
        write_json(signature_path(path), sign(document, key).model_dump())


if __name__ == "__main__":
    main()
