"""Checks on functions: call them, compare what they return, and name known mistakes."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograder.check.compare import Hint, cause_and_step, compare, equal
from autograder.check.exact import exact_array, quiet, reason_of, type_name
from autograder.check.report import CheckFailed, clean, passed

#: Greatest difference allowed for real numbers, relative to max(1, |expected|).
TOLERANCE = 1e-5


@dataclass(frozen=True)
class Case:
    """One call and what it must return.

    Attributes:
        args: the positional arguments.
        kwargs: the keyword arguments.
        expected: a number, text, bool, None, array, or a tuple, list or dict of such.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    expected: object


def case(*args: Any, expected: object, **kwargs: Any) -> Case:
    """Describe one call of a function under test.

    >>> case(2, power=3, expected=8).kwargs
    {'power': 3}
    """
    return Case(args, kwargs, expected)


def function(
    f: object,
    *cases: Case,
    name: str | None = None,
    mistakes: Mapping[Hint, Callable[..., object]] | None = None,
    tolerance: float = TOLERANCE,
) -> None:
    """Check that a function returns what it should in every case, and changes no argument.

    Args:
        f: the student's function, or a view of it.
        *cases: calls made by `case`.
        name: its name in messages; by default its own.
        mistakes: known wrong versions. A key is the likely cause, or a pair (cause, next step); its
            value is a function that makes this mistake. Where the student's results equal those of
            a wrong version, the message names its cause.
        tolerance: as in `check.array`.

    Raises:
        CheckFailed: for a result that differs, None, an exception, or a changed argument.

    >>> def area(width, height):
    ...     return width * height
    >>> function(area, case(2, 3, expected=6), case(1, 4, expected=4))
    ✓ area: 2 cases are right
    """
    if not cases:
        raise ValueError("check.function needs at least one case; without one it proves nothing.")
    title = clean(name, 80) if name else _name_of(f)
    for number, one in enumerate(cases, 1):
        where = title if len(cases) == 1 else f"{title}, case {number} of {len(cases)}"
        result = _call(f, one.args, one.kwargs, where, None, result_needed=one.expected is not None)
        try:
            match(result, one.expected, f"the result of {where}", tolerance)
        except CheckFailed as failure:
            hint = _known_mistake(result, one, mistakes, tolerance)
            if hint is None:
                raise
            raise CheckFailed(failure.observed, *cause_and_step(hint)) from None
    passed(f"{title}: {len(cases)} case{'s are' if len(cases) > 1 else ' is'} right")


def call(
    f: object,
    *args: Any,
    hints: Mapping[type[BaseException], tuple[str, str]] | None = None,
    **kwargs: Any,
) -> Any:
    """Call a student's function and return its result, with failures in words.

    Arrays are handed over as copies, so the test's own stay as they are.

    Args:
        f: the function, or a view of it.
        *args: its positional arguments.
        hints: for an exception class, the (likely cause, next step) to tell.
        **kwargs: its keyword arguments.

    Raises:
        CheckFailed: when it is no function, raises, returns None, or changes an argument.

    >>> call(sorted, [3, 1, 2])
    [1, 2, 3]
    """
    return _call(f, args, kwargs, _name_of(f), hints, result_needed=True)


def match(result: object, expected: object, name: str, tolerance: float = TOLERANCE) -> None:
    """Fail unless ``result`` equals ``expected``, through tuples, lists and dicts.

    Raises:
        CheckFailed: naming the part that differs.
    """
    if isinstance(expected, str | bytes) or expected is None:
        if type(result) is not type(expected) or result != expected:
            raise CheckFailed(
                f"{name} is not the expected {'text' if expected is not None else 'None'}.",
                reason_of(result) or f"It returned {_article(type_name(result))}.",
                "Read the task again for what exactly it should return.",
            )
    elif isinstance(expected, dict):
        _match_dict(result, expected, name, tolerance)
    elif isinstance(expected, tuple) or (isinstance(expected, list) and not _is_numeric(expected)):
        _match_sequence(result, expected, name, tolerance)
    else:
        compare(result, expected, name, tolerance=tolerance)


def _match_dict(result: object, expected: dict[Any, Any], name: str, tolerance: float) -> None:
    if not isinstance(result, dict) or set(result) != set(expected):
        keys = ", ".join(sorted(map(str, expected)))
        raise CheckFailed(
            f"{name} is not a dict with the expected keys.",
            f"It is {_article(type_name(result))}, or a key is missing, extra or misspelt.",
            f"Return a dict with exactly these keys: {keys}.",
        )
    for key, value in expected.items():
        match(result[key], value, f"{name}[{key!r}]", tolerance)


def _match_sequence(
    result: object, expected: tuple[Any, ...] | list[Any], name: str, tolerance: float
) -> None:
    if not isinstance(result, tuple | list) or len(result) != len(expected):
        seen = f"{len(result)} values" if isinstance(result, tuple | list) else type_name(result)
        raise CheckFailed(
            f"{name} should be {len(expected)} values in order; it is {seen}.",
            "A result is missing or extra, or they were not returned together.",
            "Return them in one line, separated by commas: `return first, second, ...`.",
        )
    for number, (part, value) in enumerate(zip(result, expected, strict=True), 1):
        match(part, value, f"part {number} of {name}", tolerance)


def _known_mistake(
    result: object,
    one: Case,
    mistakes: Mapping[Hint, Callable[..., object]] | None,
    tolerance: float,
) -> Hint | None:
    for hint, wrong in (mistakes or {}).items():
        try:
            args, kwargs = copy.deepcopy((one.args, one.kwargs))
            value = wrong(*args, **kwargs)
        except Exception:
            continue  # this mistake cannot be made with these arguments
        if not _same(value, one.expected, tolerance) and _same(result, value, tolerance):
            return hint
    return None


def _same(result: object, value: object, tolerance: float) -> bool:
    if isinstance(value, tuple | list) and not _is_numeric(value):
        return (
            isinstance(result, tuple | list)
            and len(result) == len(value)
            and all(_same(r, v, tolerance) for r, v in zip(result, value, strict=True))
        )
    try:
        right = exact_array(value, "value")
        return equal(exact_array(result, "value"), right, tolerance)
    except CheckFailed:
        return type(result) is type(value) and bool(result == value)


def _call(
    f: object,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    title: str,
    hints: Mapping[type[BaseException], tuple[str, str]] | None,
    *,
    result_needed: bool,
) -> Any:
    if not callable(f):
        raise CheckFailed(
            f"{title} is not a function; it is {_article(type_name(f))}.",
            reason_of(f) or "The name was given to something else in a later line.",
            "Define it with `def`, and use another name for values.",
        )
    given, named = _copied(args), _copied(kwargs)
    try:
        with quiet():
            result = f(*given, **named)
    except CheckFailed:
        raise
    except NotImplementedError:
        raise CheckFailed(
            f"{title.partition(', case ')[0]} is not written yet.",  # no case of it is
            "The cell still holds `raise NotImplementedError()`.",
            "Write your solution in its place and run the cell.",
        ) from None
    except Exception as error:
        cause, step = _explain(error, hints)
        raise CheckFailed(f"{title} raised {type_name(error)}.", cause, step) from None
    if result is None and result_needed:
        raise CheckFailed(
            f"{title} returned None.",
            "The function ends without a `return` statement, or prints its result instead.",
            "End the function with `return` and the value that the task asks for.",
        )
    if _changed(args, given) or _changed(kwargs, named) or bool(_mutated_view(f)):
        raise CheckFailed(
            f"{title} changed an array that it was given.",
            "A statement such as `a += 1` or `a[...] = 0` writes into the caller's array.",
            "Start from a copy, with `a = a.copy()`, or write `a = a + 1`.",
        )
    return result


def _explain(
    error: Exception, hints: Mapping[type[BaseException], tuple[str, str]] | None
) -> tuple[str, str]:
    for kind, hint in (hints or {}).items():
        if isinstance(error, kind):
            return hint
    causes = {
        NameError: "A name is used that the function does not define: a typing error, or a "
        "variable of another cell.",
        TypeError: "A value of the wrong kind, or a call with too many or too few arguments.",
        ValueError: "Often two shapes that do not fit together.",
        IndexError: "An index lies outside the array: shapes are other than the code assumes.",
        KeyError: "A dictionary has no such key: compare the spelling.",
        AttributeError: "A method or attribute is misspelt, or the value is of another kind.",
        ImportError: "A package or name that does not exist here is imported.",
        RecursionError: "The function calls itself without end.",
        MemoryError: "An array became far larger than intended.",
    }
    cause = next(
        (cause for kind, cause in causes.items() if isinstance(error, kind)),
        "An operation failed with the arguments of this test.",
    )
    return cause, "Call the function yourself with a small example, and read the last lines."


def _mutated_view(f: object) -> object:
    """What a view from another kernel says about its last call; a plain function says nothing."""
    return getattr(f, "last_call_mutated", False)


def _copied(value: Any) -> Any:
    """Copy the arrays in ``value``; anything else, a model above all, is handed over itself."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if type(value) in (list, tuple, set):
        return type(value)(_copied(part) for part in value)
    if type(value) is dict:
        return {key: _copied(part) for key, part in value.items()}
    return value


def _changed(before: Any, after: Any) -> bool:
    if isinstance(before, np.ndarray):
        if before.shape != after.shape or before.dtype != after.dtype:
            return True
        return not np.array_equal(before, after, equal_nan=before.dtype.kind in "fc")
    if type(before) in (list, tuple):
        return len(before) != len(after) or any(map(_changed, before, after))
    if type(before) is dict:
        return before.keys() != after.keys() or any(_changed(before[k], after[k]) for k in before)
    if type(before) in (int, float, bool, str, bytes, set):
        return bool(before != after)
    return False


def _is_numeric(value: list[Any] | tuple[Any, ...]) -> bool:
    """Whether a list is the value of one array, as in ``expected=[0, 2, 4]``."""
    try:
        return np.array(value).dtype.kind in "biufc"
    except ValueError:
        return False


def _name_of(f: object) -> str:
    name = getattr(f, "__name__", None)
    return clean(name, 80) if isinstance(name, str) and name else "the function"


def _article(noun: str) -> str:
    return f"an {noun}" if noun[:1].lower() in "aeiou" else f"a {noun}"
