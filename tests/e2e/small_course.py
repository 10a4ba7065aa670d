"""A course of one tiny assignment: what the stock nbgrader commands need, and no more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ASSIGNMENT = "a00-squares"


def _graded(grade_id: str, *, points: float | None = None, **flags: bool) -> dict[str, object]:
    about: dict[str, object] = {
        "schema_version": 3,
        "grade_id": grade_id,
        "grade": points is not None,
        "solution": False,
        "locked": False,
        "task": False,
    }
    about.update(flags)
    if points is not None:
        about["points"] = points
    return {"nbgrader": about}


def instructor_notebook() -> NotebookNode:
    """One task with a visible and a hidden test (4 points), one written answer (2 points)."""
    cells = [
        new_markdown_cell("# Squares", id="title", metadata=_graded("title", locked=True)),
        new_code_cell(
            "def square(x):\n    ### BEGIN SOLUTION\n    return x * x\n    ### END SOLUTION",
            id="square",
            metadata=_graded("square", solution=True),
        ),
        new_code_cell(
            "assert square(3) == 9, 'three squared is nine'\n"
            "### BEGIN HIDDEN TESTS\n"
            "assert square(-12345) == 152399025, 'a larger square is wrong'\n"
            "### END HIDDEN TESTS",
            id="square-test",
            metadata=_graded("square-test", points=4, locked=True),
        ),
        new_markdown_cell(
            "### BEGIN SOLUTION\nBecause.\n### END SOLUTION",
            id="why",
            metadata=_graded("why", points=2, solution=True),
        ),
    ]
    return new_notebook(
        cells=cells,
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
    )


def add_assignment(course: Path) -> None:
    """Write the instructor notebook into the course's ``solutions/``."""
    folder = course / "solutions" / ASSIGNMENT
    folder.mkdir(parents=True)
    nbformat.write(instructor_notebook(), folder / f"{ASSIGNMENT}.ipynb")
    (folder / "numbers.csv").write_text("1,2,3\n")
    (folder / "calibration.json").write_text("{}\n")


def submit(course: Path, student: str, answer: str, *, words: str = "Because.") -> Path:
    """Complete the released notebook as a student would, and hand it in."""
    released = course / "assignments" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    notebook = nbformat.read(released, as_version=4)
    for cell in notebook.cells:
        if cell.id == "square":
            cell.source = answer
        if cell.id == "why":
            cell.source = words
    handed_in = course / "submitted" / student / ASSIGNMENT / released.name
    handed_in.parent.mkdir(parents=True)
    nbformat.write(notebook, handed_in)
    return handed_in


def nbgrader(course: Path, *arguments: str, code: int = 0) -> str:
    """Run a stock nbgrader command in the course's root; return all that it said."""
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [str(Path(sys.executable).parent / "nbgrader"), *arguments],
        cwd=course,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == code, said
    return said
