"""Rebuilding a student's model on the grader's side, from data that was checked first.

The configuration is walked before Keras sees it: every class that it names must be on the list
below, by module and by name. While Keras builds, every weight is counted before it is allocated.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

from autograder.kernels.limits import LimitValues
from autograder.sealed import wire

LAYERS = frozenset(
    """
    InputLayer Activation Dense EinsumDense Embedding Identity Flatten Reshape Permute RepeatVector
    Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose Conv3DTranspose
    DepthwiseConv1D DepthwiseConv2D SeparableConv1D SeparableConv2D
    MaxPooling1D MaxPooling2D MaxPooling3D AveragePooling1D AveragePooling2D AveragePooling3D
    GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D
    GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D AdaptiveAveragePooling2D
    BatchNormalization LayerNormalization GroupNormalization UnitNormalization RMSNormalization
    SpectralNormalization
    Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D GaussianDropout GaussianNoise
    AlphaDropout ActivityRegularization Masking
    Add Subtract Multiply Average Maximum Minimum Concatenate Dot
    ReLU LeakyReLU PReLU ELU Softmax
    ZeroPadding1D ZeroPadding2D ZeroPadding3D Cropping1D Cropping2D Cropping3D
    UpSampling1D UpSampling2D UpSampling3D
    LSTM GRU SimpleRNN LSTMCell GRUCell SimpleRNNCell Bidirectional TimeDistributed
    MultiHeadAttention Attention
    Rescaling Normalization Resizing CenterCrop RandomCrop RandomFlip RandomRotation RandomZoom
    RandomTranslation RandomContrast RandomBrightness RandomShear
    """.split()
)
NOT_OPERATIONS = frozenset(
    # operations that take functions, or make arrays from a number alone
    """
    Map Scan VectorizedMap While WhileLoop Cond ForiLoop AssociativeScan Switch CustomGradient
    Arange Linspace Logspace Geomspace Eye Identity Tri Full Ones Zeros Empty Repeat Tile
    """.split()
)
OPERATION_MODULES = frozenset({"keras.src.ops.numpy", "keras.src.ops.nn", "keras.src.ops.math"})
CORE_OPERATIONS = frozenset("Cast ConvertToTensor SaturateCast Slice StopGradient Unstack".split())
FUNCTION_MODULES = frozenset(
    {
        "keras.activations",
        "keras.ops",
        "keras.src.activations.activations",
        "keras.src.ops.nn",
        "keras.src.ops.numpy",
        "builtins",
    }
)
FUNCTIONS = frozenset(
    """
    celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu
    linear log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus
    softsign sparse_plus sparse_sigmoid squareplus swish tanh tanh_shrink threshold
    """.split()
)
MODELS = {
    "Sequential": frozenset({"keras", "keras.models", "keras.src.models.sequential"}),
    "Functional": frozenset({"keras", "keras.models", "keras.src.models.functional"}),
}
MARKERS = frozenset({"__keras_tensor__", "__slice__", "__ellipsis__", "__tuple__"})
MAX_CONFIG = 8 * 2**20
MAX_DEPTH = 60


class CannotRebuild(Exception):
    """The grader will not, or cannot, make this model itself; the sentence says why."""


def rebuild(config: str, weights: list[wire.AnyArray], limits: LimitValues) -> Any:
    """Return a real Keras model from its configuration and weights.

    Args:
        config: JSON of ``{"class_name": "Sequential" | "Functional", "config": {…}}``.
        weights: in the order of ``model.weights``.
        limits: caps on layers, parameters and multiply-adds.

    Raises:
        CannotRebuild: for anything else than a model of Keras's own layers within the caps.
    """
    top = read_config(config, limits)
    import keras

    maker = keras.Sequential if top["class_name"] == "Sequential" else _functional()
    try:
        with _counted_weights(limits.model_parameters):
            model = maker.from_config(top["config"])
    except CannotRebuild:
        raise
    except Exception as error:
        raise CannotRebuild(
            f"Keras could not make it from its own description ({type(error).__name__})"
        ) from None
    if not model.built or not getattr(model, "inputs", None):
        raise CannotRebuild("it was never built: the shape of its input is not known")
    shapes = [tuple(w.shape) for w in model.weights]
    if shapes != [tuple(a.shape) for a in weights]:
        raise CannotRebuild("its weights do not have the shapes that its layers need")
    cost = multiply_adds(model)
    if cost > limits.model_gflops * 1e9:
        raise CannotRebuild(
            f"one image takes {cost / 1e9:.3g} billion multiply-adds, "
            f"more than the limit of {limits.model_gflops:g}"
        )
    model.set_weights(weights)
    return model


def read_config(config: str, limits: LimitValues) -> dict[str, Any]:
    """Decode and check a configuration; nothing of Keras is touched.

    Raises:
        CannotRebuild: when it names a class that is not on the list, or is over a cap.
    """
    if len(config) > MAX_CONFIG:
        raise CannotRebuild(f"its description is longer than {MAX_CONFIG >> 20} MiB")
    try:
        top = json.loads(config)
    except (ValueError, RecursionError):
        raise CannotRebuild("its description is not JSON") from None
    if not isinstance(top, dict) or str(top.get("class_name")) not in MODELS:
        raise CannotRebuild("it is neither Sequential nor functional")
    count = _check(top.get("config"), 0)
    if count > limits.model_layers * 12:  # a layer names about ten classes: initialisers and such
        raise CannotRebuild(f"it has more than {limits.model_layers} layers")
    layers = top["config"].get("layers") if isinstance(top.get("config"), dict) else None
    if not isinstance(layers, list):
        raise CannotRebuild("its description lists no layers")
    if len(layers) > limits.model_layers:
        raise CannotRebuild(
            f"it has {len(layers)} layers, more than the limit of {limits.model_layers}"
        )
    return top


def _check(node: Any, depth: int) -> int:
    """Check every class below ``node``; return how many there are. Drops compile configurations."""
    if depth > MAX_DEPTH:
        raise CannotRebuild("its description is nested too deeply")
    if isinstance(node, list):
        return sum(_check(item, depth + 1) for item in node)
    if not isinstance(node, dict):
        return 0
    node.pop("compile_config", None)
    count = 0
    if "class_name" in node:
        _check_class(node)
        count = 1
    return count + sum(_check(item, depth + 1) for item in node.values())


def _check_class(node: dict[str, Any]) -> None:
    name, module = node["class_name"], node.get("module")
    registered = node.get("registered_name")
    if not isinstance(name, str):
        raise CannotRebuild("its description has a class without a name")
    if name in MARKERS and module is None:
        return
    if not isinstance(module, str):  # so Keras writes classes that are nobody's but the author's
        raise CannotRebuild(f"it has a part of its author's own, {name[:60]!r}")
    if name == "function":
        if module in FUNCTION_MODULES and node.get("config") in FUNCTIONS:
            return
        raise CannotRebuild(f"it uses the function {str(node.get('config'))[:60]!r}")
    if isinstance(registered, str) and ">" in registered:
        raise CannotRebuild(f"it has a layer of its author's own, {registered[:60]!r}")
    if name in MODELS and module in MODELS[name]:
        return
    if name in LAYERS and module in ("keras.layers", "keras"):
        return
    if name in ("DTypePolicy",) and module in ("keras", "keras.dtype_policies"):
        return
    parts = ("keras.initializers", "keras.regularizers", "keras.constraints")
    # these modules hold functions too, such as `zeros`, which would be called with what is given
    is_class = name.isidentifier() and name[0].isupper()
    if module in parts and is_class:
        return
    if module in OPERATION_MODULES and is_class and name not in NOT_OPERATIONS:
        return
    if module == "keras.src.ops.core" and name in CORE_OPERATIONS:
        return
    raise CannotRebuild(f"it has a part that is not on the grader's list: {name[:60]!r}")


def _functional() -> Any:
    import keras

    probe = keras.Input((1,))
    return type(keras.Model(probe, probe))


@contextlib.contextmanager
def _counted_weights(limit: int) -> Iterator[None]:
    """Refuse, before it is allocated, the weight that brings a model over ``limit`` parameters."""
    import keras

    original: Callable[..., Any] = keras.Layer.add_weight
    total = 0

    def add_weight(self: Any, shape: Any = None, *args: Any, **kwargs: Any) -> Any:
        nonlocal total
        sizes = (shape,) if isinstance(shape, int) else tuple(shape or ())
        total += math.prod(int(s) for s in sizes)
        if total > limit:
            raise CannotRebuild(f"it has more than {limit:,} parameters, the limit")
        return original(self, shape, *args, **kwargs)

    with mock.patch.object(keras.Layer, "add_weight", add_weight):
        yield


def multiply_adds(model: Any) -> int:
    """Return the multiply-adds of one input through ``model``, from its layers' shapes.

    A convolution costs its kernel's size for every value of its output divided by its filters; a
    layer without weights is counted with one operation for each value of its output.
    """
    total = 0
    for layer in model.layers:
        if hasattr(layer, "layers"):
            total += multiply_adds(layer)
            continue
        try:
            outputs = layer.output
        except AttributeError:
            continue
        size = 0
        for tensor in outputs if isinstance(outputs, (list, tuple)) else [outputs]:
            size += math.prod(int(s) for s in tensor.shape[1:] if s)
        kernels = [w for w in layer.weights if len(w.shape) >= 2]
        channels = max((int(w.shape[-1]) for w in kernels), default=1)
        weights = sum(math.prod(int(s) for s in w.shape) for w in kernels)
        total += size + weights * max(1, size // max(1, channels))
    return total
