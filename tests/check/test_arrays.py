from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder import check

REALS = hnp.arrays(
    np.float64,
    hnp.array_shapes(max_dims=3, max_side=4),
    elements=st.floats(-1e6, 1e6, allow_nan=False),
)


class Liar(np.ndarray[Any, Any]):
    """Claims to equal everything and to have any shape."""

    def __eq__(self, other: object) -> Any:
        return np.True_

    def __array_ufunc__(self, *args: Any, **kwargs: Any) -> Any:
        return np.True_

    @property
    def shape(self) -> Any:  # type: ignore[override]
        return (2, 2)


class LiarFloat(float):
    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0

    def __sub__(self, other: object) -> float:
        return 0.0

    def __float__(self) -> float:
        return 1.0


class EqualsAll:
    def __eq__(self, other: object) -> bool:
        return True


def refuses(actual: object, expected: object, words: str = ".") -> check.CheckFailed:
    with pytest.raises(check.CheckFailed, match=words) as caught:
        check.array(actual, expected, "a")
    return caught.value


@given(REALS)
def test_every_array_equals_its_own_copy(a: np.ndarray[Any, Any]) -> None:
    check.array(a.copy(), a, "a")
    check.array(a.tolist(), a, "a")


@given(REALS, hnp.array_shapes(max_dims=4, max_side=4))
def test_another_shape_never_passes_even_where_it_would_broadcast(
    a: np.ndarray[Any, Any], shape: tuple[int, ...]
) -> None:
    assume(shape != a.shape)
    refuses(np.broadcast_to(a.flat[0], shape), np.full(a.shape, a.flat[0]), "shape")


@given(REALS, st.data())
def test_one_value_that_differs_is_always_found(a: np.ndarray[Any, Any], data: Any) -> None:
    at = data.draw(st.integers(0, a.size - 1))
    wrong = a.copy()
    wrong.flat[at] += 1 + abs(wrong.flat[at]) / 10
    refuses(wrong, a)


@given(hnp.arrays(np.int64, (2, 3)), st.integers(0, 5), st.integers(1, 5))
def test_whole_numbers_are_compared_exactly(a: np.ndarray[Any, Any], at: int, step: int) -> None:
    wrong = a.copy()
    with np.errstate(over="ignore"):
        wrong.flat[at] += step
    refuses(wrong, a)


@pytest.mark.parametrize(
    "empty", [[], np.empty((0, 3)), np.empty((3, 0)), [[]], np.empty((0, 20, 20, 1))]
)
def test_empty_arrays_pass_nowhere(empty: object) -> None:
    refuses(empty, [1.0], "empty")
    for check_one in (check.finite, check.labels):
        with pytest.raises(check.CheckFailed, match="empty"):
            check_one(empty, "a")
    with pytest.raises(check.CheckFailed, match="empty"):
        check.shape(empty, (None, 3), "a")


@pytest.mark.parametrize("expected", [[], np.nan, [1.0, np.nan], "text", [object()]])
def test_an_expectation_that_proves_nothing_is_the_tests_own_error(expected: object) -> None:
    with pytest.raises(ValueError):
        check.array([1.0], expected, "a")


@pytest.mark.parametrize(
    "value",
    [None, "abc", ["1", "2"], object(), [object()], [[1], [1, 2]], np.sum, {"a": 1}, EqualsAll()],
)
def test_what_holds_no_numbers_is_refused_in_words(value: object) -> None:
    failure = refuses(value, [1.0, 2.0])
    assert failure.observed.startswith("a is") and failure.next_step


def test_a_value_that_explains_itself_is_quoted() -> None:
    class Opaque:
        reason = "A file handle cannot leave the notebook."

    assert "file handle" in refuses(Opaque(), [1.0]).cause


def test_an_opaque_value_speaks_for_itself_in_every_check() -> None:
    class Opaque:
        def __getattribute__(self, attribute: str) -> object:
            if attribute == "__class__":
                return object.__getattribute__(self, attribute)
            raise check.CheckFailed("It is a file handle.", "It cannot cross.", "Return numbers.")

    for ask in (
        lambda v: check.array(v, [1.0], "a"),
        lambda v: check.function(v, check.case(expected=1)),
        lambda v: check.function(lambda: v, check.case(expected="text")),
        lambda v: check.architecture(v),
        lambda v: check.accuracy(v, np.ones((1, 2)), [0]),
        lambda v: check.loss_curve(v),
        lambda v: check.figure(v),
        lambda v: check.orientation(v, np.ones((1, 2, 2))),
    ):
        with pytest.raises(check.CheckFailed, match="file handle"):
            ask(Opaque())


@pytest.mark.parametrize("value", [np.nan, [1.0, np.nan], [1.0, np.inf]])
def test_nan_and_infinity_equal_no_number(value: object) -> None:
    refuses(value, np.ones(np.shape(value)))
    with pytest.raises(check.CheckFailed, match="NaN or infinite"):
        check.finite(value, "a")


def test_an_expected_infinity_is_met_by_the_same_infinity_alone() -> None:
    check.array([np.inf, 1.0], [np.inf, 1.0], "a")
    refuses([-np.inf, 1.0], [np.inf, 1.0])
    refuses([3.0, 1.0], [np.inf, 1.0])


def test_arrays_and_floats_that_claim_to_equal_everything_are_read_for_their_numbers() -> None:
    refuses(np.zeros((2, 2)).view(Liar), np.ones((2, 2)), "4 of its 4 values differ")
    refuses(np.zeros(3).view(Liar), np.ones((2, 2)), "shape")
    refuses(LiarFloat(0.0), 1.0, "value")
    check.array(np.ones((2, 2)).view(Liar), np.ones((2, 2)), "a")


def test_masked_entries_are_refused() -> None:
    refuses(np.ma.masked_array([1.0, 2.0], mask=[False, True]), [1.0, 2.0], "masked")


def test_true_and_false_are_no_numbers() -> None:
    refuses([True, False], [1, 0], "True and False")
    refuses([1, 0], [True, False], "numbers")
    check.array([True, False], [True, False], "a")


def test_tensors_of_the_backend_are_arrays() -> None:
    import keras

    check.array(keras.ops.ones((2, 2)), np.ones((2, 2)), "a")
    check.array(keras.Variable(np.ones(3)), np.ones(3), "a")
    refuses(keras.KerasTensor((2, 2)), np.ones((2, 2)), "cannot be read|not numbers")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda a: a.T, "changed places"),
        (lambda a: -a, "sign"),
        (lambda a: a[::-1], "reversed"),
        (lambda a: 255 * a, "255 times"),
        (lambda a: a.ravel()[[1, 0, 2, 3, 4, 5, 6, 7, 8]].reshape(3, 3), "another order"),
        (lambda a: np.floor(a).astype(int), "whole numbers"),
        (lambda a: a / 0, "NaN or infinite"),
    ],
)
def test_common_mistakes_are_named_from_the_values(wrong: Any, words: str) -> None:
    a = np.array([[0.5, 1.2, 2.1], [3.3, 4.7, 5.2], [6.4, 7.9, 8.6]])
    with np.errstate(divide="ignore"):
        refuses(wrong(a), a, words)


def test_a_listed_mistake_is_named_before_the_general_ones() -> None:
    right = np.array([[6.0, -9.0], [-3.0, -2.0]])
    with pytest.raises(check.CheckFailed, match="kernel was flipped") as caught:
        check.array(
            -right, right, "map", mistakes={("The kernel was flipped.", "Leave it."): -right}
        )
    assert caught.value.next_step == "Leave it."


def test_no_expected_value_can_be_read_from_a_message() -> None:
    secret = np.array([123456.0, 98765.0])
    assert "123456" not in str(refuses([1.0, 2.0], secret))
    assert "98765" not in str(refuses([1.0, 2.0], secret))


@pytest.mark.parametrize(
    ("found", "wanted", "words"),
    [
        ((5, 20, 20), (None, 20, 20, 1), "channel axis"),
        ((5, 1, 20, 20), (5, 20, 20, 1), "another order"),
        ((5, 1), (5,), "one axis of length 1 too many"),
        ((4,), (5,), "lengths"),
        ((5, 400), (None, 20, 20, 1), "2 axes where 4"),
    ],
)
def test_a_wrong_shape_is_explained(
    found: tuple[int, ...], wanted: tuple[int | None, ...], words: str
) -> None:
    with pytest.raises(check.CheckFailed, match=words):
        check.shape(np.zeros(found), wanted, "images")


def test_labels_of_a_matlab_file_are_recognised() -> None:
    with pytest.raises(check.CheckFailed, match="10 stands for the digit 0"):
        check.labels(np.array([10, 1, 2, 9]), "y")


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.array([[1], [2]]), "ravel"),
        (np.eye(10)[[1, 2]], "one-hot"),
        (np.array([1.0, 2.0]), "astype"),
        (np.array([0, 10]), "outside 0..9"),
        (np.array([-1, 3]), "outside 0..9"),
        (np.zeros((2, 3, 4)), "one label for each image"),
    ],
)
def test_labels_of_another_form_are_explained(labels: object, words: str) -> None:
    with pytest.raises(check.CheckFailed, match=words):
        check.labels(labels, "y")


def test_labels_must_be_as_many_as_the_images() -> None:
    check.labels(np.array([0, 9], dtype=np.uint8), "y", count=2)
    with pytest.raises(check.CheckFailed, match="2 labels, expected 3"):
        check.labels([0, 9], "y", count=3)
