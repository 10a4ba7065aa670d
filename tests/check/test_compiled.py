from __future__ import annotations

import functools
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, losses

from autograder import check
from autograder.check.compiled import CompileRecord, double_softmax_floor

SPARSE = "sparse_categorical_crossentropy"


def model(*ends: Any) -> Any:
    return keras.Sequential([keras.Input((4,)), layers.Dense(10), *ends])


def compiled(loss: Any, *ends: Any) -> Any:
    made = model(*ends)
    made.compile(loss=loss, optimizer="adam", metrics=["accuracy"])
    return made


@pytest.mark.parametrize(
    ("loss", "name", "from_logits"),
    [
        (SPARSE, SPARSE, False),
        (losses.sparse_categorical_crossentropy, SPARSE, False),
        (losses.SparseCategoricalCrossentropy(), SPARSE, False),
        (losses.SparseCategoricalCrossentropy(from_logits=True), SPARSE, True),
        ("SparseCategoricalCrossentropy", SPARSE, False),
        (functools.partial(losses.sparse_categorical_crossentropy, from_logits=True), SPARSE, True),
        ([SPARSE], SPARSE, False),
        ("categorical_crossentropy", "categorical_crossentropy", False),
        ("mse", "mean_squared_error", False),
        ("MeanSquaredError", "mean_squared_error", False),
        (losses.MeanSquaredError(), "mean_squared_error", False),
        (lambda y, p: keras.ops.mean(p), "custom", None),
    ],
)
def test_every_spelling_of_a_loss_gives_one_record(
    loss: Any, name: str, from_logits: bool | None
) -> None:
    record = check.compile_record(compiled(loss))
    assert record is not None
    assert (record.loss, record.from_logits) == (name, from_logits)
    assert (record.optimizer, record.metrics) == ("adam", ("accuracy",))
    assert record.learning_rate == pytest.approx(1e-3)


def test_schedules_metrics_objects_and_label_smoothing_are_recorded() -> None:
    made = model()
    made.compile(
        optimizer=keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 100)),
        loss=losses.CategoricalCrossentropy(label_smoothing=0.1),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="share")],
    )
    record = check.compile_record(made)
    assert record is not None and record.learning_rate == pytest.approx(0.1)
    assert (record.optimizer, record.label_smoothing, record.metrics) == ("sgd", 0.1, ("share",))


def test_a_model_that_was_never_compiled_has_no_record() -> None:
    assert check.compile_record(model()) is None
    with pytest.raises(check.CheckFailed, match="no loss"):
        check.loss_matches_head(model())


def test_the_record_that_a_rebuilt_model_carries_is_used() -> None:
    rebuilt = model(layers.Softmax())
    rebuilt.compile_record = CompileRecord("adam", 1e-3, SPARSE, True)
    with pytest.raises(check.CheckFailed, match="from_logits=True"):
        check.loss_matches_head(rebuilt)


@pytest.mark.parametrize(
    ("ends", "head"),
    [
        ((), "logits"),
        ((layers.Softmax,), "softmax"),
        ((lambda: layers.Activation("softmax"),), "softmax"),
        ((layers.Softmax, layers.Softmax), "double softmax"),
        ((lambda: layers.Dense(10, activation="softmax"), layers.Softmax), "double softmax"),
        ((layers.Softmax, lambda: layers.Reshape((10,)), layers.Softmax), "double softmax"),
        ((layers.Softmax, lambda: layers.Dense(10, activation="softmax")), "softmax"),
        ((lambda: layers.Activation("log_softmax"),), "logits"),
        ((lambda: layers.Activation("sigmoid"),), "sigmoid"),
        ((layers.ReLU,), "other"),
        ((lambda: layers.Dropout(0.5),), "logits"),
        ((lambda: layers.Activation("linear"),), "logits"),
    ],
)
def test_the_head_is_read_from_the_last_operation(ends: Any, head: str) -> None:
    assert check.head(model(*(make() for make in ends))) == head


def test_a_double_softmax_cannot_fall_below_its_floor() -> None:
    perfect = np.full((1, 10), -50.0)
    perfect[0, 3] = 50.0
    twice = keras.ops.softmax(keras.ops.softmax(perfect))
    lowest = float(-np.log(keras.ops.convert_to_numpy(twice)[0, 3]))
    assert double_softmax_floor(10) == pytest.approx(lowest, abs=1e-6)
    assert round(lowest, 3) == 1.461


@pytest.mark.parametrize(
    ("loss", "ends", "labels"),
    [
        (SPARSE, (layers.Softmax,), np.arange(3)),
        (SPARSE, (layers.Softmax,), np.arange(3).reshape(3, 1)),
        (losses.SparseCategoricalCrossentropy(from_logits=True), (), np.arange(3)),
        ("categorical_crossentropy", (layers.Softmax,), np.eye(10)[:3]),
        (losses.CategoricalCrossentropy(from_logits=True), (), None),
        (lambda y, p: keras.ops.mean(p), (layers.Softmax,), None),
    ],
)
def test_losses_that_fit_their_head_pass(loss: Any, ends: Any, labels: Any) -> None:
    check.loss_matches_head(compiled(loss, *(make() for make in ends)), labels)


@pytest.mark.parametrize(
    ("loss", "ends", "labels", "words"),
    [
        (SPARSE, (layers.Softmax, layers.Softmax), None, "softmax twice.*1.461"),
        (
            losses.SparseCategoricalCrossentropy(from_logits=True),
            (layers.Softmax,),
            None,
            "ends with softmax, and its loss has from_logits=True.*1.461",
        ),
        (SPARSE, (), None, "no from_logits=True"),
        (losses.SparseCategoricalCrossentropy(), (layers.ReLU,), None, "not softmax"),
        ("mse", (layers.Softmax,), None, "mean_squared_error"),
        ("binary_crossentropy", (layers.Softmax,), None, "another kind of question"),
        (
            "categorical_crossentropy",
            (layers.Softmax,),
            np.arange(3).reshape(3, 1),
            r"class numbers of shape \(3, 1\).*one-hot",
        ),
        ("categorical_crossentropy", (layers.Softmax,), np.arange(3), "to_categorical"),
        (SPARSE, (layers.Softmax,), np.eye(10)[:3], "one-hot rows of shape"),
    ],
)
def test_losses_that_do_not_fit_are_named(loss: Any, ends: Any, labels: Any, words: str) -> None:
    with pytest.raises(check.CheckFailed, match=f"(?s){words}"):
        check.loss_matches_head(compiled(loss, *(make() for make in ends)), labels)
