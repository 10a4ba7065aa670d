"""Stock nbgrader commands and the kit's own grading are one and the same."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbgrader.api import Gradebook

from tests.batch.one_class import (
    CANARY,
    NAME,
    SUBMISSIONS,
    UNREADABLE,
    WITHOUT_NOTEBOOK,
    OneClass,
    one_class,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def graded() -> OneClass:
    return one_class()


def scores(root: Path, student: str) -> dict[str, float | None]:
    """Read a student's autograded scores from the gradebook alone."""
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}", "keras-cnn") as gradebook:
        grades = gradebook.find_submission_notebook(NAME, NAME, student).grades
        return {g.name: g.auto_score for g in grades if g.name.startswith("test-")}


@pytest.fixture(scope="module")
def stock(graded: OneClass, tmp_path_factory: pytest.TempPathFactory) -> OneClass:
    """A copy of the course without a gradebook's scores, graded by stock nbgrader."""
    other = graded.copied(tmp_path_factory.mktemp("stock") / "course", students=[*SUBMISSIONS])
    with Gradebook(f"sqlite:///{other.root / 'gradebook.db'}", "keras-cnn") as gradebook:
        for student in SUBMISSIONS:
            for grade in gradebook.find_submission_notebook(NAME, NAME, student).grades:
                grade.auto_score = None
            gradebook.db.commit()
    other.nbgrader("autograde", NAME, "--force")
    other.nbgrader("generate_feedback", NAME, "--force")
    return other


@pytest.mark.parametrize("student", sorted(SUBMISSIONS))
def test_stock_autograde_gives_the_same_scores_from_the_same_evidence(
    graded: OneClass, stock: OneClass, student: str
) -> None:
    assert scores(stock.root, student) == graded.tests(student)
    assert len(stock.runs(student)) == 1
    assert stock.runs(student)[0].read_bytes() == graded.runs(student)[0].read_bytes()


@pytest.mark.parametrize("student", sorted(SUBMISSIONS))
def test_a_feedback_page_holds_no_hidden_test_and_no_hidden_value(
    stock: OneClass, student: str
) -> None:
    page = (stock.root / "feedback" / student / NAME / f"{NAME}.html").read_text()
    text = BeautifulSoup(page, "html.parser").get_text()
    for secret in (CANARY, str(2 * int(CANARY)), "HIDDEN TESTS", "points = 2", "np.full"):
        assert secret not in page
        assert secret not in text
    assert "double" in text


def test_a_feedback_page_says_what_was_wrong(stock: OneClass) -> None:
    page = (stock.root / "feedback" / "cal" / NAME / f"{NAME}.html").read_text()
    assert "raised ValueError" in BeautifulSoup(page, "html.parser").get_text()


@pytest.mark.parametrize("student", [UNREADABLE, WITHOUT_NOTEBOOK])
def test_a_submission_without_a_readable_notebook_has_scores_and_feedback(
    graded: OneClass, student: str, tmp_path: Path
) -> None:
    assert scores(graded.root, student) == {"test-double": 0, "test-mean": 0, "test-last": 0}
    other = graded.copied(tmp_path / "course", students=[student])
    other.nbgrader("generate_feedback", NAME, "--student", student, "--force")
    page = (other.root / "feedback" / student / NAME / f"{NAME}.html").read_text()
    assert "cannot be read" in page or "not handed in" in page


def test_an_unreadable_notebook_does_not_stop_stock_autograde(
    graded: OneClass, tmp_path: Path
) -> None:
    other = graded.copied(tmp_path / "course", students=["hal", "ina"])
    other.nbgrader("autograde", NAME, "--force", code=None)
    assert scores(other.root, "ina") == graded.tests("ina")


def test_what_the_student_printed_stays_and_the_tests_results_are_ours(graded: OneClass) -> None:
    nb = nbformat.read(graded.root / "autograded" / "gus" / NAME / f"{NAME}.ipynb", 4)
    told = {c.metadata.get("nbgrader", {}).get("grade_id"): c for c in nb.cells}
    kinds = [o.output_type for o in told["test-mean"].outputs]
    assert kinds == ["stream", "execute_result"]
    assert told["test-mean"].outputs[1].data["text/plain"] == "2.0"
    assert all("tags" not in c.metadata for c in nb.cells)


def test_a_tag_cannot_keep_a_test_from_running(graded: OneClass) -> None:
    assert graded.tests("gus")["test-mean"] == 2


def test_same_kernel_mode_executes_as_nbgrader_does(graded: OneClass, tmp_path: Path) -> None:
    other = graded.copied(tmp_path / "course", students=["cal"])
    with (other.root / "nbgrader_config.py").open("a") as file:
        file.write("\nc.SealedExecute.same_kernel = True\n")
    for path in other.runs("cal"):
        path.unlink()
    other.nbgrader("autograde", NAME, "--student", "cal", "--force")
    assert not other.runs("cal"), "nothing was recorded"
    assert scores(other.root, "cal")["test-last"] == 2
    assert scores(other.root, "cal")["test-double"] == 0
