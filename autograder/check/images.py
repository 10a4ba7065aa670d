"""Checks on images: upright, and with their axes where they belong."""

from __future__ import annotations

from typing import Literal

import numpy as np

from autograder.check.compare import equal, match_shape
from autograder.check.exact import Array, exact_array
from autograder.check.report import CheckFailed, passed

#: Half a grey level of 255, the greatest difference between two readings of one image.
TOLERANCE = 0.5 / 255

Layout = Literal["channels_last", "channels_first"]


def orientation(
    images: object, reference: object, name: str = "images", *, tolerance: float = TOLERANCE
) -> None:
    """Check that images stand upright, as the same images of a reference do.

    Accuracy cannot judge this: a network learns digits that all lie on their side just as well.

    Args:
        images: the student's, of exactly the reference's shape, such as (N, 20, 20, 1).
        reference: the same images in the same order, upright; grey values 0..1.
        name: what the student calls them.
        tolerance: allowed difference of a grey value.

    Raises:
        CheckFailed: naming a transpose, a mirror image, a turn, inverted or unscaled grey values.

    >>> digit = np.zeros((1, 3, 3, 1)); digit[0, 0, 2] = 1
    >>> orientation(digit, digit)
    ✓ images: 1 image is upright
    >>> orientation(digit.transpose(0, 2, 1, 3), digit)
    Traceback (most recent call last):
    autograder.check.report.CheckFailed: images are transposed...
    """
    right = exact_array(reference, "reference").astype(np.float64)
    found = exact_array(images, name)
    match_shape(found.shape, right.shape, name)
    found = found.astype(np.float64)
    if not _near(found, right, tolerance):
        raise CheckFailed(*_wrong_way(found, right, name, tolerance))
    count = len(right)
    passed(f"{name}: {count} image{'s are' if count != 1 else ' is'} upright")


def layout(
    images: object,
    original: object,
    layout: Layout,
    name: str = "images",
    *,
    tolerance: float = TOLERANCE,
) -> None:
    """Check that the channel axis is where Keras or PyTorch expects it, and every pixel in place.

    Use more than one channel: with a single one, a reshape gives the same numbers as a move.

    Args:
        images: the student's result.
        original: the same images as (N, height, width, channels).
        layout: ``"channels_last"`` for (N, height, width, channels), ``"channels_first"`` for
            (N, channels, height, width).
        name: what the student calls it.
        tolerance: allowed difference of a grey value.

    Raises:
        CheckFailed: naming a reshape in place of a move, rows and columns exchanged, or an axis
            that was not moved at all.

    >>> colour = np.arange(24.0).reshape(1, 2, 4, 3)
    >>> layout(np.moveaxis(colour, -1, 1), colour, "channels_first")
    ✓ images: channels_first, shape (1, 3, 2, 4)
    """
    base = exact_array(original, "original").astype(np.float64)
    if base.ndim != 4 or layout not in ("channels_last", "channels_first"):
        raise ValueError("check.layout needs (N, height, width, channels) and a known layout.")
    wanted = np.moveaxis(base, -1, 1) if layout == "channels_first" else base
    found = exact_array(images, name)
    if found.shape != wanted.shape and _near(found, base, tolerance):
        raise CheckFailed(
            f"{name} still has shape {found.shape}; {layout} means {wanted.shape}.",
            "The channel axis was not moved.",
            "Move it with np.moveaxis(images, -1, 1).",
        )
    if _near(found, base.transpose(0, 3, 2, 1), tolerance) and layout == "channels_first":
        raise CheckFailed(
            f"{name} has its rows and columns exchanged.",
            "A transpose with (0, 3, 2, 1) turns all axes around, not the channels alone.",
            "Keep rows before columns: np.transpose(images, (0, 3, 1, 2)).",
        )
    match_shape(found.shape, wanted.shape, name)
    if not _near(found, wanted, tolerance):
        if _near(found, base.reshape(wanted.shape), tolerance):
            raise CheckFailed(
                f"{name} has the shape of {layout}, but its pixels are mixed up.",
                "A reshape keeps the order of the numbers in memory and only cuts it anew; "
                "it cannot move an axis.",
                "Use np.moveaxis(images, -1, 1) or np.transpose(images, (0, 3, 1, 2)).",
            )
        raise CheckFailed(*_wrong_way(found.astype(np.float64), wanted, name, tolerance))
    passed(f"{name}: {layout}, shape {wanted.shape}")


def _near(found: Array, right: Array, tolerance: float) -> bool:
    return found.shape == right.shape and bool(
        np.all(np.abs(found.astype(np.float64) - right) <= tolerance)
    )


def _wrong_way(found: Array, right: Array, name: str, tolerance: float) -> tuple[str, str, str]:
    """Say in which way images of the right shape differ from upright ones."""
    rows, columns = _image_axes(right.shape)
    turned = np.swapaxes(found, rows, columns)
    if _near(turned, right, tolerance):
        return (
            f"{name} are transposed: every digit lies on its side, mirrored.",
            "The file stores each image column by column (MATLAB's order), and it was read row by "
            "row.",
            'Read column by column, with X.reshape((-1, 20, 20), order="F"), or exchange rows and '
            "columns once, with np.swapaxes(images, 1, 2).",
        )
    for axis, what in ((rows, "upside down"), (columns, "mirrored")):
        if _near(np.flip(found, axis), right, tolerance):
            return (f"{name} are {what}.", "An axis runs backwards.", "Remove that flip.")
    for turns in (1, 2, 3):
        if found.shape == right.shape and _near(
            np.rot90(found, turns, (rows, columns)), right, tolerance
        ):
            return (f"{name} are rotated.", "A turn or a flip too many.", "Show one with imshow.")
    if _near(1 - found, right, tolerance):
        return (
            f"{name} are inverted: ink is dark where it should be bright.",
            "The grey values were subtracted from 1.",
            "In this file 0 is paper and 1 is ink; leave them so.",
        )
    if np.isfinite(found).all() and equal(found / 255, right, tolerance):
        return (
            f"{name} reach up to 255, expected grey values from 0 to 1.",
            "The scaling is missing.",
            "Divide by 255 once, after converting to float32.",
        )
    if _near(np.sort(found, axis=None), np.sort(right, axis=None), tolerance):
        return (
            f"{name} have the right grey values, but in other places.",
            "A reshape or a transpose went across the image axis and mixed up different images.",
            'Keep the image axis first throughout: X.reshape((-1, 20, 20), order="F").',
        )
    return (
        f"{name} do not show the same pictures as the upright reference.",
        "Rows were exchanged between images, or grey values were changed.",
        "Show the first image with plt.imshow and compare it with its label.",
    )


def _image_axes(shape: tuple[int, ...]) -> tuple[int, int]:
    """Find the row and column axes of (N, H, W), (N, H, W, C) or (N, C, H, W) images."""
    if len(shape) == 4 and shape[1] in (1, 3) and shape[3] not in (1, 3):
        return 2, 3
    if len(shape) in (3, 4):
        return 1, 2
    raise ValueError(
        f"Images of shape {shape} are neither (N, H, W), (N, H, W, C) nor (N, C, H, W)."
    )
