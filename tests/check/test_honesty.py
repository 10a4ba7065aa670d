from __future__ import annotations

from functools import cache
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, losses
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from autograder import check

pytestmark = [  # both are Keras's own
    pytest.mark.filterwarnings("ignore:.*from_logits:UserWarning"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

SPARSE = "sparse_categorical_crossentropy"


@cache
def data() -> tuple[Any, ...]:
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(
        (X / 16).astype("float32"), y, test_size=400, stratify=y, random_state=0
    )
    X, X_val, y, y_val = train_test_split(X, y, test_size=150, stratify=y, random_state=0)
    return X, y, X_val, y_val, X_test, y_test


def build(*ends: Any, **dense: Any) -> Any:
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [keras.Input((64,)), layers.Dense(32, "relu", **dense), layers.Dense(10), *ends]
    )


def train(model: Any, loss: Any = SPARSE, **options: Any) -> Any:
    X, y, X_val, y_val, *_ = data()
    metrics = options.pop("metrics", ["accuracy"])
    rate = options.pop("rate", 0.01)
    model.compile(
        optimizer=keras.optimizers.Adam(rate), loss=loss, metrics=metrics, run_eagerly=True
    )
    options = {
        "epochs": 4,
        "validation_data": (X_val, y_val),
        "verbose": 0,
        "batch_size": 128,
        **options,
    }
    return model.fit(options.pop("X", X), options.pop("y", y), **options)


def ask(history: Any, model: Any) -> check.Measured:
    X, y, *rest = data()
    return check.history_matches(history, model, *rest, X_train=X, y_train=y)


@cache
def plain() -> tuple[Any, Any]:
    model = build(layers.Softmax())
    return train(model), model


def test_the_weights_of_the_last_epoch_match() -> None:
    history, model = plain()
    assert ask(history, model) == pytest.approx(history.history["val_loss"][-1], abs=1e-3)


def test_a_model_without_compile_state_matches_by_its_record() -> None:
    history, model = plain()
    rebuilt = keras.models.clone_model(model)
    rebuilt.set_weights(model.get_weights())
    rebuilt.compile_record = check.compile_record(model)
    ask(history.history, rebuilt)


def stopping() -> list[Any]:
    """Early stopping, in a training that goes wrong after two epochs."""
    wild = keras.callbacks.LearningRateScheduler(lambda epoch: 0.01 if epoch < 2 else 2.0)
    return [wild, keras.callbacks.EarlyStopping(patience=1, restore_best_weights=True)]


def test_restored_best_weights_match() -> None:
    model = build(layers.Softmax())
    history = train(model, epochs=9, callbacks=stopping())
    values = history.history["val_loss"]
    assert min(values) < values[-1]  # else this would show nothing
    assert ask(history, model) == pytest.approx(min(values), abs=1e-3)


@pytest.mark.parametrize(
    ("ends", "loss", "one_hot", "dense"),
    [
        ((), losses.SparseCategoricalCrossentropy(from_logits=True), False, {}),
        ((layers.Softmax,), "categorical_crossentropy", True, {}),
        ((layers.Softmax,), losses.CategoricalCrossentropy(label_smoothing=0.1), True, {}),
        ((layers.Softmax,), "mse", True, {}),
        ((layers.Softmax,), SPARSE, False, {"kernel_regularizer": "l2"}),
        ((layers.BatchNormalization, layers.Softmax), SPARSE, False, {}),
        # Wrong, and honest: the loss is another check's finding.
        ((layers.Softmax,), losses.SparseCategoricalCrossentropy(from_logits=True), False, {}),
    ],
)
def test_every_honest_way_to_train_matches(
    ends: Any, loss: Any, one_hot: bool, dense: dict[str, Any]
) -> None:
    X, y, X_val, y_val, *_ = data()
    model = build(*(make() for make in ends), **dense)
    options = {"y": np.eye(10)[y], "validation_data": (X_val, np.eye(10)[y_val])} if one_hot else {}
    ask(train(model, loss, epochs=2, **options), model)


def test_a_history_without_accuracy_is_judged_by_its_loss() -> None:
    model = build(layers.Softmax())
    ask(train(model, metrics=[], epochs=2), model)


def refuses(history: Any, model: Any, words: str) -> None:
    with pytest.raises(check.CheckFailed, match=words):
        ask(history, model)


def test_validation_on_the_test_split_is_named() -> None:
    model = build(layers.Softmax())
    history = train(model, validation_data=data()[4:], epochs=2)
    refuses(history, model, "(?s)on the test split.*validation_data")


def test_early_stopping_on_the_test_split_is_named() -> None:
    model = build(layers.Softmax())
    history = train(model, epochs=9, callbacks=stopping(), validation_data=data()[4:])
    refuses(history, model, "(?s)on the test split.*early stopping")


@pytest.mark.parametrize("share", [0.1, 0.2])
def test_validation_split_is_named_with_its_share(share: float) -> None:
    model = build(layers.Softmax())
    history = train(model, validation_data=None, validation_split=share, epochs=2)
    refuses(history, model, f"(?s)last {share:.0%} of the training data.*={share}")


def test_validation_on_the_training_data_is_named() -> None:
    X, y, *_ = data()
    model = build(layers.Softmax())
    refuses(train(model, validation_data=(X, y), epochs=2), model, "training data itself")


def test_a_fabricated_history_is_refused() -> None:
    _, model = plain()
    claimed = {"loss": [1.0, 0.1, 0.01], "val_loss": [0.9, 0.1, 0.02]}
    refuses(claimed, model, "another training or another model")


def test_a_history_of_other_weights_is_refused() -> None:
    history, _ = plain()
    refuses(history, build(layers.Softmax()), "claims")


def test_a_remote_model_is_measured_too() -> None:
    history, model = plain()

    class Remote:
        verified = False
        reason = "It has a layer of its own class."

        def predict(self, images: Any) -> Any:
            return keras.ops.convert_to_numpy(model(images))

    ask(history, Remote())


def test_a_reported_accuracy_is_compared_with_the_measured_one() -> None:
    _, model = plain()
    X, y, _, _, X_test, y_test = data()
    right = float(check.accuracy(model, X_test, y_test))
    trained = float(check.accuracy(model, X, y))
    assert abs(trained - right) > 0.01  # else this would show nothing
    others = {"training": (X, y)}
    for value in (right, round(right, 3), 100 * right, np.float32(right)):
        check.reported_accuracy(value, model, X_test, y_test, others=others)
    with pytest.raises(check.CheckFailed, match="that of the training data"):
        check.reported_accuracy(trained, model, X_test, y_test, others=others)
    with pytest.raises(check.CheckFailed, match="earlier run"):
        check.reported_accuracy(0.5, model, X_test, y_test, others=others)
    with pytest.raises(check.CheckFailed, match="not one real number"):
        check.reported_accuracy([right], model, X_test, y_test)
