"""What a test cell gets in the place of a student's objects.

Values and arrays are copies; models and histories are real ones that the grader made; functions are
callables over the wire; what cannot cross explains itself when it is used.
"""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from autograder.check.compiled import compile_record
from autograder.check.report import CheckFailed
from autograder.kernels.limits import LimitValues
from autograder.sealed import wire
from autograder.sealed.encode import CannotCross, configuration
from autograder.sealed.link import Link
from autograder.sealed.rebuild import CannotRebuild, rebuild


class FunctionTimeout(CheckFailed):
    """A student's function did not return in time."""


class RemoteFunction:
    """A student's function. Calling it asks the student's kernel.

    Attributes:
        last_call_mutated: names or positions of the array arguments that the last call changed.
    """

    def __init__(self, views: Views, value: wire.Function, origin: str, method: str | None = None):
        self._views, self._value, self._origin, self._method = views, value, origin, method
        self.__name__ = value.name
        self.parameters = tuple(value.parameters)
        self.last_call_mutated: tuple[str, ...] = ()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function in the student's kernel; see `Views.call` for what it raises."""
        result, mutated = self._views.call(
            self._value.handle, self._method, self._origin, self.__name__, args, kwargs
        )
        self.last_call_mutated = mutated
        return result

    def __repr__(self) -> str:
        return f"<the notebook's function {self.__name__}>"


class RemoteModel:
    """A model that the grader could not make itself: it predicts on the student's side.

    Attributes:
        reason: why the grader could not rebuild it.
        verified: always False, because its answers are the student's word.
    """

    verified = False

    def __init__(self, views: Views, value: wire.Model, origin: str, reason: str) -> None:
        self._views, self._handle, self._origin = views, value.handle, origin
        self.kind = value.kind
        self.reason = reason
        self.compile_record = value.compile

    def predict(self, images: Any) -> Any:
        """Return the student's model's predictions for unlabelled images (N, …)."""
        method = "__call__" if self.kind == "torch.nn.Module" else "predict"
        note = f"a model is unverified, because {self.reason}; it predicted on the student's side"
        if note not in self._views.notes:
            self._views.notes.append(note)
        result, _ = self._views.call(
            self._handle, method, self._origin, "predict", (np.asarray(images),), {}
        )
        return np.asarray(result)

    def __repr__(self) -> str:
        return f"<a {self.kind} that the grader could not rebuild: {self.reason}>"


class OpaqueValue:
    """A student's object that cannot cross. Any use of it explains why."""

    def __init__(self, name: str, value: wire.Opaque) -> None:
        object.__setattr__(self, "_told", (name, value.kind, value.reason))

    def __getattribute__(self, attribute: str) -> Any:
        if attribute in ("__class__", "_told", "__repr__", "__dict__"):
            return object.__getattribute__(self, attribute)
        name, kind, reason = object.__getattribute__(self, "_told")
        raise CheckFailed(
            f"`{name}` is an object of class {kind}, which the check cannot read: {reason}.",
            "The task asks for a number, an array, a model, a history or a figure.",
            f"Look at what the cell assigns to `{name}`, or what the function returns.",
        )

    def __repr__(self) -> str:
        name, kind, _ = object.__getattribute__(self, "_told")
        return f"<{name}: {kind}>"


def _explains(method: str) -> Any:
    # Python looks operators up on the class, past __getattribute__
    def explain(self: OpaqueValue, *args: Any, **kwargs: Any) -> Any:
        return getattr(self, method)

    return explain


for _method in (
    "__call__ __len__ __iter__ __getitem__ __contains__ __float__ __int__ __index__ __bool__ "
    "__array__ __eq__ __ne__ __lt__ __le__ __gt__ __ge__ __add__ __radd__ __sub__ __rsub__ "
    "__mul__ __rmul__ __truediv__ __rtruediv__ __neg__ __abs__ __matmul__ __rmatmul__"
).split():
    setattr(OpaqueValue, _method, _explains(_method))


class Views:
    """Decodes what the student's side sent, and encodes what goes back."""

    def __init__(self, link: Link, limits: LimitValues) -> None:
        self._link = link
        self._limits = limits
        self._handles: dict[int, tuple[int, str, Any]] = {}  # by id of the view, which is kept
        self._models: dict[int, Any] = {}
        self._lent: dict[int, Any] = {}  # models of the test itself that go with the present call
        self.notes: list[str] = []

    def forget(self) -> None:
        """Drop every view: the next test cell starts with fresh copies."""
        self._handles.clear()
        self._models.clear()

    def decode(self, value: wire.Value, origin: str) -> Any:
        """Return the view of ``value``; ``origin`` tells where it comes from."""
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if isinstance(value, wire.Bytes):
            return value.data
        if isinstance(value, wire.BigInt):
            return int(value.hex[:10_000], 16)
        if isinstance(value, wire.Complex):
            return complex(value.real, value.imag)
        if isinstance(value, wire.Seq):
            return self._sequence(value, origin)
        if isinstance(value, wire.Map):
            return self._map(value, origin)
        if isinstance(value, wire.Array):
            return self._array(value)
        if isinstance(value, wire.Handle):
            raise wire.WireProblem("a handle came from the student's side")
        view = self._object(value, origin)
        self._handles[id(view)] = (value.handle, origin, view)
        return view

    def _sequence(self, value: wire.Seq, origin: str) -> Any:
        items = [self.decode(item, f"{origin}[{i}]") for i, item in enumerate(value.items)]
        if value.kind in ("set", "frozenset"):
            try:
                return set(items) if value.kind == "set" else frozenset(items)
            except TypeError:
                return items
        return tuple(items) if value.kind == "tuple" else items

    def _map(self, value: wire.Map, origin: str) -> Any:
        result = {}
        for i, (key, item) in enumerate(value.items):
            decoded = self.decode(key, f"{origin}.key{i}")
            try:
                result[decoded] = self.decode(item, f"{origin}[{decoded!r:.40}]")
            except TypeError:
                continue  # an unhashable key can only be a lie
        return result

    def _array(self, value: wire.Array) -> Any:
        try:
            array = self._link.arrays[value.key]
        except KeyError:
            raise wire.WireProblem("a message names an array that never came") from None
        if value.scalar and array.ndim == 0:
            return array[()]
        return array.copy()

    def _object(self, value: Any, origin: str) -> Any:
        if isinstance(value, wire.Function):
            return RemoteFunction(self, value, origin)
        if isinstance(value, wire.Model):
            return self._model(value, origin)
        if isinstance(value, wire.Figure):
            return value.data
        if isinstance(value, wire.History):
            import keras

            history = keras.callbacks.History()
            history.history = {name: list(curve) for name, curve in value.history.items()}
            history.epoch = list(value.epoch)
            history.params = self._map(value.params, origin)
            return history
        assert isinstance(value, wire.Opaque)
        return OpaqueValue(origin.partition("#")[0], value)

    def _model(self, value: wire.Model, origin: str) -> Any:
        if value.handle in self._models:  # one object there is one view here
            return self._models[value.handle]
        reason = value.reason or "it came without a description"
        if value.config is not None:
            try:
                model = rebuild(value.config, self._weights(value), self._limits)
                model.compile_record = value.compile
                self._models[value.handle] = model
                return model
            except CannotRebuild as problem:
                reason = str(problem)
        return RemoteModel(self, value, origin, reason)

    def _weights(self, value: wire.Model) -> list[wire.AnyArray]:
        try:
            return [self._link.arrays[key] for key in value.weights]
        except KeyError:
            raise CannotRebuild("some of its weights never came") from None

    def call(
        self,
        handle: int,
        method: str | None,
        origin: str,
        name: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> tuple[Any, tuple[str, ...]]:
        """Call the student's object; return its result and the arguments that it changed.

        Raises:
            FunctionTimeout: when it did not return in time.
            Exception: the built-in class of exception that it raised, without its message.
        """
        sent: wire.Arrays = {}
        origins: dict[int, str] = {}
        self._lent.clear()
        coded = [self._encode(arg, sent, origins) for arg in args]
        coded_kw = {k: self._encode(arg, sent, origins) for k, arg in kwargs.items()}
        answer = self._link.call(origin, handle, method, coded, coded_kw, origins, sent)
        if answer.timed_out:
            raise FunctionTimeout(
                f"`{name}` did not return within {self._limits.call_seconds:g} s and was stopped.",
                "A loop in it does not end, or it computes far more than the task needs.",
                "Call it yourself on a small input and watch what it does.",
            )
        if answer.error is not None:
            cls = getattr(builtins, answer.error, Exception)
            if not (isinstance(cls, type) and issubclass(cls, Exception)):
                cls = Exception
            error = _plain_exception(cls)
            error.student_function = name
            raise error
        # two answers of one function are told apart by their questions, in whatever order they come
        result = f"{origin}(…)#{self._link.last_question}"
        for number, value in answer.refreshed.items():
            if number in self._lent:
                lent = self._models[value.handle] = self._lent[number]
                if value.compile is not None:  # it goes on with the optimiser that it has there
                    self._handles[id(lent)] = (value.handle, f"{result}.{-number}", lent)
            self._refresh(value.handle, value)
        return self.decode(answer.value, result), tuple(answer.mutated)

    def _refresh(self, handle: int, value: wire.Model) -> None:
        model = self._models.get(handle)
        if model is None:
            return
        if not getattr(model, "compiled", False):  # a test may have compiled it itself
            model.compile_record = value.compile
        try:
            weights = self._weights(value)
            if [a.shape for a in weights] != [tuple(w.shape) for w in model.weights]:
                raise CannotRebuild("the function changed its layers")
            model.set_weights(weights)
        except CannotRebuild as problem:
            self.notes.append(f"a model was not refreshed after a call: {problem}")

    def _encode(self, obj: Any, sent: wire.Arrays, origins: dict[int, str]) -> wire.Value:
        known = self._handles.get(id(obj))
        if known is not None:
            handle, origins[known[0]], view = known[0], known[1], known[2]
            weights = None
            if hasattr(view, "get_weights"):
                weights = [_put(np.asarray(w), sent) for w in view.get_weights()]
            return wire.Handle(handle, weights)
        if obj is None or type(obj) in (bool, float, str):
            return obj  # type: ignore[no-any-return]
        if type(obj) is bytes:
            return wire.Bytes(obj)
        if type(obj) is int:
            return obj if -(2**63) <= obj < 2**64 else wire.BigInt(hex(obj))
        if isinstance(obj, (np.ndarray, np.generic)):
            array = np.asarray(obj)
            if array.dtype not in wire.DTYPES:
                raise TypeError(
                    f"an array of dtype {array.dtype} cannot go to a student's function"
                )
            return wire.Array(_put(array, sent), "numpy", isinstance(obj, np.generic))
        if isinstance(obj, (list, tuple, set, frozenset)):
            items = [self._encode(item, sent, origins) for item in obj]
            return wire.Seq(type(obj).__name__, items)  # type: ignore[arg-type]
        if isinstance(obj, dict):
            return wire.Map(
                [
                    (self._encode(k, sent, origins), self._encode(v, sent, origins))
                    for k, v in obj.items()
                ]
            )
        return self._encode_own(obj, sent)

    def _encode_own(self, obj: Any, sent: wire.Arrays) -> wire.Value:
        """Encode a model or a history that a test cell made itself, under a handle below 0."""
        if hasattr(obj, "get_config") and hasattr(obj, "get_weights"):
            try:
                config, weights = configuration(obj)
            except CannotCross as problem:
                raise TypeError(f"a model of a test cell cannot go across: {problem}") from None
            number = -1 - len(self._lent)
            self._lent[number] = obj
            keys = [_put(w, sent) for w in weights]
            return wire.Model(number, type(obj).__name__, config, keys, compile_record(obj))
        return _encode_history(obj)


def _encode_history(obj: Any) -> wire.Value:
    if type(obj).__name__ == "History" and hasattr(obj, "history"):
        curves = {k: [float(x) for x in v] for k, v in obj.history.items()}
        return wire.History(-1, curves, list(getattr(obj, "epoch", [])), wire.Map([]))
    raise TypeError(
        f"an object of class {type(obj).__name__} of a test cell cannot go to a student's function"
    )


def _plain_exception(cls: type[Exception]) -> Any:
    """Return an instance of ``cls`` without a message, with room for the function's name."""
    try:
        kind = type(cls.__name__, (cls,), {"student_function": ""})
        return kind()
    except TypeError:  # UnicodeDecodeError and the like need arguments
        return type("ValueError", (ValueError,), {"student_function": ""})()


def _put(array: wire.AnyArray, sent: wire.Arrays) -> str:
    key = wire.array_digest(array)
    sent.setdefault(key, array)
    return key
