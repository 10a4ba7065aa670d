"""A kernel is started in its box, driven cell by cell, and ended with all that it started."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from autograder.kernels.limits import LimitValues
from autograder.kernels.sandbox import SandboxMissing, choose
from autograder.kernels.session import CellRun, KernelFailed, KernelSession, start_kernel

pytestmark = pytest.mark.slow

LIMITS = LimitValues(output_kb_per_cell=64, output_kb=200)


def drive(
    work: Callable[[KernelSession], Awaitable[None]], *, command: list[str] | None = None
) -> None:
    """Start a kernel, do ``work`` with it, and end it."""
    try:
        sandbox = choose("bubblewrap")
    except SandboxMissing:
        assert not os.environ.get("CI")
        sandbox = choose("none")

    def argv(connection: str) -> list[str]:
        start = "from autograder.sealed.agent import main; main()"
        return command or [sys.executable, "-P", "-c", start, connection]

    async def main() -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            env = {
                "AUTOGRADER_WIRE": str(theirs.fileno()),
                "AUTOGRADER_MESSAGE_MB": "64",
                "AUTOGRADER_FILES": "1024",
                "AUTOGRADER_PROCESSES": "256",
            }
            async with start_kernel(
                sandbox, argv, limits=LIMITS, readable={}, env=env, wire=theirs
            ) as session:
                await work(session)

    asyncio.run(main())


def text(run: CellRun) -> str:
    return "".join(str(o.get("text", "")) for o in run.outputs)


def test_cells_run_one_after_another_in_one_kernel() -> None:
    async def work(session: KernelSession) -> None:
        assert (await session.run("x = 2", 20)).status == "ok"
        run = await session.run("print(x)\nx + 1", 20)
        assert (run.status, run.execution_count, text(run)) == ("ok", 2, "2\n")
        assert run.outputs[1]["data"]["text/plain"] == "3"
        run = await session.run("1 / 0", 20)
        assert run.status == "error"
        assert run.outputs[0]["ename"] == "ZeroDivisionError"
        assert (await session.run("x", 20)).outputs[0]["data"]["text/plain"] == "2"

        # a flood of output is cut while it arrives, and said
        run = await session.run("for i in range(20_000): print('y' * 50)", 30)
        assert len(text(run)) <= 64 << 10
        assert any("64 KiB" in note for note in run.notes)

        # a cell that does not end is interrupted; the kernel lives on
        begin = time.monotonic()
        run = await session.run("while True: pass", 1)
        assert run.status == "timeout"
        assert time.monotonic() - begin < 12
        assert "longer than 1 s" in run.notes[0]
        assert (await session.run("x", 20)).outputs[0]["data"]["text/plain"] == "2"

        # messages of a notebook's own making are not shown and end nothing
        forged = (
            "k = get_ipython().kernel\n"
            "for content in ({'data': 5}, {'execution_count': 'x'}, {}):\n"
            "    k.session.send(k.iopub_socket, 'execute_result', content, parent=k.get_parent())\n"
            "print('after')"
        )
        assert "after" in text(await session.run(forged, 20))

        # a kernel that ends is dead, and said
        run = await session.run("import os; os._exit(1)", 20)
        assert run.status == "dead"
        assert not await session.alive()

    drive(work)


def test_nothing_is_left_when_it_ends() -> None:
    folders: list[str] = []

    async def work(session: KernelSession) -> None:
        await session.run("import subprocess; subprocess.Popen(['sleep', '987654'])", 20)
        folders.extend(str(p) for p in Path("/tmp").glob("ck*/s/connection.json"))

    before = set(Path(tempfile.gettempdir()).glob("ck*"))
    drive(work)
    assert folders
    time.sleep(0.5)
    commands = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            commands.append(path.read_bytes())
        except OSError:
            continue
    assert not [c for c in commands if b"987654" in c]
    mine = [f for f in folders if Path(f).parent.parent not in before]
    assert not [f for f in mine if Path(f).exists() and time.time() - os.stat(f).st_mtime < 5]


def test_a_kernel_that_does_not_start_tells_the_end_of_its_log() -> None:
    async def work(session: KernelSession) -> None:
        raise AssertionError("it started")

    with pytest.raises(KernelFailed, match="no such module of mine"):
        drive(work, command=[sys.executable, "-c", "raise SystemExit('no such module of mine')"])
