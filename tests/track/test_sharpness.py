"""Edges along a track: stored, and a softness that is smooth in time."""

from __future__ import annotations

import json

import numpy as np
import pytest

from faceplate.comp.edge_widths import DIRECTIONS, SCALES, EdgeWidths
from faceplate.track import Track, mesh_codec, model
from faceplate.track.sharpness import (
    between_softness,
    pack_edges,
    smooth_softness,
    unpack_edges,
)
from faceplate.track.sidecar import dump, parse_sidecar
from track_sightings import FIRST, mean_head, seen_frames, track_from


def test_edges_come_back_as_they_were_stored() -> None:
    rng = np.random.default_rng(1)
    edges = EdgeWidths(rng.uniform(0, 1.2, (SCALES, DIRECTIONS)), rng.uniform(0, 1, (SCALES, DIRECTIONS)))
    stored = unpack_edges(pack_edges(edges))
    assert stored is not None
    assert np.abs(stored.ratios - edges.ratios).max() <= 0.5 / 256
    assert np.abs(stored.weights - edges.weights).max() <= 0.5 / 15
    assert pack_edges(stored) == pack_edges(unpack_edges(pack_edges(stored)))
    assert stored.energy is None
    assert pack_edges(None) is None and unpack_edges(None) is None
    with pytest.raises(ValueError):
        unpack_edges("AAAA")


def test_energies_are_stored_with_the_edges() -> None:
    rng = np.random.default_rng(2)
    energy = np.column_stack(
        [rng.uniform(1e-4, 1e-2, 4), np.zeros(4), rng.uniform(1e-4, 1e-2, 4), rng.uniform(1e-6, 1e-5, 4)]
    )
    edges = EdgeWidths(rng.uniform(0, 1.2, (SCALES, DIRECTIONS)), rng.uniform(0, 1, (SCALES, DIRECTIONS)), energy)
    stored = unpack_edges(pack_edges(edges))
    assert stored is not None and stored.energy is not None
    assert np.abs(stored.ratios - edges.ratios).max() <= 0.5 / 256
    assert stored.energy[:, [0, 2, 3]] == pytest.approx(energy[:, [0, 2, 3]], rel=0.02)
    assert pack_edges(stored) == pack_edges(unpack_edges(pack_edges(stored)))


def test_edges_stored_before_the_narrowest_pair_are_read_without_it() -> None:
    rng = np.random.default_rng(1)
    ratios, weights = rng.uniform(0, 1.2, (3, DIRECTIONS)), rng.uniform(0.5, 1, (3, DIRECTIONS))
    told = np.concatenate([ratios.ravel() * 256, weights.ravel() * 15])
    stored = unpack_edges(mesh_codec.pack_numbers(told, 1.0))
    assert stored is not None and stored.ratios.shape == (SCALES, DIRECTIONS)
    assert not stored.weights[0].any()
    assert np.abs(stored.ratios[1:] - ratios).max() <= 0.5 / 256
    assert np.abs(stored.weights[1:] - weights).max() <= 0.5 / 15


def test_softness_is_smooth_in_time_and_follows_a_focus_pull() -> None:
    frames = list(range(60))
    truth = 0.003 + 0.012 / (1 + np.exp(-(np.arange(60) - 30) / 3.0))
    seen = truth * np.exp(np.random.default_rng(2).normal(0, 0.1, 60))
    seen[20] *= 4  # one frame that something covers
    smooth = np.array(smooth_softness(frames, seen.tolist(), [1.0] * 60, frames))
    assert np.abs(np.log(smooth / truth)).max() < 0.12
    assert np.abs(np.diff(np.log(smooth / truth))).max() < 0.04
    assert smooth_softness([5], [0.01], [1.0], [1, 5, 9]) == pytest.approx([0.01] * 3)
    assert between_softness(0.01, 0.02, 0.25) == pytest.approx(0.0125)
    assert between_softness(None, 0.02, 0.25) == 0.02 and between_softness(0.01, None, 0.25) == 0.01


def test_a_quick_rack_of_the_focus_is_followed() -> None:
    """From sharp to far out of focus in seven frames and back: the wide filter alone reached three quarters of it."""
    frames = list(range(15))
    truth = np.hypot(0.9, 6 * np.sin(np.pi * np.arange(15) / 14) ** 2)
    seen = truth * np.exp(np.random.default_rng(5).normal(0, 0.03, 15))
    smooth = np.array(smooth_softness(frames, seen.tolist(), [1.0] * 15, frames))
    assert smooth[7] > 0.9 * truth[7] and max(smooth[0], smooth[14]) < 1.2 * truth[0]
    assert np.abs(np.log(smooth / truth)).max() < 0.25


# The movement of a tracked face --------------------------------------------------------------------------------------


def test_movement_is_central_and_at_the_ends_one_sided() -> None:
    track = track_from(seen_frames(20, {1: lambda i: mean_head(300 + 0.5 * i * i, 300 + 4 * i)}), amount=0.0)
    person = track.people[0].id
    for frame, speed in ((FIRST, 0.5), (FIRST + 10, 10.0), (FIRST + 19, 18.5)):
        movement = track.movement(person, frame)
        assert movement is not None and movement.shape == (478, 2)
        assert np.abs(movement - (speed, 4.0)).max() < 0.15
    assert track.movement(person, FIRST + 40) is None


def test_movement_does_not_look_across_a_cut_and_counts_corrections() -> None:
    views = np.random.default_rng(9).integers(40, 220, (2, 256), np.uint8)
    track = track_from(
        seen_frames(
            16,
            {1: lambda i: mean_head(300 + 5 * i + 400 * (i >= 8), 300)},
            flowing=False,
            views=lambda i: views[int(i >= 8)],
        ),
        amount=0.0,
    )
    for person in track.people:
        for frame in person.frames:
            movement = track.movement(person.id, frame)
            assert movement is not None and np.abs(movement[:, 0] - 5).max() < 0.3
    person = track.people[0].id
    keyed = track.key(person, FIRST, (0, 0)).key(person, FIRST + 6, (0, 60))
    movement = keyed.movement(person, FIRST + 3)
    assert movement is not None and movement[:, 1].mean() > 8
    left_out = track.in_out(person, FIRST + 2, FIRST + 4)
    both = [moving.movement(person, FIRST + 2) for moving in (left_out, track)]
    assert both[0] is not None and both[1] is not None and np.allclose(both[0], both[1])


def test_a_track_of_version_3_has_no_shutter_and_no_softness(track_of_two: Track) -> None:
    item = json.loads(dump(track_of_two.sidecar))
    item["faceplate_track"] = 3
    del item["shutters"]
    for person in item["people"]:
        for block in person["blocks"]:
            for line in block["raw"]:
                del line["edges"]
            for line in block["smooth"]:
                del line["softness"]
    old = Track(parse_sidecar(json.dumps(item)))
    assert old.shutter(FIRST) is None
    assert json.loads(dump(old.sidecar))["faceplate_track"] == model.VERSION
    assert old.smoothed(1.0).sidecar.shutters == ()
