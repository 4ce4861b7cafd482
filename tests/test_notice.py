"""NOTICE names what the invented people come from: the package, how its network was trained, and what is not known."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE = ROOT / "core" / "faceplate"
TEXT = (ROOT / "NOTICE").read_text(encoding="utf-8")


def section(title: str) -> str:
    """The text of the section whose heading contains `title`, with white space collapsed."""
    parts = re.split(r"^\d\. (.*)\n-+\n", TEXT, flags=re.MULTILINE)
    found = [body for heading, body in zip(parts[1::2], parts[2::2], strict=True) if title in heading]
    assert len(found) == 1, title
    return " ".join(found[0].split())


def test_the_training_of_the_generator_is_named() -> None:
    text = section("generator of the invented people")
    known, unknown = text.split("Not known:")
    for fact in (
        "random-face",
        "Apache License 2.0",
        "MobileStyleGAN",
        "distilled from StyleGAN2",
        "photographs of real people",
    ):
        assert fact in known, fact
    for terms in ("Nvidia Source Code License-NC", "BY-NC-SA 4.0", "not the terms of the package"):
        assert terms in known, terms
    assert "teacher" in unknown and "not verified" in unknown


@pytest.mark.parametrize("what", ["section 3", "section 4", "face_occlusion.onnx", "shape.npz"])
def test_everything_made_from_the_generator_is_named(what: str) -> None:
    assert what in section("generator of the invented people")


def test_the_occlusion_network_refers_to_the_generator() -> None:
    entry = TEXT.split("face_occlusion.onnx\n")[1].split("sha256")[0]
    assert "section 5" in entry


@pytest.mark.parametrize(
    "path",
    [*sorted((CORE / "models" / "weights").glob("*.onnx")), *sorted(CORE.rglob("*.npz"))],
    ids=lambda path: path.name,
)
def test_every_shipped_file_stands_with_its_hash(path: Path) -> None:
    after = TEXT.split(path.name, 1)[1]
    assert hashlib.sha256(path.read_bytes()).hexdigest() in after


@pytest.mark.parametrize("page", ["demo/people/README.md", "course/people/README.md", "models/weights/README.md"])
def test_the_pages_beside_the_files_refer_to_it(page: str) -> None:
    assert "Section 5 of `NOTICE`" in " ".join((CORE / page).read_text(encoding="utf-8").split())
