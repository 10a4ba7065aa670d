"""The language between the student's kernel and the grader: data, and nothing else.

A message is one frame on a connected Unix stream socket:

    magic (4 bytes) | body length (u32) | arrays length (u64) | body | arrays

The body is msgpack, decoded into the structs below; the arrays are one safetensors blob whose
names are content digests. Both lengths are checked against the cap before a byte of either is read.
"""

from __future__ import annotations

import hashlib
import socket
import struct
import time
from collections.abc import Mapping as AbcMapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_safetensors
from safetensors.numpy import save as save_safetensors

from autograder.check.compiled import CompileRecord
from autograder.check.figures import FigureData

VERSION = 1
MAGIC = b"CKW1"
_HEADER = struct.Struct("<4sIQ")
MAX_BODY = 32 * 2**20
DTYPES = frozenset(
    np.dtype(name)
    for name in (
        "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64"
    ).split()
)

AnyArray: TypeAlias = NDArray[Any]
Arrays: TypeAlias = dict[str, AnyArray]


class WireProblem(Exception):
    """What arrived is not a message of this language; the sentence says why."""


class WireClosed(WireProblem):
    """The other side is gone."""


class WireTimeout(WireProblem):
    """The other side did not answer in time."""


# --- values -----------------------------------------------------------------------------------


class Bytes(msgspec.Struct, frozen=True, tag="bytes"):
    """Bytes, apart from text."""

    data: bytes


class BigInt(msgspec.Struct, frozen=True, tag="bigint"):
    """An integer beyond 64 bits, in hexadecimal."""

    hex: str


class Complex(msgspec.Struct, frozen=True, tag="complex"):
    """A complex number."""

    real: float
    imag: float


class Seq(msgspec.Struct, frozen=True, tag="seq"):
    """A list, tuple, set or frozenset."""

    kind: Literal["list", "tuple", "set", "frozenset"]
    items: list[Value]


class Map(msgspec.Struct, frozen=True, tag="map"):
    """A dictionary, as pairs, because its keys need not be strings."""

    items: list[tuple[Value, Value]]


class Array(msgspec.Struct, frozen=True, tag="array"):
    """An array, by the digest under which its frame holds it."""

    key: str
    framework: Literal["numpy", "tensorflow", "jax", "torch"] = "numpy"
    scalar: bool = False


class Model(msgspec.Struct, frozen=True, tag="model"):
    """A Keras model: its configuration as JSON and its weights, or why there are none."""

    handle: int
    kind: str
    config: str | None
    weights: list[str]
    compile: CompileRecord | None = None
    reason: str = ""


class Function(msgspec.Struct, frozen=True, tag="function"):
    """A function, class or method, which the grader may ask to be called."""

    handle: int
    name: str
    parameters: list[str]


class History(msgspec.Struct, frozen=True, tag="history"):
    """A `keras.callbacks.History`."""

    handle: int
    history: dict[str, list[float]]
    epoch: list[int]
    params: Map


class Figure(msgspec.Struct, frozen=True, tag="figure"):
    """What a Matplotlib figure or axes shows."""

    handle: int
    data: FigureData


class Opaque(msgspec.Struct, frozen=True, tag="opaque"):
    """An object that cannot cross, with its type's name and the reason."""

    handle: int
    kind: str
    reason: str


class Handle(msgspec.Struct, frozen=True, tag="handle"):
    """From grader to student: the object behind an earlier view.

    ``weights`` are those that a model's view has, so that a model which the notebook trained on
    after the test's position is called as it stood there.
    """

    handle: int
    weights: list[str] | None = None


Value: TypeAlias = (
    None
    | bool
    | int
    | float
    | str
    | Bytes
    | BigInt
    | Complex
    | Seq
    | Map
    | Array
    | Model
    | Function
    | History
    | Figure
    | Opaque
    | Handle
)

# --- messages ---------------------------------------------------------------------------------


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """First message of the student's side."""

    version: int
    python: str
    backend: str


class Snapshot(msgspec.Struct, frozen=True, tag="snapshot"):
    """Grader: tell every top-level value as it stands now."""

    position: str


class Namespace(msgspec.Struct, frozen=True, tag="namespace"):
    """Answer to `Snapshot`."""

    values: dict[str, Value]


class Call(msgspec.Struct, frozen=True, tag="call"):
    """Grader: call the object behind ``handle``, or its method."""

    handle: int
    method: str | None
    args: list[Value]
    kwargs: dict[str, Value]
    seconds: float


class Answer(msgspec.Struct, frozen=True, tag="answer"):
    """Answer to `Call`: a value, or the class of a built-in exception.

    ``mutated`` names the array arguments that the function changed, by position or keyword;
    ``refreshed`` holds models that were passed in, as they stand afterwards, by handle.
    """

    value: Value = None
    error: str | None = None
    timed_out: bool = False
    mutated: list[str] = []
    refreshed: dict[int, Model] = {}


class Seed(msgspec.Struct, frozen=True, tag="seed"):
    """Grader: seed every random generator."""

    seed: int


class Resume(msgspec.Struct, frozen=True, tag="resume"):
    """Grader: go on with the notebook."""


class Done(msgspec.Struct, frozen=True, tag="done"):
    """Answer to `Seed` and `Resume`."""


FromStudent: TypeAlias = Hello | Namespace | Answer | Done
FromGrader: TypeAlias = Snapshot | Call | Seed | Resume

# --- arrays -----------------------------------------------------------------------------------


def array_digest(array: AnyArray) -> str:
    """Return the digest of an array's dtype, shape and bytes.

    >>> a = np.zeros((2, 3))
    >>> array_digest(a) == array_digest(a.copy()), array_digest(a) == array_digest(a.T)
    (True, False)
    """
    contiguous = np.ascontiguousarray(array).reshape(array.shape)
    head = f"{contiguous.dtype.str}{contiguous.shape}".encode()
    digest = hashlib.blake2b(head, digest_size=16)
    digest.update(contiguous.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def pack_arrays(arrays: AbcMapping[str, AnyArray]) -> bytes:
    """Return arrays as one safetensors blob; no arrays give no bytes."""
    if not arrays:
        return b""
    # safetensors writes the memory as it lies, so every array must be contiguous
    ready = {k: np.ascontiguousarray(v).reshape(v.shape) for k, v in arrays.items()}
    return bytes(save_safetensors(ready))


def unpack_arrays(blob: bytes) -> Arrays:
    """Return the arrays of a safetensors blob, each in memory of its own.

    Raises:
        WireProblem: for anything that is not such a blob, or holds another dtype.
    """
    if not blob:
        return {}
    try:
        arrays = load_safetensors(blob)
    except (SafetensorError, ValueError, KeyError, TypeError, OverflowError, MemoryError) as error:
        raise WireProblem(f"the arrays of a message are not safetensors: {error}") from None
    for array in arrays.values():
        if array.dtype not in DTYPES:
            raise WireProblem(f"an array of dtype {array.dtype} may not cross")
    return {key: np.array(array) for key, array in arrays.items()}


# --- frames -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Frame:
    """One message with its arrays, as sent or received."""

    body: bytes
    arrays: bytes


def encode(message: FromStudent | FromGrader, arrays: AbcMapping[str, AnyArray]) -> Frame:
    """Return a message as a frame."""
    return Frame(msgspec.msgpack.encode(message), pack_arrays(arrays))


_FROM_STUDENT = msgspec.msgpack.Decoder(FromStudent)
_FROM_GRADER = msgspec.msgpack.Decoder(FromGrader)


def decode_from_student(frame: Frame) -> tuple[FromStudent, Arrays]:
    """Decode what the student's side sent.

    Raises:
        WireProblem: for anything that is no message; no other exception leaves this function.
    """
    try:
        message: FromStudent = _FROM_STUDENT.decode(frame.body)
    except (msgspec.MsgspecError, RecursionError, ValueError, OverflowError) as error:
        raise WireProblem(f"not a message: {str(error)[:200]}") from None
    return message, unpack_arrays(frame.arrays)


def decode_from_grader(frame: Frame) -> tuple[FromGrader, Arrays]:
    """Decode what the grader sent (on the student's side)."""
    message: FromGrader = _FROM_GRADER.decode(frame.body)
    return message, unpack_arrays(frame.arrays)


class Channel:
    """A connected stream socket that carries frames.

    Args:
        sock: a connected Unix stream socket.
        max_bytes: the cap on one frame's arrays; a longer one is refused before it is read.
    """

    def __init__(self, sock: socket.socket, max_bytes: int) -> None:
        self._sock = sock
        self.max_bytes = max_bytes

    def send(self, frame: Frame, timeout: float | None = None) -> None:
        """Send a frame.

        Raises:
            WireProblem: when it is longer than the cap.
            WireClosed: when the other side is gone.
            WireTimeout: when the other side does not read.
        """
        if len(frame.body) > MAX_BODY or len(frame.arrays) > self.max_bytes:
            raise WireProblem(
                f"a message of {(len(frame.body) + len(frame.arrays)) >> 20} MiB is too large"
            )
        header = _HEADER.pack(MAGIC, len(frame.body), len(frame.arrays))
        self._sock.settimeout(timeout)
        try:
            self._sock.sendall(header + frame.body)
            if frame.arrays:
                self._sock.sendall(frame.arrays)
        except TimeoutError:
            raise WireTimeout("the other side does not read") from None
        except OSError as error:
            raise WireClosed(f"the other side is gone ({error.strerror})") from None

    def receive(self, timeout: float | None = None) -> Frame:
        """Receive a frame; ``timeout`` in seconds counts for the whole of it.

        Raises:
            WireProblem: when it is malformed or longer than the cap.
            WireClosed: when the other side is gone.
            WireTimeout: when it does not come in time.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        magic, body, arrays = _HEADER.unpack(self._read(_HEADER.size, deadline))
        if magic != MAGIC:
            raise WireProblem("the stream does not carry messages of this version")
        if body > MAX_BODY or arrays > self.max_bytes:
            raise WireProblem(f"a message of {(body + arrays) >> 20} MiB is too large")
        return Frame(self._read(body, deadline), self._read(arrays, deadline))

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()

    def _read(self, size: int, deadline: float | None) -> bytes:
        # grows with what arrives: a lying header alone must not make this side allocate
        chunks = bytearray()
        while len(chunks) < size:
            if deadline is not None:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise WireTimeout("no answer in time")
                self._sock.settimeout(left)
            else:
                self._sock.settimeout(None)
            try:
                chunk = self._sock.recv(min(size - len(chunks), 1 << 20))
            except TimeoutError:
                raise WireTimeout("no answer in time") from None
            except OSError as error:
                raise WireClosed(f"the other side is gone ({error.strerror})") from None
            if not chunk:
                raise WireClosed("the other side is gone")
            chunks += chunk
        return bytes(chunks)
