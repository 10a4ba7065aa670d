"""The whole way of one notebook: from a job to a judgement.

Three kinds of process take part, because each reads something more hostile than the next: the
recorder drives the kernel, the judge runs the tests, and the caller of this module (which may hold
the gradebook) only decodes their reports against a schema.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from autograder.kernels.sandbox import package_folder
from autograder.sealed import record, wire
from autograder.sealed.evidence import CallRecord, EvidenceMissing, Judgement, Store, TestResult
from autograder.sealed.job import Job, submission_digest, tests_digest
from autograder.sealed.judge import unreached
from autograder.sealed.judge_server import (
    Asked,
    Ended,
    Finished,
    JudgeServer,
    Request,
    Started,
    Unanswerable,
    next_event,
)

_PACKAGES = ("keras", "tensorflow", "tensorflow-cpu", "jax", "torch", "numpy", "matplotlib")
_REPORTS = msgspec.msgpack.Decoder(record.Report)


class RecordingFailed(RuntimeError):
    """The kit could not execute a notebook; the sentence says why."""


@dataclass(frozen=True)
class Outcome:
    """A judgement, and how it was come by."""

    judgement: Judgement
    executed: bool
    run: int
    key: str


@dataclass
class _Verdict:
    """What the judges have said so far about one run."""

    results: dict[str, TestResult] = field(default_factory=dict)
    calls: list[CallRecord] = field(default_factory=list)
    arrays: wire.Arrays = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    unanswered: str = ""


def key_of(job: Job) -> str:
    """Return the digest under which the job's evidence is filed."""
    packages = []
    for name in _PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            packages.append(f"{name}=={version(name)}")
    python = ".".join(map(str, sys.version_info[:3]))
    return submission_digest(job, [f"python {python}", f"agent {_agent_version()}", *packages])


@functools.cache
def _agent_version() -> str:
    """Return the digest of the code that decides what the student's side tells."""
    names = ["sealed/agent.py", "sealed/encode.py", "sealed/wire.py"]
    names += ["check/figures.py", "check/compiled.py"]
    digest = hashlib.blake2b(digest_size=8)
    for name in names:
        digest.update((package_folder() / name).read_bytes())
    return digest.hexdigest()


def stored(job: Job) -> Outcome | None:
    """Return the judgement of ``job`` that the store already holds, if any."""
    key, store = key_of(job), Store(Path(job.store))
    tests = tests_digest(job, _judging_code())
    for run in reversed(store.readable_runs(key)):
        judgement = store.read_judgement(key, run, tests)
        if judgement is not None:
            return Outcome(judgement, False, run, key)
    return None


def grade(job: Job, judges: JudgeServer) -> Outcome:
    """Grade ``job``: from a stored judgement, else from evidence, else by executing it.

    Raises:
        RecordingFailed: when the notebook could not be executed at all.
        JudgeFailed: when there is nobody to judge.
    """
    key, store = key_of(job), Store(Path(job.store))
    tests = tests_digest(job, _judging_code())
    runs, every = store.readable_runs(key), store.runs(key)
    if runs and not job.fresh:
        found = store.read_judgement(key, runs[-1], tests)
        if found is not None:
            return Outcome(found, False, runs[-1], key)
        verdict = _judge(job, key, runs[-1], judges, None)
        if not verdict.unanswered:
            return Outcome(_file(job, store, key, runs[-1], tests, verdict), False, runs[-1], key)
    run = (every[-1] if every else 0) + 1
    with _recording(job, key, run) as grader_end:
        verdict = _judge(job, key, run, judges, grader_end)
    return Outcome(_file(job, store, key, run, tests, verdict), True, run, key)


def _judging_code() -> Path:
    return package_folder() / "check"


def _file(job: Job, store: Store, key: str, run: int, tests: str, verdict: _Verdict) -> Judgement:
    try:
        evidence, _ = store.read(key, run)
    except EvidenceMissing as problem:
        raise RecordingFailed(str(problem)) from None
    if verdict.calls:
        earlier, arrays = store.read_calls(key, run)
        store.write_calls(key, run, earlier + verdict.calls, {**arrays, **verdict.arrays})
    results = [verdict.results[c.id] for c in job.cells if c.role == "test"]
    notes = [*evidence.notes, *verdict.notes]
    judgement = Judgement(key=key, run=run, tests=tests, results=results, notes=notes)
    store.write_judgement(judgement)
    return judgement


@contextlib.contextmanager
def _recording(job: Job, key: str, run: int) -> Iterator[socket.socket | None]:
    """Execute the notebook; yield the grader's end of the wire while its kernel lives."""
    control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    grader, student = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    fds = (theirs.fileno(), grader.fileno(), student.fileno())
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "autograder.sealed.record", *map(str, fds)],
        pass_fds=fds,
        env={**os.environ, "PYTHONPATH": str(package_folder().parent)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    theirs.close()
    student.close()
    channel = wire.Channel(control, 1 << 20)
    limits = job.limits
    # twice for a kernel that ended; besides, the starts, the snapshots, the last interrupt
    patience = 2 * limits.submission_seconds + 300.0
    try:
        channel.send(wire.Frame(msgspec.msgpack.encode((job, key, run)), b""), 60.0)
        try:
            report: record.Report = _REPORTS.decode(channel.receive(patience).body)
        except (wire.WireProblem, msgspec.MsgspecError) as problem:
            raise RecordingFailed(
                f"the process that executes the notebook gave no result ({problem}). "
                f"{_last_line(process)}"
            ) from None
        if isinstance(report, record.Failed):
            raise RecordingFailed(report.why)
        yield grader if report.alive else None
    finally:
        channel.close()
        grader.close()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.stderr is not None:
            process.stderr.close()


def _last_line(process: subprocess.Popen[bytes]) -> str:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    text = process.stderr.read().decode(errors="replace") if process.stderr is not None else ""
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""


def _judge(
    job: Job, key: str, run: int, judges: JudgeServer, student: socket.socket | None
) -> _Verdict:
    """Have every test judged; a judge that hangs or dies costs the test that it was at."""
    verdict, gone = _Verdict(), ""
    tests = {cell.id: cell for cell in job.cells if cell.role == "test"}
    while len(verdict.results) < len(tests):
        request = Request(job=job, key=key, run=run, skip=sorted(verdict.results), gone=gone)
        pid, events = judges.start(request, student)
        at = ""
        try:
            while True:
                event, arrays = next_event(events, job.limits.cell_seconds)
                if isinstance(event, Started):
                    at = event.grade_id
                elif isinstance(event, Asked):
                    verdict.calls += event.calls
                    verdict.arrays.update(arrays)
                elif isinstance(event, Finished):
                    verdict.results[event.result.grade_id] = event.result
                elif isinstance(event, Unanswerable):
                    verdict.unanswered = event.why
                    return verdict
                elif isinstance(event, Ended):
                    verdict.notes += event.notes
                    break
        except wire.WireTimeout:
            why = f"This check did not end within {job.limits.cell_seconds:g} s and was stopped."
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        except wire.WireProblem:
            why = "The process that runs this check died, perhaps for want of memory."
        else:
            missing = [c for c in tests if c not in verdict.results]
            for grade_id in missing:  # a judge that ends has told all; this guards the promise
                verdict.results[grade_id] = unreached(tests[grade_id], "This check was not run.")
            break
        finally:
            events.close()
        struck = at if at in tests else next(c for c in tests if c not in verdict.results)
        verdict.results[struck] = unreached(tests[struck], why)
        verdict.notes.append(f"test `{struck}`: {why}")
        # a conversation that was cut in the middle cannot be taken up again
        student, gone = None, f"an earlier check, `{struck}`, was stopped in the middle of a call"
    return verdict
