"""The cells that a notebook must have, as the gradebook and the instructor's notebook tell them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry


class NotReleased(LookupError):
    """The gradebook does not know the assignment: generate it first."""


@dataclass(frozen=True)
class SourceCell:
    """One cell that nbgrader knows by name.

    Attributes:
        name: its ``grade_id``.
        grade: whether it has points; ``solution``: whether the student writes it; ``task``: a
            manually graded task description.
        locked: whether the student's text is replaced by ``source``.
    """

    name: str
    cell_type: str
    source: str
    checksum: str
    locked: bool
    grade: bool
    solution: bool
    task: bool
    points: float

    @property
    def is_test(self) -> bool:
        """Whether it is an autograded test cell."""
        return self.grade and not self.solution and self.cell_type == "code"

    def metadata(self) -> dict[str, Any]:
        """Return nbgrader's metadata for this cell, whatever a submission says."""
        told: dict[str, Any] = {
            "schema_version": 3,
            "grade_id": self.name,
            "grade": self.grade,
            "solution": self.solution,
            "locked": self.locked,
            "task": self.task,
            "checksum": self.checksum,
            "cell_type": self.cell_type,
        }
        if self.grade or self.task:
            told["points"] = self.points
        return told


def source_cells(
    db_url: str, assignment: str, notebook: str, order: Sequence[str]
) -> list[SourceCell]:
    """Return the cells of a notebook in the instructor's order.

    Raises:
        NotReleased: when the gradebook does not know the notebook.
    """
    with Gradebook(db_url) as gradebook:
        try:
            found = gradebook.find_notebook(notebook, assignment)
        except MissingEntry:
            raise NotReleased(
                f"The gradebook does not know {assignment}/{notebook}. Run "
                f"`nbgrader generate_assignment {assignment}` first."
            ) from None
        graded = {cell.name: cell for cell in found.grade_cells}
        tasks = {cell.name: cell for cell in found.task_cells}
        solutions = {cell.name for cell in found.solution_cells}
        cells = [
            SourceCell(
                name=cell.name,
                cell_type=str(cell.cell_type),
                source=cell.source or "",
                checksum=cell.checksum or "",
                locked=bool(cell.locked),
                grade=cell.name in graded,
                solution=cell.name in solutions or cell.name in tasks,
                task=cell.name in tasks,
                points=float(
                    graded[cell.name].max_score
                    if cell.name in graded
                    else tasks[cell.name].max_score
                    if cell.name in tasks
                    else 0.0
                ),
            )
            for cell in found.source_cells
        ]
    place = {name: i for i, name in enumerate(order)}
    return sorted(cells, key=lambda cell: place.get(cell.name, len(place)))


def grade_id(cell: NotebookNode) -> str | None:
    """Return a cell's ``grade_id``, or None for a cell of the student's own."""
    told = cell.metadata.get("nbgrader")
    name = told.get("grade_id") if isinstance(told, dict) else None
    return name if isinstance(name, str) else None


def notebooks_of(db_url: str, assignment: str) -> list[str]:
    """Return the names of an assignment's notebooks.

    Raises:
        NotReleased: when the gradebook does not know the assignment.
    """
    with Gradebook(db_url) as gradebook:
        try:
            return [notebook.name for notebook in gradebook.find_assignment(assignment).notebooks]
        except MissingEntry:
            raise NotReleased(
                f"The gradebook does not know {assignment!r}. Run "
                f"`nbgrader generate_assignment {assignment}` first."
            ) from None
