"""Faces laid over each other: a face's own pixels where it is alone, the nearer over the farther, moved plate beneath both."""

from __future__ import annotations

import numpy as np

from faceplate.comp.stack import StackFace, stack_faces
from faceplate.image.window import Window


def same(pixels: np.ndarray) -> np.ndarray:
    return pixels


def flat(x: int, colour: float, matte: float, face: float, plate: float = 0.2) -> StackFace:
    """Four columns of one row from column `x`: the face `face` of the matte, the rest moved plate."""
    alpha = np.full((1, 4, 1), matte, np.float32)
    element = np.concatenate([alpha * colour] * 3 + [alpha], axis=2).astype(np.float32)
    over = np.full((1, 4, 3), plate + matte * (colour - plate), np.float32)
    return StackFace(Window(x, 0, 4, 1), over, element, np.full((1, 4), face, np.float32))


def test_each_is_itself_where_it_is_alone_and_the_nearer_lies_over_the_farther() -> None:
    far, near = flat(0, 1.0, 0.5, 0.5), flat(2, 3.0, 0.75, 0.75)
    stack = stack_faces([near, far], [1, 0], same, same)
    assert stack.window == Window(0, 0, 6, 1)
    assert np.array_equal(stack.over[0, :2], far.over[0, :2]) and np.array_equal(stack.over[0, 4:], near.over[0, 2:])
    assert np.allclose(stack.over[0, 2:4], 0.6 + 0.75 * (3.0 - 0.6)) and np.allclose(
        stack.element[0, 2:4, 3], 1 - 0.25 * 0.5
    )
    assert np.array_equal(stack.elements[1][:, :4], far.element) and not stack.elements[1][:, 4:].any()
    assert np.allclose(stack.visible[1][0], [0.5, 0.5, 0.125, 0.125, 0, 0]) and stack.visible[0].max() == 0.75


def test_a_whole_matte_hides_what_is_behind_bit_for_bit() -> None:
    far, near = flat(0, 1.0, 1.0, 1.0), flat(2, 3.0, 1.0, 1.0)
    stack = stack_faces([far, near], [0, 1], lambda pixels: pixels**2, np.sqrt)
    assert np.array_equal(stack.over[0, 2:], near.over[0]) and np.array_equal(stack.element[0, 2:], near.element[0])


def test_faces_are_mixed_in_the_working_space() -> None:
    far, near = flat(0, 1.0, 1.0, 1.0), flat(0, 3.0, 0.5, 0.5)
    stack = stack_faces([far, near], [0, 1], lambda pixels: pixels**2, np.sqrt)
    assert np.allclose(stack.over, np.sqrt((1.0 + 9.0) / 2))


def test_moved_plate_lies_beneath_every_new_face() -> None:
    far, near = flat(0, 1.0, 1.0, 1.0), flat(2, 3.0, 0.75, 0.0)
    stack = stack_faces([far, near], [0, 1], same, same)
    assert np.array_equal(stack.over[0, 2:4], far.over[0, 2:4]) and np.array_equal(stack.over[0, 4:], near.over[0, 2:])
    assert not stack.elements[1][0, :4, 3].any() and np.array_equal(stack.elements[1][0, 4:], near.element[0, 2:])


def test_a_face_that_is_not_laid_has_no_pixel_and_nobody_has_no_window() -> None:
    stack = stack_faces([flat(0, 1.0, 1.0, 1.0), flat(9, 3.0, 0.5, 0.5)], [0], same, same)
    assert stack.window == Window(0, 0, 4, 1) and not stack.elements[1].any()
    assert stack_faces([flat(0, 1.0, 1.0, 1.0)], [], same, same).window.empty
