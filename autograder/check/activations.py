"""One name for each activation, however it is spelt: string, function, layer or operation."""

from __future__ import annotations

import re
from typing import Any

#: Names of `keras.activations` that Keras accepts for one and the same function.
_SAME = {"swish": "silu", "hard_swish": "hard_silu", "exponential": "exp"}

#: Operations and layers that compute an activation and have no further settings.
_PLAIN = {
    "relu", "relu6", "sigmoid", "tanh", "softplus", "softsign", "selu", "silu", "mish", "exp",
    "hard_sigmoid", "hard_silu", "log_sigmoid", "hard_tanh", "tanh_shrink", "sparse_plus",
    "sparsemax", "gelu", "celu", "glu", "squareplus",
}  # fmt: skip


def activation_of(operation: Any, constants: tuple[Any, ...] = ()) -> str | None:
    """Return the name of the activation that an operation is, or None if it is something else.

    A layer that merely *has* an activation, such as Dense, is something else. The identity is
    ``"linear"``.
    """
    name = _snake(type(operation).__name__)
    if name == "activation":
        return activation_name(operation.activation)
    if name == "identity":
        return "linear"
    if name in ("re_lu", "relu"):
        return _relu(operation)
    if name in ("leaky_re_lu", "leaky_relu"):
        return _leaky(float(getattr(operation, "negative_slope", 0.2)))
    if name in ("softmax", "log_softmax"):
        axis = getattr(operation, "axis", -1)
        return name if axis in (-1, None) else f"{name}(axis={axis})"
    if name == "elu":
        alpha = float(getattr(operation, "alpha", 1.0))
        return "elu" if alpha == 1 else f"elu({alpha:g})"
    if name == "maximum":  # keras.ops.maximum(x, 0)
        zero = len(constants) == 1 and isinstance(constants[0], int | float) and constants[0] == 0
        return "relu" if zero else None
    name = _SAME.get(name, name)
    return name if name in _PLAIN else None


def activation_name(activation: Any) -> str:
    """Return the name of a layer's ``activation`` setting: ``"linear"`` where there is none.

    >>> activation_name(None), activation_name("swish")
    ('linear', 'silu')
    """
    if activation is None:
        return "linear"
    if not isinstance(activation, str):
        if not hasattr(activation, "__name__"):  # a layer or an operation given as the activation
            return activation_of(activation) or _snake(type(activation).__name__)
        activation = activation.__name__
    if activation == "leaky_relu":
        return _leaky(0.2)  # the default slope of keras.activations.leaky_relu
    return str(_SAME.get(activation, activation))


def _relu(operation: Any) -> str:
    slope = float(getattr(operation, "negative_slope", 0.0) or 0.0)
    top = getattr(operation, "max_value", None)
    floor = float(getattr(operation, "threshold", 0.0) or 0.0)
    if slope and top is None and not floor:
        return _leaky(slope)
    if slope or floor or top not in (None, 6):
        return f"relu(slope={slope:g}, max={top}, threshold={floor:g})"
    return "relu" if top is None else "relu6"


def _leaky(slope: float) -> str:
    return f"leaky_relu({slope:g})"


def _snake(name: str) -> str:
    """Turn a class name into Keras's own lower-case name.

    >>> _snake("LeakyReLU"), _snake("HardSigmoid")
    ('leaky_re_lu', 'hard_sigmoid')
    """
    name = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
