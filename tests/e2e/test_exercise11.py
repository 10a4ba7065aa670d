"""Exercise 11 through the real pipeline: sandbox, judge and nbgrader, on real notebooks."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import nbformat
import pytest

from autograder import demo
from autograder.batch import ClassResult, SubmissionResult, grade_class
from autograder.course import CourseFolder, open_course
from autograder.datasets import DataPaths, write_standin
from autograder.nbgrader_hooks.commit import generate
from autograder.redteam.mutants import mutants, quick, spellings, stub, submission, variant

ASSIGNMENT = demo.ASSIGNMENT
MUTANTS = mutants(ASSIGNMENT)
SPELLINGS = spellings(ASSIGNMENT)
BOX = "bubblewrap" if shutil.which("bwrap") else "none"

pytestmark = pytest.mark.slow


def make_course(folder: Path, notebooks: dict[str, nbformat.NotebookNode]) -> CourseFolder:
    demo.make_course(folder, demo.kit_folder(Path(__file__)), 0)
    for name, notebook in notebooks.items():
        path = folder / "submitted" / name / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)
    write_standin(DataPaths.of(folder))
    demo.use_data(folder)
    course = open_course(folder)
    assert generate(course, ASSIGNMENT) == ""
    return course


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> ClassResult:
    """One class on the stand-in: the reference, the stub, every mutant and every spelling."""
    notebooks = {"reference": submission(ASSIGNMENT), "stub": stub(ASSIGNMENT)}
    notebooks |= {f"mutant-{name}": variant(ASSIGNMENT, m) for name, m in MUTANTS.items()}
    notebooks |= {f"spelling-{name}": variant(ASSIGNMENT, s) for name, s in SPELLINGS.items()}
    notebooks["plain"] = submission(ASSIGNMENT, quick(ASSIGNMENT))
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("EX7DATA", raising=False)
        course = make_course(tmp_path_factory.mktemp("standin") / "course", notebooks)
        return grade_class(course, ASSIGNMENT, jobs=os.cpu_count() or 1, sandbox=BOX)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> ClassResult:
    """The reference, the plain network and the stub on the real digits."""
    hidden = os.environ.get("EX7HIDDEN")
    if not os.environ.get("EX7DATA") or not hidden:
        pytest.skip("EX7DATA and EX7HIDDEN name no real digits")
    notebooks = {
        "reference": submission(ASSIGNMENT),
        "plain": submission(ASSIGNMENT, quick(ASSIGNMENT)),
        "stub": stub(ASSIGNMENT),
    }
    course = make_course(tmp_path_factory.mktemp("real") / "course", notebooks)
    shutil.copyfile(hidden, course.hidden(ASSIGNMENT) / "ex7.npz")
    return grade_class(course, ASSIGNMENT, jobs=os.cpu_count() or 1, sandbox=BOX)


def result_of(result: ClassResult, student: str) -> SubmissionResult:
    found = next(s for s in result.submissions if s.student == student)
    assert found.status == "graded", found.notes
    return found


def lost(result: SubmissionResult) -> dict[str, str]:
    return {t.grade_id: t.message for t in result.tests if t.score < t.max_score}


def test_every_submission_of_the_class_has_a_result(standin: ClassResult) -> None:
    assert {s.student: s.notes for s in standin.submissions if s.status != "graded"} == {}


@pytest.mark.parametrize("digits", ["standin", "real"])
def test_the_reference_gets_all_autograded_points(
    digits: str, request: pytest.FixtureRequest
) -> None:
    result = result_of(request.getfixturevalue(digits), "reference")
    assert lost(result) == {}
    assert sum(t.score for t in result.tests) == 92
    assert sum(m.max_score for m in result.manual) == 8


@pytest.mark.parametrize("digits", ["standin", "real"])
def test_the_stub_gets_no_point(digits: str, request: pytest.FixtureRequest) -> None:
    result = result_of(request.getfixturevalue(digits), "stub")
    assert result.score == 0
    assert all(t.score == 0 and t.message for t in result.tests)


@pytest.mark.parametrize("digits", ["standin", "real"])
def test_the_plain_network_gets_full_marks(digits: str, request: pytest.FixtureRequest) -> None:
    assert lost(result_of(request.getfixturevalue(digits), "plain")) == {}


def test_no_threshold_is_borrowed_from_other_data(standin: ClassResult) -> None:
    assert [n for s in standin.submissions for n in s.notes if "threshold" in n] == []


@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_a_mutant_loses_points_in_the_right_tests_with_the_cause_named(
    name: str, standin: ClassResult
) -> None:
    mutant = MUTANTS[name]
    found = lost(result_of(standin, f"mutant-{name}"))
    assert sorted(found) == sorted(mutant.loses), found
    for grade_id, message in found.items():
        assert re.search(mutant.message, message), f"{grade_id}: {message}"


@pytest.mark.parametrize("name", sorted(SPELLINGS))
def test_another_correct_spelling_gets_full_marks(name: str, standin: ClassResult) -> None:
    assert lost(result_of(standin, f"spelling-{name}")) == {}
