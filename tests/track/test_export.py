"""Exports of a track: Nuke, CSV, Blender and USD."""

from __future__ import annotations

import csv
import json
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceplate.errors import UsageError
from faceplate.face.shape import RIGID
from faceplate.track import Track, model
from faceplate.track.assembly import build
from faceplate.track.export import TRACKER_POINTS, export_track
from track_sightings import mean_head, points_at, seen_frames

PLATE = model.Plate(pattern="plate.####.exr", display=(0, 0, 1280, 720), data=(-16, 12, 1312, 696))


def curve(text: str) -> dict[int, float]:
    """A Nuke curve read as Nuke reads it."""
    found: dict[int, float] = {}
    frame = 0
    for word in text.removeprefix("{curve ").removesuffix("}").split():
        if word == "K":
            continue
        if word.startswith("x"):
            frame = int(word[1:])
        else:
            found[frame] = float(word)
            frame += 1
    return found


@pytest.fixture(scope="module")
def cropped() -> Track:
    """A display window that does not begin at 0, a face that turns, grows and leaves for two frames."""
    plate = PLATE.model_copy(update={"display": (100, 50, 1280, 720)})
    seen = seen_frames(20, {1: lambda i: mean_head(500 + 3 * i, 300, 90 * 1.01**i, 0.02 * i)})
    track = Track(build(seen, plate, model.Smoothing(), {}))
    return track.mark_bad("p1", 1008, 1009, exclude=True)


def nodes(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Nuke's text taken apart as TCL takes it apart: (class, knobs), a knob's value nested as its braces are."""
    words = re.findall(r"[{}\n]|\"[^\"]*\"|[^\s{}]+", text)

    def braced(points_at: int) -> tuple[list[Any], int]:
        inside: list[Any] = []
        while words[points_at] != "}":
            if words[points_at] == "{":
                item, points_at = braced(points_at + 1)
                inside.append(item)
            else:
                inside += [words[points_at]] if words[points_at] != "\n" else []
                points_at += 1
        return inside, points_at + 1

    found: list[tuple[str, dict[str, Any]]] = []
    points_at = 0
    while points_at < len(words):
        if points_at + 1 < len(words) and words[points_at + 1] == "{" and words[points_at] != "\n":
            kind, points_at, knobs = words[points_at], points_at + 2, {}
            while words[points_at] != "}":
                if words[points_at] == "\n":
                    points_at += 1
                    continue
                name, points_at = words[points_at], points_at + 1
                if words[points_at] == "{":
                    knobs[name], points_at = braced(points_at + 1)
                else:
                    knobs[name], points_at = words[points_at], points_at + 1
            found.append((kind, knobs))
        points_at += 1
    return found


def test_nuke_text_is_taken_apart_as_nuke_does_it(cropped: Track, tmp_path: Path) -> None:
    text = export_track(cropped, tmp_path / "shot.nk", "p1").read_text()
    tracker, pin, transform = (knobs for _, knobs in nodes(text))
    assert [kind for kind, _ in nodes(text)] == ["Tracker4", "CornerPin2D", "Transform"]
    mean_head, columns, rows = tracker["tracks"]
    assert [int(v) for v in mean_head] == [1, 31, len(TRACKER_POINTS)] and len(columns) == 31
    assert [row[1].strip('"') for row in rows] == [name for name, _ in TRACKER_POINTS]
    curves = [row[k] for row in rows for k in (2, 3)] + [v for k in range(1, 5) for v in pin[f"to{k}"]]
    curves += [*transform["translate"], transform["rotate"][0], transform["scale"][0]]
    for words in curves:
        assert words[0] == "curve" and words[1] == "x1001"
        assert [word for word in words[1:] if word.startswith("x")] == ["x1001", "x1010"]
        assert len([float(word) for word in words[1:] if not word.startswith("x")]) == 18
    for k in range(1, 5):
        assert len([float(v) for v in pin[f"from{k}"]]) == 2
        assert float(pin[f"to{k}"][0][2]) == pytest.approx(float(pin[f"from{k}"][0]), abs=1e-3)
    names = [knobs["name"] for knobs in (tracker, pin, transform)]
    assert len(set(names)) == 3 and all(re.fullmatch(r"\w+", name) for name in names)


def test_nuke_text_holds_the_face_in_nukes_coordinates(cropped: Track, tmp_path: Path) -> None:
    text = export_track(cropped, tmp_path / "shot.nk", "p1").read_text()
    assert text.count("{") == text.count("}") and text.startswith("set cut_paste_input")
    for node in ("Tracker4 {", "CornerPin2D {", "Transform {"):
        assert text.count(node) == 1
    curves = [curve(m) for m in re.findall(r"\{curve [^}]*\}", text)]
    tracker = [c for c in curves if len(c) == 18][: 2 * len(TRACKER_POINTS)]
    for k, (_, point) in enumerate(TRACKER_POINTS):
        for frame in (1001, 1007, 1010, 1020):
            x, y = points_at(cropped, "p1", frame)[point, :2]
            assert tracker[2 * k][frame] == pytest.approx(x - 100, abs=1e-3)
            assert tracker[2 * k + 1][frame] == pytest.approx(50 + 720 - y, abs=1e-3)
    assert 1008 not in tracker[0] and 1010 in tracker[0]
    rows = re.findall(r"^ \{ (\{curve K.*) \}$", text, re.M)
    assert len(rows) == len(TRACKER_POINTS)
    assert all(len(re.findall(r"\{[^}]*\}|\"[^\"]*\"|\S+", row)) == 31 for row in rows)
    columns = re.findall(r"^(?:\{ )?\{ (\d) (\d) (\d+) (\S+) (\S+) 1 \}$", text, re.M)
    assert [column[4] for column in columns[:9]] == ["e", "name", "track_x", "track_y", "offset_x", "offset_y", *"TRS"]
    assert len(columns) == 31
    # The Transform carries the reference frame's points onto those of every other frame.
    centre = np.array([float(v) for v in re.search(r"center \{(\S+) (\S+)\}", text).groups()])  # type: ignore[union-attr]
    tx, ty, turn, scale = curves[-4:]
    first = np.array([points_at(cropped, "p1", 1001)[RIGID, 0] - 100, 770 - points_at(cropped, "p1", 1001)[RIGID, 1]]).T
    then = np.array([points_at(cropped, "p1", 1020)[RIGID, 0] - 100, 770 - points_at(cropped, "p1", 1020)[RIGID, 1]]).T
    angle = np.radians(turn[1020])
    spin = scale[1020] * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    assert np.abs((first - centre) @ spin.T + centre + (tx[1020], ty[1020]) - then).max() < 0.1
    assert (tx[1001], ty[1001], turn[1001], scale[1001]) == (0, 0, 0, 1)


def test_csv_and_blender_data_hold_every_point(cropped: Track, tmp_path: Path) -> None:
    rows = list(csv.DictReader(export_track(cropped, tmp_path / "shot.csv", "p1").open()))
    assert [int(row["frame"]) for row in rows] == [f for f in range(1001, 1021) if f not in (1008, 1009)]
    assert float(rows[-1]["x4"]) == pytest.approx(points_at(cropped, "p1", 1020)[4, 0], abs=1e-3)
    item = json.loads(export_track(cropped, tmp_path / "shot.json", "p1").read_text())
    assert (item["width"], item["height"], len(item["frames"])) == (1280, 720, 18)
    u, v = np.array(item["frames"][-1]["points"]).reshape(478, 3)[4, :2]
    x, y = points_at(cropped, "p1", 1020)[4, :2]
    assert (u * 1280 + 100, 50 + 720 - v * 720) == (pytest.approx(x, abs=1e-2), pytest.approx(y, abs=1e-2))
    assert max(map(max, item["triangles"])) < 478


def test_usd_is_written_or_its_absence_told(cropped: Track, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        usd, geom = (import_module(f"pxr.{name}") for name in ("Usd", "UsdGeom"))
    except ImportError:
        with pytest.raises(UsageError, match=r"faceplate\[usd\]"):
            export_track(cropped, tmp_path / "shot.usda", "p1")
    else:
        stage = usd.Stage.Open(str(export_track(cropped, tmp_path / "shot.usda", "p1")))
        mesh = geom.Mesh(stage.GetPrimAtPath("/faceplate/face"))
        assert mesh.GetPointsAttr().GetTimeSamples() == [float(f) for f in range(1001, 1021) if f not in (1008, 1009)]
        x, y = points_at(cropped, "p1", 1020)[4, :2]
        assert tuple(mesh.GetPointsAttr().Get(1020)[4])[:2] == (
            pytest.approx(x - 100, abs=0.01),
            pytest.approx(770 - y, abs=0.01),
        )
    monkeypatch.setitem(sys.modules, "pxr.Gf", None)
    with pytest.raises(UsageError, match=r"faceplate\[usd\]"):
        export_track(cropped, tmp_path / "again.usda", "p1")
    assert not (tmp_path / "again.usda").exists()


def test_exports_that_cannot_be_are_refused(cropped: Track, tmp_path: Path) -> None:
    for arguments in (("shot.xyz", "p1", None), ("shot.nk", "p9", None), ("shot.nk", "p1", 1008)):
        with pytest.raises(UsageError):
            export_track(cropped, tmp_path / arguments[0], arguments[1], reference=arguments[2])
