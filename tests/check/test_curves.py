from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder import check

GOOD = {"loss": [2.1, 0.9, 0.4, 0.2], "val_loss": [1.2, 0.6, 0.4, 0.45], "accuracy": [0, 0, 0, 1]}


def history(record: dict[str, Any]) -> Any:
    made = keras.callbacks.History()
    made.history = record
    return made


def test_a_history_and_its_dict_are_the_same() -> None:
    assert check.loss_curve(history(GOOD)) == check.loss_curve(GOOD) == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"val_loss": None}, "without validation_data"),
        ({"loss": None}, "has no loss"),
        ({"val_loss": [1.0, 0.5]}, "4 values of loss and 2 of val_loss"),
        ({"loss": [2.0, 1.0, np.nan, np.nan]}, "NaN or infinite in epoch 3"),
        ({"loss": [2.0, 1.0, np.inf, 1.0]}, "infinite in epoch 3"),
        ({"loss": [2.0, 1.0, -3.0, 1.0]}, "negative"),
        ({"loss": [], "val_loss": []}, "empty"),
        ({"loss": 0.5}, "one for each epoch"),
        ({"loss": ["a", "b"]}, "text"),
        ({"loss": [2.3, 2.3, 2.3, 2.3]}, "training loss of history does not fall"),
        ({"val_loss": [1.0, 1.5, 2.0, 2.5]}, "validation loss of history does not fall"),
    ],
)
def test_what_a_curve_lacks_is_said(change: dict[str, Any], words: str) -> None:
    record = {key: value for key, value in {**GOOD, **change}.items() if value is not None}
    with pytest.raises(check.CheckFailed, match=words):
        check.loss_curve(record)


@pytest.mark.parametrize("value", [None, 3, [1.0, 2.0], "loss"])
def test_what_is_no_history_is_refused(value: object) -> None:
    with pytest.raises(check.CheckFailed, match="not the record of a training"):
        check.loss_curve(value)


def test_too_few_epochs_are_counted() -> None:
    with pytest.raises(check.CheckFailed, match="4 epochs, at least 5"):
        check.loss_curve(GOOD, epochs_at_least=5)


def test_the_plateau_of_a_double_softmax_is_recognised() -> None:
    record = {"loss": [1.9, 1.55, 1.50, 1.49], "val_loss": [1.6, 1.53, 1.51, 1.51]}
    with pytest.raises(check.CheckFailed, match="(?s)just above 1.461.*softmax applied twice"):
        check.loss_curve(record)


def test_an_honest_loss_that_passes_through_that_height_is_not_accused() -> None:
    check.loss_curve({"loss": [2.2, 1.9, 1.55], "val_loss": [2.0, 1.8, 1.6]})
    check.loss_curve({"loss": [2.2, 1.5, 0.9], "val_loss": [1.9, 1.48, 1.0]})


@given(st.lists(st.floats(0.001, 5), min_size=2, max_size=20))
def test_a_loss_that_never_falls_never_passes(values: list[float]) -> None:
    rising = sorted(values)
    with pytest.raises(check.CheckFailed):
        check.loss_curve({"loss": rising, "val_loss": rising})
