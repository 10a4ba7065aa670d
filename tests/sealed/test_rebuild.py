"""A model is rebuilt from data that was checked, or not at all."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from autograder.kernels.limits import LimitValues
from autograder.sealed import wire
from autograder.sealed.encode import Encoder
from autograder.sealed.rebuild import CannotRebuild, multiply_adds, read_config, rebuild

LIMITS = LimitValues()
RNG = np.random.default_rng(0)


def crossed(model: Any) -> Any:
    """Send a model over the wire and rebuild it on the other side."""
    arrays: wire.Arrays = {}
    told = Encoder().model(model, arrays)
    assert told.config is not None, told.reason
    answer, back = wire.decode_from_student(wire.encode(wire.Answer(told), arrays))
    assert isinstance(answer, wire.Answer)
    assert isinstance(answer.value, wire.Model)
    assert answer.value.config is not None
    return rebuild(answer.value.config, [back[key] for key in answer.value.weights], LIMITS)


def _image() -> Any:
    return keras.Input((12, 12, 1))


def sequential() -> Any:
    return keras.Sequential(
        [
            _image(),
            layers.Rescaling(1 / 255),
            layers.Conv2D(4, 3, activation="relu", kernel_regularizer=keras.regularizers.L2(1e-3)),
            layers.MaxPool2D(),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(5, activation=keras.activations.gelu, kernel_constraint="max_norm"),
            layers.Dense(3),
            layers.Softmax(),
        ],
        name="mine",
    )


def branches() -> Any:
    x = _image()
    a = layers.Conv2D(3, 3, padding="same")(x)
    b = layers.Conv2D(3, 5, padding="same")(x)
    y = layers.Concatenate()([layers.Add()([a, b]), a, x])
    z = layers.GlobalAveragePooling2D()(y)
    return keras.Model(x, [layers.Dense(3)(z), layers.Dense(2, activation="softmax")(z)])


def nested() -> Any:
    body = keras.Sequential([layers.Conv2D(4, 3), layers.ReLU()])
    x = _image()
    twice = keras.Model(y := keras.Input((10, 10, 4)), layers.Dense(4)(y))
    return keras.Model(x, layers.Flatten()(twice(twice(body(x)))))


def operations() -> Any:
    x = _image()
    y = ops.relu(layers.Conv2D(4, 3, padding="same")(x) - 0.1)
    y = y * 2 + 1.0 - x / 3
    y = ops.concatenate([y, ops.maximum(x, 0.5)], axis=-1)
    y = ops.mean(y, axis=(1, 2))
    return keras.Model(x, ops.softmax(layers.Dense(3)(y)))


def getitem() -> Any:
    x = _image()
    left, right = x[:, :6, ::2], x[:, 6:, 1::2, :]
    y = layers.Flatten()(left + right)
    return keras.Model(x, layers.Dense(3, activation=ops.softmax)(y)[:, :2])


def shapes() -> Any:
    x = _image()
    y = ops.reshape(x, (-1, 144))
    y = ops.stack([y, y * 2], axis=1)
    y = ops.transpose(y, (0, 2, 1))
    y = ops.split(y, 2, axis=1)
    return keras.Model(x, layers.Flatten()(ops.squeeze(y[0][..., :1], axis=-1)))


def recurrent() -> Any:
    x = _image()
    rows = layers.Reshape((12, 12))(x)
    y = layers.Bidirectional(layers.LSTM(3))(layers.GRU(4, return_sequences=True)(rows))
    return keras.Model(x, layers.Dense(3)(y))


def batchnorm() -> Any:
    model = keras.Sequential(
        [
            _image(),
            layers.Conv2D(4, 3),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )
    model(RNG.normal(3, 2, (32, 12, 12, 1)), training=True)
    return model


def augmented() -> Any:
    return keras.Sequential(
        [
            _image(),
            layers.RandomRotation(0.1),
            layers.RandomTranslation(0.1, 0.1),
            layers.RandomZoom(0.1),
            layers.GaussianNoise(0.1),
            layers.SeparableConv2D(3, 3),
            layers.LeakyReLU(),
            layers.GlobalMaxPooling2D(),
        ]
    )


def built_on_data() -> Any:
    model = keras.Sequential([layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(3)])
    model(np.zeros((1, 12, 12, 1), "float32"))
    return model


class Subclassed(keras.Model):
    """Its layers are made in another order than they are used."""

    def __init__(self) -> None:
        super().__init__()
        self.head = layers.Dense(3)
        self.flat = layers.Flatten()
        self.conv = layers.Conv2D(2, 3)

    def call(self, x: Any, training: bool = False) -> Any:
        return ops.softmax(self.head(self.flat(ops.relu(self.conv(x)))))


def subclassed() -> Any:
    model = Subclassed()
    model(np.zeros((2, 12, 12, 1), "float32"))
    return model


class Named(keras.Model):
    """A functional model whose class has a name of its own."""

    def twice(self) -> int:
        return 2


def named_functional() -> Any:
    x = _image()
    return Named(x, layers.Dense(2)(layers.Flatten()(x)))


class NamedSequential(keras.Sequential):
    """A Sequential model whose class has a name of its own."""


def named_sequential() -> Any:
    return NamedSequential([_image(), layers.Flatten(), layers.Dense(2)])


@pytest.mark.parametrize(
    "make",
    [
        sequential,
        branches,
        nested,
        operations,
        getitem,
        shapes,
        recurrent,
        batchnorm,
        augmented,
        built_on_data,
        subclassed,
        named_functional,
        named_sequential,
    ],
    ids=lambda make: make.__name__,
)
def test_a_model_predicts_the_same_on_the_other_side(make: Callable[[], Any]) -> None:
    model = make()
    back = crossed(model)
    images = RNG.random((4, 12, 12, 1), "float32")
    mine, theirs = model(images, training=False), back(images, training=False)
    if not isinstance(mine, list):
        mine, theirs = [mine], [theirs]
    for a, b in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-5, atol=1e-6)
    assert back.count_params() == model.count_params()
    assert back is not model


def test_how_a_model_was_compiled_is_dropped() -> None:
    model = sequential()
    model.compile(optimizer="adam", loss=lambda y, p: ops.sum(y - p))
    assert not crossed(model).compiled


# --- what is refused ------------------------------------------------------------------------------


def config_of(*wanted: Any) -> dict[str, Any]:
    model = keras.Sequential([keras.Input((4,)), *wanted])
    config: dict[str, Any] = json.loads(
        json.dumps({"class_name": "Sequential", "config": model.get_config()})
    )
    return config


def refused(config: Any, weights: list[Any] | None = None, limits: LimitValues = LIMITS) -> str:
    with pytest.raises(CannotRebuild) as told:
        rebuild(json.dumps(config), weights or [], limits)
    return str(told.value)


def _layer(name: str, module: str | None, **config: Any) -> dict[str, Any]:
    return {
        "class_name": name,
        "module": module,
        "registered_name": None,
        "config": {"name": "x", **config},
    }


def with_layer(layer: Any) -> dict[str, Any]:
    config = config_of(layers.Dense(2))
    config["config"]["layers"].append(layer)
    return config


@pytest.mark.parametrize(
    "layer",
    [
        _layer("Lambda", "keras.layers", function="x"),
        _layer("TFSMLayer", "keras.layers", filepath="/etc"),
        _layer("TorchModuleWrapper", "keras.layers"),
        _layer("JaxLayer", "keras.layers"),
        _layer("system", "os"),
        _layer("Popen", "subprocess"),
        _layer("Dense", "keras.src.layers.core.dense"),
        _layer("Dense", "student"),
        _layer("Dense", None),
        _layer("Map", "keras.src.ops.core"),
        _layer("zeros", "keras.src.ops.numpy"),
        _layer("Zeros", "keras.src.ops.numpy"),
        _layer("np", "keras.src.ops.numpy"),
        _layer("backend", "keras.src.ops.numpy"),
        _layer("load_model", "keras.models"),
        _layer("deserialize", "keras.initializers"),
        _layer("get", "keras.regularizers"),
        _layer("__class__", "keras.initializers"),
        {**_layer("Dense", "keras.layers", units=2), "registered_name": "mine>Dense"},
        {"class_name": "__lambda__", "config": {"value": "x"}},
        {"class_name": "__lambda__", "module": "builtins", "config": {"value": "x"}},
        {"class_name": "function", "module": "builtins", "config": "eval"},
        {"class_name": "function", "module": "os", "config": "relu"},
        {"class_name": ["Dense"], "module": "keras.layers", "config": {}},
        {"class_name": "__tuple__", "module": "os", "config": {}},
        "Dense",
        None,
        7,
    ],
    ids=lambda layer: str(layer)[:70],
)
def test_a_layer_that_is_not_on_the_list_is_refused(layer: Any) -> None:
    assert refused(with_layer(layer))


@pytest.mark.parametrize("module", ["keras.src.ops.numpy", "keras.initializers", "keras.layers"])
@pytest.mark.parametrize("name", ["zeros", "get", "np", "os", "Zeros.x", ""])
def test_a_wrong_name_in_a_right_module_does_not_reach_keras(module: str, name: str) -> None:
    with pytest.raises(CannotRebuild):
        read_config(json.dumps(with_layer(_layer(name, module))), LIMITS)


@pytest.mark.parametrize(
    ("where", "what"),
    [
        ("activation", {"class_name": "function", "module": "builtins", "config": "exec"}),
        ("activation", {"class_name": "zeros", "module": "keras.src.ops.numpy", "config": {}}),
        ("activation", _layer("Lambda", "keras.layers")),
        ("kernel_initializer", _layer("Popen", "subprocess")),
        ("kernel_initializer", {"class_name": "deserialize", "module": "keras.initializers"}),
        ("kernel_regularizer", _layer("mine", "student")),
        ("dtype", _layer("Quantized", "student")),
        ("units", {"class_name": "__numpy__", "module": "numpy", "config": {}}),
    ],
    ids=str,
)
def test_a_part_of_a_layer_that_is_not_on_the_list_is_refused(where: str, what: Any) -> None:
    config = config_of(layers.Dense(2))
    config["config"]["layers"][-1]["config"][where] = what
    assert refused(config)


def test_a_registered_layer_of_the_author_is_refused_by_its_name() -> None:
    @keras.saving.register_keras_serializable("mine")
    class Own(layers.Layer):  # type: ignore[misc]
        pass

    assert "mine>Own" in refused(config_of(Own()))


@pytest.mark.parametrize(
    "layer", [layers.Lambda(lambda x: x * 2), layers.Lambda(ops.relu)], ids=["lambda", "function"]
)
def test_a_lambda_is_told_by_the_encoder_or_refused(layer: Any) -> None:
    model = keras.Sequential([keras.Input((4,)), layer])
    arrays: wire.Arrays = {}
    told = Encoder().model(model, arrays)
    if told.config is not None:
        with pytest.raises(CannotRebuild):
            rebuild(told.config, [], LIMITS)


def test_a_billion_parameters_are_refused_before_they_are_allocated() -> None:
    config = config_of(layers.Dense(2))
    config["config"]["layers"][-1]["config"]["units"] = 10**9
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.monotonic()
    assert "parameters" in refused(config)
    assert time.monotonic() - begin < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 << 10  # KiB


@pytest.mark.parametrize(
    ("layer", "limits"),
    [
        (layers.UpSampling1D(10**6), LIMITS),
        (layers.Conv1D(64, 64, padding="same"), LimitValues(model_gflops=1e-6)),
    ],
    ids=["upsampling", "convolution"],
)
def test_a_model_that_computes_too_much_is_refused(layer: Any, limits: LimitValues) -> None:
    model = keras.Sequential([keras.Input((1000, 64)), layer])
    config = {"class_name": "Sequential", "config": model.get_config()}
    assert "multiply-adds" in refused(config, model.get_weights(), limits)


@pytest.mark.parametrize("change", ["missing", "extra", "transposed", "none"])
def test_weights_of_other_shapes_are_refused(change: str) -> None:
    weights = [np.zeros((4, 2), "float32"), np.zeros(2, "float32")]
    told = {
        "missing": weights[:1],
        "extra": [*weights, np.zeros(2)],
        "transposed": [weights[0].T, weights[1]],
        "none": [],
    }
    assert "shapes" in refused(config_of(layers.Dense(2)), told[change])


def test_too_many_layers_are_refused() -> None:
    config = config_of(*[layers.ReLU() for _ in range(30)])
    assert "layers" in refused(config, limits=LimitValues(model_layers=20))


def test_a_description_that_is_nested_too_deeply_is_refused() -> None:
    inner: Any = _layer("Dense", "keras.layers", units=1)
    for _ in range(100):
        inner = _layer("TimeDistributed", "keras.layers", layer=inner)
    assert "deeply" in refused(with_layer(inner))
    with pytest.raises(CannotRebuild):
        read_config('{"a":' * 100_000, LIMITS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "5",
        "{}",
        '{"class_name": "Sequential"}',
        '{"class_name": "Sequential", "config": []}',
        '{"class_name": "Sequential", "config": {"layers": 5}}',
        '{"class_name": "Net", "config": {"layers": []}}',
        '{"class_name": ["Sequential"], "config": {"layers": []}}',
        '{"class_name": "Sequential", "config": {"layers": []}}',
        '{"class_name": "Functional", "config": {"layers": []}}',
        " " * (9 << 20),
    ],
    ids=lambda text: text[:50],
)
def test_what_describes_no_model_is_refused_and_nothing_else_is_raised(text: str) -> None:
    with pytest.raises(CannotRebuild):
        rebuild(text, [], LIMITS)


def test_a_compile_configuration_is_dropped_wherever_it_stands() -> None:
    evil = {"class_name": "Popen", "module": "subprocess", "config": {}}
    config = config_of(layers.Dense(2))
    config["config"]["compile_config"] = {"optimizer": evil}
    config["config"]["layers"][-1]["compile_config"] = {"loss": evil}
    model = rebuild(json.dumps(config), [np.zeros((4, 2)), np.zeros(2)], LIMITS)
    assert not model.compiled


def test_the_cost_of_a_dense_and_of_a_convolution_is_counted() -> None:
    dense = keras.Sequential([keras.Input((100,)), layers.Dense(10)])
    assert 1000 <= multiply_adds(dense) <= 1100
    conv = keras.Sequential([keras.Input((12, 12, 3)), layers.Conv2D(8, 3)])
    exact = 10 * 10 * 8 * 3 * 3 * 3
    assert exact <= multiply_adds(conv) <= 1.2 * exact
