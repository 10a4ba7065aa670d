"""A student's side in a process of its own, without a kernel: `Agent` over a socket pair."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autograder.kernels.limits import LimitValues
from autograder.sealed import wire
from autograder.sealed.evidence import CallRecord
from autograder.sealed.link import Link
from autograder.sealed.views import Views

_SERVE = """
import socket, sys
from autograder.sealed import wire
from autograder.sealed.agent import Agent
names = {"__name__": "__main__"}
channel = wire.Channel(socket.socket(fileno=int(sys.argv[1])), 64 << 20)
agent = Agent(channel, names)
exec(compile(sys.stdin.read(), "notebook", "exec"), names)
agent.serve()
"""


class Student:
    """A namespace in another process, and views of it."""

    def __init__(self, channel: wire.Channel, call_seconds: float) -> None:
        self.channel = channel
        hello, _ = wire.decode_from_student(channel.receive(120))
        assert isinstance(hello, wire.Hello)
        channel.send(wire.encode(wire.Snapshot("0"), {}), 60)
        told, arrays = wire.decode_from_student(channel.receive(60))
        assert isinstance(told, wire.Namespace)
        self.values = told.values
        self.arrays = arrays
        self.limits = LimitValues(call_seconds=call_seconds)
        self.link = Link(channel, [], dict(arrays), call_seconds)
        self.link.begin_cell("test")
        self.views = Views(self.link, self.limits)

    def __getitem__(self, name: str) -> Any:
        return self.views.decode(self.values[name], name)

    def replay(self) -> Student:
        """Return the same student with what was recorded alone, as evidence gives it."""
        other = object.__new__(Student)
        other.values, other.arrays, other.limits = self.values, self.arrays, self.limits
        calls: list[CallRecord] = list(self.link.new_calls)
        arrays = {**self.arrays, **self.link.new_arrays}
        other.link = Link(None, calls, arrays, self.limits.call_seconds)
        other.link.begin_cell("test")
        other.views = Views(other.link, self.limits)
        return other


@contextlib.contextmanager
def student(source: str, call_seconds: float = 30.0) -> Iterator[Student]:
    """Run ``source`` as a notebook would, and talk to its namespace."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVE, str(theirs.fileno())],
        pass_fds=(theirs.fileno(),),
        stdin=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(root), "MPLBACKEND": "agg"},
        text=True,
    )
    theirs.close()
    assert process.stdin is not None
    with ours:
        try:
            process.stdin.write(textwrap.dedent(source))
            process.stdin.close()
            yield Student(wire.Channel(ours, 64 << 20), call_seconds)
        finally:
            ours.close()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
