"""Read a Keras model as the list of operations that it runs, whatever way it was written.

Sequential, functional, nested and subclassed models give the same list.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from autograder.check.exact import callable_kind, quiet, reason_of, type_name
from autograder.check.report import CheckFailed


@dataclass(frozen=True)
class Step:
    """One operation of a model's graph.

    Attributes:
        operation: a Keras layer or a ``keras.ops`` operation.
        constants: its positional arguments that are no tensors of the graph.
        inputs, outputs: the identities of the tensors that it reads and makes.
        output_shape: the shape of its first output, None for the batch axis.
    """

    operation: Any
    constants: tuple[Any, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    output_shape: tuple[int | None, ...]


@dataclass(frozen=True)
class Graph:
    """A model's operations in the order in which they run.

    Attributes:
        steps: the operations, without inputs.
        results: the identities of the tensors that the model returns.
        input_shape, output_shape: with None for the batch axis.
        parameters: number of weights, trained or not.
    """

    steps: tuple[Step, ...]
    results: frozenset[int]
    input_shape: tuple[int | None, ...]
    output_shape: tuple[int | None, ...]
    parameters: int


def is_keras_model(value: object) -> bool:
    """Whether ``value`` is a Keras model; never imports Keras."""
    keras: Any = sys.modules.get("keras")
    return keras is not None and isinstance(value, keras.Model)


def require_model(model: object, name: str) -> Any:
    """Return ``model`` if it is a Keras model whose structure can be read.

    Raises:
        CheckFailed: for None, a class, a function, another object, or a model that could not be
            verified (it then repeats that model's reason).
    """
    if is_keras_model(model):
        return model
    if getattr(model, "verified", True) is False:
        raise CheckFailed(
            f"The structure of {name} could not be verified.",
            f"It could not be rebuilt: {reason_of(model) or 'it has layers of its own'}",
            "Build it from layers of keras.layers and operations of keras.ops only.",
        )
    if model is None:
        raise CheckFailed(
            f"{name} is None.",
            "The function that builds it ends without `return`.",
            "End it with `return model`.",
        )
    if callable(model):
        raise CheckFailed(
            f"{name} is a {callable_kind(model)}, not a model.",
            "The function or class itself was given; it was not called.",
            "Call it with its parentheses, as in build_model().",
        )
    raise CheckFailed(
        f"{name} is a {type_name(model)}, not a Keras model.",
        reason_of(model) or "The name holds something else than the network.",
        "Build it with keras.Sequential([...]) or keras.Model(inputs, outputs).",
    )


def read_graph(
    model: object, name: str = "the model", input_shape: tuple[int, ...] | None = None
) -> Graph:
    """Return the graph of a Keras model.

    Args:
        model: built, or buildable with ``input_shape`` (without the batch axis).
        name: what to call it in a message.
        input_shape: for a model that does not know its own yet.

    Raises:
        CheckFailed: when it is no model, does not know its input, or cannot be traced.
    """
    functional = _functional(require_model(model, name), name, input_shape)
    alias: dict[int, int] = {}
    opened: list[Any] = []  # keeps traced models, whose tensors are told apart by id, alive
    steps = tuple(_walk(functional, alias, opened))
    return Graph(
        steps,
        frozenset(alias.get(id(tensor), id(tensor)) for tensor in functional.outputs),
        tuple(functional.inputs[0].shape),
        tuple(functional.outputs[0].shape),
        count_parameters(functional),
    )


def count_parameters(model: Any) -> int:
    """Return the number of weights, counted on the weights themselves."""
    total = 0
    for weight in model.weights:
        size = 1
        for length in weight.shape:
            size *= int(length)
        total += size
    return total


def _functional(model: Any, name: str, input_shape: tuple[int, ...] | None) -> Any:
    """Return a model that has a graph: the model itself, or one traced from its ``call``."""
    import keras

    if getattr(model, "_nodes_by_depth", None) is not None:
        return model
    if isinstance(model, keras.Sequential):
        if getattr(model, "_functional", None) is None and input_shape is not None:
            model.build((None, *input_shape))
        if getattr(model, "_functional", None) is not None:
            return model._functional
        shape = None
    else:
        shape = input_shape or _seen_input(model)
    if shape is None:
        raise CheckFailed(
            f"{name} does not know the shape of its input.",
            "It was built without an Input, so its weights do not exist yet.",
            "Begin the model with keras.Input(shape=(20, 20, 1)), or whatever your images have.",
        )
    inputs = keras.Input(shape)
    try:
        with quiet():
            return keras.Model(inputs, model.call(inputs))
    except Exception as error:
        raise CheckFailed(
            f"{name} could not be read as a graph: its call raised {type_name(error)}.",
            "Its call method uses plain NumPy or another package's functions on tensors.",
            "Use keras.layers and keras.ops alone inside call.",
        ) from None


def _seen_input(model: Any) -> tuple[int, ...] | None:
    shapes = getattr(model, "_build_shapes_dict", None) or {}
    first = next(iter(shapes.values()), None)
    if isinstance(first, tuple | list) and all(n is None or isinstance(n, int) for n in first):
        return tuple(first[1:])
    return None


def _walk(model: Any, alias: dict[int, int], opened: list[Any]) -> Iterator[Step]:
    """Yield the steps of a graph, opening nested models in their place.

    ``alias`` maps a tensor of a nested model to the outer tensor that it is.
    """
    for depth in sorted(model._nodes_by_depth, reverse=True):
        for node in model._nodes_by_depth[depth]:
            if node.operation is None or node.is_input:
                continue
            inputs = tuple(alias.get(id(t), id(t)) for t in node.input_tensors)
            inner = _inner(node.operation, node.input_tensors)
            if inner is not None:
                inside = {id(t): i for t, i in zip(inner.inputs, inputs, strict=False)}
                opened.append(inner)
                yield from _walk(inner, inside, opened)
                for outer, made in zip(node.outputs, inner.outputs, strict=False):
                    alias[id(outer)] = inside.get(id(made), id(made))
                continue
            constants = tuple(a for a in node.arguments.args if not hasattr(a, "_keras_history"))
            yield Step(
                node.operation,
                constants,
                inputs,
                tuple(id(t) for t in node.outputs),
                tuple(node.outputs[0].shape),
            )


def _inner(operation: Any, inputs: Any) -> Any:
    """Return the graph of an operation that is itself a model, or None."""
    if not is_keras_model(operation):
        return None
    try:
        return _functional(operation, operation.name, tuple(inputs[0].shape[1:]))
    except CheckFailed:
        return None
