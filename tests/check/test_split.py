from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from autograder import check

Parts = tuple[Any, ...]

RNG = np.random.default_rng(0)
N, CLASSES = 500, 10
IMAGES = RNG.random((N, 6, 6, 1)).astype("float32")
LABELS = np.repeat(np.arange(CLASSES), N // CLASSES)
SIZES = (315, 35, 150)


def good(images: Any = IMAGES, labels: Any = LABELS, seed: int = 1, sizes: Any = SIZES) -> Parts:
    X, X_test, y, y_test = train_test_split(
        images, labels, test_size=0.3, stratify=labels, random_state=seed
    )
    X_train, X_val, y_train, y_val = train_test_split(
        X, y, test_size=0.1, stratify=y, random_state=seed
    )
    return X_train, y_train, X_val, y_val, X_test, y_test


def ask(parts: Parts, **options: Any) -> None:
    check.split(*parts, IMAGES, LABELS, **{"sizes": SIZES, **options})


def refuses(parts: Parts, words: str, **options: Any) -> None:
    with pytest.raises(check.CheckFailed, match=words):
        ask(parts, **options)


@pytest.mark.parametrize("seed", range(5))
def test_a_stratified_random_split_passes(seed: int) -> None:
    # 35 of 10 classes is 3.5 a class: scikit-learn gives 3 or 4 of each.
    ask(good(seed=seed))


def test_it_passes_with_other_dtypes_and_row_orders() -> None:
    X, y, *rest = good()
    order = np.random.default_rng(5).permutation(len(X))
    ask((X[order].astype("float64"), y[order].astype("uint8"), *rest))
    order = np.argsort(y, kind="stable")
    ask((X[order], y[order], *rest))


def test_duplicates_in_the_official_data_are_allowed_as_often_as_they_are_there() -> None:
    images = IMAGES.copy()
    images[::2] = images[1::2]
    check.split(*good(images), images, LABELS, sizes=SIZES)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from([0, 2, 4]), st.data())
def test_any_single_altered_row_is_found(part: int, data: Any) -> None:
    parts = list(good())
    X = parts[part].copy()
    row = data.draw(st.integers(0, len(X) - 1))
    pixel = data.draw(st.integers(0, 35))
    flat = X.reshape(len(X), -1)
    flat[row, pixel] = np.nextafter(flat[row, pixel], np.float32(2))
    parts[part] = X
    refuses(tuple(parts), "not images of the data set")


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([1, 3, 5]), st.data())
def test_any_single_wrong_label_is_found(part: int, data: Any) -> None:
    parts = list(good())
    y = parts[part].copy()
    row = data.draw(st.integers(0, len(y) - 1))
    y[row] = (y[row] + data.draw(st.integers(1, 9))) % 10
    parts[part] = y
    refuses(tuple(parts), "do not belong to their images")


@settings(max_examples=40, deadline=None)
@given(st.permutations([0, 2, 4]), st.data())
def test_any_single_row_that_stands_in_two_parts_is_found(which: list[int], data: Any) -> None:
    parts = [p.copy() for p in good()]
    source, target = which[:2]
    i = data.draw(st.integers(0, len(parts[source]) - 1))
    j = data.draw(st.integers(0, len(parts[target]) - 1))
    for offset in (0, 1):
        parts[target + offset][j] = parts[source + offset][i]
    refuses(tuple(parts), "in both the")


def test_a_row_drawn_twice_is_found() -> None:
    X, y, *rest = good()
    X, y = X.copy(), y.copy()
    X[0], y[0] = X[1], y[1]
    refuses((X, y, *rest), "more than once")


def test_validation_that_is_the_test_part_is_named() -> None:
    X, y, _, _, X_test, y_test = good()
    order = np.random.default_rng(1).permutation(len(X_test))
    refuses((X, y, X_test[order], y_test[order], X_test, y_test), "test images are the validation")


def test_ten_percent_of_all_images_is_named() -> None:
    X, X_test, y, y_test = train_test_split(IMAGES, LABELS, test_size=0.3, stratify=LABELS)
    X, X_val, y, y_val = train_test_split(X, y, test_size=50, stratify=y)
    refuses((X, y, X_val, y_val, X_test, y_test), r"10% for validation was taken of all 500")


def test_a_validation_part_drawn_from_all_images_overlaps() -> None:
    X, y, _, _, X_test, y_test = good()
    _, X_val, _, y_val = train_test_split(IMAGES, LABELS, test_size=35, random_state=3)
    refuses((X, y, X_val, y_val, X_test, y_test), "from all images again")


def test_a_training_part_that_keeps_the_validation_images_is_named() -> None:
    X, y, X_val, y_val, X_test, y_test = good()
    both = np.concatenate([X, X_val]), np.concatenate([y, y_val])
    refuses((*both, X_val, y_val, X_test, y_test), "was not reduced")


def test_a_missing_stratify_names_a_class_and_its_numbers() -> None:
    X, X_test, y, y_test = train_test_split(IMAGES, LABELS, test_size=0.3, random_state=0)
    X, X_val, y, y_val = train_test_split(X, y, test_size=0.1, stratify=y, random_state=0)
    refuses(
        (X, y, X_val, y_val, X_test, y_test),
        r"(?s)Class \d has \d+ test images, expected 15.*stratify is missing",
    )


def test_a_validation_slice_is_named() -> None:
    X, X_test, y, y_test = train_test_split(
        IMAGES, LABELS, test_size=0.3, stratify=LABELS, random_state=0
    )
    refuses((X[:315], y[:315], X[315:], y[315:], X_test, y_test), "validation_split")


def test_slices_of_the_sorted_file_are_named() -> None:
    cut = np.split(np.arange(N), [315, 350])
    parts = tuple(a for rows in cut for a in (IMAGES[rows], LABELS[rows]))
    refuses(parts, "one slice of the file")


def test_a_stratified_split_that_chance_did_not_draw_is_named() -> None:
    place = np.arange(N) % 50
    train, val, test = place < 31, place >= 47, (place >= 31) & (place < 47)
    parts = tuple(a for rows in (train, val, test) for a in (IMAGES[rows], LABELS[rows]))
    refuses(parts, "fixed pattern", sizes=(310, 30, 160))


def test_exact_numbers_a_class_can_be_demanded() -> None:
    X, X_test, y, y_test = train_test_split(IMAGES, LABELS, test_size=0.4, stratify=LABELS)
    X, X_val, y, y_val = train_test_split(X, y, test_size=0.2, stratify=y)
    parts = (X, y, X_val, y_val, X_test, y_test)
    ask(parts, sizes=(240, 60, 200), per_class=(24, 6, 20))
    refuses(parts, "Class", sizes=(240, 60, 200), per_class=(24, 5, 20))


@pytest.mark.parametrize(
    ("alter", "words"),
    [
        (lambda X: 255 * X, "scaled"),
        (lambda X: X.transpose(0, 2, 1, 3), "altered"),
        (lambda X: X.reshape(len(X), -1), "shape"),
        (lambda X: X[:0], "empty"),
        (lambda X: X * np.nan, "NaN"),
        (lambda X: None, "None"),
        (lambda X: X[:-1], "labels, expected"),
    ],
)
def test_images_in_another_form_are_explained(alter: Any, words: str) -> None:
    X, *rest = good()
    refuses((alter(X), *rest), words)


def test_parts_in_scikit_learns_own_order_are_recognised() -> None:
    X, y, X_val, y_val, X_test, y_test = good()
    refuses((X, X_val, y, y_val, X_test, y_test), "shape|order")
    refuses((X_val, y_val, X, y, X_test, y_test), "another order")


def test_labels_as_a_column_are_explained() -> None:
    X, y, *rest = good()
    refuses((X, y.reshape(-1, 1), *rest), "ravel")
