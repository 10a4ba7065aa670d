"""Static analysis of an instructor's notebooks: what would break the sealed grader's contracts.

`lint_assignment` is the whole of it. Nothing is executed: cells are parsed, and names are resolved
as Python's compiler resolves them.
"""

from __future__ import annotations

from autograder.lint.findings import Finding
from autograder.lint.run import hidden_names, lint_assignment, lint_notebook, read_cells

__all__ = ["Finding", "hidden_names", "lint_assignment", "lint_notebook", "read_cells"]
