"""The check on a split into training, validation and test data.

Rows are matched by content against the official data, so it does not matter how they were chosen or
in which order they stand, and what a student says about them is never believed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from autograder.check.arrays import require_finite, require_labels
from autograder.check.exact import Array, exact_array
from autograder.check.report import CheckFailed, passed

_NAMES = ("training", "validation", "test")


@dataclass(frozen=True)
class Part:
    """One part of a split.

    Attributes:
        name: ``"training"``, ``"validation"`` or ``"test"``.
        images: (n, ...) as the student has them.
        labels: (n,) class numbers.
        keys: the content of each image.
    """

    name: str
    images: Array
    labels: Array
    keys: list[bytes]


def split(
    X_train: object,
    y_train: object,
    X_val: object,
    y_val: object,
    X_test: object,
    y_test: object,
    images: object,
    labels: object,
    *,
    sizes: tuple[int, int, int] = (3150, 350, 1500),
    per_class: tuple[int, int, int] | None = None,
) -> None:
    """Check a split: sizes, rows, labels, balance, and that chance chose the rows.

    Args:
        X_train, y_train, X_val, y_val, X_test, y_test: the student's parts; images of the official
            shape (n, ...), labels (n,).
        images, labels: the official data, (N, ...) and (N,), as they stand in the file.
        sizes: images in the training, validation and test part.
        per_class: images of each class in the three parts; by default in the official proportions,
            to the nearest image either way.

    Raises:
        CheckFailed: naming among others a validation part that is the test part, the 10 % taken of
            all images, a missing stratify, a slice in place of a draw, altered images, labels of
            other rows.
    """
    official = exact_array(images, "images")
    classes = int(exact_array(labels, "labels").max()) + 1
    truth = require_labels(labels, "labels", classes=classes, count=len(official))
    given = ((X_train, y_train), (X_val, y_val), (X_test, y_test))
    parts = [
        _read_part(name, X, y, official, classes)
        for name, (X, y) in zip(_NAMES, given, strict=True)
    ]
    keys = row_keys(official)
    _match_rows(parts, official, keys)
    _match_disjoint(parts, keys)
    _match_sizes(parts, sizes, len(official))
    _match_labels(parts, keys, truth)
    _match_balance(parts, truth, keys, sizes, per_class)
    _match_chance(parts, truth, keys)
    passed(f"split: {sizes[0]} / {sizes[1]} / {sizes[2]} images, disjoint, stratified, random")


def row_keys(images: Array) -> list[bytes]:
    """Return the content of each image as bytes of float32, whatever its dtype and layout.

    >>> row_keys(np.zeros((2, 3)))[0] == row_keys(-np.zeros((2, 3), "float32"))[1]
    True
    """
    with np.errstate(over="ignore"):
        rows = images.reshape(len(images), -1).astype("<f4") + np.float32(0)  # -0.0 becomes 0.0
    return [row.tobytes() for row in np.ascontiguousarray(rows)]


def _read_part(name: str, X: object, y: object, official: Array, classes: int) -> Part:
    short = {"training": "train", "validation": "val", "test": "test"}[name]
    images = exact_array(X, f"X_{short}")
    if images.ndim == 1 and exact_array(y, f"y_{short}").ndim > 1:
        raise CheckFailed(
            f"X_{short} has shape {images.shape} and y_{short} has several axes.",
            "Images and labels have changed places: train_test_split returns X_a, X_b, y_a, y_b.",
            "Write X_train, X_test, y_train, y_test = train_test_split(X, y, ...).",
        )
    if images.ndim == 0 or images.shape[1:] != official.shape[1:]:
        raise CheckFailed(
            f"X_{short} has shape {images.shape}, expected (n, "
            f"{', '.join(map(str, official.shape[1:]))}).",
            "The images were reshaped or their axes moved before the split, or the results of the "
            "split stand in another order.",
            "Split the images as they are given, and return the parts in the order of the task.",
        )
    require_finite(images, f"X_{short}")
    numbers = require_labels(y, f"y_{short}", classes=classes, count=len(images))
    return Part(name, images, numbers, row_keys(images))


def _match_rows(parts: list[Part], official: Array, keys: list[bytes]) -> None:
    known = set(keys)
    for part in parts:
        strange = [i for i, key in enumerate(part.keys) if key not in known]
        if not strange:
            continue
        if len(strange) == len(part.keys) and part.images.max() > 1.5 * official.max():
            cause = "The grey values were scaled before the split, for example to 0..255."
        elif len(strange) == len(part.keys):
            cause = "The images were altered before the split: transposed, scaled or rounded."
        else:
            cause = "Pixels were changed, or images augmented, before the split."
        raise CheckFailed(
            f"{len(strange)} of the {len(part.keys)} {part.name} images are not images of the "
            "data set.",
            cause,
            "Split the images exactly as they are given; transform them afterwards.",
        )


def _match_disjoint(parts: list[Part], keys: list[bytes]) -> None:
    for first, second in combinations(parts, 2):
        if Counter(first.keys) == Counter(second.keys):
            raise CheckFailed(
                f"The {second.name} images are the {first.name} images: all {len(first.keys)}.",
                "The same variable stands in two places, as in validation_data=(X_test, y_test).",
                "Call train_test_split twice: first for the test part, then on the rest for the "
                "validation part.",
            )
    available = Counter(keys)
    used: Counter[bytes] = Counter()
    for part in parts:
        used.update(part.keys)
    if all(used[key] <= available[key] for key in used):
        return
    for part in parts:
        twice = sum(max(0, n - available[key]) for key, n in Counter(part.keys).items())
        if twice:
            raise CheckFailed(
                f"The {part.name} part contains {twice} images more than once.",
                "The rows were drawn with replacement, or augmented copies were added.",
                "Draw each row once: train_test_split does, np.random.choice needs replace=False.",
            )
    for first, second in combinations(parts, 2):
        both = Counter(first.keys) + Counter(second.keys)
        shared = sum(max(0, n - available[key]) for key, n in both.items())
        if shared:
            if shared == min(len(first.keys), len(second.keys)):
                cause = f"The {first.name} part was not reduced when the {second.name} part was "
                cause += "taken from it."
            else:
                cause = "The second split was made from all images again, not from what the "
                cause += "first left."
            raise CheckFailed(
                f"{shared} images stand in both the {first.name} and the {second.name} part.",
                cause,
                "Keep what each split leaves: X_train, X_val, y_train, y_val = "
                "train_test_split(X_rest, y_rest, test_size=0.1, ...).",
            )
    raise CheckFailed(
        "Some images are used more often than the data set has them.",
        "The parts were put together from overlapping draws.",
        "Call train_test_split twice, the second time on what the first left.",
    )


def _match_sizes(parts: list[Part], sizes: tuple[int, int, int], total: int) -> None:
    found = tuple(len(part.keys) for part in parts)
    if found == sizes:
        return
    observed = (
        f"The parts hold {found[0]} / {found[1]} / {found[2]} images, expected "
        f"{sizes[0]} / {sizes[1]} / {sizes[2]} (training / validation / test)."
    )
    share = sizes[1] / (sizes[0] + sizes[1])
    if found[2] == sizes[2] and abs(found[1] - share * total) <= 1:
        raise CheckFailed(
            observed,
            f"The {share:.0%} for validation was taken of all {total} images; it is meant of the "
            f"{sizes[0] + sizes[1]} that remain after the test part.",
            f"Use test_size={share:g} in the second call of train_test_split, on the rest.",
        )
    if sorted(found) == sorted(sizes):
        raise CheckFailed(
            observed,
            "The parts are returned in another order.",
            "Return them as the task says: training, validation, test.",
        )
    if abs(found[2] - (total - sizes[2])) <= 1:
        raise CheckFailed(
            observed,
            "train_size and test_size have changed places.",
            f"The test part is {sizes[2] / total:.0%} of all: test_size={sizes[2] / total:g}.",
        )
    raise CheckFailed(
        observed,
        "A share in one of the two calls of train_test_split is another than the task's.",
        f"Use test_size={sizes[2] / total:g} first, then test_size={share:g} on the rest.",
    )


def _match_labels(parts: list[Part], keys: list[bytes], truth: Array) -> None:
    allowed: dict[bytes, set[int]] = {}
    for key, label in zip(keys, truth, strict=True):
        allowed.setdefault(key, set()).add(int(label))
    for part in parts:
        wrong = sum(
            int(label) not in allowed[key]
            for key, label in zip(part.keys, part.labels, strict=True)
        )
        if wrong:
            raise CheckFailed(
                f"{wrong} of {len(part.keys)} {part.name} labels do not belong to their images.",
                "Images and labels were shuffled or split apart from each other.",
                "Give both to one call: train_test_split(X, y, ...), and shuffle neither alone.",
            )


def _match_balance(
    parts: list[Part],
    truth: Array,
    keys: list[bytes],
    sizes: tuple[int, int, int],
    per_class: tuple[int, int, int] | None,
) -> None:
    total = np.bincount(truth)
    for index in (2, 1, 0):  # the test part is drawn first, so its mistake explains the others
        part = parts[index]
        found = np.bincount(part.labels, minlength=len(total))
        if per_class is not None:
            ideal = np.where(total > 0, per_class[index], 0).astype(float)
            off = found != ideal
        else:
            ideal = total * sizes[index] / len(truth)
            off = np.abs(found - ideal) >= 1
        if not off.any():
            continue
        worst = int(np.argmax(np.abs(found - ideal)))
        observed = (
            f"Class {worst} has {found[worst]} {part.name} images, expected {ideal[worst]:.0f}."
        )
        if _is_block(np.isin(np.array(keys, dtype=object), part.keys)):
            raise CheckFailed(
                observed,
                "The part is one slice of the file, whose rows are sorted by class.",
                "Draw it: train_test_split(..., shuffle=True, stratify=y).",
            )
        cause = "The rows were drawn without regard to their class: stratify is missing."
        if part.name == "validation":
            cause += " A slice of the training rows, as validation_split takes it, is not "
            cause += "stratified either."
        raise CheckFailed(
            observed,
            cause,
            "Give train_test_split the labels of what it splits: stratify=y, and stratify=y_rest "
            "in the second call.",
        )


def _match_chance(parts: list[Part], truth: Array, keys: list[bytes]) -> None:
    """Refuse parts whose rows were counted off: a block, or every k-th row, of each class."""
    content = np.array(keys, dtype=object)
    for part in parts[:0:-1]:
        taken = np.isin(content, part.keys)
        rows = [taken[truth == label] for label in np.unique(truth)]
        rows = [row for row in rows if 3 <= np.count_nonzero(row) < len(row)]
        if rows and all(_is_regular(row) for row in rows):
            raise CheckFailed(
                f"The {part.name} images follow a fixed pattern: within each class they are a "
                "block or every k-th row of the file.",
                "The rows were sliced, not drawn; neighbours in such a file are often alike.",
                "Draw them: train_test_split(..., shuffle=True, stratify=y).",
            )


def _is_block(taken: Array) -> bool:
    rows = np.flatnonzero(taken)
    return len(rows) > 1 and int(rows[-1] - rows[0]) + 1 == len(rows)


def _is_regular(taken: Array) -> bool:
    steps = np.diff(np.flatnonzero(taken))
    return bool((steps == steps[0]).all())
