"""The form of a notebook: nbgrader's metadata, ids, marks, points."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from autograder.lint.cells import LintCell, Markers
from autograder.lint.findings import Finding

SCHEMA = 3
FULL_MARKS = 100.0


def check_metadata(cell: LintCell) -> Iterator[Finding]:
    """Yield what is wrong with one cell's metadata."""
    told = cell.metadata.get("nbgrader")
    if "grader" in cell.tags:
        yield from _grader_tag(cell)
    if told is None:
        return
    if not isinstance(told, dict) or not told:
        yield _invalid(cell, "its nbgrader metadata is no record")
        return
    about = cell.about
    for flag in ("grade", "solution", "locked"):
        if not isinstance(about.get(flag), bool):
            yield _invalid(cell, f"`{flag}` is not true or false")
    if about.get("schema_version") != SCHEMA:
        yield _invalid(cell, f"`schema_version` is not {SCHEMA}")
    marked = any(about.get(k) for k in ("grade", "solution", "locked", "task"))
    name = about.get("grade_id")
    if marked and not (isinstance(name, str) and name):
        yield cell.finding("error", "grade-id", 0, (
            "This cell has no `grade_id`, so nbgrader cannot find it again. Give it a short, "
            "lasting name in Jupyter's assignment toolbar."
        ))  # fmt: skip
    elif marked and not set(str(name)) <= set(_ID):
        yield cell.finding("error", "grade-id", 0, (
            f"The `grade_id` {name!r} has characters that break links and file names. Use letters, "
            "digits, `-` and `_`."
        ))  # fmt: skip
    yield from _points(cell)
    yield from _kind(cell)


_ID = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"


def _invalid(cell: LintCell, why: str) -> Finding:
    return cell.finding("error", "metadata", 0, (
        f"The nbgrader metadata of this cell is invalid: {why}. Set the cell's kind again in "
        "Jupyter's assignment toolbar."
    ))  # fmt: skip


def _grader_tag(cell: LintCell) -> Iterator[Finding]:
    about = cell.about
    if cell.role == "grader":
        return
    if cell.kind != "code":
        why, what = "it holds no code", "Remove the tag."
    elif about.get("grade"):
        why, what = "it is a test", "Remove the tag, or put the official values into another cell."
    else:
        why, what = "students can change it", "Make it a read-only cell of nbgrader's (locked)."
    yield cell.finding("error", "grader-tag", 0, (
        f"This cell is tagged `grader`, but {why}, so the grader ignores the tag. {what}"
    ))  # fmt: skip


def _points(cell: LintCell) -> Iterator[Finding]:
    about = cell.about
    points = about.get("points")
    if about.get("grade") or about.get("task"):
        if points is None:
            yield cell.finding("error", "points", 0, "This graded cell has no points. Set them.")
        elif (
            isinstance(points, bool)
            or not isinstance(points, (int, float))
            or not (math.isfinite(points) and points >= 0)
        ):
            yield cell.finding("error", "points", 0, (
                f"The points of this cell are {points!r}; they must be a number of at least 0."
            ))  # fmt: skip


def _kind(cell: LintCell) -> Iterator[Finding]:
    about = cell.about
    grade, solution, task = (bool(about.get(k)) for k in ("grade", "solution", "task"))
    if cell.kind == "markdown" and not task and grade != solution:
        yield _invalid(cell, "a text cell is either a written answer (grade and solution) or none")
    if task and cell.kind != "markdown":
        yield _invalid(cell, "a task cell must be text")
    if cell.role == "test" and not about.get("locked"):
        yield cell.finding("warning", "unlocked-test", 0, (
            "This test is not locked, so students can change their copy and be misled by it. Lock "
            "it; the grader uses the original in any case."
        ))  # fmt: skip
    if solution and about.get("locked"):
        yield _invalid(cell, "an answer is locked, so nobody can write it")


def check_marks(
    cell: LintCell, solution: Markers, hidden: Markers, scheme: Markers
) -> Iterator[Finding]:
    """Yield marks without a partner, and marks where nbgrader does not look for them."""
    for markers in (solution, hidden, scheme):
        fault = markers.fault(cell.source)
        if fault is not None:
            yield cell.finding("error", "marks", fault[0], (
                f"{fault[1]}: nbgrader cannot release this notebook. Begin and end each region."
            ))  # fmt: skip
    line = _first(cell.source, solution)
    if line and not cell.about.get("solution"):
        yield cell.finding("error", "marks", line, (
            "A solution is marked in a cell that is no answer, so nbgrader refuses to release it. "
            "Make the cell an answer, or remove the marks."
        ))  # fmt: skip
    line = _first(cell.source, hidden)
    if line and cell.role != "test":
        yield cell.finding("error", "marks", line, (
            "A hidden block stands in a cell that is no test. Move it to a test cell: elsewhere "
            "nbgrader refuses to release it, or students would run it."
        ))  # fmt: skip


def _first(source: str, markers: Markers) -> int:
    for number, line in enumerate(source.splitlines(), 1):
        if markers.stand_in(line):
            return number
    return 0


def check_form(cells: list[LintCell]) -> Iterator[Finding]:
    """Yield what is wrong with ids and outputs of one notebook."""
    identities = Counter(cell.identity for cell in cells if cell.identity)
    names = Counter(str(c.about["grade_id"]) for c in cells if c.about.get("grade_id"))
    for cell in cells:
        if not cell.identity:
            yield cell.finding("error", "cell-id", 0, (
                "This cell has no id, so each release would get another one. Open the notebook in "
                "a recent Jupyter and save it (format 4.5)."
            ))  # fmt: skip
        elif identities[cell.identity] > 1:
            yield cell.finding("error", "cell-id", 0, (
                f"The cell id {cell.identity!r} occurs more than once. Give each cell its own."
            ))  # fmt: skip
        if cell.about.get("grade_id") and names[cell.name] > 1:
            yield cell.finding("error", "grade-id", 0, (
                f"The `grade_id` {cell.name!r} occurs {names[cell.name]} times. Each cell needs a "
                "name of its own: rename the copies."
            ))  # fmt: skip
        if cell.outputs:
            yield cell.finding("warning", "outputs", 0, (
                "This cell holds outputs. They make every difference unreadable and may show a "
                "solution: clear all outputs before you commit."
            ))  # fmt: skip


def check_points(assignment: str, cells: list[LintCell]) -> Iterator[Finding]:
    """Yield a warning when an assignment's points do not add up to 100."""
    total = 0.0
    for cell in cells:
        points = cell.about.get("points")
        graded = cell.about.get("grade") or cell.about.get("task")
        if graded and isinstance(points, (int, float)) and math.isfinite(points):
            total += points
    if not math.isclose(total, FULL_MARKS):
        yield Finding("warning", "total", assignment, "", 0, (
            f"The points of {assignment} add up to {total:g}, not to {FULL_MARKS:g}. Change the "
            "points of a test, unless that is meant."
        ))  # fmt: skip
