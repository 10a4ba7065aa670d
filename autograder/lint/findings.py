"""What the linter says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """One thing to mend.

    Attributes:
        severity: an ``error`` breaks grading, a release or a promise; a ``warning`` may be meant.
        rule: a short name of the kind of finding, such as ``allclose``.
        notebook: the notebook's name, without its suffix.
        cell: the cell's ``grade_id``, or ``cell-<position>``; empty for the whole notebook.
        line: the line in the cell, from 1; 0 for the whole cell.
        sentence: what is wrong and what to do.
        position: the cell's place in the notebook, for sorting.
    """

    severity: Severity
    rule: str
    notebook: str
    cell: str
    line: int
    sentence: str
    position: int = -1

    @property
    def place(self) -> str:
        """Where it is, as ``notebook · cell:line``."""
        where = f"{self.cell}:{self.line}" if self.line else self.cell
        return f"{self.notebook} · {where}" if where else self.notebook
