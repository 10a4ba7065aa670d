"""Turning a student's objects into wire values, on the student's side.

Nothing here decides anything: whatever it says is a claim that the grader checks. It imports no
framework by itself, so that a notebook which uses none pays for none.
"""

from __future__ import annotations

import functools
import inspect
import json
import sys
import types
from typing import Any

import msgspec
import numpy as np

from autograder.check.compiled import compile_record
from autograder.check.figures import figure_data
from autograder.sealed import wire

MAX_DEPTH = 16
MAX_ITEMS = 100_000
MAX_DIGITS = 9_990  # the grader reads 10,000 characters, "-0x" among them
_ARRAY_HEAD = 200  # bytes, at most, of an array's entry in a safetensors header
_VALUE = msgspec.msgpack.Decoder(wire.Value)
_UNTOLD = frozenset(
    "In Out exit quit get_ipython open".split()  # IPython's own names in a user namespace
)


class CannotCross(Exception):
    """An object has no form on the wire; the sentence says why."""


class Room:
    """What one message may still hold, in bytes of its body and of its arrays."""

    def __init__(self, body: int, arrays: int) -> None:
        self.body, self.arrays = body, arrays

    def take(self, value: wire.Value, new: wire.Arrays) -> None:
        """Take the room that ``value`` with its ``new`` arrays needs.

        Raises:
            CannotCross: when there is not enough.
        """
        body = _size(value)
        arrays = sum(array.nbytes + _ARRAY_HEAD for array in new.values())
        if body > self.body or arrays > self.arrays:
            raise CannotCross(
                f"it takes {(body + arrays) / 2**20:.0f} MiB, more than a message may still hold"
            )
        self.body -= body
        self.arrays -= arrays


class Encoder:
    """Encodes objects, and keeps handles to those that the grader may ask for again.

    Args:
        max_bytes: the cap on the arrays of one message.
    """

    def __init__(self, max_bytes: int = 512 << 20) -> None:
        self._max_bytes = max_bytes
        self.objects: dict[int, Any] = {}
        self._handle_of: dict[int, int] = {}

    def handle(self, obj: Any) -> int:
        """Return the handle of ``obj``; the object lives as long as the agent."""
        key = id(obj)
        if key not in self._handle_of:
            number = len(self.objects) + 1
            self.objects[number] = obj
            self._handle_of[key] = number
        return self._handle_of[key]

    def value(self, obj: Any, arrays: wire.Arrays, depth: int = 0) -> wire.Value:
        """Encode ``obj``; arrays that it needs are added to ``arrays`` under their digests."""
        try:
            return self._value(obj, arrays, depth)
        except CannotCross as problem:
            return wire.Opaque(self.handle(obj), type(obj).__name__, str(problem))
        except BaseException as error:  # a student's class may raise anything from any method
            reason = f"reading it raised {type(error).__name__}"
            return wire.Opaque(self.handle(obj), type(obj).__name__, reason)

    def room(self) -> Room:
        """Return the room of an empty message, less a margin for what is around the values."""
        return Room(wire.MAX_BODY - (1 << 20), self._max_bytes - (1 << 16))

    def bounded(self, obj: Any, arrays: wire.Arrays, room: Room) -> wire.Value:
        """Encode ``obj``, or say why there is no room: one value must not cost the others."""
        own: wire.Arrays = {}
        value = self.value(obj, own)
        new = {key: array for key, array in own.items() if key not in arrays}
        try:
            room.take(value, new)
        except CannotCross as problem:
            kind = type(obj).__name__.encode("utf-8", "replace").decode()
            return wire.Opaque(self.handle(obj), kind, str(problem))
        arrays.update(new)
        return value

    def namespace(self, names: dict[str, Any], arrays: wire.Arrays) -> dict[str, wire.Value]:
        """Encode the top-level names of a notebook."""
        found: dict[str, wire.Value] = {}
        room = self.room()
        for name, obj in list(names.items()):
            if not isinstance(name, str) or not name.isidentifier():
                continue
            if name.startswith("_") or name in _UNTOLD:
                continue
            if isinstance(obj, types.ModuleType):
                continue
            found[name] = self.bounded(obj, arrays, room)
            room.body -= len(name.encode()) + 5
        return found

    def _value(self, obj: Any, arrays: wire.Arrays, depth: int) -> wire.Value:
        if depth > MAX_DEPTH:
            raise CannotCross(f"it is nested more than {MAX_DEPTH} levels deep")
        kind = type(obj)
        if obj is None or kind in (bool, float, str):
            plain: wire.Value = obj
            return plain
        if kind is bytes:
            return wire.Bytes(obj)
        if kind is int:
            return _integer(obj)
        if kind is complex:
            return wire.Complex(obj.real, obj.imag)
        if isinstance(obj, (list, tuple, set, frozenset)):
            return self._sequence(obj, arrays, depth)
        if isinstance(obj, dict):
            if len(obj) > MAX_ITEMS:
                raise CannotCross(f"it has more than {MAX_ITEMS} entries")
            return wire.Map(
                [
                    (self.value(k, arrays, depth + 1), self.value(v, arrays, depth + 1))
                    for k, v in obj.items()
                ]
            )
        if _is_figure(obj):
            return wire.Figure(self.handle(obj), figure_data(obj))
        array = _as_array(obj)
        if array is not None:
            return put_array(*array, arrays)
        return self._object(obj, arrays)

    def _sequence(self, obj: Any, arrays: wire.Arrays, depth: int) -> wire.Value:
        if len(obj) > MAX_ITEMS:
            raise CannotCross(f"it has more than {MAX_ITEMS} entries")
        names = {list: "list", tuple: "tuple", set: "set", frozenset: "frozenset"}
        kind = next(name for base, name in names.items() if isinstance(obj, base))
        items = [self.value(item, arrays, depth + 1) for item in obj]
        return wire.Seq(kind, items)  # type: ignore[arg-type]

    def _object(self, obj: Any, arrays: wire.Arrays) -> wire.Value:
        keras = sys.modules.get("keras")
        if keras is not None and hasattr(keras, "Model"):
            if isinstance(obj, keras.Model):
                return self.model(obj, arrays)
            if isinstance(obj, keras.callbacks.History):
                return self._history(obj, arrays)
        torch = sys.modules.get("torch")
        if torch is not None and isinstance(obj, torch.nn.Module):
            return wire.Model(self.handle(obj), "torch.nn.Module", None, [], None, "a Torch module")
        if isinstance(obj, functools.partial) or (
            callable(obj) and (inspect.isroutine(obj) or isinstance(obj, (type, types.MethodType)))
        ):
            return wire.Function(self.handle(obj), _name(obj), _parameters(obj))
        raise CannotCross(f"an object of class {type(obj).__name__} has no form as data")

    def model(self, model: Any, arrays: wire.Arrays) -> wire.Model:
        """Encode a Keras model: configuration, weights, and how it was compiled."""
        handle = self.handle(model)
        kind = type(model).__name__
        record = compile_record(model)
        try:
            config, told = configuration(model)
            weights = [put_array(weight, "numpy", False, arrays).key for weight in told]
        except Exception as error:
            reason = str(error) if isinstance(error, CannotCross) else _short(error)
            return wire.Model(handle, kind, None, [], record, reason)
        return wire.Model(handle, kind, config, weights, record, "")

    def _history(self, obj: Any, arrays: wire.Arrays) -> wire.History:
        curves = {
            str(name): [float(number) for number in values] for name, values in obj.history.items()
        }
        params = {
            str(k): v
            for k, v in (getattr(obj, "params", None) or {}).items()
            if isinstance(v, (int, float, str, bool, type(None)))
        }
        told = self.value(params, arrays)
        assert isinstance(told, wire.Map)
        return wire.History(
            self.handle(obj), curves, [int(e) for e in getattr(obj, "epoch", [])], told
        )


def configuration(model: Any) -> tuple[str, list[Any]]:
    """Return a model's configuration as JSON, and its weights in their order.

    Raises:
        CannotCross: see `functional`.
    """
    told = functional(model)
    described = {"class_name": type(told).__name__, "config": told.get_config()}
    return json.dumps(described, default=_jsonable), [_weight(w) for w in told.weights]


def functional(model: Any) -> Any:
    """Return ``model`` as a Sequential or functional model, tracing a subclassed one.

    Raises:
        CannotCross: for a model that was never built, or that cannot be traced.
    """
    import keras

    if type(model).__module__.startswith("keras.") and type(model) is not keras.Model:
        if not model.built:
            raise CannotCross(
                "it was never built: its first layer does not know the shape of its input "
                "(begin with keras.Input(shape=...), or call the model on a batch once)"
            )
        return model
    if model.built and isinstance(model, (keras.Sequential, _functional_class())):
        # a class of the student's own over an ordinary graph still has that graph
        return keras.Model(model.inputs, model.outputs, name=model.name)
    shapes = [
        shape for shape in (getattr(model, "_build_shapes_dict", None) or {}).values() if shape
    ]
    if not model.built or len(shapes) != 1 or not isinstance(shapes[0], (tuple, list)):
        raise CannotCross(
            "it is a subclassed model that was never called on data, so its input shape is unknown"
        )
    inputs = keras.Input(shape=tuple(shapes[0][1:]))
    outputs = model.call(inputs)
    return keras.Model(inputs, outputs, name=model.name)


def _functional_class() -> Any:
    import keras

    probe = keras.Input((1,))
    return type(keras.Model(probe, probe))


def _size(value: wire.Value) -> int:
    """Return how many bytes ``value`` takes, having tried that the other side can read it."""
    try:
        body = msgspec.msgpack.encode(value)
        _VALUE.decode(body)
    except (msgspec.MsgspecError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise CannotCross(f"it cannot be written as data ({type(error).__name__})") from None
    return len(body)


def put_array(array: Any, framework: Any, scalar: bool, arrays: wire.Arrays) -> wire.Array:
    """Add ``array`` to ``arrays`` (a copy, unless its content is there already)."""
    key = wire.array_digest(array)
    if key not in arrays:
        arrays[key] = np.array(array, order="C")
    return wire.Array(key, framework, scalar)


def _as_array(obj: Any) -> tuple[Any, str, bool] | None:
    """Return (array, framework, is a scalar) for arrays and tensors, None for anything else."""
    if isinstance(obj, np.generic):
        return _plain(np.asarray(obj)), "numpy", True
    if isinstance(obj, np.ndarray):
        return _plain(np.asarray(obj)), "numpy", False
    root = type(obj).__module__.split(".")[0]
    if root == "tensorflow" and hasattr(obj, "numpy") and hasattr(obj, "dtype"):
        return _plain(np.asarray(obj.numpy())), "tensorflow", False
    if root in ("jaxlib", "jax") and hasattr(obj, "__array__"):
        return _plain(np.asarray(obj)), "jax", False
    if root == "torch" and hasattr(obj, "detach"):
        return _plain(obj.detach().cpu().numpy()), "torch", False
    if root == "keras" and hasattr(obj, "numpy") and hasattr(obj, "trainable"):
        return _plain(np.asarray(obj.numpy())), "numpy", False
    if root == "pandas" and type(obj).__name__ in ("DataFrame", "Series", "Index"):
        return _plain(np.asarray(obj)), "numpy", False
    return None


def _integer(number: int) -> wire.Value:
    if -(2**63) <= number < 2**64:
        return number
    if number.bit_length() > 4 * MAX_DIGITS:
        raise CannotCross(f"it has more than {MAX_DIGITS} hexadecimal digits")
    return wire.BigInt(hex(number))


def _plain(array: Any) -> Any:
    if array.dtype.kind == "V" or str(array.dtype) == "bfloat16":
        array = array.astype(np.float32)
    if array.dtype.byteorder == ">":
        array = array.astype(array.dtype.newbyteorder("<"))
    if array.dtype not in wire.DTYPES:
        raise CannotCross(f"an array of dtype {array.dtype} holds no plain numbers")
    return array


def _weight(variable: Any) -> Any:
    keras = sys.modules["keras"]
    return _plain(np.asarray(keras.ops.convert_to_numpy(variable)))


def _jsonable(obj: Any) -> Any:
    if isinstance(obj, np.generic):
        return obj.item()
    if isinstance(obj, np.ndarray):
        return obj.tolist()
    serialize = sys.modules["keras"].saving.serialize_keras_object
    return serialize(obj)


def _is_figure(obj: Any) -> bool:
    figure, axes = sys.modules.get("matplotlib.figure"), sys.modules.get("matplotlib.axes")
    if figure is None or axes is None:
        return False
    if isinstance(obj, np.ndarray) and obj.dtype == object and obj.size:  # plt.subplots(1, 2)[1]
        return all(isinstance(item, axes.Axes) for item in obj.flat)
    return isinstance(obj, (figure.FigureBase, axes.Axes))


def _name(obj: Any) -> str:
    return str(getattr(obj, "__name__", type(obj).__name__))


def _parameters(obj: Any) -> list[str]:
    try:
        return list(inspect.signature(obj).parameters)
    except (TypeError, ValueError):
        return []


def _short(error: BaseException) -> str:
    first = str(error).strip().splitlines()
    return f"{type(error).__name__}: {first[0][:200]}" if first else type(error).__name__
