from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autograder import check

RNG = np.random.default_rng(0)
UPRIGHT = RNG.random((5, 20, 20, 1)).astype("float32")
COLOUR = RNG.random((3, 4, 6, 3))


def test_upright_images_pass_in_any_real_dtype() -> None:
    check.orientation(UPRIGHT, UPRIGHT)
    check.orientation(UPRIGHT.astype("float64"), UPRIGHT)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda a: a.transpose(0, 2, 1, 3), "transposed"),
        (lambda a: a[:, ::-1], "upside down"),
        (lambda a: a[:, :, ::-1], "mirrored"),
        (lambda a: np.rot90(a, 1, (1, 2)), "rotated"),
        (lambda a: np.rot90(a, 2, (1, 2)), "rotated"),
        (lambda a: 1 - a, "inverted"),
        (lambda a: 255 * a, "up to 255"),
        (lambda a: a.reshape(5, 400).reshape((5, 20, 20, 1), order="F"), "transposed"),
        (lambda a: a.reshape(5, 400).T.reshape(5, 20, 20, 1), "in other places"),
        (lambda a: a[::-1], "in other places"),
        (lambda a: 0 * a, "same pictures"),
        (lambda a: a[..., 0], "channel axis"),
        (lambda a: a.reshape(5, 400), "shape"),
        (lambda a: a.astype(int) if False else np.round(a), "same pictures"),
    ],
)
def test_images_that_do_not_stand_as_the_reference_are_told_how(wrong: Any, words: str) -> None:
    with pytest.raises(check.CheckFailed, match=words):
        check.orientation(wrong(UPRIGHT), UPRIGHT)


def test_one_image_on_its_side_is_found() -> None:
    images = UPRIGHT.copy()
    images[3] = images[3].transpose(1, 0, 2)
    with pytest.raises(check.CheckFailed):
        check.orientation(images, UPRIGHT)


def test_both_layouts_pass_when_the_axis_was_moved() -> None:
    check.layout(COLOUR, COLOUR, "channels_last")
    check.layout(np.moveaxis(COLOUR, -1, 1), COLOUR, "channels_first")
    check.layout(UPRIGHT.reshape(5, 1, 20, 20), UPRIGHT, "channels_first")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda a: a.reshape(3, 3, 4, 6), "reshape keeps the order"),
        (lambda a: a.transpose(0, 3, 2, 1), "rows and columns exchanged"),
        (lambda a: a, "not moved"),
        (lambda a: a[0], "axes"),
    ],
)
def test_a_reshape_in_place_of_a_move_is_named(wrong: Any, words: str) -> None:
    with pytest.raises(check.CheckFailed, match=words):
        check.layout(wrong(COLOUR), COLOUR, "channels_first")


def test_a_layout_nobody_knows_is_the_tests_own_error() -> None:
    with pytest.raises(ValueError):
        check.layout(COLOUR, COLOUR, "last")  # type: ignore[arg-type]
