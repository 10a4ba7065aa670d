from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from autograder import diagnosis
from autograder.commands import doctor
from autograder.course import open_course
from autograder.diagnosis import Item, course_items, keras_and_gpu, secrets_of
from autograder.kernels.selfcheck import Probe


def _app() -> typer.Typer:
    app = typer.Typer()
    app.command("doctor")(doctor.command)
    return app


def _add(course: Path, name: str, test: str) -> None:
    folder = course / "solutions" / name
    folder.mkdir(parents=True)
    about = {"schema_version": 3, "grade_id": "t", "grade": True, "solution": False}
    cell: dict[str, Any] = {"cell_type": "code", "id": "t", "source": test, "outputs": []}
    cell["metadata"] = {"nbgrader": {**about, "locked": True, "task": False, "points": 100}}
    told = {"cells": [cell], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}
    (folder / f"{name}.ipynb").write_text(json.dumps(told))


def _items(course: Path) -> dict[str, Item]:
    return {item.name: item for item in course_items(open_course(course))}


@pytest.mark.sandbox
def test_the_doctor_finds_this_machine_fit_for_grading(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    done = CliRunner().invoke(_app(), ["--course", str(course)])
    assert done.exit_code == 0, done.output
    assert "Grading works here" in done.output
    for what in ("Keras", "alembic", "bubblewrap", "unix_sockets", "Gradebook", "Exchange"):
        assert what in done.output


def test_a_folder_that_is_no_course_is_a_mistake_in_usage(tmp_path: Path) -> None:
    done = CliRunner().invoke(_app(), ["--course", str(tmp_path)])
    assert done.exit_code == 2
    assert "nbgrader_config.py" in done.output


def test_without_bubblewrap_grading_is_broken_and_the_doctor_says_how_to_install_it(
    course: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    [item] = diagnosis.sandbox(open_course(course))
    assert item.state == "broken"
    assert "apt install bubblewrap" in item.advice or "Grade on Linux" in item.advice


def test_without_bubblewrap_a_course_that_trusts_its_notebooks_gets_a_warning(
    course: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = course / "nbgrader_config.py"
    settings.write_text(settings.read_text() + '\nc.Course.sandbox = "none"\n')
    opened = open_course(course)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert [item.state for item in diagnosis.sandbox(opened)] == ["warning"]


def test_a_promise_that_is_not_kept_breaks_grading_and_one_not_yet_kept_warns() -> None:
    leak = diagnosis._promise("box", Probe("network", "No network.", False, "connects"), "broken")
    assert leak.state == "broken" and "A script in the box connects" in leak.found
    known = diagnosis._promise("box", Probe("disk", "No disk.", False, "fills it"), "broken")
    assert known.state == "warning"
    untried = Probe("network", "No network.", False, "could not try: OSError")
    assert "could not be tried" in diagnosis._promise("box", untried, "broken").found


def test_a_backend_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "abacus")
    [item] = keras_and_gpu()
    assert (item.name, item.state) == ("Keras", "broken")
    assert "KERAS_BACKEND" in item.advice


def test_an_assignment_lacks_release_hidden_set_and_lines_until_it_has_them(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EX7DATA", raising=False)
    monkeypatch.chdir(course)  # data is looked for in the working folder, too
    _add(course, "a06", "import autograder\nx = autograder.hidden('ex7')")
    item = _items(course)["a06"]
    assert item.state == "warning"
    assert "not released" in item.found and "no hidden set ex7" in item.found
    assert "data build" in item.advice
    (course / "assignments" / "a06").mkdir(parents=True)
    (course / "assignments" / "a06" / "a06.ipynb").write_text("{}")
    hidden = course / "hidden" / "a06"
    hidden.mkdir(parents=True)
    images = np.random.default_rng(0).random((10, 20, 20, 1)).astype(np.float32)
    np.savez(hidden / "ex7.npz", images=images, labels=np.arange(10))
    item = _items(course)["a06"]
    assert item.state == "fine" and "hidden set ex7" in item.found
    (course / "solutions" / "a06" / "calibration.py").write_text("")
    assert "its data cannot be read" in _items(course)["a06"].found


def test_data_that_was_not_calibrated_is_pointed_out(
    course: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from autograder.calibration import data_key

    monkeypatch.setenv("EX7DATA", str(root / "data" / "ex7data.mat"))
    _add(course, "a06", "x = 1")
    folder = course / "solutions" / "a06"
    (folder / "calibration.py").write_text("")
    hidden = course / "hidden" / "a06"
    hidden.mkdir(parents=True)
    images = np.random.default_rng(0).random((10, 20, 20, 1)).astype(np.float32)
    np.savez(hidden / "ex7.npz", images=images, labels=np.arange(10))
    item = _items(course)["a06"]
    assert "thresholds not measured" in item.found and "calibrate a06 --write" in item.advice
    key = data_key(open_course(course), "a06")
    (folder / "calibration.json").write_text(json.dumps({key: {"plain": {"line": 0.9}}}))
    assert "thresholds" not in _items(course)["a06"].found


def test_a_damaged_gradebook_is_broken_and_a_sound_one_is_only_read(course: Path) -> None:
    book = course / "gradebook.db"
    assert _items(course)["Gradebook"].state == "warning"
    book.write_text("no database" * 100)
    assert _items(course)["Gradebook"].state == "broken"
    book.unlink()
    with sqlite3.connect(book) as wire:
        wire.execute("create table submitted_assignment (id text)")
    before = book.read_bytes()
    assert _items(course)["Gradebook"].state == "fine"
    assert book.read_bytes() == before


def test_an_exchange_that_does_not_exist_is_a_warning(course: Path) -> None:
    settings = course / "nbgrader_config.py"
    settings.write_text(settings.read_text() + f'\nc.Exchange.root = "{course}/nowhere"\n')
    assert _items(course)["Exchange"].state == "warning"


def test_a_variable_that_names_no_file_is_broken(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EX7DATA", "/nowhere/ex7data.mat")
    assert _items(course)["EX7DATA"].state == "broken"


def test_the_secrets_of_a_course_are_those_of_its_configuration(course: Path) -> None:
    settings = course / "nbgrader_config.py"
    settings.write_text(settings.read_text() + '\nc.Course.hidden_directory = "vault"\n')
    names = {path.relative_to(course).as_posix() for path in secrets_of(open_course(course))}
    assert names >= {"solutions", "submitted", "vault", ".autograder", "gradebook.db"}
