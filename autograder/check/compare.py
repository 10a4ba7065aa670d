"""Compare numbers with numbers, and put the difference into words.

The words never contain an expected value: hidden data must not be readable from a message.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from autograder.check.exact import NUMERIC, Array, exact_array
from autograder.check.report import CheckFailed

#: A likely cause, or a pair of a likely cause and the next step.
Hint = str | tuple[str, str]

_LOOK = "Compare your result on a tiny example, by hand, with what the task describes."


def usable_expected(expected: object) -> Array:
    """Return the expected values; an empty or NaN expectation is an error of the test's author.

    Raises:
        ValueError: for an expectation that would accept anything, or nothing.
    """
    result = np.array(expected, subok=False)
    if result.dtype.kind not in NUMERIC or result.size == 0 or np.isnan(result).any():
        raise ValueError("The expected value of a check must hold numbers, not be empty or NaN.")
    return result


def compare(
    actual: object,
    expected: object,
    name: str,
    *,
    tolerance: float,
    mistakes: Mapping[Hint, object] | None = None,
) -> Array:
    """Return ``actual`` as an exact array when it equals ``expected``; else raise CheckFailed.

    The shape must be equal before any value is looked at. ``mistakes`` maps a cause to the value
    that it would lead to.
    """
    if not 0 <= tolerance < np.inf:
        raise ValueError(f"The tolerance must be a number of at least 0, not {tolerance}.")
    right = usable_expected(expected)
    found = exact_array(actual, name)
    if equal(found, right, tolerance):
        return found
    for hint, value in (mistakes or {}).items():
        wrong = np.array(value, subok=False)
        told_apart = not equal(wrong, right, tolerance)
        if told_apart and equal(found, wrong, tolerance):
            raise CheckFailed(_observed(found, right, name, tolerance), *cause_and_step(hint))
    match_shape(found.shape, right.shape, name)
    with np.errstate(all="ignore"):  # a warning on stderr would count as a failure of the cell
        cause, step = _diagnose(found, right, tolerance)
    raise CheckFailed(_observed(found, right, name, tolerance), cause, step)


def cause_and_step(hint: Hint) -> tuple[str, str]:
    """Split a hint into the likely cause and the next step."""
    if isinstance(hint, tuple):
        return hint
    return hint, "Correct this step, run the cell again, and then this test."


def equal(found: Array, right: Array, tolerance: float) -> bool:
    """Whether two arrays have the same shape and, within the tolerance, the same values."""
    if found.shape != right.shape or found.dtype.kind not in NUMERIC or right.size == 0:
        return False
    if (found.dtype.kind == "b") != (right.dtype.kind == "b"):
        return False
    return not _differs(found, right, tolerance).any()


def _differs(found: Array, right: Array, tolerance: float) -> Array:
    """Mark where two arrays of one shape differ; whole numbers must be equal exactly."""
    if found.dtype.kind in "biu" and right.dtype.kind in "biu":
        return np.asarray(found != right)
    kind = np.complex128 if "c" in (found.dtype.kind, right.dtype.kind) else np.float64
    a, b = found.astype(kind), right.astype(kind)
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(a - b) <= tolerance * np.maximum(1.0, np.abs(b))
    # An infinite expectation is met by the same infinity alone: inf - inf is NaN, and a bound of
    # tolerance * inf would accept every number.
    return np.asarray(~np.where(np.isfinite(b), near, a == b))


def _observed(found: Array, right: Array, name: str, tolerance: float) -> str:
    if found.shape != right.shape:
        return f"{name} has shape {describe_shape(found.shape)}, expected {right.shape}."
    if (found.dtype.kind == "b") != (right.dtype.kind == "b"):
        kinds = ("True and False", "numbers")
        seen, wanted = kinds if found.dtype.kind == "b" else kinds[::-1]
        return f"{name} holds {seen}, expected {wanted}."
    count = int(np.count_nonzero(_differs(found, right, tolerance)))
    if found.size == 1:
        return f"{name} has the right shape, but its value is not the expected one."
    return f"{name} has the right shape, but {count} of its {found.size} values differ."


def _diagnose(found: Array, right: Array, tolerance: float) -> tuple[str, str]:
    """Recognise the mistakes that any array may show."""
    if (found.dtype.kind == "b") != (right.dtype.kind == "b"):
        return "A comparison and a number have changed places.", _LOOK
    if not np.isfinite(found).all() and np.isfinite(right).all():
        return (
            "Some values are NaN or infinite: 0 divided by 0, log(0), or an overflow.",
            "Look for the first step whose result is not finite.",
        )
    if found.size > 1:
        for axis in range(found.ndim):
            if equal(np.flip(found, axis), right, tolerance):
                return f"The order along axis {axis} is reversed.", "Turn that axis around."
        for first in range(found.ndim):
            for second in range(first + 1, found.ndim):
                if equal(np.swapaxes(found, first, second), right, tolerance):
                    return (
                        f"Axes {first} and {second} have changed places (a transpose).",
                        "Check which index is the row and which the column at every step.",
                    )
        if equal(np.sort(found, axis=None), np.sort(right, axis=None), tolerance):
            return (
                "The same values appear in another order, as a reshape in the wrong order gives.",
                "Mark one pixel with a number of its own and follow where it goes.",
            )
    if equal(-found if found.dtype.kind != "b" else ~found, right, tolerance):
        return "The sign is reversed.", "Look for a difference taken the wrong way round."
    if found.dtype.kind in "iu" and right.dtype.kind == "f" and np.all(np.abs(found - right) < 1):
        return (
            "The values were cut to whole numbers.",
            'Compute in real numbers: start from .astype("float32").',
        )
    factor = _one_factor(found, right, tolerance)
    if factor is not None:
        return (
            f"Every value is {factor:.4g} times the expected one.",
            "Look for a division or a scaling that is missing, or done twice.",
        )
    return "One step of the computation is not what the task describes.", _LOOK


def _one_factor(found: Array, right: Array, tolerance: float) -> float | None:
    a, b = found.astype(np.complex128).ravel(), right.astype(np.complex128).ravel()
    at = int(np.argmax(np.abs(b)))
    if found.size < 2 or b[at] == 0 or a[at].imag or b[at].imag:
        return None
    factor = float((a[at] / b[at]).real)
    if factor == 0 or not np.isfinite(factor):
        return None
    return factor if equal(found / factor, right, tolerance) else None


def describe_shape(shape: tuple[int | None, ...]) -> str:
    """Write a shape as Python does, with N for None.

    >>> describe_shape((None, 20, 20, 1))
    '(N, 20, 20, 1)'
    """
    inner = ", ".join("N" if n is None else str(n) for n in shape)
    return f"({inner},)" if len(shape) == 1 else f"({inner})"


def match_shape(found: tuple[int, ...], wanted: tuple[int | None, ...], name: str) -> None:
    """Fail unless the shapes are equal; None in ``wanted`` stands for any length above 0."""
    if len(found) == len(wanted) and all(
        (n > 0 if w is None else n == w) for n, w in zip(found, wanted, strict=True)
    ):
        return
    cause, step = _shape_cause(found, wanted)
    raise CheckFailed(
        f"{name} has shape {describe_shape(found)}, expected {describe_shape(wanted)}.", cause, step
    )


def _shape_cause(found: tuple[int, ...], wanted: tuple[int | None, ...]) -> tuple[str, str]:
    known = [w for w in wanted if w is not None]
    if len(found) == len(wanted) - 1:
        for axis, length in enumerate(wanted):
            if length == 1 and _fits(found, wanted[:axis] + wanted[axis + 1 :]):
                return (
                    f"The axis of length 1 at position {axis} is missing, often the channel axis.",
                    f"Add it with np.expand_dims(..., axis={axis}) or in the reshape.",
                )
    if len(found) == len(wanted) + 1:
        for axis, length in enumerate(found):
            if length == 1 and _fits(found[:axis] + found[axis + 1 :], wanted):
                return (
                    f"There is one axis of length 1 too many, at position {axis}.",
                    "Drop it with np.squeeze(..., axis) or .ravel() for a column.",
                )
    if len(found) == len(wanted) and sorted(found) == sorted(known):
        return (
            "The axes are there, but in another order.",
            "Move the axis with np.moveaxis or np.transpose; a reshape would mix up the pixels.",
        )
    if len(found) == len(wanted):
        return (
            "The lengths of the axes differ, so rows were lost or added, or a size is off by some.",
            "Print the shape after each step and compare it with the task's.",
        )
    return (
        f"The array has {len(found)} axes where {len(wanted)} are expected.",
        "Print the shape after each step and compare it with the task's.",
    )


def _fits(found: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(found) == len(wanted) and all(
        w is None or n == w for n, w in zip(found, wanted, strict=True)
    )
