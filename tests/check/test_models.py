from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from keras import layers

from autograder import check
from autograder.check.models import entropy_of

CLASSES = 10
LABELS = np.arange(700) % CLASSES
#: Each image is the one-hot row of its class, so a linear layer with the identity is perfect.
IMAGES = np.eye(CLASSES, dtype="float32")[LABELS]


def linear(matrix: Any, *ends: Any) -> Any:
    model = keras.Sequential([keras.Input((CLASSES,)), layers.Dense(CLASSES), *ends])
    model.layers[0].set_weights([np.asarray(matrix, "float32"), np.zeros(CLASSES, "float32")])
    return model


class Remote:
    """What a model that cannot be rebuilt looks like."""

    verified = False
    reason = "It has a layer of its own class."

    def __init__(self, model: Any) -> None:
        self.model = model
        self.sizes: list[int] = []

    def predict(self, images: Any) -> Any:
        self.sizes.append(len(images))
        return keras.ops.convert_to_numpy(self.model(images))


def test_accuracy_is_counted_on_logits_and_probabilities_alike() -> None:
    assert check.accuracy(linear(5 * np.eye(CLASSES)), IMAGES, LABELS, 1.0) == 1
    assert check.accuracy(linear(np.eye(CLASSES), layers.Softmax()), IMAGES, LABELS) == 1
    # Two classes exchanged: 140 of 700 images are wrong.
    swapped = np.eye(CLASSES)[[1, 0, *range(2, CLASSES)]]
    assert check.accuracy(linear(swapped), IMAGES, LABELS) == pytest.approx(0.8)


def test_accuracy_below_the_line_says_both_numbers() -> None:
    swapped = np.eye(CLASSES)[[1, 0, *range(2, CLASSES)]]
    with pytest.raises(check.CheckFailed, match=r"80.0 %, 95.0 % is asked for"):
        check.accuracy(linear(swapped), IMAGES, LABELS, at_least=0.95)
    with pytest.raises(check.CheckFailed, match="hardly better than guessing"):
        check.accuracy(linear(np.zeros((CLASSES, CLASSES))), IMAGES, LABELS, at_least=0.95)


def test_a_line_in_percent_is_the_tests_own_error() -> None:
    with pytest.raises(ValueError):
        check.accuracy(linear(np.eye(CLASSES)), IMAGES, LABELS, at_least=95)


def test_a_remote_model_is_asked_in_batches_and_measured() -> None:
    remote = Remote(linear(np.eye(CLASSES)))
    assert check.accuracy(remote, IMAGES, LABELS) == 1
    assert remote.sizes == [256, 256, 188]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda x: np.zeros(len(x)), "outputs of shape"),
        (lambda x: np.zeros((3, CLASSES)), "outputs of shape"),
        (lambda x: np.full((len(x), CLASSES), np.nan), "NaN"),
        (lambda x: None, "None"),
        (lambda x: 1 / 0, "raised ZeroDivisionError"),
        (lambda x: np.zeros((len(x), 0)), "empty"),
        (lambda x: [["a"] * CLASSES] * len(x), "text"),
    ],
)
def test_predictions_that_mean_nothing_are_refused(answer: Any, words: str) -> None:
    class Odd:
        def predict(self, images: Any) -> Any:
            return answer(images)

    with pytest.raises(check.CheckFailed, match=words):
        check.accuracy(Odd(), IMAGES, LABELS)


@pytest.mark.parametrize("value", [None, 3, "model", np.zeros(3)])
def test_what_cannot_predict_is_refused(value: object) -> None:
    with pytest.raises(check.CheckFailed, match="cannot predict"):
        check.predict(value, IMAGES)


def test_no_images_give_no_accuracy() -> None:
    with pytest.raises(check.CheckFailed, match="empty"):
        check.accuracy(linear(np.eye(CLASSES)), IMAGES[:0], LABELS[:0])


def test_images_of_another_shape_are_explained() -> None:
    with pytest.raises(check.CheckFailed, match="model.input_shape"):
        check.predict(linear(np.eye(CLASSES)), np.zeros((2, 20, 20, 1), "float32"))


@pytest.mark.parametrize("ends", [(), (layers.Softmax(),)])
def test_the_cross_entropy_is_the_one_that_keras_computes(ends: Any) -> None:
    rng = np.random.default_rng(0)
    model = linear(rng.normal(size=(CLASSES, CLASSES)), *ends)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=not ends)
    model.compile(loss=loss)
    kerass = model.evaluate(IMAGES, LABELS, verbose=0)
    assert check.cross_entropy(model, IMAGES, LABELS) == pytest.approx(kerass, abs=1e-5)


@settings(max_examples=25, deadline=None)
@given(
    hnp.arrays(np.float64, (4, 5), elements=st.floats(-30, 30)),
    hnp.arrays(np.int64, 4, elements=st.integers(0, 4)),
    st.floats(0, 0.5),
)
def test_label_smoothing_agrees_with_keras(scores: Any, truth: Any, smoothing: float) -> None:
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
    wanted = float(keras.ops.convert_to_numpy(loss(np.eye(5)[truth], scores)))
    found = entropy_of(scores, truth, softmax_again=True, smoothing=smoothing)
    assert found == pytest.approx(wanted, abs=1e-4, rel=1e-4)
