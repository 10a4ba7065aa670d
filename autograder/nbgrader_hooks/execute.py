"""Execution by sealed grading, in the place of nbgrader's `Execute`."""

from __future__ import annotations

import atexit
from pathlib import Path
from typing import Any

from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader.preprocessors import Execute
from traitlets import Bool

from autograder.course import from_config
from autograder.kernels.sandbox import choose
from autograder.nbgrader_hooks.jobs import fill_outputs, make_job
from autograder.nbgrader_hooks.source import source_cells
from autograder.sealed.evidence import Store
from autograder.sealed.job import Job
from autograder.sealed.judge_server import JudgeServer
from autograder.sealed.session import Outcome, grade, stored


class SealedExecute(Execute):
    """Fills a notebook's outputs from stored judgements, from evidence, or by sealed execution.

    With ``c.SealedExecute.same_kernel = True`` it executes as nbgrader itself does, tests in the
    student's process and all: for assignments whose tests were written for that, and whose students
    are trusted.
    """

    same_kernel = Bool(
        False, help="Execute as nbgrader does: tests in the student's kernel, no sandbox."
    ).tag(config=True)

    _judges: JudgeServer | None = None

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict, km: Any = None
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Grade one sanitised notebook and put the outputs into its cells."""
        if self.same_kernel:
            result: tuple[NotebookNode, ResourcesDict] = super().preprocess(nb, resources, km)
            return result
        told = resources["nbgrader"]
        assignment, notebook = told["assignment"], told["notebook"]
        course = from_config(Path.cwd(), self.config)  # converters work in the course's folder
        order = course.cell_order(assignment, notebook)
        job = make_job(
            course,
            nb,
            source_cells(told["db_url"], assignment, notebook, order),
            assignment=assignment,
            student=told["student"],
            notebook=notebook,
        )
        outcome = stored(job) or self._grade(job)
        evidence, _ = Store(Path(job.store)).read(outcome.key, outcome.run)
        fill_outputs(nb, job, evidence, outcome.judgement)
        for note in outcome.judgement.notes:
            self.log.warning("%s: %s", told["student"], note)
        return nb, resources

    def _grade(self, job: Job) -> Outcome:
        choose(job.sandbox)  # refuses here, with how to install it, before anything is started
        cls = type(self)
        if cls._judges is None:
            cls._judges = JudgeServer(job.env)
            atexit.register(cls._judges.close)
        return grade(job, cls._judges)
