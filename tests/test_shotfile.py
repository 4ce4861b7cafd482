"""Shot files, show defaults and curves: what a file says is what renders, and every fault is named."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceplate.errors import UsageError
from faceplate.shot import (
    PathRule,
    ShotDocument,
    changes,
    dump,
    explain,
    load_shot,
    new_document,
    parse_document,
    read_document,
    read_rules,
    record_take,
    restore_take,
    schema,
    set_key,
    set_values,
    write_document,
)
from faceplate.shot.curves import Curve, Key
from faceplate.shot.parameters import PARAMETERS, Parameters

DOCS = Path(__file__).parents[1] / "docs"
BARE = {"faceplate_shot": 1, "plate": "plates/p.####.exr"}


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


# Curves -------------------------------------------------------------------------------------------------------------

values = st.floats(-1e3, 1e3).map(lambda value: round(value, 3))
curves = st.lists(
    st.tuples(st.integers(-200, 200), values, st.sampled_from(["hold", "linear", "smooth"])),
    min_size=1, max_size=8, unique_by=lambda key: key[0],
).map(lambda keys: Curve(keys=tuple(Key._make(key) for key in sorted(keys))))  # fmt: skip


@given(curves)
@settings(max_examples=150, deadline=None)
def test_a_curve_is_exact_at_its_keys_and_holds_beyond_them(curve: Curve) -> None:
    for key in curve.keys:
        assert curve.at(key.frame) == key.value
    assert curve.at(curve.keys[0].frame - 7) == curve.keys[0].value
    assert curve.at(curve.keys[-1].frame + 7) == curve.keys[-1].value


@given(curves)
@settings(max_examples=150, deadline=None)
def test_a_segment_is_monotone_and_stays_between_its_keys(curve: Curve) -> None:
    for start, end in zip(curve.keys, curve.keys[1:], strict=False):
        steps = [start.frame + (end.frame - start.frame) * k / 32 for k in range(33)]
        seen = [curve.at(step) for step in steps[:-1]]
        low, high = sorted((start.value, end.value))
        assert all(low <= value <= high for value in seen)
        if start.interpolation == "hold":
            assert set(seen) == {start.value}
            continue
        sign = 1 if end.value >= start.value else -1
        rises = [sign * (later - earlier) for earlier, later in itertools.pairwise(seen)]
        assert min(rises, default=0.0) >= -1e-9 * max(abs(low), abs(high), 1.0)


@given(curves.filter(lambda curve: all(key.interpolation == "smooth" for key in curve.keys)))
@settings(max_examples=80, deadline=None)
def test_a_smooth_curve_has_no_corner(curve: Curve) -> None:
    reach = max(key.value for key in curve.keys) - min(key.value for key in curve.keys)
    for key in curve.keys:
        before = (key.value - curve.at(key.frame - 1e-5)) / 1e-5
        after = (curve.at(key.frame + 1e-5) - key.value) / 1e-5
        assert abs(before - after) <= 2e-3 * (1 + reach)


def test_known_values_of_each_interpolation() -> None:
    def between(interpolation: Any) -> float:
        return Curve(keys=(Key(1001, 0.0, interpolation), Key(1011, 1.0))).at(1006)

    assert (between("hold"), between("linear"), between("smooth")) == (0.0, 0.5, 0.5)
    ease = Curve(keys=(Key(0, 0.0, "smooth"), Key(4, 1.0)))
    assert ease.at(1) == pytest.approx(0.15625)  # 3t² − 2t³
    # Through an uneven middle key: Fritsch and Butland's tangent there is 3 / (1.25 / 1 + 1.75 / 0.5) per frame.
    bent = Curve(keys=(Key(0, 0.0, "smooth"), Key(4, 4.0, "smooth"), Key(8, 6.0)))
    assert bent.at(2) == pytest.approx(2.0 - 4 * (2 / (1 / 1.0 + 1 / 0.5)) / 8)


# Documents ----------------------------------------------------------------------------------------------------------


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
        ({"parameters": {"blend": "soft"}}, "'gradient', 'multiband' or 'none'"),
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
        path = write(tmp_path / f"{name}.shot.json", text)
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


# Shows, paths, machines ---------------------------------------------------------------------------------------------


def show(folder: Path, **content: Any) -> Path:
    return write(folder / "faceplate.show.json", {"faceplate_show": 1, **content})


def test_the_nearest_show_file_counts_and_explain_says_where_from(tmp_path: Path) -> None:
    show(tmp_path, defaults={"mode": "over", "ocio": "far.ocio"})  # above a root: says nothing
    top = show(tmp_path / "show", root=True, defaults={
        "working": "ACEScg", "missing": "hold", "ocio": "show.ocio",
        "parameters": {"grain": 0.5, "matte_feather": 0.1, "garbage_matte": "mattes/g.####.exr"},
    })  # fmt: skip
    sequence = show(tmp_path / "show" / "sq", defaults={"missing": "skip", "parameters": {"grain": 0.8}})
    path = write(
        tmp_path / "show" / "sq" / "sh010" / "sh010.shot.json",
        {"faceplate_shot": 1, "plate": "p.####.exr", "working": None, "parameters": {"shape": 0.3, "grain": None}},
    )
    shot = load_shot(path)
    assert (shot.name, shot.working, shot.missing, shot.mode) == ("sh010", "ACEScg", "skip", "element")
    assert shot.ocio == str(top.parent / "show.ocio") and shot.plate == str(path.parent / "p.####.exr")
    garbage = str(top.parent / "mattes" / "g.####.exr")
    assert shot.parameters == Parameters(grain=0.8, matte_feather=0.1, shape=0.3, garbage_matte=garbage)
    said = {key: (value, where) for key, value, where in explain(path)}
    assert said["plate"] == ("p.####.exr", str(path))
    assert said["missing"] == ("skip", str(sequence)) and said["working"] == ("ACEScg", str(top))
    assert said["mode"] == ("element", "built in") and said["name"] == ("sh010", "built in")
    assert said["parameters.grain"] == (0.8, str(sequence)) and said["parameters.shape"] == (0.3, str(path))
    assert said["parameters.matte_feather"] == (0.1, str(top))
    assert said["parameters.light_scale"] == (Parameters().light_scale, "built in")
    assert [key for key in said if key.startswith("parameters.")] == [f"parameters.{p.name}" for p in PARAMETERS]


def test_a_show_forbids_and_no_sequence_or_shot_allows_itself_more(tmp_path: Path) -> None:
    show(tmp_path, root=True, policy={"allow_noncommercial": False, "final_requires_release": True})
    show(tmp_path / "sq", policy={"allow_noncommercial": True, "final_requires_release": False, "preview_slate": True})
    path = write(tmp_path / "sq" / "a.shot.json", {**BARE, "allow_noncommercial": True})
    shot = load_shot(path)
    assert shot.allow_noncommercial is False
    assert (shot.policy.final_requires_release, shot.policy.preview_slate) == (True, True)
    assert ("allow_noncommercial", False, "the show's policy") in explain(path)
    assert load_shot({**BARE, "allow_noncommercial": True}, tmp_path.parent / "none").allow_noncommercial is True


def test_a_faulty_show_file_is_named(tmp_path: Path) -> None:
    path = show(tmp_path, defaults={"parameters": {"grian": 1}})
    write(tmp_path / "a.shot.json", BARE)
    with pytest.raises(UsageError, match=r"field defaults\.parameters\.grian") as refused:
        load_shot(tmp_path / "a.shot.json")
    assert str(path) in str(refused.value) and "did you mean grain" in str(refused.value)


def test_variables_home_and_frame_padding(tmp_path: Path) -> None:
    environ = {"SHOW": "/mnt/show", "WHO": "bea", "HOME": "/home/x"}
    document = {
        **BARE,
        "plate": "$SHOW/p.$F4.exr",
        "source": "~/${WHO}",
        "output": "$SHOW/o.####.exr",
        "ocio": "ocio://default",
    }
    shot = load_shot(document, tmp_path, environ=environ)
    assert (shot.plate, str(shot.source), shot.output) == ("/mnt/show/p.$F4.exr", "/home/x/bea", "/mnt/show/o.####.exr")
    assert shot.ocio == "ocio://default"
    with pytest.raises(UsageError, match="the variable SHOW in") as refused:
        load_shot(document, tmp_path, environ={})
    assert refused.value.code == "unset-variable" and str(refused.value).startswith("plate in")


def test_a_moved_shot_renders_the_same_files_of_its_new_place(tmp_path: Path) -> None:
    for place in ("one", "two"):
        write(tmp_path / place / "sh" / "a.shot.json", {**BARE, "source": "../people/bea", "track": "a.track.json"})
        shot = load_shot(tmp_path / place / "sh" / "a.shot.json")
        assert shot.plate == str(tmp_path / place / "sh" / "plates" / "p.####.exr")
        assert str(shot.track) == str(tmp_path / place / "sh" / "a.track.json")
        assert shot.source is not None and shot.source.resolve() == tmp_path / place / "people" / "bea"


@pytest.mark.parametrize(
    ("path", "rules", "here"),
    [
        ("/mnt/a/s/p.exr", [("/mnt/a", "/vol/b")], "/vol/b/s/p.exr"),
        ("/mnt/ab/p.exr", [("/mnt/a", "/vol/b")], "/mnt/ab/p.exr"),
        ("/mnt/a/s/p.exr", [("/mnt/a", "/x"), ("/mnt/a/s", "/y")], "/y/p.exr"),
        ("P:\\Show\\sh\\p.####.exr", [("p:\\show", "/mnt/show")], "/mnt/show/sh/p.####.exr"),
        ("P:/Show/p.exr", [("P:/", "/mnt/p/")], "/mnt/p/Show/p.exr"),
        ("\\\\srv\\share\\p.exr", [("\\\\SRV\\share", "/srv")], "/srv/p.exr"),
        ("/mnt/A/p.exr", [("/mnt/a", "/x")], "/mnt/A/p.exr"),
        ("/mnt/a", [("/mnt/a", "/")], "/"),
        ("/p.exr", [("/", "/new")], "/new/p.exr"),
    ],
)
def test_paths_of_other_machines(path: str, rules: list[tuple[str, str]], here: str, tmp_path: Path) -> None:
    shot = load_shot({**BARE, "plate": path}, tmp_path, mapping=tuple(PathRule(*rule) for rule in rules))
    assert shot.plate == here


def test_mapping_comes_from_the_show_from_files_and_refuses_what_it_cannot_reach(tmp_path: Path) -> None:
    show(tmp_path, path_mapping=[{"from": "P:\\show", "to": "/mnt/show"}])
    path = write(tmp_path / "a.shot.json", {"faceplate_shot": 1, "plate": "P:\\show\\p.####.exr"})
    assert load_shot(path).plate == "/mnt/show/p.####.exr"
    ours = write(tmp_path / "ours.json", [{"from": "P:/show", "to": "/first"}])
    assert load_shot(path, mapping=read_rules(ours)).plate == "/first/p.####.exr"
    rule = {"source_path_format": "WINDOWS", "source_path": "P:/show", "destination_path": "/ojd"}
    openjd = write(tmp_path / "openjd.json", {"version": "pathmapping-1.0", "path_mapping_rules": [rule]})
    assert load_shot(path, mapping=read_rules(openjd)).plate == "/ojd/p.####.exr"
    with pytest.raises(UsageError, match="a path of another operating system") as refused:
        load_shot({"faceplate_shot": 1, "plate": "Q:\\p.exr"}, tmp_path)
    assert refused.value.code == "unmapped-path"
    for text in ("{", "[1]", '{"path_mapping_rules": [{}]}'):
        with pytest.raises(UsageError) as refused:
            read_rules(write(tmp_path / "bad.json", text))
        assert refused.value.code == "bad-path-mapping"


def test_changes_from_a_command_line_count_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "sh" / "a.shot.json", {**BARE, "output": "o.####.exr", "parameters": {"grain": 0.1}})
    monkeypatch.chdir(tmp_path)
    shot = load_shot(path, changes={"output": "x/o.####.exr", "parameters": {"grain": 0.9}})
    assert shot.output == str(tmp_path / "x" / "o.####.exr") and shot.parameters.grain == 0.9
    assert shot.plate == str(tmp_path / "sh" / "plates" / "p.####.exr")


# Edits --------------------------------------------------------------------------------------------------------------


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
