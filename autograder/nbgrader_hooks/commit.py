"""The one writer of the gradebook: stock nbgrader, replaying what was judged."""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps import NbGraderAPI
from traitlets.config import Config

from autograder.course import CourseFolder, from_config
from autograder.nbgrader_hooks.plan import stand_in
from autograder.nbgrader_hooks.source import SourceCell, notebooks_of, source_cells
from autograder.sealed.files import copy_files


@dataclass
class Scores:
    """A submission's scores as the gradebook holds them, by ``(notebook, grade_id)``."""

    tests: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    manual: dict[tuple[str, str], float] = field(default_factory=dict)
    manual_points: float = 0.0
    max_score: float = 0.0


class Committer:
    """Commits submissions of one assignment, one after the other, from one thread.

    Raises:
        NotReleased: when the gradebook does not know the assignment.
    """

    def __init__(self, course: CourseFolder, assignment: str, sandbox: str) -> None:
        self._assignment = assignment
        self._course = course
        self.sources: dict[str, list[SourceCell]] = {
            name: source_cells(course.db_url, assignment, name, course.cell_order(assignment, name))
            for name in notebooks_of(course.db_url, assignment)
        }
        config = Config(course.config)
        config.Course.sandbox = sandbox
        self._config = config
        self._api = NbGraderAPI(config=config)
        self._api.log.setLevel(logging.CRITICAL)

    @property
    def max_score(self) -> float:
        """The points of the assignment."""
        return sum(c.points for cells in self.sources.values() for c in cells if c.grade)

    def commit(self, student: str, problems: Mapping[str, str] | None = None) -> str:
        """Run nbgrader's autograde for ``student``; return what went wrong, or an empty string.

        Args:
            student: whose submission it is.
            problems: why a notebook cannot be read, by its name. nbgrader would refuse the whole
                submission, so it is given an empty notebook in that one's place.
        """
        with contextlib.ExitStack() as stack:
            api = self._api
            if problems:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                api = self._with_stand_ins(folder, student, problems)
            done = api.autograde(self._assignment, student, force=True, create=True)
        if done["success"]:
            return ""
        lines = (done.get("error") or done.get("log") or "").strip().splitlines()
        return f"nbgrader could not save the result: {lines[-1] if lines else 'no reason given'}"

    def _with_stand_ins(
        self, folder: Path, student: str, problems: Mapping[str, str]
    ) -> NbGraderAPI:
        config = deepcopy(self._config)
        config.CourseDirectory.submitted_directory = str(folder)
        submitted = self._course.step("submitted", student, self._assignment)
        target = from_config(self._course.root, config).step("submitted", student, self._assignment)
        copy_files([submitted], target)
        for notebook, problem in problems.items():
            nbformat.write(stand_in(problem), target / f"{notebook}.ipynb")
        api = NbGraderAPI(config=config)
        api.log.setLevel(logging.CRITICAL)
        return api

    def feedback(self, student: str) -> str:
        """Write the feedback page of ``student``; return what went wrong, or an empty string."""
        done = self._api.generate_feedback(self._assignment, student, force=True)
        if done["success"]:
            return ""
        lines = (done.get("error") or done.get("log") or "").strip().splitlines()
        return f"nbgrader could not write the feedback: {lines[-1] if lines else ''}"

    def scores(self, student: str) -> Scores:
        """Return the scores of ``student`` from the gradebook."""
        found = Scores()
        manual_ids = {
            (name, c.name)
            for name, cells in self.sources.items()
            for c in cells
            if c.grade and not c.is_test
        }
        with Gradebook(self._course.db_url, self._course.directory.course_id) as gradebook:
            try:
                submission = gradebook.find_submission(self._assignment, student)
            except MissingEntry:
                return found
            for notebook in submission.notebooks:
                for grade in notebook.grades:
                    key = (notebook.name, grade.name)
                    found.max_score += float(grade.max_score)
                    if key in manual_ids:
                        found.manual[key] = float(grade.max_score)
                        found.manual_points += float(grade.manual_score or 0.0)
                    else:
                        score = grade.auto_score if grade.auto_score is not None else 0.0
                        found.tests[key] = (float(score), float(grade.max_score))
        rank = {
            (name, c.name): i for name, cells in self.sources.items() for i, c in enumerate(cells)
        }
        found.tests = dict(sorted(found.tests.items(), key=lambda item: rank.get(item[0], 0)))
        found.manual = dict(sorted(found.manual.items(), key=lambda item: rank.get(item[0], 0)))
        return found


def generate(course: CourseFolder, assignment: str) -> str:
    """Generate the release version of ``assignment``; return what went wrong, or nothing."""
    api = NbGraderAPI(config=course.config)
    api.log.setLevel(logging.CRITICAL)
    done = api.generate_assignment(assignment, force=True, create=True)
    if done["success"]:
        return ""
    return str(done.get("error") or done.get("log") or "no reason given")
