"""Reading a submission as nbgrader's converter would, without writing anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from autograder.course import CourseFolder
from autograder.nbgrader_hooks.jobs import make_job
from autograder.nbgrader_hooks.restore import restore
from autograder.nbgrader_hooks.source import SourceCell
from autograder.sealed.job import Job


class Unreadable(ValueError):
    """A submitted file is no notebook: its author must hand it in again."""


@dataclass
class Plan:
    """What is to be done for one submission: a job for each of its notebooks."""

    student: str
    jobs: dict[str, Job] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def problem_of(self, notebook: str) -> str:
        """Return why a notebook has no job, or an empty string."""
        return self.problems.get(notebook, "")


def plan_submission(
    course: CourseFolder,
    assignment: str,
    student: str,
    sources: Mapping[str, Sequence[SourceCell]],
    *,
    sandbox: str,
    threads: int = 0,
    fresh: bool = False,
) -> Plan:
    """Return the plan for ``student``: every notebook that the gradebook knows."""
    plan = Plan(student)
    folder = course.step("submitted", student, assignment)
    for notebook, source in sources.items():
        path = folder / f"{notebook}.ipynb"
        try:
            if not path.is_file():
                raise Unreadable(f"{notebook}.ipynb was not handed in.")
            nb = read_notebook(path)
        except Unreadable as problem:
            plan.problems[notebook] = str(problem)
            plan.notes.append(str(problem))
            nb = stand_in(str(problem))
        mended = restore(nb, source)
        plan.notes += [] if notebook in plan.problems else mended
        plan.jobs[notebook] = make_job(
            course, nb, source, assignment=assignment, student=student, notebook=notebook,
            sandbox=sandbox, threads=threads, fresh=fresh,
        )  # fmt: skip
    return plan


def stand_in(problem: str) -> nbformat.NotebookNode:
    """Return an empty notebook that says why it stands in the place of what was handed in."""
    nb: nbformat.NotebookNode = nbformat.v4.new_notebook()
    nb.cells = [nbformat.v4.new_markdown_cell(problem, id="problem")]
    return nb


def read_notebook(path: Path) -> nbformat.NotebookNode:
    """Return the notebook in ``path``, in the current format.

    Raises:
        Unreadable: when it is none.
    """
    try:
        nb: nbformat.NotebookNode = nbformat.read(str(path), as_version=4)
        return nb
    except Exception as error:  # nbformat raises whatever its validator and its parser raise
        raise Unreadable(
            f"{path.name} cannot be read as a notebook ({type(error).__name__}). Open it in "
            "Jupyter, save it, and hand it in again."
        ) from None
