"""From a notebook in nbgrader's hands to a job of the sealed grader, and back."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from nbformat import NotebookNode, from_dict

from autograder.calibration import measured_lines
from autograder.course import CourseFolder
from autograder.kernels.limits import limits_for
from autograder.nbgrader_hooks.source import SourceCell, grade_id
from autograder.sealed.evidence import Evidence, Judgement
from autograder.sealed.job import Cell, CellRole, Job, Private


def make_job(
    course: CourseFolder,
    nb: NotebookNode,
    source: Sequence[SourceCell],
    *,
    assignment: str,
    student: str,
    notebook: str,
    sandbox: str | None = None,
    threads: int = 0,
    fresh: bool = False,
) -> Job:
    """Return the job for a notebook whose cells were restored.

    Args:
        course: the course.
        nb: the sanitised notebook; its cells and the job's correspond one to one.
        source: the cells that nbgrader knows.
        assignment: its name; likewise ``student`` and ``notebook``.
        sandbox: overrides the course's setting.
        threads: threads for numeric libraries; 0 leaves the choice to them.
        fresh: whether to execute even where evidence answers.
    """
    known = {cell.name: cell for cell in source}
    trusted = course.grader_cells(assignment, notebook)
    cells = []
    for index, cell in enumerate(nb.cells):
        name = grade_id(cell)
        told = known.get(name) if name is not None else None
        role = _role(cell, told, trusted)
        points = told.points if told is not None and role == "test" else 0.0
        cells.append(
            Cell(id=name or f"cell-{index + 1}", role=role, source=cell.source, points=points)
        )
    lines, notes = measured_lines(course, assignment)
    return Job(
        assignment=assignment,
        student=student,
        notebook=notebook,
        cells=cells,
        submitted=str(course.step("submitted", student, assignment)),
        official={n: str(p) for n, p in course.official_files(assignment).items()},
        private=Private(
            folder=str(course.hidden(assignment)),
            thresholds=lines,
            public_allowed=course.settings.public_accuracy,
            notes=notes,
        ),
        limits=limits_for(assignment, course.config),
        store=str(course.evidence(assignment, student, notebook)),
        sandbox="none" if (sandbox or course.settings.sandbox) == "none" else "bubblewrap",
        env=environment(threads),
        fresh=fresh,
    )


def environment(threads: int = 0) -> dict[str, str]:
    """Return the environment that both sides of a job share."""
    env = {
        "KERAS_BACKEND": os.environ.get("KERAS_BACKEND", "tensorflow"),
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }
    data = os.environ.get("EX7DATA")
    if data:
        env["EX7DATA"] = str(Path(data).resolve())
    if threads:
        names = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
        env |= dict.fromkeys((*names, "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    return env


def fill_outputs(nb: NotebookNode, job: Job, evidence: Evidence, judgement: Judgement) -> None:
    """Put the recorded and the judged outputs into a notebook's cells."""
    recorded = {record.id: record for record in evidence.cells}
    judged = {result.grade_id: result for result in judgement.results}
    for cell, told in zip(nb.cells, job.cells, strict=True):
        if cell.cell_type != "code":
            continue
        cell.outputs, cell.execution_count = [], None
        if told.role == "test":
            cell.outputs = [from_dict(output) for output in judged[told.id].outputs]
        elif told.id in recorded:
            record = recorded[told.id]
            cell.outputs = [from_dict(output) for output in record.outputs]
            cell.execution_count = record.execution_count
            if record.notes:
                text = "".join(f"[autograder] {note}\n" for note in record.notes)
                cell.outputs.append(
                    from_dict({"output_type": "stream", "name": "stdout", "text": text})
                )


def _role(cell: NotebookNode, told: SourceCell | None, trusted: frozenset[str]) -> CellRole:
    if cell.cell_type != "code":
        return "text"
    if told is not None and told.is_test:
        return "test"
    if told is not None and told.locked and told.name in trusted:
        return "grader"
    return "student"
