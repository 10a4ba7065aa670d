from __future__ import annotations

import math
import random

import numpy as np
import pytest

from autograder import check
from autograder.check import seeding
from autograder.check.report import Report


class EqualsAll:
    def __eq__(self, other: object) -> bool:
        return True

    def __bool__(self) -> bool:
        return True


def test_that_is_silent_when_true_and_speaks_when_asked(reports: list[Report]) -> None:
    check.that(True, "a", "b", "c")
    assert reports == []
    check.that(np.bool_(True), "a", "b", "c", ok="fine")
    assert [r.sentence for r in reports] == ["fine"]


def test_that_fails_with_the_three_parts() -> None:
    with pytest.raises(check.CheckFailed, match=r"(?s)a.*b.*c"):
        check.that(np.bool_(False), "a", "b", "c")


@pytest.mark.parametrize("condition", [EqualsAll(), 1, "yes", np.ones(2), None])
def test_only_true_and_false_are_conditions(condition: object) -> None:
    with pytest.raises(TypeError):
        check.that(condition, "a", "b", "c")  # type: ignore[arg-type]


@pytest.mark.parametrize("points", [-1, math.nan, math.inf, -math.inf])
def test_points_that_are_no_points_are_the_tests_own_error(points: float) -> None:
    with pytest.raises(ValueError):
        check.award(points, "why")


def test_an_award_is_cut_at_the_points_of_the_cell() -> None:
    assert check.award(12, "why", out_of=10) == 10.0
    assert repr(check.award(np.float64(0.5), "why")) == "0.5"


def test_a_seed_repeats_python_numpy_and_every_listener() -> None:
    heard: list[int] = []
    seeding.listeners.append(heard.append)
    try:
        check.seed(7)
        first = random.random(), np.random.rand()
        check.seed(7)
        assert (random.random(), np.random.rand()) == first
    finally:
        seeding.listeners.remove(heard.append)
    assert heard == [7, 7]


def test_a_seed_reaches_keras_where_it_is_imported() -> None:
    import keras

    check.seed(3)
    first = keras.ops.convert_to_numpy(keras.random.uniform((3,)))
    check.seed(3)
    assert np.array_equal(keras.ops.convert_to_numpy(keras.random.uniform((3,))), first)
