"""Loading a shot: show defaults, paths, and other machines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from faceplate.errors import UsageError
from faceplate.shot import (
    PathRule,
    explain,
    load_shot,
    read_rules,
)
from faceplate.shot.parameters import PARAMETERS, Parameters
from shot_documents import BARE, write_json


def show(folder: Path, **content: Any) -> Path:
    return write_json(folder / "faceplate.show.json", {"faceplate_show": 1, **content})


def test_the_nearest_show_file_counts_and_explain_says_where_from(tmp_path: Path) -> None:
    show(tmp_path, defaults={"mode": "over", "ocio": "far.ocio"})  # above a root: says nothing
    top = show(tmp_path / "show", root=True, defaults={
        "working": "ACEScg", "missing": "hold", "ocio": "show.ocio",
        "parameters": {"grain": 0.5, "matte_feather": 0.1, "garbage_matte": "mattes/g.####.exr"},
    })  # fmt: skip
    sequence = show(tmp_path / "show" / "sq", defaults={"missing": "skip", "parameters": {"grain": 0.8}})
    path = write_json(
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
    path = write_json(tmp_path / "sq" / "a.shot.json", {**BARE, "allow_noncommercial": True})
    shot = load_shot(path)
    assert shot.allow_noncommercial is False
    assert (shot.policy.final_requires_release, shot.policy.preview_slate) == (True, True)
    assert ("allow_noncommercial", False, "the show's policy") in explain(path)
    assert load_shot({**BARE, "allow_noncommercial": True}, tmp_path.parent / "none").allow_noncommercial is True


def test_a_faulty_show_file_is_named(tmp_path: Path) -> None:
    path = show(tmp_path, defaults={"parameters": {"grian": 1}})
    write_json(tmp_path / "a.shot.json", BARE)
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
        write_json(
            tmp_path / place / "sh" / "a.shot.json", {**BARE, "source": "../people/bea", "track": "a.track.json"}
        )
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
    path = write_json(tmp_path / "a.shot.json", {"faceplate_shot": 1, "plate": "P:\\show\\p.####.exr"})
    assert load_shot(path).plate == "/mnt/show/p.####.exr"
    ours = write_json(tmp_path / "ours.json", [{"from": "P:/show", "to": "/first"}])
    assert load_shot(path, mapping=read_rules(ours)).plate == "/first/p.####.exr"
    rule = {"source_path_format": "WINDOWS", "source_path": "P:/show", "destination_path": "/ojd"}
    openjd = write_json(tmp_path / "openjd.json", {"version": "pathmapping-1.0", "path_mapping_rules": [rule]})
    assert load_shot(path, mapping=read_rules(openjd)).plate == "/ojd/p.####.exr"
    with pytest.raises(UsageError, match="a path of another operating system") as refused:
        load_shot({"faceplate_shot": 1, "plate": "Q:\\p.exr"}, tmp_path)
    assert refused.value.code == "unmapped-path"
    for text in ("{", "[1]", '{"path_mapping_rules": [{}]}'):
        with pytest.raises(UsageError) as refused:
            read_rules(write_json(tmp_path / "bad.json", text))
        assert refused.value.code == "bad-path-mapping"


def test_changes_from_a_command_line_count_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_json(tmp_path / "sh" / "a.shot.json", {**BARE, "output": "o.####.exr", "parameters": {"grain": 0.1}})
    monkeypatch.chdir(tmp_path)
    shot = load_shot(path, changes={"output": "x/o.####.exr", "parameters": {"grain": 0.9}})
    assert shot.output == str(tmp_path / "x" / "o.####.exr") and shot.parameters.grain == 0.9
    assert shot.plate == str(tmp_path / "sh" / "plates" / "p.####.exr")


def test_a_class_is_slated_without_finals_and_takes_sources_from_its_folders(tmp_path: Path) -> None:
    strict = {"always_slate": True, "allow_finals": False, "sources_from": "people"}
    show(tmp_path, root=True, policy=strict)
    show(tmp_path / "sq", policy={"always_slate": False, "allow_finals": True, "sources_from": str(tmp_path / "x")})
    policy = load_shot(write_json(tmp_path / "sq" / "a.shot.json", BARE)).policy
    assert (policy.always_slate, policy.allow_finals) == (True, False)
    assert policy.sources_from == (str(tmp_path / "x"), str(tmp_path / "people"))
    assert load_shot(BARE, tmp_path.parent / "none").policy.sources_from is None
    show(tmp_path, root=True, policy={"sources_from": ""})
    with pytest.raises(UsageError, match=r"sources_from.*empty folder"):
        load_shot(tmp_path / "sq" / "a.shot.json")
