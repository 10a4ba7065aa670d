"""A student's dry run: the visible tests of a notebook, in an ordinary kernel, on any platform.

It runs a copy in memory, top to bottom, in the notebook's folder. It says what nbgrader would make
of each test cell, except that stderr is harmless. It needs no sandbox and no course, and it cannot
know the hidden tests.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec
import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode

from autograder.released_cells import (
    award_line,
    award_of,
    explain,
    first_line,
    heading_of,
    is_manual,
    is_test,
    metadata_of,
    name_of,
    points_of,
    sentence,
    was_changed,
)

Status = Literal["passed", "partial", "not yet"]
INTERRUPT_GRACE = 5.0
_UNTOUCHED = ("YOUR ANSWER HERE", "YOUR CODE HERE")


class NotANotebook(ValueError):
    """The file cannot be checked; the sentence says why and what to do."""


class TestOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one test cell.

    Attributes:
        grade_id: the test cell's nbgrader name.
        heading: the nearest Markdown heading above it.
        status: ``passed`` for all points, ``partial`` for some of them.
        score: points earned here; ``max_score`` is what the cell is worth.
        message: the first sentence of what went wrong, or of why there is partial credit.
        advice: the rest of it: the likely cause and the next step.
        seconds: wall time of the task: its own cells, and the test.
    """

    __test__ = False

    grade_id: str
    heading: str
    status: Status
    score: float
    max_score: float
    message: str = ""
    advice: str = ""
    seconds: float = 0.0


class ManualAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that a person grades; ``written`` is false while it is as it was handed out."""

    grade_id: str
    heading: str
    max_score: float
    written: bool


class DryRun(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a whole notebook."""

    notebook: str
    seconds: float
    tests: list[TestOutcome]
    manual: list[ManualAnswer] = []
    notes: list[str] = []

    @property
    def score(self) -> float:
        """Points that the visible tests gave."""
        return sum(test.score for test in self.tests)

    @property
    def max_score(self) -> float:
        """Points of all test cells."""
        return sum(test.max_score for test in self.tests)

    @property
    def passed(self) -> bool:
        """Whether every visible test gave all its points."""
        return all(test.status == "passed" for test in self.tests)


def check_notebook(
    path: Path,
    *,
    cell_seconds: float = 300.0,
    progress: Callable[[str], None] = lambda heading: None,
) -> DryRun:
    """Run a copy of the notebook in ``path`` and tell what its visible tests say.

    Args:
        path: the notebook; it is only read.
        cell_seconds: wall time of one cell; a longer one is interrupted.
        progress: is told the heading that the run has come to.

    Raises:
        NotANotebook: when there is nothing to run, or nothing to test.
    """
    nb = read_notebook(path)
    if not any(is_test(cell) for cell in nb.cells):
        raise NotANotebook(
            f"{path.name} has no test cells, so there is nothing to check. Perhaps it is another "
            "notebook than the one you were given, or its cells were copied into a new one, which "
            "loses what marks the tests. Work in the released notebook."
        )
    before = hashlib.blake2b(path.read_bytes()).digest()
    run = _Run(nb, path, cell_seconds, progress)
    if sys.platform == "win32":  # pyzmq needs a loop that can watch sockets
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            result = runner.run(run.everything())
    else:
        result = asyncio.run(run.everything())
    if not path.is_file() or hashlib.blake2b(path.read_bytes()).digest() != before:
        note = f"A cell of the notebook changed the file {path.name} itself."
        result = msgspec.structs.replace(result, notes=[*result.notes, note])
    return result


def read_notebook(path: Path) -> NotebookNode:
    """Return the notebook in ``path``, in the current format.

    Raises:
        NotANotebook: when there is none.
    """
    if path.is_dir():
        inside = sorted(p.name for p in path.glob("*.ipynb"))
        hint = f" In it: {', '.join(inside[:5])}." if inside else ""
        raise NotANotebook(f"{path} is a folder. Name the notebook in it.{hint}")
    if not path.is_file():
        raise NotANotebook(f"There is no file {path}. Check its name and the folder you are in.")
    try:
        nb: NotebookNode = nbformat.read(str(path), as_version=4)
    except Exception as error:  # nbformat raises whatever its parser and its validator raise
        raise NotANotebook(
            f"{path.name} cannot be read as a notebook ({type(error).__name__}). The file may be "
            "something else, or damaged. Open it in Jupyter and save it again."
        ) from None
    return nb


class _Manager(AsyncKernelManager):
    """Starts a kernel of this interpreter, whatever kernel the notebook or the machine names."""

    def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
        extra = extra_arguments or []
        return [sys.executable, "-m", "ipykernel_launcher", "-f", self.connection_file, *extra]


class _Run:
    """One run of one notebook."""

    def __init__(
        self, nb: NotebookNode, path: Path, seconds: float, progress: Callable[[str], None]
    ) -> None:
        self._nb, self._path, self._limit, self._progress = nb, path, seconds, progress
        for cell in nb.cells:  # a tag could keep a cell from running; the grader drops them too
            cell.metadata.pop("tags", None)
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        self._notes: list[str] = []
        self._tests: list[TestOutcome] = []
        self._manual: list[ManualAnswer] = []
        self._stopped = ""  # why no further cell can run
        self._trouble = ""  # what went wrong in the cells of the task
        self._tested = False  # whether a test of the task has run
        self._timed_out = False

    async def everything(self) -> DryRun:
        begin = time.monotonic()
        manager = _Manager(kernel_name="python3")
        self._manager = manager
        self._client = NotebookClient(
            self._nb, km=manager, allow_errors=True, timeout=None, coalesce_streams=True
        )
        env = {**os.environ, "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
        env.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        folder = str(self._path.resolve().parent)
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}  # the process's own
        async with self._client.async_setup_kernel(cwd=folder, env=env, **quiet):
            heading, task_began = "", time.monotonic()
            for index, cell in enumerate(self._nb.cells):
                if cell.cell_type == "markdown":
                    heading = heading_of(cell.source) or heading
                    if heading_of(cell.source):
                        self._progress(heading)
                elif cell.cell_type == "code" and cell.source.strip() and not self._stopped:
                    if self._tested and not is_test(cell):  # a new task begins
                        self._tested, self._trouble = False, ""
                    await self._cell(cell, index)
                if is_test(cell):
                    took = round(time.monotonic() - task_began, 2)
                    self._tests.append(self._outcome(cell, heading, took))
                    self._tested, task_began = True, time.monotonic()
                elif cell.cell_type == "code":
                    self._trouble = self._trouble or self._trouble_of(cell)
                if is_manual(cell):
                    self._manual.append(_manual(cell, heading))
                if is_test(cell) and was_changed(cell):
                    self._notes.append(
                        f"The test cell `{metadata_of(cell).get('grade_id')}` differs from the one "
                        "you were given. The grader uses the original."
                    )
        return DryRun(
            notebook=self._path.name,
            seconds=round(time.monotonic() - begin, 2),
            tests=self._tests,
            manual=self._manual,
            notes=self._notes,
        )

    async def _cell(self, cell: NotebookNode, index: int) -> None:
        self._timed_out = False
        work = asyncio.ensure_future(self._client.async_execute_cell(cell, index))
        done, _ = await asyncio.wait({work}, timeout=self._limit)
        if not done:
            self._timed_out = True
            with contextlib.suppress(Exception):
                await self._manager.interrupt_kernel()
            done, _ = await asyncio.wait({work}, timeout=INTERRUPT_GRACE)
            if not done:
                self._stopped = (
                    f"{name_of(cell, index)} ran longer than {self._limit:g} s and did not react "
                    "to an interrupt, so the kernel was ended there"
                )
                with contextlib.suppress(Exception):
                    await self._manager.shutdown_kernel(now=True)
        try:
            await work
        except DeadKernelError:
            self._stopped = self._stopped or f"the kernel ended in {name_of(cell, index)}"
        except Exception as error:  # a reply that nbclient cannot read; the next cells may work
            self._trouble = self._trouble or f"{name_of(cell, index)}: {type(error).__name__}"
        if self._stopped:
            self._notes.append(f"The run stopped early: {self._stopped}.")
        elif self._timed_out:
            self._notes.append(
                f"{name_of(cell, index)} ran longer than {self._limit:g} s and was interrupted. "
                "Perhaps a loop has no end; --cell-seconds gives it more time."
            )

    def _trouble_of(self, cell: NotebookNode) -> str:
        """Return what went wrong in a cell of the student's, or an empty string."""
        if self._timed_out:
            self._timed_out = False
            return f"A cell above it ran longer than {self._limit:g} s and was interrupted."
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                if output.ename == "NotImplementedError":
                    return "The cell above it is still to be written."
                what = f"{output.ename}: {first_line(output.evalue)}".rstrip(": ")
                return f"A cell above it stopped with {what}."
        return ""

    def _outcome(self, cell: NotebookNode, heading: str, seconds: float) -> TestOutcome:
        points = points_of(cell)
        status, score, message, advice = self._verdict(cell, points)
        return TestOutcome(
            grade_id=str(metadata_of(cell).get("grade_id", "")),
            heading=heading,
            status=status,
            score=score,
            max_score=points,
            message=message,
            advice=advice,
            seconds=seconds,
        )

    def _verdict(self, cell: NotebookNode, points: float) -> tuple[Status, float, str, str]:
        if self._stopped:
            return "not yet", 0.0, "This test was not reached.", f"{sentence(self._stopped)}"
        if self._timed_out:
            self._timed_out = False
            return "not yet", 0.0, f"This test did not end within {self._limit:g} s.", self._trouble
        for output in cell.outputs:
            if output.output_type == "error":
                message, advice = explain(output.ename, output.evalue)
                if output.ename != "CheckFailed" and self._trouble:
                    advice = self._trouble
                return "not yet", 0.0, message, advice
        for output in cell.outputs:
            award = award_of(cell, output)
            if award is not None and award < points:
                return "partial", max(award, 0.0), award_line(cell), ""
        return "passed", points, "", ""


def _manual(cell: NotebookNode, heading: str) -> ManualAnswer:
    text = cell.source.strip()
    return ManualAnswer(
        grade_id=str(metadata_of(cell).get("grade_id", "")),
        heading=heading,
        max_score=points_of(cell),
        written=bool(text) and not any(mark in text for mark in _UNTOUCHED),
    )
