"""A class is graded whole: each submission gets what it earned, whatever another one does."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from autograder.batch import grade_class
from autograder.nbgrader_hooks.source import NotReleased
from tests.batch.one_class import (
    CANARY,
    GRADED,
    NAME,
    OneClass,
    answers,
    find,
    instructor_notebook,
    one_class,
    release,
    write,
)

pytestmark = pytest.mark.slow

ALL = {"test-double": 3.0, "test-mean": 5.0, "test-last": 2.0}
NONE = dict.fromkeys(ALL, 0.0)


@pytest.fixture(scope="module")
def graded() -> OneClass:
    return one_class()


@pytest.mark.parametrize(
    ("student", "scores"),
    [
        ("ada", ALL),
        ("bea", NONE),
        ("cal", {**ALL, "test-double": 0.0}),
        ("dan", {**NONE, "test-double": 3.0}),
        ("eve", {**NONE, "test-double": 3.0}),
        ("fay", ALL),
        ("gus", {**ALL, "test-mean": 2.0}),
        ("hal", NONE),
        ("ina", ALL),
        ("ivy", ALL),
        ("jon", NONE),
        ("kim", NONE),
        ("lea", ALL),
        ("max", ALL),
    ],
)
def test_each_submission_earns_what_it_should(
    graded: OneClass, student: str, scores: dict[str, float]
) -> None:
    result = graded.of(student)
    assert result.status == "graded", result.notes
    assert graded.tests(student) == scores
    assert result.score == sum(scores.values())
    assert result.max_score == 12
    assert [(t.grade_id, t.max_score) for t in result.tests] == [
        ("test-double", 3.0),
        ("test-mean", 5.0),
        ("test-last", 2.0),
    ]
    assert [(m.grade_id, m.max_score) for m in result.manual] == [("why", 2.0)]


def test_every_lost_point_has_its_reason(graded: OneClass) -> None:
    for result in graded.result.submissions:
        for test in result.tests:
            assert bool(test.message) == (test.score < test.max_score), (result.student, test)


def test_no_message_holds_a_hidden_value_or_line(graded: OneClass) -> None:
    for result in graded.result.submissions:
        for test in result.tests:
            assert CANARY not in test.message
            assert str(2 * int(CANARY)) not in test.message
            assert "np.full" not in test.message


def test_who_handed_in_nothing_is_missing(graded: OneClass) -> None:
    assert graded.of("zoe").status == "missing"
    assert graded.result.exit_code() == 0


def test_a_notebook_that_cannot_be_read_is_told_so_and_costs_nobody_else(graded: OneClass) -> None:
    for test in graded.of("hal").tests:
        assert "cannot be read as a notebook" in test.message
    assert all("not handed in" in test.message for test in graded.of("kim").tests)
    assert graded.of("ina").status == "graded"  # who comes after it in the list


def test_a_cell_that_ends_the_kernel_costs_what_comes_from_it_on(graded: OneClass) -> None:
    told = {t.grade_id: t.message for t in graded.of("dan").tests}
    assert "the kernel ended in cell `mean`" in told["test-mean"]
    assert any("stopped early" in note for note in graded.of("dan").notes)
    assert any("once more" in note for note in graded.of("dan").notes)


def test_a_cell_that_never_ends_is_cut_and_noted(graded: OneClass) -> None:
    assert any("longer than 8 s" in note for note in graded.of("eve").notes)
    assert graded.of("eve").seconds < 90


def test_what_was_mended_is_noted(graded: OneClass) -> None:
    assert any("`test-double` was missing" in note for note in graded.of("fay").notes)
    assert any("more than once" in note for note in graded.of("ina").notes)


def test_each_notebook_was_executed_once(graded: OneClass) -> None:
    for student in GRADED:
        assert len(graded.runs(student)) == 1, student


def test_no_file_of_a_submission_is_changed_or_made(graded: OneClass) -> None:
    assert {p.name for p in (graded.root / "submitted" / "max" / NAME).iterdir()} == {
        f"{NAME}.ipynb",
        "mine.py",
    }
    nb = nbformat.read(graded.root / "submitted" / "ada" / NAME / f"{NAME}.ipynb", 4)
    assert not any(c.get("outputs") for c in nb.cells)


def test_grading_again_answers_from_the_store(graded: OneClass, tmp_path: Path) -> None:
    other = graded.copied(tmp_path / "course", students=["ada", "cal", "dan", "hal"])
    again = other.grade()
    for result in again.submissions:
        assert result.tests == graded.of(result.student).tests
        assert result.seconds < 2
        assert len(other.runs(result.student)) == 1


def test_fresh_executes_again_as_the_next_run(graded: OneClass, tmp_path: Path) -> None:
    other = graded.copied(tmp_path / "course", students=["ada"])
    (result,) = other.grade(fresh=True).submissions
    assert result.score == 10
    assert len(other.runs("ada")) == 2
    assert "scores are from run 2 of this notebook" in result.notes


def test_a_corrected_test_is_judged_from_the_evidence(graded: OneClass, tmp_path: Path) -> None:
    other = graded.copied(tmp_path / "course", students=["ada", "gus", "dan"])
    nb = instructor_notebook()
    test = find(nb, "test-mean")
    test.source = test.source.replace("points = 2\n", "points = 4\n")
    release(other.root, nb)
    results = {s.student: s for s in other.grade().submissions}
    assert {n: r.tests[1].score for n, r in results.items()} == {"ada": 5, "gus": 4, "dan": 0}
    assert all(len(other.runs(student)) == 1 for student in results)


def test_a_new_question_executes_again_and_all_answers_come_from_that_run(
    graded: OneClass, tmp_path: Path
) -> None:
    other = graded.copied(tmp_path / "course", students=["ada"])
    nb = instructor_notebook()
    test = find(nb, "test-double")
    test.source = test.source.replace(
        "check.array(double(REF)", "double(77)\ncheck.array(double(REF)"
    )
    release(other.root, nb)
    (result,) = other.grade().submissions
    assert result.score == 10
    assert len(other.runs("ada")) == 2
    assert len(other.runs("ada")) == 2
    (again,) = other.grade().submissions
    assert again.tests == result.tests
    assert len(other.runs("ada")) == 2


def test_damaged_evidence_is_executed_again(graded: OneClass, tmp_path: Path) -> None:
    other = graded.copied(tmp_path / "course", students=["ada"])
    (path,) = other.runs("ada")
    path.write_bytes(path.read_bytes()[:50])
    (result,) = other.grade().submissions
    assert (result.status, result.score) == ("graded", 10)
    assert len(other.runs("ada")) == 2


def test_two_at_a_time_earn_the_same(graded: OneClass, tmp_path: Path) -> None:
    other = graded.copied(tmp_path / "course", students=["ada", "cal"])
    for student in ("ada", "cal"):
        for path in other.runs(student):
            path.unlink()
    for result in other.grade(jobs=2).submissions:
        assert {t.grade_id: t.score for t in result.tests} == graded.tests(result.student)


def test_a_worse_second_submission_replaces_the_first_score(
    graded: OneClass, tmp_path: Path
) -> None:
    def worse(nb: nbformat.NotebookNode) -> None:
        answers(double="def double(x):\n    return x")(nb)
        nb.cells.remove(find(nb, "test-double"))
        nb.cells.remove(find(nb, "test-last"))

    other = graded.copied(tmp_path / "course", students=["ada"])
    write(other.root, "ada", worse)
    (result,) = other.grade().submissions
    assert {t.grade_id: t.score for t in result.tests} == {**ALL, "test-double": 0.0}


def test_an_assignment_that_was_never_released_is_refused(graded: OneClass) -> None:
    with pytest.raises(NotReleased, match="generate_assignment"):
        grade_class(graded.course(), "a99", sandbox=graded.sandbox)


def test_a_test_that_nearly_everybody_fails_is_named(graded: OneClass) -> None:
    assert graded.result.suspicious_tests(share=0.2, at_least=2)
    assert not graded.result.suspicious_tests(share=1.1)
