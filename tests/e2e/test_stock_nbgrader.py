"""Stock nbgrader commands work in the course's root, without an option and without activation."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from tests.e2e.small_course import ASSIGNMENT, add_assignment, nbgrader, submit

pytestmark = [pytest.mark.slow, pytest.mark.sandbox]

RIGHT = "def square(x):\n    return x * x"
WRONG = "def square(x):\n    return 2 * x"
ONLY_THE_VISIBLE = "def square(x):\n    return 9"


@pytest.fixture(scope="module")
def graded(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course of three students, taken through every step by stock commands."""
    course = tmp_path_factory.mktemp("stock") / "course"
    course.mkdir()
    shutil.copy(root / "nbgrader_config.py", course)
    add_assignment(course)
    nbgrader(course, "generate_assignment", ASSIGNMENT)
    submit(course, "ada", RIGHT)
    submit(course, "bob", WRONG)
    submit(course, "cleo", ONLY_THE_VISIBLE, words="<b>Look</b> <script>steal()</script>")
    nbgrader(course, "autograde", ASSIGNMENT)
    nbgrader(course, "generate_feedback", ASSIGNMENT)
    return course


def _scores(course: Path) -> dict[str, float]:
    nbgrader(course, "export")
    with (course / "grades.csv").open(newline="") as file:
        return {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}


def _released(course: Path) -> str:
    return (course / "assignments" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb").read_text()


def test_a_release_holds_neither_solutions_nor_hidden_tests(graded: Path) -> None:
    text = _released(graded)
    assert "three squared is nine" in text
    assert "x * x" not in text
    assert "12345" not in text


def test_a_release_carries_its_data_but_not_how_its_lines_were_measured(graded: Path) -> None:
    names = {path.name for path in (graded / "assignments" / ASSIGNMENT).iterdir()}
    assert names == {f"{ASSIGNMENT}.ipynb", "numbers.csv"}


def test_autograde_gives_points_for_what_the_answers_do(graded: Path) -> None:
    assert _scores(graded) == {"ada": 4.0, "bob": 0.0, "cleo": 0.0}


def test_autograding_again_executes_nothing_again(graded: Path) -> None:
    before = _executions(graded)
    assert len(before) == 3
    nbgrader(graded, "autograde", ASSIGNMENT, "--force")
    assert _executions(graded) == before
    assert _scores(graded) == {"ada": 4.0, "bob": 0.0, "cleo": 0.0}


def _executions(course: Path) -> dict[Path, int]:
    """When each stored execution was written."""
    files = (course / ".autograder" / "evidence").rglob("evidence.msgpack")
    return {path: path.stat().st_mtime_ns for path in files}


@pytest.mark.parametrize("student", ["ada", "bob", "cleo"])
def test_feedback_shows_no_hidden_test(graded: Path, student: str) -> None:
    page = (graded / "feedback" / student / ASSIGNMENT / f"{ASSIGNMENT}.html").read_text()
    text = BeautifulSoup(page, "html.parser").get_text()
    assert "three squared is nine" in text
    for hidden in ("HIDDEN TESTS", "12345", "152399025"):
        assert hidden not in page


def test_feedback_tells_the_message_of_the_test_that_failed(graded: Path) -> None:
    page = (graded / "feedback" / "cleo" / ASSIGNMENT / f"{ASSIGNMENT}.html").read_text()
    assert "a larger square is wrong" in BeautifulSoup(page, "html.parser").get_text()


def test_feedback_holds_no_script_of_a_student(graded: Path) -> None:
    page = (graded / "feedback" / "cleo" / ASSIGNMENT / f"{ASSIGNMENT}.html").read_text()
    assert "steal()" not in page
    assert "<b>Look</b>" in page


def test_a_released_assignment_is_listed_by_the_exchange_inside_the_course(graded: Path) -> None:
    nbgrader(graded, "release_assignment", ASSIGNMENT)
    assert f"keras-cnn {ASSIGNMENT}" in nbgrader(graded, "list")
    assert (graded / ".exchange" / "keras-cnn" / "outbound" / ASSIGNMENT).is_dir()


def test_a_gradebook_is_made_without_an_activated_environment(course: Path) -> None:
    """nbgrader calls ``alembic`` by its bare name."""
    add_assignment(course)
    done = subprocess.run(
        [str(Path(sys.executable).parent / "nbgrader"), "generate_assignment", ASSIGNMENT],
        cwd=course,
        env={"PATH": "/usr/bin:/bin", "HOME": str(course)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (course / "gradebook.db").is_file()


def test_a_checkout_that_holds_the_released_notebooks_still_fills_its_gradebook(
    graded: Path, course: Path
) -> None:
    """nbgrader skips what is there already, and then knows no assignment."""
    add_assignment(course)
    shutil.copytree(graded / "assignments", course / "assignments")
    nbgrader(course, "generate_assignment", ASSIGNMENT)
    assert ASSIGNMENT in nbgrader(course, "db", "assignment", "list")
    submit(course, "ada", RIGHT)
    nbgrader(course, "autograde", ASSIGNMENT)
    assert _scores(course) == {"ada": 4.0}


def _make(course: Path, target: str) -> subprocess.CompletedProcess[str]:
    """Run a target with this interpreter's environment, taken as it is."""
    return subprocess.run(
        ["make", target, f"VENV={sys.prefix}", "-o", f"{sys.prefix}/.ready"],
        cwd=course,
        capture_output=True,
        text=True,
        check=False,
    )


def test_make_release_check_fails_when_assignments_are_stale_and_says_what_to_run(
    course: Path, root: Path
) -> None:
    shutil.copy(root / "Makefile", course)
    add_assignment(course)
    assert _make(course, "release").returncode == 0, "first release"
    first = _released(course)
    assert not (course / "gradebook.db").exists(), "the course's own gradebook is left alone"

    fresh = _make(course, "release-check")
    assert fresh.returncode == 0, fresh.stdout + fresh.stderr
    assert "up to date" in _make(course, "release").stdout
    assert _released(course) == first

    source = course / "solutions" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    page = json.loads(source.read_text())
    page["cells"][0]["source"] = "# Squares and cubes"
    source.write_text(json.dumps(page))
    stale = _make(course, "release-check")
    assert stale.returncode != 0
    assert "make release" in stale.stdout
    assert _released(course) == first, "a check changes nothing"

    assert _make(course, "release").returncode == 0
    assert "Squares and cubes" in _released(course)
    assert _make(course, "release-check").returncode == 0


def test_make_release_removes_an_assignment_without_a_source(course: Path, root: Path) -> None:
    shutil.copy(root / "Makefile", course)
    add_assignment(course)
    (course / "assignments" / "a99-gone").mkdir(parents=True)
    assert _make(course, "release-check").returncode != 0
    assert _make(course, "release").returncode == 0
    assert [path.name for path in (course / "assignments").iterdir()] == [ASSIGNMENT]
