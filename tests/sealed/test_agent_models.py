"""Models, histories, figures and tensors go across, and back to the student's own objects."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from autograder.check import CheckFailed, FigureData
from autograder.sealed.views import RemoteModel
from tests.sealed.student_side import Student, student

MODELS = """
import keras, numpy as np
from keras import layers, ops
import matplotlib.pyplot as plt

def build(units=2):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(units)])
    model.compile(optimizer=keras.optimizers.Adam(0.1), loss="mse", metrics=["mae"])
    return model

def train(model, X, y, epochs=2):
    return model.fit(X, y, epochs=epochs, verbose=0, validation_split=0.25)

def train_and_return(model, X, y):
    return model, train(model, X, y)

def same(a):
    return a is model, a is sub

def evaluate(model, X):
    return np.asarray(model(X))

def kind(a):
    return type(a).__module__.split(".")[0] + "." + type(a).__name__

def last_loss(history):
    return history.history["loss"][-1]

def compiled(model):
    return model.optimizer.__class__.__name__, model.loss

keras.utils.set_random_seed(0)
model = build()
history = train(model, np.ones((8, 4)), np.ones((8, 2)))

class Sub(keras.Model):
    def __init__(self):
        super().__init__()
        self.head = layers.Dense(3)
        self.body = layers.Dense(5)
    def call(self, x):
        return self.head(ops.relu(self.body(x)))

class Own(layers.Layer):
    def call(self, x):
        return x * 2

sub = Sub(); sub(np.ones((1, 4)))
never_called = Sub()
unbuilt = keras.Sequential([layers.Dense(2)])
lambdas = keras.Sequential([keras.Input((4,)), layers.Lambda(lambda x: x + 1)])
custom = keras.Sequential([keras.Input((4,)), Own(), layers.Dense(2)])
layer = layers.Dense(2)
tensor = ops.convert_to_tensor(np.arange(3.0))
variable = keras.Variable(np.ones(2))
figure, (left, right) = plt.subplots(1, 2)
left.plot([1, 2, 3], [3, 2, 1], label="loss"); left.set_xlabel("epoch"); left.legend()
axes = np.array([left, right])
both = left, right

def plot(history):
    fig, ax = plt.subplots()
    for name, curve in history.history.items():
        ax.plot(curve, label=name)
    ax.legend()
    return ax
"""


@pytest.fixture(scope="module")
def models() -> Iterator[Student]:
    with student(MODELS) as side:
        yield side


X = np.random.default_rng(0).normal(size=(12, 4)).astype("float32")
Y = np.zeros((12, 2), "float32")


def test_a_model_arrives_as_a_real_one_that_says_how_it_was_compiled(models: Student) -> None:
    import keras

    model = models["model"]
    assert isinstance(model, keras.Sequential)
    assert not model.compiled
    assert model.compile_record.loss == "mean_squared_error"
    assert str(model.compile_record.optimizer).lower() == "adam"
    np.testing.assert_allclose(np.asarray(model(X)), models["evaluate"](model, X), rtol=1e-5)


def test_a_model_that_goes_back_is_the_students_own_object(models: Student) -> None:
    assert models["same"](models["model"]) == (True, False)
    assert models["same"](models["sub"]) == (False, True)


def test_a_view_is_refreshed_after_a_call_that_trained_it(models: Student) -> None:
    m = models["build"](2)
    before = [w.copy() for w in m.get_weights()]
    h = models["train"](m, X, Y, epochs=3)
    assert not np.allclose(before[0], m.get_weights()[0])
    np.testing.assert_allclose(np.asarray(m(X)), models["evaluate"](m, X), rtol=1e-4, atol=1e-6)
    assert len(h.history["loss"]) == len(h.epoch) == 3
    assert {"loss", "val_loss", "mae", "val_mae"} == set(h.history)
    assert h.params["epochs"] == 3


def test_a_model_that_comes_back_in_a_tuple_is_current_and_known(models: Student) -> None:
    m = models["build"](2)
    again, h = models["train_and_return"](m, X, Y)
    np.testing.assert_array_equal(again.get_weights()[0], m.get_weights()[0])
    np.testing.assert_allclose(
        np.asarray(again(X)), models["evaluate"](again, X), rtol=1e-4, atol=1e-6
    )
    assert "loss" in h.history


def test_two_models_of_one_function_are_two(models: Student) -> None:
    a, b = models["build"](2), models["build"](3)
    assert (a.output_shape[-1], b.output_shape[-1]) == (2, 3)
    np.testing.assert_allclose(models["evaluate"](b, X), np.asarray(b(X)), rtol=1e-5)
    np.testing.assert_allclose(models["evaluate"](a, X), np.asarray(a(X)), rtol=1e-5)


def test_a_changed_view_is_called_with_its_own_weights(models: Student) -> None:
    for name in ("model", "sub"):
        view = models[name]
        view.set_weights([w + 1 for w in view.get_weights()])
        np.testing.assert_allclose(
            models["evaluate"](view, X), np.asarray(view(X)), rtol=1e-4, atol=1e-5
        )


def test_a_subclassed_model_is_traced_and_computes_the_same(models: Student) -> None:
    import keras

    view = models["sub"]
    assert isinstance(view, keras.Model)
    assert view.count_params() == 4 * 5 + 5 + 5 * 3 + 3
    np.testing.assert_allclose(np.asarray(view(X)), models["evaluate"](view, X), rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("unbuilt", "never built"),
        ("never_called", "never called"),
        ("lambdas", "Lambda|lambda"),
        ("custom", "Own"),
    ],
)
def test_a_model_that_cannot_be_rebuilt_says_why(models: Student, name: str, reason: str) -> None:
    import re

    view = models[name]
    assert isinstance(view, RemoteModel)
    assert not view.verified
    assert re.search(reason, view.reason)


def test_a_model_that_cannot_be_rebuilt_predicts_on_the_students_side(models: Student) -> None:
    np.testing.assert_allclose(models["lambdas"].predict(X), X + 1, rtol=1e-6)
    assert models["custom"].predict(X).shape == (12, 2)
    assert any("unverified" in note for note in models.views.notes)
    assert models["kind"](models["custom"]) == "keras.Sequential"


def test_a_model_that_the_test_made_crosses_with_its_weights_and_compiled(models: Student) -> None:
    import keras

    mine = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    assert np.allclose(models["evaluate"](mine, X), np.asarray(mine(X)), atol=1e-6)
    mine.compile(
        optimizer=keras.optimizers.SGD(0.01),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    before = mine.get_weights()[0].copy()
    optimizer, _ = models["compiled"](mine)
    assert optimizer == "SGD"
    history = models["train"](mine, X, np.zeros(12, "int64"))
    assert "accuracy" in history.history
    assert not np.allclose(before, mine.get_weights()[0]), "the test's model is refreshed as well"


def test_a_functional_model_that_the_test_made_crosses(models: Student) -> None:
    import keras

    x = keras.Input((4,))
    mine = keras.Model(x, keras.layers.Dense(2)(x)[:, :1] + 1)
    assert np.allclose(models["evaluate"](mine, X), np.asarray(mine(X)), atol=1e-6)


def test_a_history_goes_both_ways(models: Student) -> None:
    import keras

    view = models["history"]
    assert isinstance(view, keras.callbacks.History)
    assert models["last_loss"](view) == view.history["loss"][-1]
    made = keras.callbacks.History()
    made.history = {"loss": [3.0, 2.0], "val_loss": [4.0, float("nan")]}
    made.epoch = [0, 1]
    assert models["last_loss"](made) == 2.0
    data = models["plot"](made)
    assert isinstance(data, FigureData)
    assert data.axes[0].legend == ("loss", "val_loss")
    assert data.axes[0].lines[0].y == (3.0, 2.0)


def test_figures_and_axes_arrive_as_data(models: Student) -> None:
    assert len(models["figure"].axes) == 2
    left = models["left"].axes[0]
    assert (left.xlabel, left.lines[0].y, left.legend) == ("epoch", (3.0, 2.0, 1.0), ("loss",))
    assert [type(x) for x in models["both"]] == [FigureData, FigureData]


def test_an_array_of_axes_arrives_as_data(models: Student) -> None:
    assert isinstance(models["axes"], FigureData)
    assert len(models["axes"].axes) == 2


def test_tensors_and_variables_arrive_as_arrays(models: Student) -> None:
    np.testing.assert_array_equal(models["tensor"], np.arange(3.0, dtype="float32"))
    np.testing.assert_array_equal(models["variable"], np.ones(2))


def test_a_layer_explains_that_it_cannot_cross(models: Student) -> None:
    with pytest.raises(CheckFailed, match="Dense"):
        models["layer"].units  # noqa: B018


def test_what_was_asked_of_models_is_answered_again_from_evidence(models: Student) -> None:
    def ask(side: Student) -> Any:
        side.link.begin_cell("replayed")
        side.views.forget()
        m = side["build"](2)
        h = side["train"](m, X, Y)
        return side["evaluate"](m, X), h.history["loss"], m.get_weights()[0]

    first = ask(models)
    for a, b in zip(first, ask(models.replay()), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_tensors_of_other_frameworks_arrive_as_arrays(framework: str) -> None:
    if importlib.util.find_spec(framework) is None:
        pytest.skip(f"{framework} is not installed")
    make = {
        "torch": "import torch\nt = torch.arange(3.)",
        "jax": "import jax\nt = jax.numpy.arange(3.)",
    }
    with student(make[framework] + "\nkind = lambda x: type(x).__module__\n") as side:
        np.testing.assert_array_equal(side["t"], np.arange(3.0))
