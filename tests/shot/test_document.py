"""Shot documents: files, faults, schema, and values by frame."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceplate.errors import UsageError
from faceplate.shot import (
    ShotDocument,
    dump,
    load_shot,
    new_document,
    read_document,
    schema,
    write_document,
)
from faceplate.shot.parameters import PARAMETERS, Parameters
from shot_documents import BARE, write_json

DOCS = Path(__file__).parents[2] / "docs"


def test_a_document_survives_its_file(tmp_path: Path) -> None:
    document = new_document(
        name="sh010", plate="p.####.exr", source="bea", frames="1001-1048", search=[1, 2, 3, 4],
        parameters={"grain": 0.5, "light_luminance": {"keys": [[1001, 0.5, "smooth"], [1020, 1.0, "linear"]]}},
        overrides=[{"frames": "1010-1020", "parameters": {"occlusion": 0.9}, "note": "hand"}],
    )  # fmt: skip
    path = tmp_path / "new" / "sh010.shot.json"
    write_document(document, path)
    assert read_document(path, ShotDocument) == document
    assert path.read_text(encoding="utf-8") == dump(document)
    assert [item.name for item in path.parent.iterdir()] == [path.name]
    assert dump(read_document(path, ShotDocument)) == dump(document)


def test_the_published_schema_is_fresh() -> None:
    assert (DOCS / "shot.schema.json").read_text(encoding="utf-8") == schema()


def test_the_schema_has_every_parameter_with_its_range() -> None:
    properties = json.loads(schema())["$defs"]["ParameterValues"]["properties"]
    assert list(properties) == sorted(parameter.name for parameter in PARAMETERS)
    text = json.dumps(properties["grain"])
    assert '"maximum": 2.0' in text and "Curve" in text and "Curve" not in json.dumps(properties["keep_regions"])


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"parameters": {"mattefeather": 1}}, "field parameters.mattefeather: there is no such key; did you mean matte_feather"),
        ({"parameters": {"grain": "1"}}, "field parameters.grain: input should be a valid number"),
        ({"parameters": {"grain": True}}, "field parameters.grain"),
        ({"parameters": {"grain": 3}}, "field parameters.grain: input should be less than or equal to 2"),
        ({"parameters": {"grain": {"keys": [[1001, 5]]}}}, "field parameters.grain: the key at frame 1001 is 5; it can be 0 to 2"),
        ({"parameters": {"grain": {"keys": []}}}, "field parameters.grain.keys"),
        ({"parameters": {"grain": {"keys": [[2, 1], [1, 1]]}}}, "the key at frame 1 comes after the one at 2"),
        ({"parameters": {"grain": {"keys": [[1, 1, "bezier"]]}}}, "field parameters.grain.keys[0][2]"),
        ({"parameters": {"keep_regions": {"keys": [[1, 1]]}}}, "field parameters.keep_regions"),
        ({"parameters": {"blend": "soft"}}, "'seam', 'gradient', 'multiband' or 'none'"),
        ({"paramters": {}}, "field paramters: there is no such key; did you mean parameters"),
        ({"frames": "all"}, "field frames: 'all' is no frame range"),
        ({"search": [1, 2, 3]}, "field search"),
        ({"overrides": [{"frames": "1-3"}]}, "field overrides[0].parameters"),
        ({"overrides": [{"frames": "x", "parameters": {}}]}, "field overrides[0].frames"),
        ({"takes": [{"take": 1, "made": ""}, {"take": 1, "made": ""}]}, "field takes: two takes have the same number"),
        ({"id": "x"}, "field id"),
        ({"faceplate_shot": "1"}, "field faceplate_shot"),
        ({"mode": "under"}, "field mode"),
    ],
)  # fmt: skip
def test_a_fault_is_named_by_its_field(document: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError) as refused:
        load_shot({**BARE, **document})
    assert refused.value.code == "bad-shot" and says in str(refused.value)


def test_files_that_are_damaged_newer_or_something_else(tmp_path: Path) -> None:
    whole = dump(new_document(plate="p.####.exr"))
    cases = {
        "cut": (whole[: len(whole) // 2], "bad-shot", "not valid JSON"),
        "empty": ("", "bad-shot", "not valid JSON"),
        "list": ("[]", "bad-shot", "faceplate_shot is missing"),
        "other": ('{"faceplate_track": 1}', "bad-shot", "faceplate_shot is missing"),
        "newer": ('{"faceplate_shot": 2, "plates": 1}', "newer-shot", "version 2"),
        "bytes": ("\x00\x01", "bad-shot", "not valid JSON"),
    }
    for name, (text, code, says) in cases.items():
        path = write_json(tmp_path / f"{name}.shot.json", text)
        with pytest.raises(UsageError) as refused:
            load_shot(path)
        assert refused.value.code == code and says in str(refused.value) and path.name in str(refused.value)
    with pytest.raises(UsageError, match="cannot be read") as refused:
        load_shot(tmp_path / "absent.shot.json")
    assert refused.value.code == "no-shot"
    with pytest.raises(UsageError) as refused:
        load_shot({"faceplate_shot": 1})
    assert refused.value.code == "no-plate"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["plate", "parameters", "grain", "keys", "overrides", "frames", "takes", "x"]),
                inner,
                max_size=4,
            )
        ),
    )
)
@settings(max_examples=150, deadline=None)  # fmt: skip
def test_whatever_a_document_holds_only_refusals_come_out(content: Any) -> None:
    document = content if isinstance(content, dict) else {"parameters": content}
    try:
        shot = load_shot({"faceplate_shot": 1, **document})
    except UsageError as refusal:
        assert str(refusal).endswith(".")
    else:
        assert shot.at(1001) == Parameters.model_validate(shot.at(1001).model_dump())


def test_each_frame_has_its_values() -> None:
    shot = load_shot({
        **BARE,
        "parameters": {"grain": 0.5, "shape": {"keys": [[1001, 0.0, "linear"], [1011, 1.0]]}},
        "overrides": [
            {"frames": "1005-1006", "parameters": {"shape": 0.25, "mouth": "plate"}},
            {"frames": "1006,1008", "parameters": {"shape": {"keys": [[1006, 0.75]]}, "grain": 2.0}},
        ],
    })  # fmt: skip
    assert shot.at(1001) == Parameters(grain=0.5, shape=0.0)
    assert shot.at(1004).shape == pytest.approx(0.3)
    assert shot.at(1005) == Parameters(grain=0.5, shape=0.25, mouth="plate")
    assert shot.at(1006) == Parameters(grain=2.0, shape=0.75, mouth="plate")
    assert shot.at(1008) == Parameters(grain=2.0, shape=0.75)
    assert shot.at(1020) == Parameters(grain=0.5)
