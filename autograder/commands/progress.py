"""Showing how a batch gets on: live on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.text import Text

from autograder.batch.grading import Progress
from autograder.batch.results import SubmissionResult


class PlainProgress:
    """One line for each submission that is done."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._total = self._done = 0

    def begin(self, total: int) -> None:
        """Say how many submissions there are."""
        self._total = total
        self._console.print(f"Grading {total} submission{'s' if total != 1 else ''}.")

    def started(self, student: str) -> None:
        """Nothing: a line when it is done is enough."""

    def finished(self, result: SubmissionResult) -> None:
        """Print the submission's line."""
        self._done += 1
        self._console.print(
            f"  {self._done:>3}/{self._total} {escape(result.student)}: {result.status}, "
            f"{result.score:g}/{result.max_score:g}, {result.seconds:.1f} s"
        )


class LiveProgress:
    """One line that tells what is done, what runs and since when, and how long it will take."""

    def __init__(self) -> None:
        self._total = self._done = self._failed = 0
        self._running: dict[str, float] = {}
        self._begin = time.monotonic()

    def begin(self, total: int) -> None:
        """Say how many submissions there are."""
        self._total, self._begin = total, time.monotonic()

    def started(self, student: str) -> None:
        """Note that a submission runs."""
        self._running[student] = time.monotonic()

    def finished(self, result: SubmissionResult) -> None:
        """Note that a submission is done."""
        self._running.pop(result.student, None)
        self._done += 1
        self._failed += result.status == "failed"

    def __rich__(self) -> Text:
        now = time.monotonic()
        gone = max(now - self._begin, 1e-9)
        running = ", ".join(f"{s} {now - t:.0f} s" for s, t in list(self._running.items())[:4])
        left = (self._total - self._done) * gone / self._done if self._done else 0.0
        eta = f", about {left:.0f} s left" if self._done else ""
        failed = f", {self._failed} failed" if self._failed else ""
        rate = f", {60 * self._done / gone:.1f} a minute" if self._done else ""
        return Text(f"{self._done}/{self._total} done{failed}{rate}{eta}  running: {running}")


@contextlib.contextmanager
def make_progress(console: Console) -> Iterator[Progress]:
    """Yield the progress display that fits ``console``."""
    if not console.is_terminal:
        yield PlainProgress(console)
        return
    live = LiveProgress()
    with Live(live, console=console, refresh_per_second=2, transient=True):
        yield live
