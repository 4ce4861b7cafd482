"""Canonical form and signatures over it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from faceplate.signing import Keyring
from faceplate.signing.canonical import canonical
from faceplate.signing.keys import Key, Signature, sign

_json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)
_KEY = Key(Ed25519PrivateKey.generate())
_RING = Keyring({_KEY.fingerprint: _KEY.private.public_key()})


@given(_json_values)
def test_what_was_signed_holds_however_it_is_written(document: Any) -> None:
    signature = sign(document, _KEY)
    for text in (json.dumps(document), json.dumps(document, indent=3, ensure_ascii=False)):
        assert _RING.check(json.loads(text), signature) == "good"


@given(_json_values, _json_values)
def test_one_document_one_text(a: Any, b: Any) -> None:
    assert (canonical(a) == canonical(b)) == (json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True))


@given(st.integers(0, 63), st.integers(1, 255))
@settings(max_examples=40)
def test_a_changed_bit_of_the_signature_is_wrong(place: int, flip: int) -> None:
    signature = sign({"a": 1}, _KEY)
    raw = bytearray(base64.b64decode(signature.signature))
    raw[place] ^= flip
    changed = signature.model_copy(update={"signature": base64.b64encode(bytes(raw)).decode()})
    assert _RING.check({"a": 1}, changed) == "wrong"


@pytest.mark.parametrize("text", ["", "AAAA", "no base 64!", "A" * 88, "é"])
def test_a_truncated_signature_is_wrong(text: str) -> None:
    assert _RING.check({}, Signature(key=_KEY.fingerprint, signature=text)) == "wrong"


def test_canonical_form_is_rfc_8785s() -> None:
    # Appendix of RFC 8785 on sorting: by UTF-16 code units, which puts the emoji before U+FB33.
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f602", "\x80", "\u00f6"]
    wanted = ["\r", "1", "\x80", "\u00f6", "\u20ac", "\U0001f602", "\ufb33"]
    assert list(json.loads(canonical(dict.fromkeys(keys, 1)))) == wanted
    with pytest.raises(ValueError, match="exceeds"):
        canonical({"a": 2**60})
