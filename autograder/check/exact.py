"""Turn what a student made into exact NumPy arrays and Python numbers, or say why that fails.

Comparisons happen on the results alone. So an object that calls itself equal to everything, or a
subclass that overrides arithmetic, is reduced to the numbers that it holds before it is judged.
"""

from __future__ import annotations

import numbers
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograder.check.report import CheckFailed, clean

Array = NDArray[Any]

#: Kinds of dtype that count as numbers: bool, signed, unsigned, real, complex.
NUMERIC = "biufc"


@contextmanager
def quiet() -> Iterator[None]:
    """Keep warnings off stderr: nbgrader scores any text there as a failure of the test cell."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def type_name(value: object) -> str:
    """Return the name of the class of ``value``, for a message."""
    return clean(getattr(type(value), "__name__", "object"), 60)


def callable_kind(value: object) -> str:
    """Return ``"class"`` or ``"function"`` for something that can be called."""
    return "class" if isinstance(value, type) else "function"


def reason_of(value: object) -> str | None:
    """Return the sentence with which a value explains itself, such as an opaque or remote one."""
    try:
        reason = getattr(value, "reason", None)
    except CheckFailed:
        raise  # an opaque value explains itself whenever it is used
    except Exception:
        return None
    return clean(reason) if isinstance(reason, str) and reason else None


def exact_array(value: object, name: str) -> Array:
    """Return the numbers of ``value`` as a plain ``numpy.ndarray``.

    Args:
        value: an array, a tensor of any backend, a number, or nested lists of numbers.
        name: what to call it in a message.

    Returns:
        An exact ``ndarray`` (no subclass) of a numeric dtype, not empty.

    Raises:
        CheckFailed: for None, functions, text, objects, ragged lists, masked or empty arrays.

    >>> exact_array([[1, 2], [3, 4]], "A").shape
    (2, 2)
    """
    if value is None:
        raise CheckFailed(
            f"{name} is None.",
            "A function that ends without `return` gives None, or the value is not computed yet.",
            f"Make sure that {name} holds the result; end the function with `return ...`.",
        )
    if callable(value) and not hasattr(value, "__array__"):
        raise CheckFailed(
            f"{name} is a {callable_kind(value)}, not an array.",
            "The function itself was given in place of its result.",
            f"Call the function, with its parentheses, and store the result as {name}.",
        )
    result = _as_array(value, name)
    if result.dtype.kind not in NUMERIC:
        detail = reason_of(value) or "Text, objects or lists of unequal length cannot be compared."
        raise CheckFailed(
            f"{name} is a {type_name(value)} that holds {_kind(result.dtype)}, not numbers.",
            detail,
            f"Make {name} a NumPy array of numbers, for example with np.array(...).",
        )
    if result.size == 0:
        raise CheckFailed(
            f"{name} is empty: its shape is {result.shape}.",
            "A slice or a mask selected nothing, or the array was never filled.",
            f"Print {name}.shape after each step and see where the rows get lost.",
        )
    return result


def exact_number(value: object, name: str) -> float:
    """Return ``value`` as a float: a number, or an array of shape ().

    Raises:
        CheckFailed: for anything else, NaN included.

    >>> exact_number(np.float32(0.5), "loss")
    0.5
    """
    array = exact_array(value, name)
    if array.shape != () or array.dtype.kind not in "biuf":
        raise CheckFailed(
            f"{name} is not one real number: its shape is {array.shape}.",
            "A list or an array came back where a single number is asked for.",
            f"Reduce {name} to one number, for example with float(...) or .mean().",
        )
    number = float(array)
    if np.isnan(number):
        raise CheckFailed(
            f"{name} is NaN, which means 'not a number'.",
            "Somewhere 0 was divided by 0, a logarithm of 0 was taken, or the training diverged.",
            "Look for the first step whose result is NaN; a lower learning rate often helps.",
        )
    return number


def _as_array(value: object, name: str) -> Array:
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise CheckFailed(
            f"{name} is a masked array with hidden entries.",
            "Masked entries have no value that could be compared.",
            f"Give {name} as an ordinary array, with every entry filled.",
        )
    try:
        with quiet():
            # For a tensor this goes through its own __array__; `subok=False` drops subclasses.
            array = np.array(_detached(value), subok=False)
    except Exception:
        raise CheckFailed(
            f"{name} is a {type_name(value)} that cannot be read as an array.",
            reason_of(value) or "It holds lists of unequal length, or a symbolic tensor.",
            f"Make {name} a NumPy array of numbers, for example with np.array(...).",
        ) from None
    return array


def _detached(value: object) -> object:
    """Take a tensor of Torch off its device and out of its graph."""
    torch: Any = sys.modules.get("torch")
    if torch is not None and isinstance(value, getattr(torch, "Tensor", ())):
        return value.detach().cpu().numpy()  # type: ignore[attr-defined]
    if isinstance(value, numbers.Number) and not isinstance(value, np.generic):
        # A subclass of int or float may print and compare as it likes: keep its number only.
        for plain in (bool, int, float, complex):
            if isinstance(value, plain):
                return plain.__pos__(value) if plain is not bool else value
    return value


def _kind(dtype: np.dtype[Any]) -> str:
    names = {"U": "text", "S": "bytes", "O": "Python objects", "M": "dates", "m": "time spans"}
    return names.get(dtype.kind, "records")
