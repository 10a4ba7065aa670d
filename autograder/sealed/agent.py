"""The student's side of the wire: an IPython kernel that answers the grader's questions.

Started as a process by the driver (``python -P -c "from autograder.sealed.agent import main; …"``).
It holds no secret: everything it can reach, a student's code can reach too.

The agent runs on the kernel's main thread, between cells: Keras, TensorFlow and Matplotlib keep
per-thread state, and a time limit needs a signal. The driver starts it with an execute request
whose code is `SERVE`; the kernel recognises that before IPython does, so no transformer of a
student's is in the way.
"""

from __future__ import annotations

import builtins
import contextlib
import ctypes
import os
import random
import resource
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp

from autograder.sealed import wire
from autograder.sealed.encode import Encoder, functional
from autograder.sealed.files import copy_files

SERVE = "%%autograder-serve"


class CallTimeout(BaseException):
    """A call ran out of time. A BaseException, so that ``except Exception`` lets it through."""


class Agent:
    """Answers the grader's questions about one kernel's namespace."""

    def __init__(self, channel: wire.Channel, namespace: dict[str, Any]) -> None:
        self._channel = channel
        self._names = namespace
        self._encoder = Encoder(channel.max_bytes)
        self._greeted = False

    def serve(self) -> None:
        """Answer until the grader says `Resume`, or is gone."""
        if not self._greeted:
            backend = os.environ.get("KERAS_BACKEND", "tensorflow")
            version = ".".join(map(str, sys.version_info[:3]))
            self._send(wire.Hello(wire.VERSION, version, backend), {})
            self._greeted = True
        while True:
            try:
                message, arrays = wire.decode_from_grader(self._channel.receive())
            except wire.WireClosed:
                return
            if isinstance(message, wire.Resume):
                self._send(wire.Done(), {})
                return
            out: wire.Arrays = {}
            if isinstance(message, wire.Snapshot):
                values = self._encoder.namespace(self._names, out)
                self._send(wire.Namespace(values), out)
            elif isinstance(message, wire.Seed):
                seed(message.seed)
                self._send(wire.Done(), {})
            elif isinstance(message, wire.Call):
                answer = self._call(message, arrays, out)
                try:
                    self._send(answer, out)
                except (wire.WireClosed, wire.WireTimeout):
                    return
                except (wire.WireProblem, ValueError, TypeError):  # too large: no part was sent
                    self._send(wire.Answer(error="OverflowError"), {})

    def _send(self, message: wire.FromStudent, arrays: wire.Arrays) -> None:
        self._channel.send(wire.encode(message, arrays))

    def _call(self, call: wire.Call, arrays: wire.Arrays, out: wire.Arrays) -> wire.Answer:
        models: dict[int, Any] = {}
        try:
            target = self._encoder.objects[call.handle]
            if call.method is not None:
                target = getattr(target, call.method)
            args = [self._argument(a, arrays, models) for a in call.args]
            kwargs = {k: self._argument(a, arrays, models) for k, a in call.kwargs.items()}
            before = _digests(args, kwargs)
            with _time_limit(call.seconds), _quiet():
                result = target(*args, **kwargs)
        except CallTimeout:
            return wire.Answer(timed_out=True)
        except KeyboardInterrupt:
            return wire.Answer(timed_out=True)
        except BaseException as error:
            return wire.Answer(error=_builtin_class(error))
        after = _digests(args, kwargs)
        return wire.Answer(
            value=self._encoder.bounded(result, out, self._encoder.room()),
            mutated=[name for name, digest in before.items() if after.get(name) != digest],
            refreshed={h: self._encoder.model(m, out) for h, m in models.items()},
        )

    def _argument(self, value: wire.Value, arrays: wire.Arrays, models: dict[int, Any]) -> Any:
        if isinstance(value, wire.Handle):
            obj = self._encoder.objects[value.handle]
            keras = sys.modules.get("keras")
            if keras is not None and isinstance(obj, keras.Model):
                models[value.handle] = obj
                if value.weights is not None:
                    # a traced model names its weights in another order than its author's class
                    functional(obj).set_weights([arrays[key] for key in value.weights])
            return obj
        if isinstance(value, wire.Array):
            return _tensor(arrays[value.key], value)
        if isinstance(value, wire.Seq):
            items = [self._argument(item, arrays, models) for item in value.items]
            return {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}[value.kind](
                items
            )
        if isinstance(value, wire.Map):
            return {
                self._argument(k, arrays, models): self._argument(v, arrays, models)
                for k, v in value.items
            }
        if isinstance(value, wire.Model):
            model = models[value.handle] = _own_model(value, arrays)
            return model
        if isinstance(value, wire.History):
            return _own_history(value)
        if isinstance(value, wire.Bytes):
            return value.data
        if isinstance(value, wire.BigInt):
            return int(value.hex, 16)
        if isinstance(value, wire.Complex):
            return complex(value.real, value.imag)
        return value


def seed(number: int) -> None:
    """Seed Python, NumPy and, where it is imported, Keras with its backend."""
    random.seed(number)
    np.random.seed(number % 2**32)
    keras = sys.modules.get("keras")
    if keras is not None and hasattr(keras, "utils"):
        keras.utils.set_random_seed(number % 2**32)


def _tensor(array: Any, value: wire.Array) -> Any:
    if value.scalar:
        return array[()]
    if value.framework == "tensorflow" and "tensorflow" in sys.modules:
        return sys.modules["tensorflow"].convert_to_tensor(array)
    if value.framework == "jax" and "jax" in sys.modules:
        return sys.modules["jax"].numpy.asarray(array)
    if value.framework == "torch" and "torch" in sys.modules:
        return sys.modules["torch"].as_tensor(array)
    return array


def _own_model(value: wire.Model, arrays: wire.Arrays) -> Any:
    """Make the model that a test cell passes to a student's function, compiled as it says."""
    import json

    import keras

    assert value.config is not None
    told = json.loads(value.config)
    probe = keras.Input((1,))
    functional = type(keras.Model(probe, probe))
    maker = keras.Sequential if told["class_name"] == "Sequential" else functional
    model = maker.from_config(told["config"])
    model.set_weights([arrays[key] for key in value.weights])
    record = value.compile
    if record is not None and record.loss not in (None, "custom"):
        loss: Any = record.loss
        if record.from_logits and record.loss:
            name = "".join(part.title() for part in record.loss.split("_"))
            loss = getattr(keras.losses, name)(from_logits=True)
        optimizer = keras.optimizers.get((record.optimizer or "adam").lower())
        if record.learning_rate is not None:
            optimizer.learning_rate = record.learning_rate
        model.compile(optimizer=optimizer, loss=loss, metrics=list(record.metrics))
    return model


def _own_history(value: wire.History) -> Any:
    import keras

    history = keras.callbacks.History()
    history.history = {name: list(curve) for name, curve in value.history.items()}
    history.epoch = list(value.epoch)
    history.params = {}
    return history


def _digests(args: list[Any], kwargs: dict[str, Any]) -> dict[str, str]:
    named = {**{str(i): a for i, a in enumerate(args)}, **kwargs}
    return {k: wire.array_digest(a) for k, a in named.items() if isinstance(a, np.ndarray)}


def _builtin_class(error: BaseException) -> str:
    for cls in type(error).__mro__:
        if getattr(builtins, cls.__name__, None) is cls:
            return str(cls.__name__)
    return "Exception"


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    def stop(signum: int, frame: Any) -> None:
        raise CallTimeout

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    # what a function prints while it is being judged goes nowhere
    with (
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        yield


class StudentKernel(IPythonKernel):
    """An ordinary IPython kernel that also serves the grader."""

    agent: Agent

    async def do_execute(self, code: str, silent: bool, *args: Any, **kwargs: Any) -> Any:
        """Serve the grader, or execute a cell."""
        if code != SERVE:
            result = super().do_execute(code, silent, *args, **kwargs)  # type: ignore[no-untyped-call]
            return await result
        if not hasattr(self, "agent"):
            fd = int(os.environ["AUTOGRADER_WIRE"])
            cap = int(os.environ["AUTOGRADER_MESSAGE_MB"]) << 20
            channel = wire.Channel(socket.socket(fileno=fd), cap)
            self.agent = Agent(channel, self.shell.user_ns)  # type: ignore[union-attr]
        self.agent.serve()
        return {
            "status": "ok",
            "execution_count": self.execution_count,
            "payload": [],
            "user_expressions": {},
        }


def limit_resources() -> None:
    """Set this process's own limits for good, from the environment; children inherit them."""
    for name, variable in (("RLIMIT_NOFILE", "FILES"), ("RLIMIT_NPROC", "PROCESSES")):
        value = int(os.environ.pop(f"AUTOGRADER_{variable}", "0"))
        if value:
            resource.setrlimit(getattr(resource, name), (value, value))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def die_with_parent() -> None:
    """End this kernel when its driver ends, however it ends. A box does so by itself."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # 1 is PR_SET_PDEATHSIG


def main() -> None:
    """Start the kernel: ``main()`` reads the connection file's path from ``sys.argv``."""
    die_with_parent()
    limit_resources()
    sources = [Path(p) for p in os.environ.pop("AUTOGRADER_COPY", "").split(os.pathsep) if p]
    copy_files(sources, Path.cwd())
    app = IPKernelApp.instance(kernel_class=StudentKernel)
    app.initialize(["-f", sys.argv[1], "--HistoryManager.enabled=False"])
    if "" not in sys.path:  # modules that were handed in; IPython leaves them out under -P
        sys.path.insert(1, "")
    app.start()
