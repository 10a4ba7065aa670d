"""Checks on what a model is made of: by what it computes, never by its printed summary."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autograder.check.activations import activation_name, activation_of
from autograder.check.compare import describe_shape
from autograder.check.graph import Graph, Step, count_parameters, read_graph
from autograder.check.report import CheckFailed, Measured, clean, measured

Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class LayerInfo:
    """One layer of a model; two spellings of one layer are equal.

    Attributes:
        kind: the layer's class, such as ``"Conv2D"``; an activation on its own is
            ``"Activation"``.
        name: its name in the model; not compared.
        output_shape: with None for the batch axis.
        parameters: number of weights, trained or not.
        activation: ``"relu"``, ``"softmax"``, ...; None where there is none (linear).
        filters: of a convolution.
        kernel: (height, width) of a convolution or pooling window.
        strides: as ``kernel``.
        padding: ``"valid"`` or ``"same"``.
        units: of a dense layer.
        rate: of a dropout, 0..1.
    """

    kind: str
    name: str = field(compare=False)
    output_shape: Shape
    parameters: int
    activation: str | None = None
    filters: int | None = None
    kernel: tuple[int, ...] | None = None
    strides: tuple[int, ...] | None = None
    padding: str | None = None
    units: int | None = None
    rate: float | None = None


#: Lower-case keys of ``at_least`` stand for a family of layers.
FAMILIES = {
    "convolution": ("Conv", "SeparableConv", "DepthwiseConv", "Convolution"),
    "pooling": ("MaxPooling", "AveragePooling", "GlobalMaxPooling", "GlobalAveragePooling"),
    "normalization": ("BatchNormalization", "LayerNormalization", "GroupNormalization"),
    "dropout": ("Dropout", "SpatialDropout", "GaussianDropout", "AlphaDropout"),
}

_ALIASES = {"Convolution": "Conv", "MaxPool": "MaxPooling", "AvgPool": "AveragePooling"}


def describe(model: Any, *, input_shape: tuple[int, ...] | None = None) -> tuple[LayerInfo, ...]:
    """Return the layers of a model in the order in which they run.

    Every correct spelling gives the same answer: an activation as a string, function, layer or
    ``keras.ops`` operation belongs to the layer before it; nested models are opened; inputs and
    linear activations are left out.

    Args:
        model: a Keras model, Sequential, functional or subclassed.
        input_shape: (height, width, channels) for a model that does not know it yet.

    Raises:
        CheckFailed: when it is no model, or its structure could not be verified.
    """
    return describe_graph(read_graph(model, "The model", input_shape))


def describe_graph(graph: Graph) -> tuple[LayerInfo, ...]:
    """Return the layers of a graph, as `describe` does."""
    readers = Counter(tensor for step in graph.steps for tensor in step.inputs)
    layers: list[LayerInfo] = []
    made_by: dict[int, int] = {}  # tensor -> position in layers of the layer that made it
    seen: set[int] = set()
    for step in graph.steps:
        activation = activation_of(step.operation, step.constants)
        before = made_by.get(step.inputs[0]) if step.inputs else None
        if activation == "linear":
            if before is not None:
                made_by[step.outputs[0]] = before
                # The identity adds no reader of its own.
                readers[step.inputs[0]] += readers[step.outputs[0]] - 1
            continue
        if activation is not None and before is not None and _takes_activation(layers[before]):
            source = step.inputs[0]
            if readers[source] == 1 and source not in graph.results:
                layers[before] = dataclasses.replace(layers[before], activation=activation)
                made_by[step.outputs[0]] = before
                continue
        parameters = 0 if id(step.operation) in seen else _parameters(step.operation)
        seen.add(id(step.operation))
        layers.append(
            LayerInfo("Activation", step.operation.name, step.output_shape, parameters, activation)
            if activation is not None
            else _layer_info(step, parameters)
        )
        for tensor in step.outputs:
            made_by[tensor] = len(layers) - 1
    return tuple(layers)


def architecture(
    model: Any,
    *,
    input_shape: tuple[int, ...] | None = None,
    outputs: int | None = None,
    at_least: Mapping[str, int] | None = None,
    at_most_parameters: int | None = None,
    name: str = "model",
) -> Measured:
    """Check what a model takes, gives and is made of; return its number of parameters.

    Args:
        model: a Keras model, Sequential, functional or subclassed.
        input_shape: (height, width, channels) that it must take.
        outputs: numbers that it must give for each image, one a class.
        at_least: how many layers of a kind it needs: ``{"Conv2D": 2, "Dense": 1}``. Lower-case
            keys count a family: ``"convolution"``, ``"pooling"``, ``"normalization"``,
            ``"dropout"``, and ``"activation"`` (layers with one other than softmax).
        at_most_parameters: the greatest number of weights allowed.
        name: what the student calls it.

    Raises:
        CheckFailed: naming the first of these that does not hold.
    """
    graph = read_graph(model, name, input_shape)
    if input_shape is not None:
        _match_input(graph.input_shape, tuple(input_shape), name)
    if outputs is not None:
        _match_outputs(graph.output_shape, outputs, name)
    layers = describe_graph(graph)
    for kind, wanted in (at_least or {}).items():
        found = sum(_is_of_kind(layer, kind) for layer in layers)
        if found < wanted:
            made_of = ", ".join(dict.fromkeys(layer.kind for layer in layers)) or "no layers"
            raise CheckFailed(
                f"{name} has {found} layer{'s' * (found != 1)} of the kind {kind}, "
                f"at least {wanted} {'are' if wanted != 1 else 'is'} asked for.",
                f"A layer is missing or of another kind; it is made of: {clean(made_of, 300)}.",
                f"Add what is missing, and look at {name}.summary() again.",
            )
    if at_most_parameters is not None and graph.parameters > at_most_parameters:
        raise CheckFailed(
            f"{name} has {graph.parameters:,} parameters, at most {at_most_parameters:,} are "
            "allowed.",
            "Most parameters usually sit in the first dense layer, after too large a feature map.",
            "Pool once more before Flatten, or use fewer filters or units.",
        )
    layer_count = f"{len(layers)} layer{'s' * (len(layers) != 1)}"
    return measured(
        graph.parameters, f"{name}: {layer_count}, {graph.parameters:,} parameters", "parameters"
    )


def _match_input(found: Shape, wanted: tuple[int, ...], name: str) -> None:
    if found[1:] == wanted and found[0] is None:
        return
    if found[1:] == wanted:
        cause = "The batch size is fixed, so other numbers of images cannot be predicted."
        step = "Give keras.Input the shape of one image only, without batch_size."
    elif found[1:] == wanted[:-1]:
        cause = "The channel axis is missing: Keras wants (height, width, channels)."
        step = f"Use keras.Input(shape={wanted}); grey images have one channel."
    elif len(found) == len(wanted) + 1 and sorted(map(str, found[1:])) == sorted(map(str, wanted)):
        cause = "The channel axis stands first, as in PyTorch; Keras expects it last."
        step = f"Use keras.Input(shape={wanted})."
    elif len(found) == 2:
        cause = (
            "The model takes flat rows, so a convolution cannot see which pixels are neighbours."
        )
        step = f"Use keras.Input(shape={wanted}), and Flatten only before the dense layers."
    else:
        cause = "The Input of the model was given another size than the images have."
        step = f"Use keras.Input(shape={wanted})."
    raise CheckFailed(
        f"{name} takes inputs of shape {describe_shape(found)}, expected "
        f"{describe_shape((None, *wanted))}.",
        cause,
        step,
    )


def _match_outputs(found: Shape, outputs: int, name: str) -> None:
    if len(found) == 2 and found[1] == outputs:
        return
    if len(found) != 2:
        cause = "The feature maps were never flattened, so there is an answer for every position."
        step = "Put Flatten or GlobalAveragePooling2D before the last Dense layer."
    elif found[1] == outputs + 1:
        cause = "The classes were counted from 0 to the number of classes."
        step = f"There are {outputs} classes: end with Dense({outputs})."
    elif found[1] == 1:
        cause = "One output suits a yes-or-no question; each class needs a number of its own."
        step = f"End with Dense({outputs})."
    else:
        cause = "The last layer has another number of units than there are classes."
        step = f"End with Dense({outputs})."
    raise CheckFailed(
        f"{name} gives outputs of shape {describe_shape(found)}, expected "
        f"{describe_shape((None, outputs))}.",
        cause,
        step,
    )


def _is_of_kind(layer: LayerInfo, kind: str) -> bool:
    if kind == "activation":
        return layer.activation is not None and not layer.activation.startswith("softmax")
    if kind in FAMILIES:
        return _stem(layer.kind) in FAMILIES[kind]
    if kind[:1].islower():
        raise ValueError(f"{kind!r} is no family of layers; known: {sorted(FAMILIES)}, activation.")
    return layer.kind == _ALIASES.get(_stem(kind), _stem(kind)) + kind[len(_stem(kind)) :]


def _stem(kind: str) -> str:
    """Drop the number of dimensions: ``"Conv2D"`` is ``"Conv"``."""
    return kind[:-2] if kind[-2:] in ("1D", "2D", "3D") else kind


def _takes_activation(layer: LayerInfo) -> bool:
    stem = _stem(layer.kind)
    slot = stem.endswith(("Conv", "ConvTranspose")) or stem in ("Dense", "EinsumDense")
    return slot and layer.activation is None


def _parameters(operation: Any) -> int:
    return count_parameters(operation) if hasattr(operation, "weights") else 0


def _layer_info(step: Step, parameters: int) -> LayerInfo:
    op = step.operation
    kind = _kind(op, step)
    has_activation = hasattr(op, "activation") and not kind.endswith("Cell")
    activation = activation_name(op.activation) if has_activation else "linear"
    axes = len(step.output_shape) - 2
    window = getattr(op, "kernel_size", None) or getattr(op, "pool_size", None)
    strides = getattr(op, "strides", None)
    if strides is None and window is not None:
        strides = window  # a pooling operation moves by its window unless told otherwise
    rate = getattr(op, "rate", None)
    return LayerInfo(
        kind=kind,
        name=op.name,
        output_shape=step.output_shape,
        parameters=parameters,
        activation=None if activation == "linear" else activation,
        filters=_whole(getattr(op, "filters", None)),
        kernel=_tuple(window, axes),
        strides=_tuple(strides, axes) if window is not None else None,
        padding=op.padding if isinstance(getattr(op, "padding", None), str) else None,
        units=_whole(getattr(op, "units", None)),
        rate=float(rate) if isinstance(rate, int | float) and "Dropout" in kind else None,
    )


def _kind(op: Any, step: Step) -> str:
    """Name the layer that an operation amounts to."""
    kind = type(op).__name__
    axes = len(step.output_shape) - 2
    if kind in ("MaxPool", "AveragePool"):
        return f"{kind}ing{axes}D"
    if kind == "Reshape" and len(step.output_shape) == 2:
        return "Flatten"
    if kind in ("Mean", "Max") and len(step.output_shape) == 2:
        over = getattr(op, "axis", None)
        over = tuple(over) if isinstance(over, tuple | list) else (over,)
        if over == tuple(range(1, len(over) + 1)):
            return f"Global{'Average' if kind == 'Mean' else 'Max'}Pooling{len(over)}D"
    return kind


def _whole(value: Any) -> int | None:
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _tuple(value: Any, axes: int) -> tuple[int, ...] | None:
    if value is None:
        return None
    return (int(value),) * axes if isinstance(value, int) else tuple(int(n) for n in value)
