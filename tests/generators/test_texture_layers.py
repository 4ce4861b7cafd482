"""Which view shows mouth and eyes: the one that is open alike, of the mouth never two at once, and of narrow eyes a wider one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceplate.comp.feature_tones import FeatureTones
from faceplate.face import topology
from faceplate.face.shape import head_model, pose_of
from faceplate.generators.mesh.texture_layers import _with_expression

WHITE = FeatureTones(np.zeros((2, 3)), np.ones(2))


@dataclass(frozen=True)
class Seen:
    """What the choice reads of a view or of the target."""

    mouth: float
    pose: object = pose_of(head_model().reference)
    eyes: tuple[float, float] = (0.3, 0.3)
    features: FeatureTones = WHITE
    teeth_height: float = 0.0

    @property
    def geometry(self) -> Seen:
        return self


def shares(
    wanted: float, openings: tuple[float, ...], teeth: tuple[float, ...] = (), filled: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """The views' shares between the lips and on the chin below them, where the first leads; `teeth` are their teeth's heights."""
    leading = np.zeros(len(openings))
    leading[0] = 1.0
    share = np.repeat(leading[None], 478, axis=0)
    heights = teeth or (0.0,) * len(openings)
    views = tuple(Seen(opening, teeth_height=height) for opening, height in zip(openings, heights, strict=True))
    found = _with_expression(share, leading, views, Seen(wanted), filled=filled)  # type: ignore[arg-type]
    return found[topology().mouth_loop].mean(axis=0), found[17]


def test_an_open_mouth_leaves_a_leader_that_is_closed() -> None:
    for wanted in (0.4, 0.3, 0.12):
        assert shares(wanted, (0.02, 0.45))[0][1] > 0.95
    assert shares(0.01, (0.02, 0.45))[0][0] > 0.95


def test_a_smile_is_not_left_to_a_view_that_is_open_far_wider() -> None:
    for wanted in (0.14, 0.18, 0.21):
        assert shares(wanted, (0.16, 0.45))[0][0] > 0.95
    for wanted in (0.12, 0.16):
        assert shares(wanted, (0.02, 0.45, 0.16))[0][2] > 0.95
    assert shares(0.35, (0.16, 0.45))[0][1] > 0.95


def test_a_grin_is_taken_from_the_view_whose_teeth_fill_it() -> None:
    """A grin wider than the person's own came from a view that laughs, with the gap between its teeth."""
    assert shares(0.24, (0.16, 0.45), (0.144, 0.135), filled=1.0)[0][0] > 0.95
    assert shares(0.24, (0.16, 0.45), (0.144, 0.135), filled=0.0)[0][1] > 0.95
    # The leader's teeth would have to be eight times as large.
    assert shares(0.24, (0.05, 0.45), (0.03, 0.18), filled=1.0)[0][1] > 0.95


def eye_shares(wanted: float, openings: tuple[float, ...], white: float = 1.0) -> np.ndarray:
    """The views' shares of the right eye, where the first leads; `white` 0..1 is how surely the views show it."""
    leading = np.zeros(len(openings))
    leading[0] = 1.0
    shown = FeatureTones(np.zeros((2, 3)), np.full(2, white))
    views = tuple(Seen(0.1, eyes=(opening, opening), features=shown) for opening in openings)
    share = np.repeat(leading[None], 478, axis=0)
    found = _with_expression(share, leading, views, Seen(0.1, eyes=(wanted, wanted)))  # type: ignore[arg-type]
    return found[topology().right_eye_loop].mean(axis=0)


def test_narrow_eyes_are_taken_from_the_view_that_shows_them_open() -> None:
    """Eyes narrow in most pictures were taken from a narrow one, stretched and mixed, and no blink could be read in them."""
    narrow = (0.18, 0.23, 0.13, 0.13, 0.14, 0.14)
    assert eye_shares(0.155, narrow)[1] > 0.9
    assert eye_shares(0.155, narrow, white=0.0)[0] > 0.5  # dark glasses, of which the landmarks are a guess
    for openings in ((0.27, 0.30, 0.28), (0.25, 0.36, 0.25)):  # a surprised picture does not take the leader's eyes
        assert eye_shares(0.26, openings)[0] > 0.75


def test_teeth_are_hardly_ever_doubled_and_the_skin_passes_over_slowly() -> None:
    wanted = np.linspace(0.0, 0.4, 401)
    both = np.array([[shares(w, (0.15, 0.45))[k][1] for k in (0, 1)] for w in wanted])
    mixed = ((both > 0.1) & (both < 0.9)).mean(axis=0) * 0.4
    assert mixed[0] < 0.012  # a third of a frame of speech
    assert mixed[1] > 2 * mixed[0]
    assert np.allclose(np.sort(both, axis=0), both, atol=1e-9)
