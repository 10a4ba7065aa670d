"""What a test cell does with a student's objects happens to the student's objects."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from autograder.check import CheckFailed
from autograder.sealed.link import NeedsExecution, StudentGone
from autograder.sealed.views import FunctionTimeout, OpaqueValue, RemoteFunction
from tests.sealed.student_side import Student, student

PLAIN = """
import collections, enum, functools, sys, time
import numpy as np

integer, number, flag, word, nothing, raw = 3, 2.5, True, "wört", None, b"\\xff"
huge, minus, unreal, nan = 10**40, -(10**30), 1 + 2j, float("nan")
nested = {"a": [1, (2, {3, 4})], (5, 6): frozenset({7}), None: {}}
point = collections.namedtuple("Point", "x y")(1, 2)
counted = collections.Counter("aab")
scalar, small, array = np.float32(0.5), np.int8(-3), np.arange(6.0).reshape(2, 3)
truth, empty, column = np.array([True, False]), np.zeros((0, 3)), np.asfortranarray(np.eye(3))
zero_d, big_endian, half = np.array(4), np.arange(3, dtype=">i4"), np.float16(1.5)
objects, words = np.array([object(), 1]), np.array(["a", "b"])
_secret = 5
surrogate = "\\ud800"
globals()["not\\ud800a name"] = 1
deep = []
for _ in range(100):
    deep = [deep]
loop = []
loop.append(loop)
heavy = list(range(100_001))
too_big = np.zeros(9 << 20)
too_long = [[0.5] * 50_000] * 80

class Thing:
    def method(self, x):
        return x + 1
    def __len__(self):
        raise RuntimeError("mine")

class Rude(dict):
    def items(self):
        raise RuntimeError("mine")

class Grade(enum.IntEnum):
    A = 1

thing, rude, grade, maker = Thing(), Rude(a=1), Grade.A, Thing
method = thing.method

def double(x):
    print("to nowhere"); print("nor there", file=sys.stderr)
    return 2 * x

def keywords(a, b=2, *, c=3):
    return a, b, c

def mutate(x, y=None):
    x += 1
    if y is not None:
        y[0] = 99
    return x.sum()

def kinds(*args):
    return [f"{type(a).__module__}.{type(a).__name__}" for a in args]

def fails(kind):
    class Own(ValueError):
        pass
    class Odd(BaseException):
        pass
    raise {"value": ValueError("secret 42"), "own": Own("secret 42"), "key": KeyError("secret 42"),
           "unicode": UnicodeDecodeError("utf-8", b"secret", 0, 1, "secret 42"),
           "exit": SystemExit("secret 42"), "odd": Odd("secret 42"), "os": FileNotFoundError("s"),
           "assert": AssertionError("secret 42"), "stop": StopIteration(42),
           "group": ExceptionGroup("secret 42", [ValueError()])}[kind]

def sleeps(seconds):
    time.sleep(seconds)
    return "awake"

def stubborn(seconds):
    end = time.time() + seconds
    while time.time() < end:
        try:
            time.sleep(seconds)
        except BaseException:
            pass

def adder(n):
    return lambda x: x + n

def makes_thing():
    return Thing()

def too_much():
    return np.zeros(9 << 20)

def draw():
    return float(np.random.rand())

cached = functools.lru_cache(double)
partial = functools.partial(keywords, b=7)
state = {"count": 0}

def count():
    state["count"] += 1
    return state["count"]

def quits():
    import os
    os._exit(3)
"""


@pytest.fixture(scope="module")
def plain() -> Iterator[Student]:
    with student(PLAIN, call_seconds=1.0) as side:
        yield side


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("integer", 3),
        ("number", 2.5),
        ("flag", True),
        ("word", "wört"),
        ("nothing", None),
        ("raw", b"\xff"),
        ("huge", 10**40),
        ("minus", -(10**30)),
        ("unreal", 1 + 2j),
        ("nested", {"a": [1, (2, {3, 4})], (5, 6): frozenset({7}), None: {}}),
        ("point", (1, 2)),
        ("counted", {"a": 2, "b": 1}),
    ],
)
def test_a_plain_value_arrives_as_what_it_is(plain: Student, name: str, value: Any) -> None:
    assert plain[name] == value
    assert type(plain[name]) is type(value)


def test_not_a_number_arrives(plain: Student) -> None:
    assert math.isnan(plain["nan"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("array", np.arange(6.0).reshape(2, 3)),
        ("truth", np.array([True, False])),
        ("empty", np.zeros((0, 3))),
        ("column", np.eye(3)),
        ("zero_d", np.array(4)),
        ("big_endian", np.arange(3, dtype="int32")),
    ],
)
def test_an_array_arrives_with_its_dtype_and_shape(plain: Student, name: str, value: Any) -> None:
    np.testing.assert_array_equal(plain[name], value, strict=True)


def test_an_array_is_a_copy_of_the_test_alone(plain: Student) -> None:
    first = plain["array"]
    first[:] = 0
    assert plain["array"].sum() == 15


@pytest.mark.parametrize(
    ("name", "value"),
    [("scalar", np.float32(0.5)), ("small", np.int8(-3)), ("half", np.float16(1.5))],
)
def test_a_scalar_of_numpy_stays_one(plain: Student, name: str, value: Any) -> None:
    assert plain[name] == value
    assert type(plain[name]) is type(value)


def test_private_names_and_modules_are_not_told(plain: Student) -> None:
    assert not {"_secret", "np", "collections", "__name__"} & set(plain.values)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("thing", "class Thing"),
        ("rude", "RuntimeError"),
        ("objects", "object"),
        ("words", "<U1"),
        ("heavy", "100000"),
        ("surrogate", "UnicodeEncodeError"),
        ("too_big", "MiB"),
        ("too_long", "MiB"),
    ],
)
def test_what_cannot_cross_says_why_when_it_is_used(plain: Student, name: str, reason: str) -> None:
    view = plain[name]
    assert isinstance(view, OpaqueValue)
    with pytest.raises(CheckFailed, match=f"(?s)`{name}`.*{reason}"):
        view.anything  # noqa: B018
    with pytest.raises((CheckFailed, TypeError)):
        len(view)


@pytest.mark.parametrize("name", ["deep", "loop"])
def test_what_is_nested_too_deeply_is_cut(plain: Student, name: str) -> None:
    view = plain[name]
    for _ in range(17):
        view = view[0]
    assert isinstance(view, OpaqueValue)


def test_a_function_is_called_with_values_and_arrays(plain: Student) -> None:
    double = plain["double"]
    assert double(4) == 8
    np.testing.assert_array_equal(double(np.ones((2, 2), "float32")), np.full((2, 2), 2, "float32"))
    assert plain["keywords"](1, c=[2.5]) == (1, 2, [2.5])
    assert plain["partial"](1) == (1, 7, 3)
    assert plain["cached"](5) == 10
    assert plain["method"](1) == 2
    assert double.__name__ == "double"
    assert double.parameters == ("x",)


def test_arguments_arrive_as_what_they_are(plain: Student) -> None:
    sent = [1, 2.5, True, "a", None, b"b", 10**30, [1], (1,), {1}, {"a": 1}, np.ones(2)]
    sent += [np.float32(1), plain["double"]]
    assert plain["kinds"](*sent) == [
        *(
            "builtins." + k
            for k in "int float bool str NoneType bytes int list tuple set dict".split()
        ),
        "numpy.ndarray",
        "numpy.float32",
        "builtins.function",
    ]


def test_a_function_of_the_test_does_not_cross(plain: Student) -> None:
    with pytest.raises(TypeError, match="cannot go"):
        plain["kinds"](lambda: None)


def test_changed_arguments_are_told_and_the_tests_own_stay(plain: Student) -> None:
    x, y = np.zeros(3), np.zeros(2)
    mutate = plain["mutate"]
    assert mutate(x, y=y) == 3
    assert mutate.last_call_mutated == ("0", "y")
    assert x.sum() == y.sum() == 0
    plain["double"](x)
    assert plain["double"].last_call_mutated == ()


@pytest.mark.parametrize(
    ("kind", "cls"),
    [
        ("value", ValueError),
        ("own", ValueError),
        ("key", KeyError),
        ("os", FileNotFoundError),
        ("assert", AssertionError),
        ("unicode", ValueError),
        ("exit", Exception),
        ("odd", Exception),
        ("stop", StopIteration),
        ("group", Exception),
    ],
)
def test_an_exception_comes_back_as_its_builtin_class_without_a_word(
    plain: Student, kind: str, cls: type[Exception]
) -> None:
    with pytest.raises(cls) as told:
        plain["fails"](kind)
    assert "secret" not in f"{told.value!r} {told.value} {told.value.args}"
    assert "42" not in str(told.value.args)
    assert told.value.student_function == "fails"  # type: ignore[attr-defined]


def test_a_call_that_takes_too_long_is_stopped_and_the_next_is_answered(plain: Student) -> None:
    begin = time.monotonic()
    with pytest.raises(FunctionTimeout, match="1 s"):
        plain["sleeps"](20)
    assert time.monotonic() - begin < 4
    assert plain["sleeps"](0) == "awake"


def test_what_a_function_returns_may_be_a_function(plain: Student) -> None:
    add = plain["adder"](5)
    assert isinstance(add, RemoteFunction)
    assert add(1) == 6


def test_an_object_of_a_class_of_the_students_explains_itself(plain: Student) -> None:
    with pytest.raises(CheckFailed, match="Thing"):
        plain["makes_thing"]().method(1)
    with pytest.raises(CheckFailed, match="Thing"):
        plain["maker"]() + 1


def test_an_answer_that_is_too_large_is_told_and_the_next_call_is_answered(
    plain: Student,
) -> None:
    with pytest.raises(CheckFailed, match="MiB"):
        plain["too_much"]().sum()
    assert plain["double"](1) == 2


def test_a_seed_makes_the_students_draws_repeat(plain: Student) -> None:
    plain.link.seed(7)
    first = plain["draw"]()
    second = plain["draw"]()
    plain.link.seed(7)
    third = plain["draw"]()
    assert first == third != second
    np.random.seed(7)
    assert first == np.random.rand()


def test_the_same_question_may_be_asked_twice_and_both_answers_count(plain: Student) -> None:
    count = plain["count"]
    assert [count(), count()] == [1, 2]


def test_evidence_answers_what_was_asked_and_nothing_else(plain: Student) -> None:
    plain.link.begin_cell("replayed")
    asked = [plain["adder"](n) for n in (10, 20)]
    told = [add(1) for add in asked]
    replayed = plain.replay()
    replayed.link.begin_cell("replayed")
    # another order of the same questions must not exchange the answers
    again = [replayed["adder"](n) for n in (20, 10)]
    assert [add(1) for add in again] == told[::-1] == [21, 11]
    with pytest.raises(NeedsExecution):
        replayed["double"](123456)


def test_a_function_that_cannot_be_stopped_ends_the_conversation() -> None:
    source = PLAIN + "\nstubborn.__name__ = 'stubborn'\n"
    with student(source, call_seconds=0.3) as side:
        with pytest.raises(StudentGone, match="could not be stopped"):
            side["stubborn"](60)
        with pytest.raises(StudentGone):
            side["double"](1)


def test_a_kernel_that_ends_during_a_call_is_told() -> None:
    with student(PLAIN) as side:
        assert side["double"](2) == 4
        with pytest.raises(StudentGone, match="ended"):
            side["quits"]()
        with pytest.raises(StudentGone):
            side["double"](3)
        assert side["integer"] == 3
