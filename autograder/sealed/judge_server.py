"""The warm template of judges: a process that has imported Keras and forks one judge a notebook.

Importing Keras with its backend takes seconds of CPU; a fork takes milliseconds. The template runs
no operation of Keras itself, so that it stays safe to fork. A judge has no gradebook and no network
where the system lets it give the network up; it can be killed at any moment.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import msgspec

from autograder.sealed import wire
from autograder.sealed.evidence import CallRecord, Store, TestResult
from autograder.sealed.job import Job

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What one judge is asked to do: apply the tests that are not in ``skip``.

    ``gone`` says why the student's kernel can no longer be asked, where it was there before.
    """

    job: Job
    key: str
    run: int
    skip: list[str] = []
    gone: str = ""


class Started(msgspec.Struct, frozen=True, tag="started"):
    """The judge begins a test cell."""

    grade_id: str


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    """The judge has a result."""

    result: TestResult


class Asked(msgspec.Struct, frozen=True, tag="asked"):
    """Calls that were answered during the last test; their arrays travel beside."""

    calls: list[CallRecord]


class Unanswerable(msgspec.Struct, frozen=True, tag="unanswerable"):
    """Evidence could not answer a question."""

    why: str


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """The judge is through."""

    notes: list[str]


Event = Started | Finished | Asked | Unanswerable | Ended
_EVENTS = msgspec.msgpack.Decoder(Event)
_REQUESTS = msgspec.msgpack.Decoder(Request)


class JudgeFailed(RuntimeError):
    """The template of judges is gone: nothing can be judged."""


class JudgeServer:
    """Starts the template process when it is first needed, and asks it for judges.

    Safe to use from several threads.
    """

    def __init__(self, env: dict[str, str]) -> None:
        self._env = env
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def _template(self) -> socket.socket:
        if self._socket is not None:
            return self._socket
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        package = str(Path(__file__).resolve().parents[2])
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _START, str(theirs.fileno())],
            pass_fds=(theirs.fileno(),),
            env={**os.environ, **self._env, "PYTHONPATH": package},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        theirs.close()
        self._socket = ours
        return ours

    def start(self, request: Request, student: socket.socket | None) -> tuple[int, wire.Channel]:
        """Fork a judge; return its process number and the channel on which its events come.

        Raises:
            JudgeFailed: when the template is gone.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        fds = [theirs.fileno()] + ([student.fileno()] if student is not None else [])
        body = msgspec.msgpack.encode(request)
        with self._lock, theirs:
            try:
                template = self._template()
                socket.send_fds(template, [len(body).to_bytes(8, "little")], fds)
                template.sendall(body)
                pid = int.from_bytes(_exactly(template, 8), "little")
            except (OSError, EOFError) as error:
                ours.close()
                raise JudgeFailed(
                    f"the process that judges has ended ({error}). Run the command again; if it "
                    "happens again, run `autograder doctor`."
                ) from None
        return pid, wire.Channel(ours, request.job.limits.message_mb << 20)

    def close(self) -> None:
        """End the template; judges that still run go with it."""
        if self._socket is None or self._process is None:
            return
        self._socket.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=2)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def __enter__(self) -> JudgeServer:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


_START = "from autograder.sealed.judge_server import serve; import sys; serve(int(sys.argv[1]))"


def next_event(channel: wire.Channel, timeout: float) -> tuple[Event, wire.Arrays]:
    """Return the next event of a judge.

    Raises:
        WireProblem: when the judge is gone, hangs, or sends no event.
    """
    frame = channel.receive(timeout)
    try:
        event: Event = _EVENTS.decode(frame.body)
    except (msgspec.MsgspecError, ValueError) as error:
        raise wire.WireProblem(f"not an event: {error}") from None
    return event, wire.unpack_arrays(frame.arrays)


def serve(fd: int) -> None:
    """Be the template: import what judges need, then fork one for each request."""
    control = socket.socket(fileno=fd)
    import keras

    import autograder.check
    import autograder.datasets

    _ = keras.Model, autograder.check, autograder.datasets
    with contextlib.suppress(ImportError):
        import matplotlib
        import scipy.io  # noqa: F401

        matplotlib.use("agg")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children need no reaping
    while True:
        try:
            head, fds, _, _ = socket.recv_fds(control, 8, 4)
            if not head:
                return
            head += _exactly(control, 8 - len(head))
            body = _exactly(control, int.from_bytes(head, "little"))
        except (OSError, EOFError):
            return
        pid = os.fork()
        if pid == 0:
            control.close()
            status = 1
            try:
                _child(body, fds)
                status = 0
            finally:
                os._exit(status)
        for descriptor in fds:
            os.close(descriptor)
        control.sendall(pid.to_bytes(8, "little"))


def _child(body: bytes, fds: list[int]) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    # the judge dies with its template (PR_SET_PDEATHSIG)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(1, signal.SIGKILL, 0, 0, 0)
    libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)  # refused on some systems: a second fence only
    request = _REQUESTS.decode(body)
    events = wire.Channel(socket.socket(fileno=fds[0]), request.job.limits.message_mb << 20)
    student = None
    if len(fds) > 1:
        student = wire.Channel(socket.socket(fileno=fds[1]), request.job.limits.message_mb << 20)
    judge(request, events, student)


def judge(request: Request, events: wire.Channel, student: wire.Channel | None) -> None:
    """Apply a request's tests and send what comes of them to ``events``."""
    from autograder import private
    from autograder.sealed.judge import Judge
    from autograder.sealed.link import Link, NeedsExecution
    from autograder.sealed.views import Views

    def send(event: Event, arrays: wire.Arrays | None = None) -> None:
        packed = wire.pack_arrays(arrays or {})
        events.send(wire.Frame(msgspec.msgpack.encode(event), packed))

    job = request.job
    os.environ.update(job.env)
    for folder in {str(Path(target).parent) for target in job.official.values()}:
        os.chdir(folder)  # official data stands beside the notebook
    data = private.PrivateData(
        folder=Path(job.private.folder),
        thresholds=job.private.thresholds,
        public_allowed=job.private.public_allowed,
        notes=list(job.private.notes),
    )
    private.install(data)
    store = Store(Path(job.store))
    evidence, arrays = store.read(request.key, request.run)
    calls, more = store.read_calls(request.key, request.run)
    gone = request.gone or (
        f"its kernel had ended: {evidence.ended}" if evidence.ended and not evidence.answers else ""
    )
    link = Link(student, calls, {**arrays, **more}, job.limits.call_seconds, gone)
    views = Views(link, job.limits)
    judge: Any = Judge(job.cells, evidence, link, views, evidence.ended)
    try:
        for grade_id, result in judge.results(frozenset(request.skip)):
            if result is None:
                send(Started(grade_id))
                continue
            if link.new_calls:
                send(Asked(link.new_calls), link.new_arrays)
                link.new_calls, link.new_arrays = [], {}
            send(Finished(result))
    except NeedsExecution as question:
        send(Unanswerable(str(question)))
        return
    send(Ended([*data.notes, *views.notes]))


def _exactly(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        chunk = sock.recv(size - len(data))
        if not chunk:
            raise EOFError("closed")
        data += chunk
    return data
