"""What sealed grading costs beside the student's own code: `make bench` prints it.

Figures depend on the machine; what is asserted holds on any.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from autograder.batch import grade_class
from autograder.course import open_course
from tests.e2e.small_course import ASSIGNMENT, add_assignment, nbgrader, submit

pytestmark = pytest.mark.sandbox

CLASS = 6


@pytest.fixture
def handed_in(course: Path) -> Path:
    """A class whose notebooks take no time themselves."""
    add_assignment(course)
    nbgrader(course, "generate_assignment", ASSIGNMENT)
    for number in range(CLASS):
        submit(course, f"student{number}", f"def square(x):\n    return x ** 2 + 0 * {number}")
    return course


def test_a_class_is_graded_from_evidence_in_a_fraction_of_the_time(
    handed_in: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def seconds() -> float:
        begin = time.perf_counter()
        result = grade_class(open_course(handed_in), ASSIGNMENT, jobs=1)
        spent = time.perf_counter() - begin
        assert [found.score for found in result.submissions] == [4.0] * CLASS
        return spent

    executed, replayed = seconds(), seconds()
    with capsys.disabled():
        print(
            f"\n{CLASS} notebooks without work of their own, one at a time:"
            f"\n  executed in the sandbox  {executed / CLASS:6.2f} s each"
            f"\n  graded from evidence     {replayed / CLASS:6.2f} s each"
        )
    assert replayed < executed / 2
