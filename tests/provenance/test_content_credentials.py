"""Content credentials (C2PA) of stills and movies."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from certificates import chain_for
from faceplate.color import ColorConfig
from faceplate.provenance.content_credentials import add_credentials, read_credentials
from faceplate.render import Renderer
from faceplate.review.movie import review
from faceplate.signing import load_key, new_key


@pytest.mark.parametrize("kind", ["png", "mp4"])
def test_content_credentials_travel_in_the_file_and_break_with_it(
    kind: str, marked_take: Renderer, color: ColorConfig, tmp_path: Path
) -> None:
    new_key(tmp_path / "signer.pem", {})
    key = load_key(tmp_path / "signer.pem", {})
    target = tmp_path / ("review.mp4" if kind == "mp4" else "review.####.png")
    made = review(marked_take.output, target, color)
    path = made.files[0]
    if kind == "mp4":
        with av.open(str(path)) as container:
            assert sum(1 for _ in container.decode(video=0)) == 2
    assert read_credentials(path) is None
    add_credentials(path, made.fields, key, chain_for(key.private))
    found = read_credentials(path)
    assert found is not None and found[0] in ("Valid", "Trusted")
    assert found[1]["faceplate:release"] == "faceplate-demo-bea"
    data = bytearray(path.read_bytes())
    place = len(data) - 200 if kind == "png" else data.find(b"mdat") + 64
    data[place] ^= 0x55
    path.write_bytes(bytes(data))
    broken = read_credentials(path)
    assert broken is not None and broken[0] == "Invalid"
