"""The faces of a shot file: added, keyed, removed, kept by takes, and settled for a render."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands import command, refused
from faceplate.errors import UsageError
from faceplate.shot import (
    ShotDocument,
    changes,
    dump,
    explain,
    load_shot,
    new_document,
    parse_document,
    read_document,
    record_take,
    remove_face,
    restore_take,
    set_face,
    set_face_key,
    set_values,
)


def two_faces() -> ShotDocument:
    start = new_document(plate="p.####.exr", source="people/all", parameters={"grain": 0.2, "shape": 0.5})
    one = set_face(start, "Ada", {"source": "people/bea", "target": "1", "grain": 0.9})
    return set_face(one, "Eve", {"target": "2", "track": "eve.track.json", "head_size": 0.8})


def test_a_face_is_added_keyed_changed_and_removed() -> None:
    start = new_document(plate="p.####.exr")
    edited = set_face(start, "Ada", {"source": "bea", "grain": 0.5})
    edited = set_face_key(edited, "Ada", "shape", 1010, 0.5, "smooth")
    edited = set_face(edited, "Ada", {"mouth": "plate"}, frames="1005-1006", note="teeth")
    assert [row[:1] + row[2:] for row in changes(start, edited)] == [
        ("faces.Ada.name", "Ada"), ("faces.Ada.source", "bea"),
        ("faces.Ada.overrides", [{"frames": "1005-1006", "parameters": {"mouth": "plate"}, "note": "teeth"}]),
        ("faces.Ada.parameters.shape", {"keys": [[1010, 0.5, "smooth"]]}), ("faces.Ada.parameters.grain", 0.5),
    ]  # fmt: skip
    assert parse_document(dump(edited), ShotDocument) == edited
    assert remove_face(set_face(edited, "Eve", {}), "Ada").faces == set_face(start, "Eve", {}).faces
    assert remove_face(edited, "Ada") == start
    for wrong, code in (
        (lambda: set_face(start, "Ada", {"plate": "x"}), "no-such-key"),
        (lambda: set_face(start, "Ada", {"grain": 9}), "bad-shot"),
        (lambda: set_face(start, "Ada", {"head_size": 0}), "bad-shot"),
        (lambda: set_face_key(start, "Ada", "grain", 1, 1.0), "no-such-face"),
        (lambda: set_face_key(edited, "Ada", "keep_regions", 1, 1.0), "not-animatable"),
        (lambda: remove_face(edited, "Eve"), "no-such-face"),
        (lambda: set_values(start, {"faces": []}), "no-such-key"),
        (lambda: load_shot({"faceplate_shot": 1, "plate": "p", "faces": [{"name": "A"}, {"name": "A"}]}), "bad-shot"),
    ):
        with pytest.raises(UsageError) as refusal:
            wrong()
        assert refusal.value.code == code


def test_a_faces_own_values_win_whatever_the_shot_has_for_them() -> None:
    document = set_values(two_faces(), {"grain": 0.4, "shape": 0.1}, frames="1005")
    document = set_face_key(document, "Eve", "shape", 1001, 0.3)
    shot = load_shot(document, "/s")
    ada, eve = shot.face_shots
    assert (ada.person, ada.source, ada.track) == ("Ada", Path("/s/people/bea"), None) and not ada.faces
    assert (eve.person, eve.source, eve.track) == ("Eve", Path("/s/people/all"), Path("/s/eve.track.json"))
    assert (ada.at(1005).grain, ada.at(1005).shape, ada.at(1004).shape) == (0.9, 0.1, 0.5)
    assert (eve.at(1005).grain, eve.at(1005).shape, eve.at(1004).grain) == (0.4, 0.3, 0.2)
    assert shot.faces[1].head_size == 0.8 and shot.faces[1].at(1005) == {"target": "2", "shape": 0.3}
    rows = {key: value for key, value, _ in explain(document, "/s")}
    assert rows["faces.Eve.head_size"] == 0.8 and rows["faces.Ada.parameters.grain"] == 0.9


def test_a_shot_of_one_face_is_its_own_face_shot() -> None:
    shot = load_shot(new_document(plate="p.####.exr", person="Ada"), "/s")
    assert shot.face_shots == (shot,) and not shot.faces


def test_takes_bring_the_faces_back() -> None:
    first = record_take(two_faces())
    later = remove_face(set_face(first, "Ada", {"grain": 0.1}), "Eve")
    assert restore_take(later, 1).faces == first.faces


def test_the_command_adds_lists_keys_and_removes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.shot.json"
    command("shot", "new", file, "plate=p.####.exr")
    command("shot", "face", file, "Ada", "source=people/bea", "target=2", "grain=0.5")
    command("shot", "face", file, "Eve", "head_size=0.8")
    command("shot", "key", file, "shape", "1001", "0.25", "--face", "Eve")
    capsys.readouterr()
    command("shot", "face", file)
    assert capsys.readouterr().out.splitlines() == [
        "Ada              source=people/bea  target=2  grain=0.5",
        'Eve              head_size=0.8  shape={"keys": [[1001, 0.25, "linear"]]}',
    ]
    command("shot", "face", file, "Ada", "--remove")
    faces = read_document(file, ShotDocument).faces
    assert faces is not None and [face.name for face in faces] == ["Eve"]
    assert "no face 'Ada'" in refused(capsys, "shot", "face", file, "Ada", "--remove")
