"""Makes the releases of the invented people, and the key that signs them. Run from the project's root.

The private key is made, used and forgotten, so nobody can sign for another invented person without a new package.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import tempfile
from pathlib import Path

from faceplate.consent.release import DEMO_KEYS, RELEASE_FILE, Permitted, Release
from faceplate.demo import PEOPLE, people_folder
from faceplate.signing.canonical import sha256_of
from faceplate.signing.keys import load_key, new_key, sign, signature_path, write_json

STATEMENT = "This person does not exist. A generator made every picture of them; nobody's likeness is used."


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        public = new_key(Path(folder) / "demo.pem", {})
        (DEMO_KEYS / "faceplate-demo.pub").write_bytes(public.read_bytes())
        key = load_key(Path(folder) / "demo.pem", {})
    for name in PEOPLE:
        pictures = [file for folder in ("", "performance") for file in (people_folder() / name / folder).glob("*.jpg")]
        release = Release(
            id=f"faceplate-demo-{name}",
            performer=name.capitalize(),
            rights_holder="Nobody: the person does not exist",
            production="*",
            permitted=Permitted(uses=("stunt", "de-aging", "look-alike", "continuity", "test", "other")),
            contact="the Faceplate project",
            issued=dt.date(2026, 11, 25),
            document=STATEMENT,
            document_sha256=hashlib.sha256(STATEMENT.encode()).hexdigest(),
            pictures=tuple(sorted(sha256_of(file) for file in pictures)),
            fictitious=True,
        )
        path = people_folder() / name / RELEASE_FILE
        document = release.model_dump(mode="json")
        write_json(path, document)
        write_json(signature_path(path), sign(document, key).model_dump())


if __name__ == "__main__":
    main()
