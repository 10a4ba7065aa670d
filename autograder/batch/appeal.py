"""Everything that is known of one submission: what a teaching assistant needs for an appeal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autograder.course import CourseFolder
from autograder.nbgrader_hooks.commit import Committer, Scores
from autograder.nbgrader_hooks.plan import plan_submission
from autograder.sealed.evidence import Evidence, EvidenceMissing, Judgement, Store
from autograder.sealed.session import stored


@dataclass(frozen=True)
class Appeal:
    """One notebook's result with what it rests on.

    Attributes:
        judgement: None where the submission, or a test, has changed since it was graded.
        evidence: what was seen when the notebook was executed.
        folder: where that evidence lies.
        runs: how many executions of this very notebook are kept.
        problem: why there is nothing to show, or an empty string.
    """

    notebook: str
    judgement: Judgement | None
    evidence: Evidence | None
    folder: Path | None
    runs: int
    problem: str = ""


def appeals(course: CourseFolder, assignment: str, student: str) -> tuple[list[Appeal], Scores]:
    """Return the notebooks of a submission with their evidence, and the gradebook's scores."""
    committer = Committer(course, assignment, course.settings.sandbox)
    plan = plan_submission(
        course, assignment, student, committer.sources, sandbox=course.settings.sandbox
    )
    found = [Appeal(name, None, None, None, 0, why) for name, why in plan.problems.items()]
    for name, job in plan.jobs.items():
        outcome = stored(job)
        if outcome is None:
            why = (
                "It was not graded since it, or a test, last changed. "
                f"Run `autograder grade {assignment} {student}`."
            )
            found.append(Appeal(name, None, None, None, 0, why))
            continue
        store = Store(Path(job.store))
        try:
            evidence, _ = store.read(outcome.key, outcome.run)
        except EvidenceMissing as problem:
            found.append(Appeal(name, outcome.judgement, None, None, 0, str(problem)))
            continue
        folder = store.path(outcome.key, outcome.run)
        found.append(
            Appeal(name, outcome.judgement, evidence, folder, len(store.runs(outcome.key)))
        )
    return found, committer.scores(student)
