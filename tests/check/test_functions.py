from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder import check
from autograder.check.report import Report


def double(a: Any) -> Any:
    return 2 * a


A = np.arange(6.0).reshape(2, 3)


def failure(f: object, *cases: check.Case, **options: Any) -> check.CheckFailed:
    with pytest.raises(check.CheckFailed) as caught:
        check.function(f, *cases, **options)
    return caught.value


def test_a_right_function_gives_one_line(reports: list[Report]) -> None:
    check.function(double, check.case(A, expected=2 * A), check.case(1, expected=2))
    assert [r.sentence for r in reports] == ["double: 2 cases are right"]


def test_a_test_without_cases_proves_nothing() -> None:
    with pytest.raises(ValueError):
        check.function(double)


@pytest.mark.parametrize(
    ("f", "words"),
    [
        (None, "not a function"),
        (3, "not a function"),
        (lambda a: None, "returned None"),
        (lambda a: print(end=""), "prints its result"),
        (lambda a: a[10**9], "raised IndexError"),
        (lambda a: undefined, "raised NameError"),  # type: ignore[name-defined]  # noqa: F821
        (lambda a, b: a, "raised TypeError"),
        (lambda a: "text", "text|not numbers"),
        (lambda a: (a, a), "shape"),
    ],
)
def test_what_goes_wrong_in_a_call_is_said_in_words(f: object, words: str) -> None:
    assert pytest.raises(check.CheckFailed, check.function, f, check.case(A, expected=A)).match(
        words
    )


def test_an_unwritten_solution_is_recognised() -> None:
    def stub(a: Any) -> Any:
        raise NotImplementedError()

    assert "not written yet" in str(failure(stub, check.case(A, expected=A)))
    several = failure(stub, check.case(A, expected=A), check.case(A, expected=A))
    assert several.observed == "stub is not written yet."


def test_the_text_of_an_exception_is_not_repeated() -> None:
    def leak(a: Any) -> Any:
        raise ValueError(f"the input was {a}")

    message = str(failure(leak, check.case(424242, expected=1)))
    assert "ValueError" in message and "424242" not in message


def test_a_changed_argument_is_noticed_and_the_tests_own_array_stays() -> None:
    def in_place(a: Any) -> Any:
        a *= 2
        return a

    mine = A.copy()
    assert "changed an array" in str(failure(in_place, check.case(mine, expected=2 * A)))
    assert np.array_equal(mine, A)


@given(
    hnp.arrays(np.float64, hnp.array_shapes(max_dims=2, max_side=4), elements=st.floats(-9, 9)),
    st.data(),
)
def test_any_single_changed_element_of_an_argument_is_noticed(
    a: np.ndarray[Any, Any], data: Any
) -> None:
    at = data.draw(st.integers(0, a.size - 1))

    def meddle(b: Any) -> Any:
        b.flat[at] += 1
        return 1

    assert "changed an array" in str(failure(meddle, check.case(a, expected=1)))


def test_a_view_that_says_its_call_changed_an_argument_is_believed() -> None:
    class View:
        __name__ = "remote"
        last_call_mutated = (0,)

        def __call__(self, a: Any) -> Any:
            return a

    assert "changed an array" in str(failure(View(), check.case(A, expected=A)))


def test_a_listed_mistake_is_named() -> None:
    message = failure(
        lambda a: a[:, ::-1],
        check.case(A, expected=A),
        mistakes={
            "Rows were reversed.": lambda a: a[::-1],
            ("Columns were reversed.", "Leave them."): lambda a: a[:, ::-1],
        },
    )
    assert (message.cause, message.next_step) == ("Columns were reversed.", "Leave them.")


def test_a_listed_mistake_that_gives_the_right_answer_accuses_nobody() -> None:
    symmetric = np.eye(2)
    message = failure(
        lambda a: a + 1,
        check.case(symmetric, expected=symmetric),
        mistakes={"The axes were exchanged.": lambda a: a.T},
    )
    assert "axes were exchanged" not in message.cause


def test_a_listed_mistake_that_cannot_be_computed_is_passed_over() -> None:
    message = failure(
        lambda a: a + 1, check.case(A, expected=A), mistakes={"Division.": lambda a: 1 / 0}
    )
    assert "Division" not in message.cause


def test_the_case_that_fails_is_named_by_its_number() -> None:
    message = failure(abs, check.case(1, expected=1), check.case(-1, expected=-1))
    assert "case 2 of 2" in message.observed


@pytest.mark.parametrize(
    "expected",
    [None, "seven", b"x", True, 7, (1, 2), {"a": A, "b": "t"}, [1.0, 2.0], (A, {"c": (1, "u")})],
)
def test_every_kind_of_result_can_be_expected(expected: object) -> None:
    check.function(lambda: expected, check.case(expected=expected))


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (1, None),
        ("Seven", "seven"),
        (("seven",), "seven"),
        (1, True),
        (True, 1),
        ((1, 2, 3), (1, 2)),
        (1, (1, 2)),
        ((1, 3), (1, 2)),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 2}, {"a": 1}),
        (np.array([7.0]), 7),
        ([7], 7),
    ],
)
def test_a_result_that_differs_in_any_part_fails(result: object, expected: object) -> None:
    failure(lambda: result, check.case(expected=expected))


def test_call_returns_the_result_and_tells_a_hint_for_an_exception() -> None:
    assert check.call(double, 4) == 8

    def train(y: Any) -> Any:
        raise ValueError

    with pytest.raises(check.CheckFailed, match="one-hot"):
        check.call(train, A, hints={ValueError: ("The loss expects one-hot rows.", "Use sparse.")})


def test_a_failed_check_inside_a_call_keeps_its_own_words() -> None:
    def slow() -> None:
        raise check.CheckFailed("It took 60 s.", "A loop.", "Vectorise.")

    with pytest.raises(check.CheckFailed, match="60 s"):
        check.call(slow)


def test_a_warning_in_a_students_function_does_not_reach_stderr(
    recwarn: pytest.WarningsRecorder,
) -> None:
    check.function(lambda a: np.divide(a, 0), check.case(np.ones(2), expected=[np.inf, np.inf]))
    assert not list(recwarn)
