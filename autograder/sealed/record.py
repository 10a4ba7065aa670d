"""Phase 1: executing a notebook's cells in the student's kernel, and recording what it leaves.

Runs in a process of its own (`python -m autograder.sealed.record`), because it parses what a
student's kernel sends. It holds no hidden data and no gradebook.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from nbformat import validate

import autograder
from autograder.kernels.sandbox import KIT, make
from autograder.kernels.session import CellRun, KernelFailed, KernelSession, start_kernel
from autograder.sealed import wire
from autograder.sealed.evidence import CellRecord, Evidence, Store
from autograder.sealed.files import copy_files
from autograder.sealed.job import Cell, Job, positions

SERVE = "%%autograder-serve"  # as in `agent`, which is not imported on this side
SNAPSHOT_SECONDS = 60.0


class Recorded(msgspec.Struct, frozen=True, tag="recorded"):
    """The recording is stored; the kernel lives on for questions."""

    alive: bool


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The kit could not record; why."""

    why: str


Report = Recorded | Failed


class Recorder:
    """Executes one job's cells and keeps what they leave."""

    def __init__(self, job: Job, key: str, run: int, channel: wire.Channel) -> None:
        self._job, self._key, self._run = job, key, run
        self._channel = channel
        self._arrays: wire.Arrays = {}
        self._records: list[CellRecord] = []
        self._snapshots: dict[int, dict[str, wire.Value]] = {}
        self._hello: wire.Hello | None = None
        self._notes: list[str] = []
        self._ended = ""
        self._fatal: int | None = None
        self._begin = time.monotonic()

    async def record(self, session: KernelSession) -> None:
        """Run all cells, with a snapshot wherever a test stands."""
        wanted = set(positions(self._job.cells).values())
        executed = 0
        for cell in self._job.cells:
            if cell.role not in ("student", "grader"):
                continue
            if executed in wanted and not self._ended:
                await self._snapshot(session, executed)
            if not self._ended:
                await self._cell(session, cell)
            executed += 1
        if executed in wanted and not self._ended:
            await self._snapshot(session, executed)

    @property
    def recoverable(self) -> bool:
        """Whether a cell ended the kernel, and there is something before it."""
        return bool(self._fatal)

    async def recover(self, session: KernelSession) -> bool:
        """Run again, in a fresh kernel, what stands before the cell that ended the first one.

        The tests of those cells may call their functions, as they can in every other notebook. The
        outputs of the first kernel stay; values and functions are those of the second.
        """
        assert self._fatal is not None
        wanted = set(positions(self._job.cells).values())
        executing = [c for c in self._job.cells if c.role in ("student", "grader")]
        self._hello, self._begin = None, time.monotonic()
        limits = self._job.limits
        for executed, cell in enumerate(executing[: self._fatal + 1]):
            if executed in wanted and not await self._snapshot(session, executed, final=False):
                return False
            left = limits.submission_seconds - (time.monotonic() - self._begin)
            if executed == self._fatal or left <= 0:
                break
            if cell.source.strip():
                await session.run(cell.source, min(limits.cell_seconds, left))
            if not await session.alive():
                return False
        self._notes.append(
            f"Cells before `{executing[self._fatal].id}` were run once more, so that their "
            "functions could be checked."
        )
        return True

    def evidence(self, answers: bool) -> Evidence:
        """Return what was seen; ``answers``: whether a kernel can still be asked."""
        return Evidence(
            key=self._key,
            run=self._run,
            python=self._hello.python if self._hello else "",
            backend=self._hello.backend if self._hello else "",
            seconds=round(time.monotonic() - self._begin, 3),
            ended=self._ended,
            cells=self._records,
            snapshots=self._snapshots,
            notes=self._notes,
            kit=autograder.__version__,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            answers=answers,
        )

    async def _cell(self, session: KernelSession, cell: Cell) -> None:
        limits = self._job.limits
        left = limits.submission_seconds - (time.monotonic() - self._begin)
        if left <= 0:
            self._end(f"the notebook ran longer than its limit of {limits.submission_seconds:g} s")
            return
        if not cell.source.strip():
            outcome = CellRun("ok", [], None, 0.0)
        else:
            outcome = await session.run(cell.source, min(limits.cell_seconds, left))
        self._records.append(
            CellRecord(
                id=cell.id,
                status=outcome.status,
                outputs=[output for o in outcome.outputs if (output := _sound(o)) is not None],
                execution_count=_count(outcome.execution_count),
                seconds=outcome.seconds,
                notes=outcome.notes,
            )
        )
        self._notes += [f"cell `{cell.id}`: {note}" for note in outcome.notes]
        if not await session.alive():
            self._end(f"the kernel ended in cell `{cell.id}`")
            self._fatal = len(self._records) - 1

    def _end(self, why: str) -> None:
        self._ended = why
        self._notes.append(f"The notebook stopped early: {why}.")

    async def _snapshot(self, session: KernelSession, position: int, *, final: bool = True) -> bool:
        await session.request(SERVE)
        try:
            values, arrays = await asyncio.to_thread(self._ask_snapshot, position)
        except wire.WireProblem as problem:
            if final:
                self._end(f"the kernel did not tell its values ({problem})")
            await session.kill()
            return False
        self._arrays.update(arrays)
        self._snapshots[position] = values
        return True

    def _ask_snapshot(self, position: int) -> tuple[dict[str, wire.Value], wire.Arrays]:
        seconds = SNAPSHOT_SECONDS
        if self._hello is None:
            hello, _ = wire.decode_from_student(self._channel.receive(seconds))
            if not isinstance(hello, wire.Hello) or hello.version != wire.VERSION:
                raise wire.WireProblem("its first message is not of this version")
            self._hello = hello
        self._channel.send(wire.encode(wire.Snapshot(str(position)), {}), seconds)
        answer, arrays = wire.decode_from_student(self._channel.receive(seconds))
        if not isinstance(answer, wire.Namespace):
            raise wire.WireProblem("it answered something else")
        self._channel.send(wire.encode(wire.Resume(), {}), seconds)
        done, _ = wire.decode_from_student(self._channel.receive(seconds))
        if not isinstance(done, wire.Done):
            raise wire.WireProblem("it did not go on")
        return answer.values, arrays

    def store(self, evidence: Evidence) -> None:
        """Write the evidence to the job's store."""
        Store(Path(self._job.store)).write(evidence, self._arrays)


async def run(job: Job, key: str, number: int, grader: socket.socket, student: socket.socket,
              control: wire.Channel) -> None:  # fmt: skip
    """Record ``job``, report it, and keep the kernel alive until the control channel closes."""
    channel = wire.Channel(grader, job.limits.message_mb << 20)
    recorder = Recorder(job, key, number, channel)
    sandbox = make(job.sandbox)
    boxed = sandbox.name == "bubblewrap"
    official = {name: Path(target) for name, target in job.official.items()}
    readable = {f"{KIT}/submitted": Path(job.submitted)}
    readable |= {f"{KIT}/official/{name}": path for name, path in official.items()}
    env = {
        **job.env,
        "AUTOGRADER_MESSAGE_MB": str(job.limits.message_mb),
        "AUTOGRADER_COPY": os.pathsep.join((f"{KIT}/submitted", f"{KIT}/official"))
        if boxed
        else "",
        "AUTOGRADER_FILES": str(job.limits.open_files),
        "AUTOGRADER_PROCESSES": str(job.limits.processes) if boxed else "0",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }
    if boxed and "EX7DATA" in job.env:
        readable[f"{KIT}/ex7data.mat"] = Path(job.env["EX7DATA"]).resolve()
        env["EX7DATA"] = f"{KIT}/ex7data.mat"

    def prepare(work: Path) -> None:
        copy_files([Path(job.submitted)], work)
        for name, path in official.items():
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            (work / name).write_bytes(path.read_bytes())

    def argv(connection: str) -> list[str]:
        start = "from autograder.sealed.agent import main; main()"
        return [sys.executable, "-P", "-c", start, connection]

    def kernel(end: socket.socket) -> contextlib.AbstractAsyncContextManager[KernelSession]:
        return start_kernel(
            sandbox, argv, limits=job.limits, readable=readable, wire=end, prepare=prepare,
            env={**env, "AUTOGRADER_WIRE": str(end.fileno())},
        )  # fmt: skip

    async def finish(session: KernelSession | None) -> None:
        recorder.store(recorder.evidence(session is not None))
        if session is not None:
            await session.request(SERVE)
        _report(control, Recorded(session is not None))
        await asyncio.to_thread(_wait_for_end, control)

    spare = student.dup()  # the end of the wire for a second kernel, should the first one die
    async with kernel(student) as session:
        student.close()
        await recorder.record(session)
        if await session.alive():
            spare.close()
            await finish(session)
            return
    if recorder.recoverable:
        async with kernel(spare) as again:
            spare.close()
            if await recorder.recover(again):
                await finish(again)
                return
    spare.close()
    await finish(None)


def _sound(output: dict[str, Any]) -> dict[str, Any] | None:
    """Return an output as text that can be stored, or None where it breaks the format's rules.

    A notebook can send messages of its own making.
    """
    cleaned = _text(output)
    try:
        validate(cleaned, ref="output", version=4)
        msgspec.msgpack.encode(cleaned)
    except Exception:  # whatever the validator and the encoder find
        return None
    return dict(cleaned)


def _text(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_text(k): _text(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_text(v) for v in value]
    return value


def _count(number: Any) -> int | None:
    return number if type(number) is int and 0 <= number < 2**31 else None


def _report(control: wire.Channel, report: Report) -> None:
    control.send(wire.Frame(msgspec.msgpack.encode(report), b""), 60.0)


def _wait_for_end(control: wire.Channel) -> None:
    try:
        control.receive(None)
    except wire.WireProblem:
        return


def main(argv: list[str]) -> None:
    """Entry of the recording process: descriptors of control, grader's and student's end."""
    control_fd, grader_fd, student_fd = (int(a) for a in argv[1:4])
    control = wire.Channel(socket.socket(fileno=control_fd), 512 << 20)
    told: Any = msgspec.msgpack.decode(control.receive(60.0).body, type=tuple[Job, str, int])
    job, key, number = told
    grader = socket.socket(fileno=grader_fd)
    student = socket.socket(fileno=student_fd)
    try:
        asyncio.run(run(job, key, number, grader, student, control))
    except KernelFailed as problem:
        _report(control, Failed(str(problem)))


if __name__ == "__main__":
    main(sys.argv)
