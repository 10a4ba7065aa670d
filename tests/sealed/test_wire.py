"""The wire carries data alone, and nothing that arrives on it does harm."""

from __future__ import annotations

import math
import socket
import struct
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save as save_safetensors

from autograder.check.compiled import CompileRecord
from autograder.check.figures import AxesData, FigureData, ImageData, LineData
from autograder.sealed import wire

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
number = st.floats(allow_nan=False, width=64)
handle = st.integers(0, 2**31)

lines = st.builds(LineData, st.tuples(number, number), st.tuples(number, number), text)
axes = st.builds(
    AxesData,
    title=text,
    lines=st.tuples(lines),
    legend=st.tuples(text),
    images=st.tuples(st.builds(ImageData, st.just((1, 2)), st.tuples(number, number))),
)
records = st.none() | st.builds(
    CompileRecord, st.none() | text, st.none() | number, st.none() | text, st.none() | st.booleans()
)
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | number
    | text
    | st.builds(wire.Bytes, st.binary(max_size=20))
    | st.builds(wire.BigInt, st.integers(2**64).map(hex))
    | st.builds(wire.Complex, number, number)
    | st.builds(
        wire.Array,
        text,
        st.sampled_from(["numpy", "tensorflow", "jax", "torch"]),
        st.booleans(),
    )
    | st.builds(
        wire.Model, handle, text, st.none() | text, st.lists(text, max_size=3), records, text
    )
    | st.builds(wire.Function, handle, text, st.lists(text, max_size=3))
    | st.builds(
        wire.History,
        handle,
        st.dictionaries(text, st.lists(number, max_size=3), max_size=3),
        st.lists(st.integers(0, 99), max_size=3),
        st.just(wire.Map([("epochs", 3)])),
    )
    | st.builds(wire.Figure, handle, st.builds(FigureData, st.tuples(axes), text))
    | st.builds(wire.Opaque, handle, text, text)
    | st.builds(wire.Handle, handle, st.none() | st.lists(text, max_size=3))
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.builds(
            wire.Seq,
            st.sampled_from(["list", "tuple", "set", "frozenset"]),
            st.lists(inner, max_size=4),
        )
        | st.builds(wire.Map, st.lists(st.tuples(inner, inner), max_size=4))
    ),
    max_leaves=12,
)


@given(st.dictionaries(text, values, max_size=4))
def test_every_kind_of_value_survives_the_way_to_the_grader(told: dict[str, Any]) -> None:
    message, _ = wire.decode_from_student(wire.encode(wire.Namespace(told), {}))
    assert message == wire.Namespace(told)


@given(st.lists(values, max_size=3), st.dictionaries(text, values, max_size=3))
def test_every_kind_of_value_survives_the_way_to_the_student(
    args: list[Any], kwargs: dict[str, Any]
) -> None:
    call = wire.Call(1, "predict", args, kwargs, 2.5)
    assert wire.decode_from_grader(wire.encode(call, {}))[0] == call


@pytest.mark.parametrize(
    "message",
    [
        wire.Hello(wire.VERSION, "3.11.9", "tensorflow"),
        wire.Answer(error="ValueError", mutated=["0", "x"]),
        wire.Answer(timed_out=True),
        wire.Answer(value=1.5, refreshed={3: wire.Model(3, "Sequential", "{}", ["a"])}),
        wire.Done(),
    ],
)
def test_every_message_of_the_student_survives(message: wire.FromStudent) -> None:
    assert wire.decode_from_student(wire.encode(message, {}))[0] == message


@pytest.mark.parametrize(
    "message", [wire.Snapshot("4"), wire.Seed(2**40), wire.Resume(), wire.Call(1, None, [], {}, 1)]
)
def test_every_message_of_the_grader_survives(message: wire.FromGrader) -> None:
    assert wire.decode_from_grader(wire.encode(message, {}))[0] == message


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.0])
def test_numbers_that_json_cannot_say_survive(value: float) -> None:
    answer, arrays = wire.decode_from_student(
        wire.encode(wire.Answer(value=value), {"a": np.full((2, 2), value)})
    )
    assert isinstance(answer, wire.Answer)
    assert struct.pack("<d", answer.value) == struct.pack("<d", value)  # type: ignore[arg-type]
    assert arrays["a"].tobytes() == np.full((2, 2), value).tobytes()


@pytest.mark.parametrize("dtype", sorted(str(d) for d in wire.DTYPES))
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (2, 3, 1)])
def test_an_array_of_every_allowed_dtype_survives(dtype: str, shape: tuple[int, ...]) -> None:
    array = (np.arange(math.prod(shape)) % 2).astype(dtype).reshape(shape)
    (back,) = wire.unpack_arrays(wire.pack_arrays({"a": array})).values()
    assert back.dtype == array.dtype
    assert back.shape == shape
    assert back.tobytes() == array.tobytes()
    assert back.flags.writeable


@pytest.mark.parametrize("order", ["F", "strided", "reversed"])
def test_an_array_survives_however_it_lies_in_memory(order: str) -> None:
    plain = np.arange(24.0).reshape(4, 6)
    array = {"F": np.asfortranarray(plain), "strided": plain[::2, ::3], "reversed": plain[::-1]}
    (back,) = wire.unpack_arrays(wire.pack_arrays({"a": array[order]})).values()
    np.testing.assert_array_equal(back, array[order], strict=True)


def test_the_digest_tells_dtype_shape_and_bytes_apart() -> None:
    arrays = [
        np.zeros(4),
        np.zeros((2, 2)),
        np.zeros(4, np.int64),
        np.array([0, 0, 0, 1.0]),
        np.zeros(8, np.float32),
    ]
    assert len({wire.array_digest(a) for a in arrays}) == len(arrays)
    assert wire.array_digest(np.asfortranarray(np.eye(3))) == wire.array_digest(np.eye(3))


# --- what is no message ---------------------------------------------------------------------------


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_random_bytes_raise_nothing_but_a_wire_problem(body: bytes, arrays: bytes) -> None:
    with pytest.raises(wire.WireProblem):
        wire.decode_from_student(wire.Frame(body, arrays + b"\xff"))


_GOOD = wire.encode(
    wire.Namespace(
        {
            "m": wire.Model(1, "Sequential", '{"class_name": "x"}', ["k"], None, "why"),
            "x": wire.Seq("list", [wire.Array("k"), wire.Map([(1, "a")]), 2.5]),
        }
    ),
    {"k": np.arange(6.0).reshape(2, 3)},
)


@settings(max_examples=300)
@given(st.data())
def test_a_message_changed_on_its_way_raises_nothing_but_a_wire_problem(data: Any) -> None:
    parts = [bytearray(_GOOD.body), bytearray(_GOOD.arrays)]
    for _ in range(data.draw(st.integers(1, 4))):
        part = data.draw(st.sampled_from(parts))
        where = data.draw(st.integers(0, len(part) - 1))
        how = data.draw(st.sampled_from(["set", "cut", "insert"]))
        byte = data.draw(st.integers(0, 255))
        if how == "set":
            part[where] = byte
        elif how == "insert":
            part.insert(where, byte)
        elif len(part) > 1:
            del part[where]
    try:
        message, arrays = wire.decode_from_student(wire.Frame(bytes(parts[0]), bytes(parts[1])))
    except wire.WireProblem:
        return
    assert isinstance(message, wire.FromStudent)  # a change may leave a message
    assert all(a.dtype in wire.DTYPES for a in arrays.values())


@pytest.mark.parametrize("open_bracket", [b"\x91", b"\x81\xa1a"])
def test_a_message_nested_a_million_levels_deep_is_refused(open_bracket: bytes) -> None:
    with pytest.raises(wire.WireProblem):
        wire.decode_from_student(wire.Frame(open_bracket * 1_000_000, b""))


@pytest.mark.parametrize("kind", ["snapshot", "call", "resume", "seed"])
def test_the_student_cannot_speak_with_the_graders_words(kind: str) -> None:
    body = msgspec.msgpack.encode({"type": kind})
    with pytest.raises(wire.WireProblem):
        wire.decode_from_student(wire.Frame(body, b""))


@pytest.mark.parametrize("dtype", ["F8_E4M3", "BF16", "F8_E5M2", "C64", "nonsense"])
def test_an_array_of_a_dtype_that_is_no_plain_number_is_refused(dtype: str) -> None:
    blob = save_safetensors({"a": np.zeros(4, np.uint16)})
    size = int.from_bytes(blob[:8], "little")
    head = blob[8 : 8 + size].replace(b'"U16"', f'"{dtype}"'.encode())
    with pytest.raises(wire.WireProblem):
        wire.unpack_arrays(len(head).to_bytes(8, "little") + head + blob[8 + size :])


@pytest.mark.parametrize("dtype", ["O", "<U4", "S4", "datetime64[s]", ">f8", "complex128"])
def test_such_dtypes_are_not_on_the_list(dtype: str) -> None:
    assert np.dtype(dtype) not in wire.DTYPES


# --- channels -------------------------------------------------------------------------------------


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with a, b:
        yield a, b


def test_a_frame_arrives_as_it_was_sent(pair: tuple[socket.socket, socket.socket]) -> None:
    frame = wire.Frame(b"body", b"arrays")
    wire.Channel(pair[0], 100).send(frame, 1)
    assert wire.Channel(pair[1], 100).receive(1) == frame


@pytest.mark.parametrize(
    ("body", "arrays"), [(2**32 - 1, 0), (wire.MAX_BODY + 1, 0), (0, 2**63), (0, 1025)]
)
def test_a_length_over_the_cap_is_refused_before_anything_is_read(
    pair: tuple[socket.socket, socket.socket], body: int, arrays: int
) -> None:
    pair[0].sendall(struct.pack("<4sIQ", wire.MAGIC, body, arrays) + b"rest")
    with pytest.raises(wire.WireProblem, match="too large"):
        wire.Channel(pair[1], 1024).receive(1)
    assert pair[1].recv(100) == b"rest"


def test_a_length_that_lies_does_not_make_the_reader_allocate(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    pair[0].sendall(struct.pack("<4sIQ", wire.MAGIC, 0, 400 << 20) + b"x" * 1000)
    tracemalloc.start()
    try:
        with pytest.raises(wire.WireTimeout):
            wire.Channel(pair[1], 512 << 20).receive(0.2)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_the_sender_refuses_what_the_receiver_would(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    with pytest.raises(wire.WireProblem, match="too large"):
        wire.Channel(pair[0], 10).send(wire.Frame(b"", b"x" * 11))


def test_a_stream_of_another_language_is_refused(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    pair[0].sendall(b"GET / HTTP/1.1\r\n")
    with pytest.raises(wire.WireProblem, match="version"):
        wire.Channel(pair[1], 100).receive(1)


def test_the_deadline_counts_for_the_whole_message(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    import threading

    def drip() -> None:
        header = struct.pack("<4sIQ", wire.MAGIC, 100, 0)
        for byte in header + b"x" * 100:
            try:
                pair[0].sendall(bytes([byte]))
            except OSError:
                return
            time.sleep(0.05)

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    begin = time.monotonic()
    with pytest.raises(wire.WireTimeout):
        wire.Channel(pair[1], 100).receive(0.4)
    assert time.monotonic() - begin < 2
    pair[1].close()
    thread.join()


def test_a_reader_that_does_not_read_ends_the_send(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    with pytest.raises(wire.WireTimeout):
        wire.Channel(pair[0], 64 << 20).send(wire.Frame(b"", bytes(32 << 20)), 0.3)


@pytest.mark.parametrize("sent", [b"", b"CKW1", struct.pack("<4sIQ", wire.MAGIC, 10, 0) + b"half"])
def test_an_end_in_the_middle_says_that_the_other_side_is_gone(
    pair: tuple[socket.socket, socket.socket], sent: bytes
) -> None:
    pair[0].sendall(sent)
    pair[0].close()
    with pytest.raises(wire.WireClosed):
        wire.Channel(pair[1], 100).receive(1)


def test_sending_to_one_that_is_gone_says_so(pair: tuple[socket.socket, socket.socket]) -> None:
    pair[1].close()
    with pytest.raises(wire.WireClosed):
        wire.Channel(pair[0], 100).send(wire.Frame(b"x", b""), 1)
