"""One student kernel: start it in a sandbox, run cells in it through nbclient, end it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import psutil
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionComplete, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from autograder.kernels.limits import LimitValues
from autograder.kernels.sandbox import Box, Sandbox

CellStatus = Literal["ok", "error", "timeout", "dead"]
INTERRUPT_GRACE = 10.0
READY_SECONDS = 120.0
MEMORY_POLL = 0.5  # seconds between two looks at a kernel's memory


class KernelFailed(RuntimeError):
    """The kernel did not start: see the end of its log in the message."""


@dataclass(frozen=True)
class CellRun:
    """What came of one cell."""

    status: CellStatus
    outputs: list[dict[str, Any]]
    execution_count: int | None
    seconds: float
    notes: list[str] = field(default_factory=list)


class _Manager(AsyncKernelManager):
    """A kernel manager that starts the kernel's command inside a sandbox."""

    build_command: Callable[[str], list[str]]

    def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
        return self.build_command(self.connection_file)


class _BoundedClient(NotebookClient):
    """Counts output while it arrives, and drops what is over the limit."""

    limits: LimitValues = LimitValues()
    total_bytes = 0
    cell_bytes = 0
    dropped = False

    def process_message(
        self, msg: dict[str, Any], cell: NotebookNode, cell_index: int
    ) -> NotebookNode | None:
        if msg["msg_type"] in ("stream", "display_data", "execute_result", "update_display_data"):
            size = _size(msg["content"])
            fits = (
                self.cell_bytes + size <= self.limits.output_kb_per_cell << 10
                and self.total_bytes + size <= self.limits.output_kb << 10
            )
            if not fits:
                self.dropped = True
                return None
            self.cell_bytes += size
            self.total_bytes += size
        try:
            return super().process_message(msg, cell, cell_index)
        except CellExecutionComplete:
            raise
        except Exception:  # a notebook can send messages of its own making; they are not shown
            return None


class _Log:
    """Reads what a kernel writes to its own stdout and stderr, and keeps the end of it.

    A pipe and not a file: a file would let a notebook fill the disk.
    """

    def __init__(self) -> None:
        self._kept = b""

    @contextlib.contextmanager
    def writer(self) -> Iterator[int]:
        """Yield the descriptor to write to, for as long as it takes to start the kernel."""
        reader, end = os.pipe()
        threading.Thread(target=self._read, args=(reader,), daemon=True).start()
        try:
            yield end
        finally:
            os.close(end)

    @property
    def tail(self) -> str:
        """The last characters of the log."""
        return self._kept.decode(errors="replace").strip()[-800:]

    def _read(self, reader: int) -> None:
        with open(reader, "rb", buffering=0) as pipe:
            while chunk := pipe.read(65536):
                self._kept = (self._kept + chunk)[-4096:]


def memory_of(provisioner: Any) -> int:
    """Return the resident memory, in bytes, of a kernel and everything that it started."""
    total = 0
    with contextlib.suppress(psutil.Error, AttributeError):
        process = psutil.Process(provisioner.pid)
        for one in [process, *process.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                total += one.memory_info().rss
    return total


def _size(content: Any) -> int:
    if isinstance(content, str):
        return len(content)
    if isinstance(content, Mapping):
        return sum(_size(value) for value in content.values())
    if isinstance(content, list):
        return sum(_size(value) for value in content)
    return 8


class KernelSession:
    """A running kernel. Made by `start_kernel`."""

    def __init__(self, manager: _Manager, client: _BoundedClient, limits: LimitValues) -> None:
        self._manager = manager
        self._client = client
        self._limits = limits

    async def run(self, source: str, seconds: float, *, stored: bool = True) -> CellRun:
        """Run one cell for at most ``seconds`` of wall time.

        A cell that runs longer is interrupted; when it does not heed that either, the kernel is
        killed and the status is ``dead``.
        """
        cell = new_code_cell(source)
        self._client.nb.cells = [cell]
        self._client.cell_bytes, self._client.dropped = 0, False
        begin = time.monotonic()
        work = asyncio.ensure_future(self._client.async_execute_cell(cell, 0, store_history=stored))
        status: CellStatus = "ok"
        done, heavy = await self._watch(work, seconds)
        if heavy:
            await self.kill()
        elif not done:
            status = "timeout"
            with contextlib.suppress(Exception):
                await self._manager.interrupt_kernel()
            heeded, _ = await asyncio.wait({work}, timeout=INTERRUPT_GRACE)
            if not heeded:
                await self.kill()
        try:
            await work
        except DeadKernelError:
            status = "timeout" if status == "timeout" else "dead"
        alive = await self.alive()
        outputs = [dict(output) for output in cell.get("outputs", [])]
        if status == "ok" and any(o["output_type"] == "error" for o in outputs):
            status = "error"
        notes = []
        if self._client.dropped:
            notes.append(
                f"This cell printed more than {self._limits.output_kb_per_cell} KiB; "
                "the rest was not kept."
            )
        if status == "timeout":
            ended = "" if alive else " It did not react to the interrupt, so the kernel was ended."
            notes.append(f"This cell ran longer than {seconds:g} s and was stopped.{ended}")
        elif heavy:
            status = "dead"
            notes.append(
                f"The notebook used more than {self._limits.memory_mb} MiB of memory in this cell, "
                "so its kernel was ended."
            )
        elif status == "dead" or not alive:
            status = "dead"
            notes.append("The kernel died while this cell ran.")
        return CellRun(
            status,
            outputs,
            cell.get("execution_count"),
            round(time.monotonic() - begin, 3),
            notes,
        )

    async def _watch(self, work: asyncio.Future[NotebookNode], seconds: float) -> tuple[bool, bool]:
        """Wait for a cell; return whether it is done, and whether it used too much memory."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            done, _ = await asyncio.wait({work}, timeout=min(left, MEMORY_POLL))
            if done:
                return True, False
            if memory_of(self._manager.provisioner) > self._limits.memory_mb << 20:
                return False, True
        return False, False

    async def request(self, code: str) -> None:
        """Send an execute request and do not wait for it."""
        assert self._client.kc is not None
        self._client.kc.execute(code, silent=True, store_history=False)

    async def alive(self) -> bool:
        """Tell whether the kernel's process lives."""
        return bool(await self._manager.is_alive())

    async def kill(self) -> None:
        """End the kernel at once, with everything that it started."""
        with contextlib.suppress(Exception):
            await self._manager.shutdown_kernel(now=True)


@contextlib.asynccontextmanager
async def start_kernel(
    sandbox: Sandbox,
    argv: Callable[[str], list[str]],
    *,
    limits: LimitValues,
    readable: Mapping[str, Path],
    env: Mapping[str, str],
    wire: socket.socket,
    prepare: Callable[[Path], None] = lambda work: None,
) -> AsyncIterator[KernelSession]:
    """Start a kernel in ``sandbox``; at exit nothing of it is left.

    Args:
        sandbox: where it runs.
        argv: the command, given the path of the connection file.
        limits: its limits.
        readable: what it may read, by the path inside.
        env: its environment.
        wire: the student's end of the socket pair; the kernel inherits it as a descriptor.
        prepare: fills the working folder on the host, where there is no box to do so inside.

    Raises:
        KernelFailed: when the kernel is not ready in time.
    """
    # short, because the path of a Unix socket has at most 107 characters
    folder = Path(tempfile.mkdtemp(prefix="ck", dir="/tmp"))
    sockets, work = folder / "s", folder / "w"
    sockets.mkdir()
    work.mkdir()
    manager = _Manager(transport="ipc", ip=str(sockets / "k"))
    manager.connection_file = str(sockets / "connection.json")
    client = _BoundedClient(
        new_notebook(), km=manager, allow_errors=True, timeout=None, coalesce_streams=True
    )
    client.limits = limits

    def build(connection_file: str) -> list[str]:
        box = Box(
            argv=argv(connection_file),
            scratch=work,
            limits=limits,
            readable=readable,
            shared={str(sockets): sockets},
            env=env,
        )
        return sandbox.command(box)

    manager.build_command = build
    log = _Log()
    session = KernelSession(manager, client, limits)
    try:
        if sandbox.name == "none":
            prepare(work)
        with log.writer() as end:
            await manager.start_kernel(
                cwd=str(work), stdout=end, stderr=end, pass_fds=(wire.fileno(),), env=os.environ
            )
        # interrupts travel as messages: the box's own process must not get the signal
        assert manager.kernel_spec is not None
        manager.kernel_spec.interrupt_mode = "message"
        client.kc = manager.client()
        client.kc.start_channels()
        try:
            await client.kc.wait_for_ready(timeout=READY_SECONDS)
        except RuntimeError as error:
            raise KernelFailed(
                f"the kernel did not start: {error}. Its log ends: {log.tail}"
            ) from None
        client.kc.allow_stdin = False
        yield session
    finally:
        await session.kill()
        if client.kc is not None:
            client.kc.stop_channels()
        _end_group(manager)
        shutil.rmtree(folder, ignore_errors=True)


def _end_group(manager: _Manager) -> None:
    """Kill what is left of the kernel's process group (there is a box only with bubblewrap)."""
    group = getattr(manager.provisioner, "pgid", None)
    if group:
        with contextlib.suppress(OSError):
            os.killpg(group, signal.SIGKILL)
