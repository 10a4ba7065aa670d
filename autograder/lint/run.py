"""Linting whole notebooks and assignments."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from autograder.calibration import read_table
from autograder.course import CourseFolder
from autograder.lint.cells import HIDDEN, MARK_SCHEME, SOLUTION, LintCell, Markers
from autograder.lint.findings import Finding
from autograder.lint.names import check_names, student_names
from autograder.lint.structure import check_form, check_marks, check_metadata, check_points
from autograder.lint.testcells import (
    check_everywhere,
    check_private,
    check_test,
    magics,
    private_calls,
)


class NoNotebook(LookupError):
    """There is no instructor's notebook of that name; the sentence says which there are."""


def lint_assignment(course: CourseFolder, assignment: str) -> list[Finding]:
    """Return what is to be mended in an assignment, in the order of its notebooks and cells.

    Raises:
        NoNotebook: when the assignment has no notebook.
    """
    paths = sorted(course.source(assignment).glob("*.ipynb")) if assignment else []
    if not paths:
        there = ", ".join(course.assignments()) or "none yet"
        raise NoNotebook(
            f"There is no notebook in {course.source(assignment)}. This course's assignments are: "
            f"{there}."
        )
    findings: list[Finding] = []
    cells: list[LintCell] = []
    for path in paths:
        told = read_cells(path, course)
        if isinstance(told, Finding):
            findings.append(told)
            continue
        findings += lint_notebook(told, course)
        cells += told
    findings += check_points(assignment, cells)
    findings += _private_data(course, assignment, cells)
    return findings


def lint_notebook(cells: list[LintCell], course: CourseFolder | None = None) -> list[Finding]:
    """Return what is to be mended in one notebook's cells."""
    solution, hidden, scheme = _marks(course)
    students = student_names(cells)
    findings = list(check_form(cells))
    for cell in cells:
        findings += check_metadata(cell)
        findings += check_marks(cell, solution, hidden, scheme)
        if cell.role == "text":
            continue
        findings += check_private(cell)
        findings += check_everywhere(cell)
        if cell.role == "test":
            findings += check_test(cell, students)
        elif cell.role == "grader":
            findings += magics(cell)
        if cell.role != "test" and cell.tree is None and not cell.magics:
            findings.append(
                cell.finding("error", "syntax", 0, "This cell is not valid Python. Run it once.")
            )
    findings += check_names(cells)
    return sorted(findings, key=lambda f: (f.position, f.line, f.severity, f.rule))


def read_cells(path: Path, course: CourseFolder | None = None) -> list[LintCell] | Finding:
    """Return a notebook's cells as they stand in the file, or why it cannot be read."""
    try:
        told: Any = json.loads(path.read_text(encoding="utf-8"))
        raw = [cell for cell in told["cells"] if isinstance(cell, dict)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Finding("error", "unreadable", path.stem, "", 0, (
            f"{path.name} cannot be read as a notebook ({type(error).__name__}). Open it in "
            "Jupyter and save it again."
        ))  # fmt: skip
    _, hidden, _ = _marks(course)
    cells = []
    inherited: dict[str, str] = {}
    for position, cell in enumerate(raw):
        source = cell.get("source", "")
        source = "".join(source) if isinstance(source, list) else str(source)
        metadata = cell.get("metadata", {})
        made = LintCell(
            notebook=path.stem,
            position=position,
            kind=str(cell.get("cell_type", "raw")),
            metadata=metadata if isinstance(metadata, dict) else {},
            source=source,
            identity=cell.get("id"),
            outputs=len(cell.get("outputs") or []),
            hidden=frozenset(hidden.lines(source)),
        )
        made = replace(made, inherited=dict(inherited))
        if made.role in ("grader", "student"):
            inherited |= made.imports
        cells.append(made)
    return cells


def hidden_names(cells: list[LintCell]) -> list[str]:
    """Return the names of the private data sets that the tests ask for."""
    found = [
        name
        for cell in cells
        if cell.role == "test"
        for _, function, name in private_calls(cell)
        if function == "hidden" and name
    ]
    return sorted(set(found))


def _private_data(
    course: CourseFolder, assignment: str, cells: list[LintCell]
) -> Iterator[Finding]:
    lines = {name for figures in read_table(course, assignment).values() for name in figures}
    said = set()
    for cell in cells:
        for node, function, name in private_calls(cell) if cell.role == "test" else ():
            if not name or (function, name) in said:
                continue
            said.add((function, name))
            path = course.hidden(assignment) / f"{name}.npz"
            if function == "hidden" and not path.is_file():
                yield cell.finding("warning", "no-data", node.lineno, (
                    f"There is no private data set {name!r} ({path.relative_to(course.root)}), so "
                    "this test gives no points here. `autograder data build` makes one with the "
                    "stand-in, `autograder data holdout` from MNIST."
                ))  # fmt: skip
            if function == "threshold" and name not in lines:
                yield cell.finding("warning", "no-line", node.lineno, (
                    f"The line {name!r} was never measured for {assignment}. "
                    f"`autograder calibrate {assignment} --write` measures it."
                ))  # fmt: skip


def _marks(course: CourseFolder | None) -> tuple[Markers, Markers, Markers]:
    """Return the marks of solutions, hidden tests and mark schemes, as nbgrader is told them."""
    if course is None:
        return SOLUTION, HIDDEN, MARK_SCHEME
    told = course.config

    def marks(section: str, stem: str, usual: Markers) -> Markers:
        settings = told.get(section, {})
        begin = settings.get(f"begin_{stem}_delimeter", usual.begin)  # nbgrader's own spelling
        return Markers(str(begin), str(settings.get(f"end_{stem}_delimeter", usual.end)))

    return (
        marks("ClearSolutions", "solution", SOLUTION),
        marks("ClearHiddenTests", "test", HIDDEN),
        marks("ClearMarkScheme", "mark_scheme", MARK_SCHEME),
    )
