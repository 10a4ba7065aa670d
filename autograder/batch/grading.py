"""Plan, execute, commit."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import Protocol

from autograder.batch.results import ClassResult, ManualScore, SubmissionResult, TestScore
from autograder.course import CourseFolder
from autograder.kernels.sandbox import SandboxName, choose
from autograder.nbgrader_hooks.commit import Committer
from autograder.nbgrader_hooks.plan import Plan, plan_submission
from autograder.sealed.judge_server import JudgeFailed, JudgeServer
from autograder.sealed.session import Outcome, RecordingFailed, grade


class Progress(Protocol):
    """Is told what happens while a class is graded."""

    def begin(self, total: int) -> None:
        """Say how many submissions there are."""

    def started(self, student: str) -> None:
        """Say that a submission is being executed or judged."""

    def finished(self, result: SubmissionResult) -> None:
        """Say that a submission is committed."""


@dataclass
class _Graded:
    """What the workers made of one submission's notebooks."""

    plan: Plan
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    seconds: float = 0.0
    problem: str = ""


def grade_class(
    course: CourseFolder,
    assignment: str,
    students: Iterable[str] = (),
    *,
    jobs: int = 1,
    fresh: bool = False,
    sandbox: SandboxName = "bubblewrap",
    progress: Progress | None = None,
) -> ClassResult:
    """Grade submissions of ``assignment``: all of them, or those of ``students``.

    Several submissions may be executed at the same time; one thread, the caller's, commits to the
    gradebook through stock nbgrader.

    Raises:
        SandboxMissing: when submissions cannot be boxed here.
        NotReleased: when the gradebook does not know the assignment.
    """
    choose(sandbox)
    committer = Committer(course, assignment, sandbox)
    wanted = list(students) or course.students(assignment)
    there = set(course.students(assignment))
    if progress:
        progress.begin(len(wanted))
    results: dict[str, SubmissionResult] = {}
    threads = max(1, (os.cpu_count() or 1) // jobs) if jobs > 1 else 0
    plans = []
    for student in wanted:
        if student not in there:
            results[student] = _without(student, "missing", "nothing was handed in", committer)
        else:
            plan = plan_submission(
                course, assignment, student, committer.sources,
                sandbox=sandbox, threads=threads, fresh=fresh,
            )  # fmt: skip
            plans.append(plan)
    env = next((job.env for plan in plans for job in plan.jobs.values()), {})
    with JudgeServer(env) as judges, ThreadPoolExecutor(max_workers=jobs) as pool:
        begun: Callable[[str], None] = progress.started if progress else lambda student: None
        waiting: dict[Future[_Graded], str] = {
            pool.submit(_execute, plan, judges, begun): plan.student for plan in plans
        }
        try:
            for future in as_completed(waiting):
                student = waiting[future]
                results[student] = _commit(future.result(), committer)
                if progress:
                    progress.finished(results[student])
        except BaseException:
            for future in waiting:
                future.cancel()
            raise
    return ClassResult(assignment=assignment, submissions=[results[s] for s in wanted])


def _execute(plan: Plan, judges: JudgeServer, begun: Callable[[str], None]) -> _Graded:
    begun(plan.student)
    graded, begin = _Graded(plan), time.monotonic()
    for name, job in plan.jobs.items():
        try:
            graded.outcomes[name] = grade(job, judges)
        except (RecordingFailed, JudgeFailed, OSError) as error:
            graded.problem = str(error)
    graded.seconds = round(time.monotonic() - begin, 2)
    return graded


def _commit(graded: _Graded, committer: Committer) -> SubmissionResult:
    plan = graded.plan
    if graded.problem:
        return _without(plan.student, "failed", graded.problem, committer, graded.seconds)
    problem = committer.commit(plan.student, plan.problems)
    if problem:
        return _without(plan.student, "failed", problem, committer, graded.seconds)
    scores = committer.scores(plan.student)
    messages = {
        (name, result.grade_id): result
        for name, outcome in graded.outcomes.items()
        for result in outcome.judgement.results
    }
    tests = []
    for (name, grade_id), (score, most) in scores.tests.items():
        told = messages.get((name, grade_id))
        tests.append(
            TestScore(
                grade_id=grade_id,
                score=score,
                max_score=most,
                message=plan.problem_of(name) or (told.message if told is not None else ""),
            )
        )
    notes = [*plan.notes]
    for outcome in graded.outcomes.values():
        notes += outcome.judgement.notes
        if outcome.run > 1:
            notes.append(f"scores are from run {outcome.run} of this notebook")
    return SubmissionResult(
        student=plan.student,
        status="graded",
        score=sum(t.score for t in tests) + scores.manual_points,
        max_score=scores.max_score,
        seconds=graded.seconds,
        notes=list(dict.fromkeys(notes)),
        tests=tests,
        manual=[ManualScore(grade_id=g, max_score=m) for (_, g), m in scores.manual.items()],
    )


def _without(
    student: str, status: str, why: str, committer: Committer, seconds: float = 0.0
) -> SubmissionResult:
    return SubmissionResult(
        student=student,
        status="missing" if status == "missing" else "failed",
        score=0.0,
        max_score=committer.max_score,
        seconds=seconds,
        notes=[why],
    )
