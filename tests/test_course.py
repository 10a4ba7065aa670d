"""Where things lie is what nbgrader's configuration says."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from traitlets.config import Config

from autograder.course import NotACourse, open_course, use_interpreters_commands
from tests.batch.one_class import NAME, instructor_notebook


def fill(root: Path, solutions: str = "solutions") -> None:
    folder = root / solutions / NAME
    folder.mkdir(parents=True)
    nbformat.write(instructor_notebook(), folder / f"{NAME}.ipynb")
    (folder / "numbers.csv").write_text("1\n")
    (folder / "sub").mkdir()
    (folder / "sub" / "more.csv").write_text("2\n")
    (folder / "calibration.json").write_text("{}")
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / "old.csv").write_text("")


def test_the_course_is_found_from_a_folder_inside_it(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = course / "solutions"
    monkeypatch.chdir(inside)
    assert open_course().root == course.resolve()
    assert Path.cwd() == inside.resolve()


def test_where_there_is_no_course_the_way_to_one_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotACourse, match="--course"):
        open_course()
    with pytest.raises(NotACourse, match="autograder demo"):
        open_course(tmp_path)


def test_the_projects_own_settings_name_its_folders(course: Path) -> None:
    fill(course)
    found = open_course(course)
    assert found.source(NAME) == course / "solutions" / NAME
    assert found.step("submitted", "ada", NAME) == course / "submitted" / "ada" / NAME
    assert found.hidden(NAME) == course / "hidden" / NAME
    assert found.evidence(NAME, "ada", "nb").is_relative_to(course / ".autograder")
    assert found.assignments() == [NAME]
    assert found.db_url == f"sqlite:///{course / 'gradebook.db'}"


def test_official_files_are_those_that_nbgrader_would_copy(course: Path) -> None:
    fill(course)
    assert set(open_course(course).official_files(NAME)) == {"numbers.csv", "sub/more.csv"}


def test_cells_of_the_grader_are_read_in_the_instructors_notebook(course: Path) -> None:
    fill(course)
    found = open_course(course)
    assert found.grader_cells(NAME, NAME) == {"setup"}
    assert found.cell_order(NAME, NAME)[:3] == ["setup", "double", "test-double"]
    assert found.grader_cells(NAME, "another") == frozenset()
    assert found.cell_order("another", "another") == []


def test_folders_that_the_instructor_renamed_are_honoured(tmp_path: Path) -> None:
    (tmp_path / "nbgrader_config.py").write_text(
        "c = get_config()\n"
        f"c.CourseDirectory.root = {str(tmp_path)!r}\n"
        "c.CourseDirectory.course_id = 'x'\n"
        "c.CourseDirectory.source_directory = 'teacher'\n"
        "c.CourseDirectory.submitted_directory = 'in'\n"
        "c.CourseDirectory.directory_structure = '{nbgrader_step}/{assignment_id}/{student_id}'\n"
        "c.Course.hidden_directory = 'vault'\n"
        "c.Course.state_directory = 'state'\n"
        "c.Course.public_accuracy = True\n"
    )
    for student in ("bo", "al"):
        (tmp_path / "in" / "a1" / student).mkdir(parents=True)
    (tmp_path / "in" / "a1" / "stray.txt").write_text("")
    found = open_course(tmp_path)
    assert found.step("submitted", "al", "a1") == tmp_path / "in" / "a1" / "al"
    assert found.students("a1") == ["al", "bo"]
    assert found.students("a2") == []
    assert found.hidden("a1") == tmp_path / "vault" / "a1"
    assert found.evidence("a1", "al", "nb").is_relative_to(tmp_path / "state")
    assert found.settings.public_accuracy is True
    assert isinstance(found.config, Config)


def test_students_are_those_with_a_folder(course: Path) -> None:
    fill(course)
    for student in ("zoe", "ada"):
        (course / "submitted" / student / NAME).mkdir(parents=True)
    (course / "submitted" / "bob" / "another").mkdir(parents=True)
    assert open_course(course).students(NAME) == ["ada", "zoe"]


def test_the_interpreters_commands_are_on_the_path_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin")
    use_interpreters_commands()
    use_interpreters_commands()
    parts = os.environ["PATH"].split(os.pathsep)
    assert len(parts) == len(set(parts)) == 2
    assert parts[-1] == "/usr/bin"
