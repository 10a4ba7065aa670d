from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from autograder import check

SHAPE = (20, 20, 1)


def end(x: Any) -> Any:
    return layers.Dense(10)(layers.Flatten()(x))


def sequential(*middle: Any) -> Any:
    return keras.Sequential([keras.Input(SHAPE), *middle])


def functional(activate: Any) -> Any:
    inputs = keras.Input(SHAPE)
    x = activate(layers.Conv2D(4, 3)(inputs))
    x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    return keras.Model(inputs, keras.ops.softmax(layers.Dense(10)(x)))


class Subclassed(keras.Model):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.first = layers.Conv2D(4, 3, activation="relu")
        self.pool = layers.MaxPool2D()
        self.flat = layers.Flatten()
        self.last = layers.Dense(10, activation="softmax")

    def call(self, x: Any) -> Any:
        return self.last(self.flat(self.pool(self.first(x))))


def nested() -> Any:
    body = sequential(layers.Conv2D(4, 3), layers.ReLU(), layers.MaxPool2D())
    return keras.Sequential(
        [keras.Input(SHAPE), body, layers.Flatten(), layers.Dense(10), layers.Softmax()]
    )


def subclassed_seen() -> Any:
    model = Subclassed()
    model(np.zeros((2, *SHAPE), "float32"))
    return model


def input_shape_spelling() -> Any:
    with pytest.warns(UserWarning, match="input_shape"):
        first = layers.Conv2D(4, (3, 3), activation="relu", input_shape=SHAPE)
    return keras.Sequential(
        [first, layers.MaxPool2D(2), layers.Flatten(), layers.Dense(10, activation="softmax")]
    )


def operations() -> Any:
    inputs = keras.Input(SHAPE)
    x = keras.ops.maximum(layers.Conv2D(4, 3)(inputs), 0.0)
    x = keras.ops.max_pool(x, 2)
    x = keras.ops.reshape(x, (-1, 9 * 9 * 4))
    return keras.Model(inputs, layers.Dense(10, activation=layers.Softmax())(x))


REFERENCE = sequential(
    layers.Conv2D(4, 3, activation="relu"),
    layers.MaxPooling2D((2, 2)),
    layers.Flatten(),
    layers.Dense(10, activation="softmax"),
)

SPELLINGS = {
    "layer ReLU": lambda: functional(layers.ReLU()),
    "layer Activation": lambda: functional(layers.Activation("relu")),
    "layer with a function": lambda: functional(layers.Activation(keras.activations.relu)),
    "ops.relu": lambda: functional(keras.ops.relu),
    "activations.relu": lambda: functional(keras.activations.relu),
    "linear in between": lambda: functional(
        lambda x: keras.ops.relu(layers.Activation("linear")(x))
    ),
    "operations only": operations,
    "nested": nested,
    "subclassed, called": subclassed_seen,
    "input_shape=": input_shape_spelling,
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_correct_spelling_is_described_alike(spelling: str) -> None:
    assert check.describe(SPELLINGS[spelling]()) == check.describe(REFERENCE)
    assert check.head(SPELLINGS[spelling]()) == "softmax"


def test_a_subclassed_model_that_saw_no_image_is_described_with_a_shape() -> None:
    assert check.describe(Subclassed(), input_shape=SHAPE) == check.describe(REFERENCE)
    with pytest.raises(check.CheckFailed, match="shape of its input"):
        check.describe(Subclassed())


def test_a_description_holds_what_a_test_asks_for() -> None:
    conv, pool, flat, dense = check.describe(REFERENCE)
    assert (conv.kind, conv.filters, conv.kernel, conv.strides) == ("Conv2D", 4, (3, 3), (1, 1))
    assert (conv.padding, conv.activation, conv.parameters) == ("valid", "relu", 40)
    assert (pool.kind, pool.kernel, pool.strides) == ("MaxPooling2D", (2, 2), (2, 2))
    assert flat.output_shape == (None, 324)
    assert (dense.units, dense.activation, dense.parameters) == (10, "softmax", 3250)


@pytest.mark.parametrize(
    ("activation", "name"),
    [
        (layers.LeakyReLU(0.1), "leaky_relu(0.1)"),
        ("leaky_relu", "leaky_relu(0.2)"),
        (keras.activations.leaky_relu, "leaky_relu(0.2)"),
        (layers.ReLU(6), "relu6"),
        ("relu6", "relu6"),
        (layers.ReLU(negative_slope=0.3), "leaky_relu(0.3)"),
        (layers.ELU(), "elu"),
        ("swish", "silu"),
        (keras.ops.tanh, "tanh"),
        (keras.ops.gelu, "gelu"),
        (None, None),
        ("linear", None),
    ],
)
def test_activations_have_one_name(activation: Any, name: str | None) -> None:
    model = sequential(layers.Conv2D(2, 3, activation=activation))
    assert check.describe(model)[0].activation == name


def test_an_activation_after_a_normalisation_stands_for_itself() -> None:
    model = sequential(layers.Conv2D(2, 3), layers.BatchNormalization(), layers.ReLU())
    kinds = [(layer.kind, layer.activation) for layer in check.describe(model)]
    assert kinds == [("Conv2D", None), ("BatchNormalization", None), ("Activation", "relu")]


def test_an_activation_is_not_folded_where_the_linear_map_is_used_too() -> None:
    inputs = keras.Input(SHAPE)
    x = layers.Conv2D(2, 3)(inputs)
    model = keras.Model(inputs, layers.add([x, layers.ReLU()(x)]))
    assert [layer.kind for layer in check.describe(model)] == ["Conv2D", "Activation", "Add"]


def test_relu_before_and_after_the_addition_are_told_apart() -> None:
    def block(inside: bool) -> Any:
        inputs = keras.Input((8, 8, 2))
        x = layers.Conv2D(2, 3, padding="same")(inputs)
        x = (
            layers.add([layers.ReLU()(x), inputs])
            if inside
            else layers.ReLU()(layers.add([x, inputs]))
        )
        return keras.Model(inputs, x)

    assert check.describe(block(True)) != check.describe(block(False))


def test_a_shared_layer_is_counted_once() -> None:
    dense = layers.Dense(4)
    inputs = keras.Input((4,))
    model = keras.Model(inputs, dense(dense(inputs)))
    assert [layer.parameters for layer in check.describe(model)] == [20, 0]
    assert check.architecture(model) == 20 == model.count_params()


def test_the_architecture_check_counts_kinds_families_and_parameters() -> None:
    parameters = check.architecture(
        REFERENCE,
        input_shape=SHAPE,
        outputs=10,
        at_least={"Conv2D": 1, "MaxPool2D": 1, "convolution": 1, "pooling": 1, "activation": 1},
        at_most_parameters=3290,
    )
    assert parameters == 3290 == REFERENCE.count_params()


@pytest.mark.parametrize(
    ("model", "wanted", "words"),
    [
        (lambda: REFERENCE, {"at_least": {"Conv2D": 2}}, "1 layer of the kind Conv2D"),
        (lambda: REFERENCE, {"at_least": {"dropout": 1}}, "0 layers of the kind dropout"),
        (lambda: REFERENCE, {"at_most_parameters": 3289}, "3,290 parameters"),
        (lambda: REFERENCE, {"input_shape": (28, 28, 1)}, "another size"),
        (lambda: REFERENCE, {"input_shape": (1, 20, 20)}, "channel axis stands first"),
        (lambda: REFERENCE, {"outputs": 9}, "counted from 0"),
        (lambda: REFERENCE, {"outputs": 12}, "another number of units"),
        (
            lambda: keras.Sequential([keras.Input((20, 20)), layers.Flatten(), layers.Dense(10)]),
            {"input_shape": SHAPE},
            "channel axis is missing",
        ),
        (
            lambda: keras.Sequential([keras.Input((400,)), layers.Dense(10)]),
            {"input_shape": SHAPE},
            "flat rows",
        ),
        (
            lambda: keras.Sequential([keras.Input(SHAPE, batch_size=8), layers.Flatten()]),
            {"input_shape": SHAPE},
            "batch size is fixed",
        ),
        (lambda: sequential(layers.Conv2D(10, 3)), {"outputs": 10}, "never flattened"),
        (lambda: sequential(layers.Flatten(), layers.Dense(1)), {"outputs": 10}, "yes-or-no"),
    ],
)
def test_what_is_missing_is_named(model: Any, wanted: dict[str, Any], words: str) -> None:
    with pytest.raises(check.CheckFailed, match=words):
        check.architecture(model(), **wanted)


class Unverified:
    verified = False
    reason = "It contains a layer of its own class, Magic."

    def predict(self, x: Any) -> Any:
        return np.zeros((len(x), 10))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "is None"),
        (Subclassed, "class itself was given"),
        (lambda: None, "was not called"),
        (3, "not a Keras model"),
        (Unverified(), "Magic"),
        (Unverified, "class itself|Magic"),
    ],
)
def test_what_is_no_verified_model_is_refused_with_its_reason(value: Any, words: str) -> None:
    for ask in (check.architecture, check.describe, check.head, check.loss_matches_head):
        with pytest.raises(check.CheckFailed, match=words):
            ask(value)


def test_an_unknown_family_is_the_tests_own_error() -> None:
    with pytest.raises(ValueError, match="no family"):
        check.architecture(REFERENCE, at_least={"conv": 1})


def test_a_patched_parameter_count_is_not_believed() -> None:
    class Liar(keras.Sequential):  # type: ignore[misc]
        def count_params(self) -> int:
            return 7

    model = Liar([keras.Input(SHAPE), layers.Flatten(), layers.Dense(10)])
    assert check.architecture(model) == 4010
