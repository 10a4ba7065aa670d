"""Checks on arrays: the exact shape first, then the values.

Every function takes anything that NumPy can read as numbers (arrays, tensors, nested lists).
Empty arrays, NaN, text, objects and shapes that would merely broadcast are refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from autograder.check.compare import Hint, compare, describe_shape, match_shape, usable_expected
from autograder.check.exact import Array, exact_array
from autograder.check.report import CheckFailed, passed

#: Greatest difference allowed for real numbers, relative to max(1, |expected|).
TOLERANCE = 1e-5


def array(
    actual: object,
    expected: object,
    name: str,
    *,
    tolerance: float = TOLERANCE,
    mistakes: Mapping[Hint, object] | None = None,
) -> None:
    """Check that ``actual`` has exactly the shape and, within a tolerance, the values expected.

    Args:
        actual: the student's array, any shape and real or integer dtype.
        expected: the right array; not empty, without NaN.
        name: what the student calls it.
        tolerance: allowed difference, relative to ``max(1, |expected|)``; whole numbers are
            compared exactly.
        mistakes: what a known mistake would give. A key is the likely cause, or a pair
            (cause, next step); its value is the array that the mistake leads to.

    Raises:
        CheckFailed: with the mistake's name where the values tell it.

    >>> array([1.0, 2.0], np.array([1.0, 2.0]), "y")
    ✓ y: 2 values in shape (2,)
    >>> array([[1.0], [2.0]], [1.0, 2.0], "y")
    Traceback (most recent call last):
    autograder.check.report.CheckFailed: y has shape (2, 1), expected (2,)...
    """
    compare(actual, expected, name, tolerance=tolerance, mistakes=mistakes)
    size, form = usable_expected(expected).size, usable_expected(expected).shape
    passed(f"{name}: {size} value{'s' * (size != 1)} in shape {form}")


def shape(actual: object, expected: Sequence[int | None], name: str) -> None:
    """Check that an array has exactly this shape; None stands for any length above 0.

    Raises:
        CheckFailed: naming a missing, extra or moved axis.

    >>> shape(np.zeros((5, 20, 20, 1)), (None, 20, 20, 1), "images")
    ✓ images has shape (5, 20, 20, 1)
    """
    found = exact_array(actual, name)
    match_shape(found.shape, tuple(expected), name)
    passed(f"{name} has shape {describe_shape(found.shape)}")


def finite(actual: object, name: str) -> None:
    """Check that an array holds numbers only: neither NaN nor infinity.

    >>> finite([0.1, 0.2], "weights")
    ✓ weights: all 2 values are finite
    """
    found = require_finite(exact_array(actual, name), name)
    passed(f"{name}: all {found.size} values are finite")


def require_finite(found: Array, name: str) -> Array:
    """Return ``found`` or fail for its first kind of value that is no number."""
    bad = int(np.size(found) - np.count_nonzero(np.isfinite(found)))
    if bad:
        raise CheckFailed(
            f"{bad} of the {found.size} values of {name} are NaN or infinite.",
            "Somewhere 0 was divided by 0, a logarithm of 0 was taken, or numbers overflowed.",
            "Look for the first step whose result is not finite, with np.isfinite(...).all().",
        )
    return found


def labels(
    actual: object, name: str = "labels", *, classes: int = 10, count: int | None = None
) -> None:
    """Check that an array holds class numbers: integers 0..classes-1, one for each image.

    Args:
        actual: the labels, to be of shape (N,).
        name: what the student calls them.
        classes: number of classes, 10 for digits.
        count: N, where it is known.

    Raises:
        CheckFailed: among others for the label 10 of MATLAB files that still stands for the digit
            0, for a column (N, 1), and for one-hot rows (N, classes).

    >>> labels(np.array([0, 9, 3]), "y")
    ✓ y: 3 labels from 0 to 9
    """
    found = require_labels(actual, name, classes=classes, count=count)
    passed(f"{name}: {found.size} labels from {found.min()} to {found.max()}")


def require_labels(
    actual: object, name: str, *, classes: int = 10, count: int | None = None
) -> Array:
    """Return ``actual`` as int64 labels of shape (N,), or fail as `labels` says."""
    found = exact_array(actual, name)
    if found.ndim == 2 and found.shape[1] == 1:
        raise CheckFailed(
            f"{name} has shape {found.shape}: a column, where one row of labels (N,) is expected.",
            "The file stores y as a matrix with one column, and MATLAB has no other way.",
            f"Flatten it once, with {name}.ravel() or {name}.reshape(-1).",
        )
    if found.ndim == 2 and found.shape[1] == classes:
        raise CheckFailed(
            f"{name} has shape {found.shape}: one-hot rows, where class numbers (N,) are expected.",
            "The labels were encoded already, for example with to_categorical.",
            f"Keep {name} as class numbers 0..{classes - 1}; encode them inside the training only.",
        )
    if found.ndim != 1:
        raise CheckFailed(
            f"{name} has shape {found.shape}, expected one label for each image: (N,).",
            "Images and labels may have changed places.",
            f"Print {name}.shape and check in which order the function returns its results.",
        )
    if count is not None and len(found) != count:
        raise CheckFailed(
            f"{name} has {len(found)} labels, expected {count}.",
            "Images and labels were not selected with the same rows.",
            "Take the same indices from both, in one step.",
        )
    require_finite(found, name)
    if found.dtype.kind not in "iu":
        raise CheckFailed(
            f"{name} has dtype {found.dtype}, expected integers.",
            "Labels are names of classes, and an average or a division has made real numbers.",
            f'Convert them with {name}.astype("int64").',
        )
    if classes in found and 0 not in found:
        raise CheckFailed(
            f"{name} contains the label {classes} and no 0.",
            f"The file was written for MATLAB, which counts from 1: there {classes} stands for "
            "the digit 0, and it is not mapped yet.",
            f"Replace it once after loading: labels % {classes} gives 0 for {classes} and leaves "
            "the others.",
        )
    outside = int(np.count_nonzero((found < 0) | (found >= classes)))
    if outside:
        raise CheckFailed(
            f"{outside} labels of {name} lie outside 0..{classes - 1}.",
            f"The mapping of the file's labels 1..{classes} went wrong, for example by adding or "
            "subtracting 1 everywhere.",
            f"Only {classes} changes, to 0; 1..{classes - 1} are right as they are.",
        )
    return found.astype(np.int64)
