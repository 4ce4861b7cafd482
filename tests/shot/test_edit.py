"""Edits of a shot file: keys, overrides and takes."""

from __future__ import annotations

import pytest

from faceplate.errors import UsageError
from faceplate.shot import (
    ShotDocument,
    changes,
    dump,
    load_shot,
    new_document,
    parse_document,
    record_take,
    restore_take,
    set_key,
    set_values,
)


def test_set_key_override_and_their_opposites() -> None:
    start = new_document(plate="p.####.exr")
    edited = set_values(start, {"grain": 0.5, "source": "bea", "keep_regions": "eyes"})
    edited = set_key(edited, "shape", 1010, 0.5, "smooth")
    edited = set_key(edited, "shape", 1001, 0.0)
    edited = set_values(edited, {"mouth": "plate"}, frames="1005-1006", note="teeth")
    assert list(changes(start, edited)) == [
        ("source", None, "bea"),
        ("overrides", None, [{"frames": "1005-1006", "parameters": {"mouth": "plate"}, "note": "teeth"}]),
        ("parameters.shape", None, {"keys": [[1001, 0.0, "linear"], [1010, 0.5, "smooth"]]}),
        ("parameters.keep_regions", None, "eyes"),
        ("parameters.grain", None, 0.5),
    ]
    back = set_key(set_key(edited, "shape", 1001, None), "shape", 1010, None)
    back = set_values(back, {"grain": None, "source": None, "keep_regions": None})
    back = set_values(back, {"mouth": None}, frames="1005-1006")
    assert load_shot(back) == load_shot(start)
    for wrong, code in (
        (lambda: set_key(start, "keep_regions", 1, 1.0), "not-animatable"),
        (lambda: set_key(start, "nothing", 1, 1.0), "no-such-key"),
        (lambda: set_key(start, "grain", 1, 9.0), "bad-shot"),
        (lambda: set_key(start, "grain", 1, None), "no-key"),
        (lambda: set_values(start, {"nothing": 1}), "no-such-key"),
        (lambda: set_values(start, {"plate": "x"}, frames="1-2"), "no-such-key"),
        (lambda: set_values(start, {"grain": 9}), "bad-shot"),
        (lambda: restore_take(start, 3), "no-take"),
    ):
        with pytest.raises(UsageError) as refused:
            wrong()
        assert refused.value.code == code


def test_takes_number_the_output_and_bring_their_values_back() -> None:
    first = record_take(
        new_document(plate="p.####.exr", output="o/{take}/s.####.exr", parameters={"grain": 0.2}), "one"
    )
    second = record_take(set_values(first, {"grain": 0.9}), "two")
    assert second.takes is not None
    assert [(take.take, take.note, take.output) for take in second.takes] == [
        (1, "one", "o/001/s.####.exr"), (2, "two", "o/002/s.####.exr"),
    ]  # fmt: skip
    assert second.takes[0].parameters_sha256 != second.takes[1].parameters_sha256
    assert load_shot(second, "/s").output == "/s/o/002/s.####.exr"
    assert load_shot(restore_take(second, 1)).parameters.grain == 0.2
    assert parse_document(dump(second), ShotDocument) == second
