"""Grading a class: plan who is to be graded, execute, commit to the gradebook.

`grade_class` is the whole of it; `results` holds the records that come out.
"""

from __future__ import annotations

from autograder.batch.grading import Progress, grade_class
from autograder.batch.results import ClassResult, SubmissionResult, TestScore

__all__ = ["ClassResult", "Progress", "SubmissionResult", "TestScore", "grade_class"]
