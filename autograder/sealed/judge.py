"""Running test cells on the grader's side, against what a notebook's kernel told.

A test cell runs in a fresh namespace. Names that it has not bound itself are looked up when they
are read: first in what the ``grader`` cells before it bound, then in the student's snapshot of its
position.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import io
import math
import random
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

import numpy as np

from autograder.check.award import Award
from autograder.check.report import CheckFailed, Report, set_reporter
from autograder.check.seeding import listeners
from autograder.private import NoPrivateData
from autograder.sealed import wire
from autograder.sealed.evidence import Evidence, TestResult
from autograder.sealed.job import Cell, positions
from autograder.sealed.link import Link, NeedsExecution, StudentGone
from autograder.sealed.views import OpaqueValue, Views

MAX_MESSAGE = 4000
MAX_STDOUT = 20_000


class Unreachable(BaseException):
    """The notebook ended before the place where this test stands."""


class _Names(dict[str, Any]):
    """A test cell's namespace: what it binds, and behind that the student's snapshot."""

    def __init__(self, own: dict[str, Any], lookup: Callable[[str], Any]) -> None:
        super().__init__(own)
        self._lookup = lookup
        self["__builtins__"] = _Builtins(self)

    def __missing__(self, name: str) -> Any:
        if hasattr(builtins, name) or (name.startswith("__") and name.endswith("__")):
            raise KeyError(name)
        value = self._lookup(name)
        self[name] = value  # within one cell a name is fetched once
        return value


class _Builtins(dict[str, Any]):
    """The builtins, and behind them the test cell's namespace.

    The body of a class looks its names up in a way that knows no ``__missing__`` of the globals.
    """

    def __init__(self, names: _Names) -> None:
        super().__init__(vars(builtins))
        self._names = names

    def __missing__(self, name: str) -> Any:
        return self._names[name]


class Judge:
    """Applies the test cells of one notebook to one run's evidence."""

    def __init__(
        self, cells: list[Cell], evidence: Evidence, link: Link, views: Views, ended: str
    ) -> None:
        self._cells = cells
        self._evidence = evidence
        self._link = link
        self._views = views
        self._ended = ended
        self._positions = positions(cells)
        self._official: dict[str, Any] = {}
        self._official_problem = ""

    def results(
        self, skip: frozenset[str] = frozenset()
    ) -> Iterator[tuple[str, TestResult | None]]:
        """Yield ``(grade_id, None)`` before each test cell and ``(grade_id, result)`` after it."""
        for cell in self._cells:
            if cell.role == "grader":
                self._run_official(cell)
            elif cell.role == "test" and cell.id not in skip:
                yield cell.id, None
                yield cell.id, self._test(cell)

    def _run_official(self, cell: Cell) -> None:
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(cell.source, f"<{cell.id}>", "exec"), self._official)
        except Exception as error:
            self._official_problem = (
                f"the grader's own cell `{cell.id}` failed here with {type(error).__name__}: "
                f"{error}. This is the instructor's to mend."
            )

    def _test(self, cell: Cell) -> TestResult:
        self._link.begin_cell(cell.id)
        self._views.forget()
        used: dict[str, str] = {}
        snapshot = self._evidence.snapshots.get(self._positions[cell.id])

        def lookup(name: str) -> Any:
            if snapshot is None:
                if self._positions[cell.id] < len(self._evidence.cells):
                    # the test was not there when the notebook was executed, and its place was run
                    raise NeedsExecution(f"no values were recorded where {cell.id} stands")
                raise Unreachable
            if name not in snapshot:
                raise self._absent(name, cell)
            try:
                value = self._views.decode(snapshot[name], name)
            except wire.WireProblem as problem:
                raise CheckFailed(
                    f"`{name}` could not be read: {problem}.",
                    "The kernel sent something that is no plain data.",
                    "Assign an ordinary array, number, model or function.",
                ) from None
            used[name] = "object" if isinstance(value, OpaqueValue) else type(value).__name__
            return value

        names = _Names({"__name__": "__main__", **self._official}, lookup)
        stdout = io.StringIO()
        measured: list[str] = []

        def report(entry: Report) -> None:
            measured.append(entry.line)
            print(entry.line, file=stdout)

        before = set_reporter(report)
        listeners.append(self._link.seed)
        state = random.getstate(), np.random.get_state()
        outputs: list[dict[str, Any]] = []
        award: Award | None = None
        message, reason = "", "passed"
        box: list[str] | None = None
        try:
            with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(io.StringIO()):
                value = _execute(cell, names)
            if isinstance(value, Award):
                award = value
        except BaseException as error:
            if isinstance(error, (KeyboardInterrupt, GeneratorExit)) or _passes_through(error):
                raise
            message, reason = self._explain(error, used), "failed"
            if isinstance(error, (Unreachable, StudentGone)):
                reason = "unreachable"
            elif isinstance(error, CheckFailed) and not self._official_problem:
                box = error._render_traceback_()
        finally:
            set_reporter(before)
            listeners.remove(self._link.seed)
            random.setstate(state[0])
            np.random.set_state(state[1])
        text = stdout.getvalue()[:MAX_STDOUT]
        if text:
            outputs.append({"output_type": "stream", "name": "stdout", "text": text})
        if reason != "passed":
            outputs.append(failure(message, box))
            return TestResult(
                grade_id=cell.id, score=0.0, max_score=cell.points, message=message,
                outputs=outputs, measured=measured, reason=reason,
            )  # fmt: skip
        score = cell.points if award is None else _clamp(float(award), cell.points)
        if award is not None:
            outputs.append(
                {
                    "output_type": "execute_result",
                    "execution_count": None,
                    "metadata": {},
                    "data": {"text/plain": repr(score)},
                }
            )
            if score < cell.points:
                reason, message = "partial", measured[-1] if measured else "partial credit"
        return TestResult(
            grade_id=cell.id, score=score, max_score=cell.points, message=message[:MAX_MESSAGE],
            outputs=outputs, measured=measured, reason=reason,
        )  # fmt: skip

    def _absent(self, name: str, test: Cell) -> CheckFailed:
        """Say why ``name`` may not exist where ``test`` stands."""
        where, how = self._stopped_before(test)
        cause = "The cell that should make it failed, was left empty, or names it otherwise."
        if how == "NotImplementedError":
            cause = f"The cell `{where}` still holds `raise NotImplementedError()`."
        elif where:
            cause = f"The cell `{where}` above stopped{f' with {how}' if how else ''}."
        return CheckFailed(
            f"`{name}` does not exist when this check runs.",
            cause,
            f"Run the notebook from the top, and see that a cell above assigns `{name}`.",
        )

    def _stopped_before(self, test: Cell) -> tuple[str, str]:
        """Return which cell before ``test`` stopped, and with which built-in exception."""
        above = []
        for cell in self._cells:
            if cell.id == test.id:
                break
            above.append(cell.id)
        stopped = []
        for record in reversed(self._evidence.cells):
            if record.id in above and record.status != "ok":
                named = [o.get("ename") for o in record.outputs if o.get("output_type") == "error"]
                # the kernel's word: only the name of a built-in class is repeated
                known = [n for n in named if isinstance(n, str) and hasattr(builtins, n)]
                stopped.append((record.id, known[0] if known else ""))
        # a NameError is mostly the echo of an earlier failure
        causes = [one for one in stopped if one[1] != "NameError"] or stopped
        return causes[0] if causes else ("", "")

    def _explain(self, error: BaseException, used: dict[str, str]) -> str:
        """Say why a test failed: never its source, its line or a value that it compared with."""
        if self._official_problem:
            return self._official_problem
        if isinstance(error, Unreachable):
            return (
                f"This check could not be reached: {self._ended or 'its place was not recorded'}. "
                "Everything before it was graded."
            )
        if isinstance(error, StudentGone):
            return (
                f"This check could not be asked: {error}. Checks that need no further call were "
                "graded."
            )
        if isinstance(error, (CheckFailed, NoPrivateData)):
            return str(error)[:MAX_MESSAGE]
        function = getattr(error, "student_function", "")
        if function:
            base = next(c.__name__ for c in type(error).__mro__ if hasattr(builtins, c.__name__))
            return (
                f"`{function}` raised {base} when the check called it. It fails on some valid "
                "input. Call it on inputs of other sizes and values, and read the traceback there."
            )
        if type(error) is AssertionError and str(error):
            return str(error)[:MAX_MESSAGE]
        if type(error) is AssertionError:
            return "A check of this cell did not hold. Compare your result with the task's text."
        seen = ", ".join(f"`{name}` ({kind})" for name, kind in used.items())
        return (
            f"The check stopped with {type(error).__name__}"
            + (f" while it used {seen}" if seen else "")
            + ". A value is probably of another kind than the task asks for. Compare the type and "
            "shape of each with the task's text."
        )


def _passes_through(error: BaseException) -> bool:
    return isinstance(error, NeedsExecution)


def _clamp(points: float, maximum: float) -> float:
    return min(max(points, 0.0), maximum) if math.isfinite(points) else 0.0


def _execute(cell: Cell, names: _Names) -> Any:
    """Run a test cell; return the value of its last line when that is an expression."""
    tree = ast.parse(cell.source, f"<{cell.id}>")
    last: CodeType | None = None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        expression = tree.body.pop()
        assert isinstance(expression, ast.Expr)
        last = compile(ast.Expression(expression.value), f"<{cell.id}>", "eval")
    exec(compile(tree, f"<{cell.id}>", "exec"), names)
    return eval(last, names) if last is not None else None


def failure(message: str, box: list[str] | None = None) -> dict[str, Any]:
    """Return the one error output of a failed test: its message, or that in a readable ``box``."""
    return {
        "output_type": "error",
        "ename": "CheckFailed",
        "evalue": message,
        "traceback": box or [message],
    }


def unreached(cell: Cell, message: str) -> TestResult:
    """Return the result of a test cell that the judge could not finish."""
    return TestResult(
        grade_id=cell.id, score=0.0, max_score=cell.points, message=message,
        outputs=[failure(message)], reason="unreachable",
    )  # fmt: skip
