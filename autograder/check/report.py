"""How a check speaks: a failure in three parts, a pass in one green line.

A check knows nothing of kernels or of nbgrader. It raises `CheckFailed` or reports one `Report` to
the current reporter. In a notebook the reporter shows a green line; the grader installs its own.
"""

from __future__ import annotations

import html
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

_WIDTH = 88
_LONGEST = 900

_RED, _GREEN, _AMBER, _BOLD, _PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[1m", "\x1b[0m"


def clean(text: str, longest: int = _LONGEST) -> str:
    """Return ``text`` as one printable line of at most ``longest`` characters.

    Layer names, labels and reasons come from a student's notebook, so control characters (terminal
    escapes among them) must not reach a message.

    >>> clean("layer\\x1b[2J  one\\n")
    'layer [2J one'
    """
    printable = "".join(c if c.isprintable() else " " for c in str(text)[: 4 * longest])
    line = " ".join(printable.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


class CheckFailed(AssertionError):
    """A check's answer when something is not right yet.

    Args:
        observed: what was found, in words.
        cause: the likely reason.
        next_step: what to do now.

    >>> print(CheckFailed("There are 11 outputs.", "0..10 was counted.", "Use Dense(10)."))
    There are 11 outputs.
    Likely cause: 0..10 was counted.
    What to do next: Use Dense(10).
    """

    def __init__(self, observed: str, cause: str, next_step: str) -> None:
        self.observed = clean(observed)
        self.cause = clean(cause)
        self.next_step = clean(next_step)
        super().__init__(self.observed, self.cause, self.next_step)

    def __str__(self) -> str:
        return f"{self.observed}\nLikely cause: {self.cause}\nWhat to do next: {self.next_step}"

    def _render_traceback_(self) -> list[str]:
        """Return the lines that IPython shows in place of a traceback."""
        rows = [f"{_RED}╭─ {_BOLD}✗ Not yet{_PLAIN}"]
        parts = (
            ("What we saw", self.observed),
            ("Likely cause", self.cause),
            ("What to do next", self.next_step),
        )
        for number, (title, text) in enumerate(parts):
            if number:
                rows.append(f"{_RED}│{_PLAIN}")
            rows.append(f"{_RED}│{_PLAIN} {_BOLD}{title}{_PLAIN}")
            rows += [f"{_RED}│{_PLAIN}   {line}" for line in textwrap.wrap(text, _WIDTH - 4)]
        rows.append(f"{_RED}╰─{_PLAIN}")
        return rows


class Measured(float):
    """A number that a check has measured.

    It computes and formats as a float. Its ``repr`` is a sentence, because nbgrader reads a bare
    number at the end of a test cell as that cell's score.

    >>> accuracy = Measured(0.973, "accuracy 97.3 %")
    >>> accuracy
    ✓ accuracy 97.3 %
    >>> f"{accuracy:.2f}", accuracy > 0.95
    ('0.97', True)
    """

    sentence: str
    _announced: bool

    def __new__(cls, value: float, sentence: str) -> Measured:
        """Make the number ``value``, described by ``sentence``."""
        self = super().__new__(cls, value)
        self.sentence = clean(sentence)
        self._announced = False
        return self

    def __getnewargs__(self) -> tuple[float, str]:  # type: ignore[override]
        return (float(self), self.sentence)

    def __repr__(self) -> str:
        return f"✓ {self.sentence}"

    def __str__(self) -> str:
        return repr(self)

    def __format__(self, spec: str) -> str:
        return format(float(self), spec) if spec else repr(self)

    def _ipython_display_(self) -> None:
        # The check has just shown its green line; as the last expression of the same cell the
        # number would repeat it.
        if self._announced:
            self._announced = False
            return
        from IPython.display import display

        display({"text/plain": repr(self)}, raw=True)


@dataclass(frozen=True)
class Report:
    """One line that a check reports.

    Attributes:
        kind: ``"passed"`` for a check, ``"award"`` for the reason of partial credit.
        sentence: the line, without its mark.
        measured: names and values of the numbers behind it.
    """

    kind: Literal["passed", "award"]
    sentence: str
    measured: tuple[tuple[str, float], ...] = ()

    @property
    def line(self) -> str:
        """The line as plain text, with its mark."""
        return f"{'✓' if self.kind == 'passed' else '◐'} {self.sentence}"


Reporter = Callable[[Report], None]


def show(report: Report) -> None:
    """Show a report where the reader is: as HTML in a notebook, else as a printed line."""
    if _in_notebook():
        from IPython.display import display

        colour = "#1a7f37" if report.kind == "passed" else "#9a6700"
        # The bold type stays where a sanitised page drops the colour.
        page = f'<div style="color: {colour}"><b>{html.escape(report.line)}</b></div>'
        display({"text/html": page, "text/plain": report.line}, raw=True)
        return
    try:
        print(report.line)
    except UnicodeEncodeError:  # a Windows console with a legacy code page
        print(report.line.encode("ascii", "replace").decode("ascii"))


def _in_notebook() -> bool:
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")


_reporter: Reporter = show


def set_reporter(reporter: Reporter) -> Reporter:
    """Send every report to ``reporter`` from now on; return the one used before."""
    global _reporter
    previous, _reporter = _reporter, reporter
    return previous


def report(entry: Report) -> None:
    """Hand ``entry`` to the current reporter."""
    _reporter(entry)


def passed(sentence: str, **measured: float) -> None:
    """Report a check that passed, in one sentence.

    >>> passed("12 epochs", epochs=12)
    ✓ 12 epochs
    """
    values = tuple((name, float(value)) for name, value in measured.items())
    report(Report("passed", clean(sentence), values))


def measured(value: float, sentence: str, name: str) -> Measured:
    """Report a check that passed and return its number.

    >>> loss = measured(0.113, "validation loss 0.113", "val_loss")
    ✓ validation loss 0.113
    """
    result = Measured(value, sentence)
    passed(sentence, **{name: value})
    result._announced = True
    return result
