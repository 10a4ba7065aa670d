"""What a batch has come to: the records behind ``autograder grade --json``."""

from __future__ import annotations

from collections import Counter
from typing import Literal

import msgspec

Status = Literal["graded", "failed", "missing"]


class TestScore(msgspec.Struct, frozen=True, kw_only=True):
    """One autograded cell of one submission."""

    __test__ = False

    grade_id: str
    score: float
    max_score: float
    message: str


class ManualScore(msgspec.Struct, frozen=True, kw_only=True):
    """One answer that a person grades."""

    grade_id: str
    max_score: float


class SubmissionResult(msgspec.Struct, frozen=True, kw_only=True):
    """One student's result; scores before late penalties."""

    student: str
    status: Status
    score: float
    max_score: float
    seconds: float
    notes: list[str] = []
    tests: list[TestScore] = []
    manual: list[ManualScore] = []


class ClassResult(msgspec.Struct, frozen=True, kw_only=True):
    """A class's results."""

    assignment: str
    submissions: list[SubmissionResult]

    def suspicious_tests(self, share: float = 0.8, at_least: int = 4) -> list[tuple[str, int, int]]:
        """Return the tests that nearly everybody who tried failed: ``(grade_id, failed, of)``.

        A submission without any point is left out: an untouched stub says nothing of a test.
        """
        tried = [s for s in self.submissions if any(t.score > 0 for t in s.tests)]
        failed = Counter(t.grade_id for s in tried for t in s.tests if t.score < t.max_score)
        total = Counter(t.grade_id for s in tried for t in s.tests)
        return [
            (name, failed[name], total[name])
            for name in total
            if total[name] >= at_least and failed[name] >= share * total[name]
        ]

    def exit_code(self) -> int:
        """Return 0 when the kit failed on no submission, else 1."""
        return 1 if any(s.status == "failed" for s in self.submissions) else 0
