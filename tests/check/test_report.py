from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from typing import Any

import pytest

from autograder import check
from autograder.check.report import Report, clean, set_reporter, show


def new_shell() -> Any:
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    return InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))


def test_a_failure_reads_as_three_sentences() -> None:
    failure = check.CheckFailed("It is 3.", "One was added.", "Subtract it.")
    assert str(failure) == "It is 3.\nLikely cause: One was added.\nWhat to do next: Subtract it."
    assert isinstance(failure, AssertionError)


def test_a_failure_survives_pickling() -> None:
    failure = check.CheckFailed("a", "b", "c")
    assert str(pickle.loads(pickle.dumps(failure))) == str(failure)


def test_terminal_escapes_of_a_student_do_not_reach_a_message() -> None:
    failure = check.CheckFailed("layer \x1b[2Jname\r\n\x00", "b", "c")
    assert failure.observed == "layer [2Jname"
    assert len(clean("x" * 10**6)) <= 900


def test_ipython_shows_a_box_without_a_traceback() -> None:
    from IPython.utils.capture import capture_output

    shell = new_shell()
    code = "from autograder import check; check.fail('Seen.', 'Because.', 'Do this.')"
    with capture_output() as captured:
        result = shell.run_cell(code)
    assert isinstance(result.error_in_exec, check.CheckFailed)
    assert "What to do next" in captured.stdout and "Do this." in captured.stdout
    assert "Traceback" not in captured.stdout


def test_a_measurement_is_a_number_whose_text_nbgrader_cannot_read_as_a_score() -> None:
    value = check.Measured(0.973, "accuracy 97.3 %")
    assert value == 0.973 and f"{value:.1f}" == "1.0" and value > 0.97
    for text in (repr(value), str(value), f"{value}"):
        with pytest.raises(ValueError):
            float(text)
    assert repr(copy.deepcopy(value)) == repr(pickle.loads(pickle.dumps(value))) == repr(value)


def test_an_award_at_the_end_of_a_cell_prints_as_a_plain_number(reports: list[Report]) -> None:
    from IPython.utils.capture import capture_output

    shell = new_shell()
    with capture_output() as captured:
        shell.run_cell("from autograder import check; check.award(2.5, 'half')")
    assert captured.stdout.strip() in ("2.5", "Out[0]: 2.5")
    assert reports[-1].kind == "award" and "half" in reports[-1].sentence


def test_each_pass_is_reported_once_and_the_reporter_before_is_given_back() -> None:
    seen: list[Report] = []
    before = set_reporter(seen.append)
    try:
        check.passed("it fits", size=3)
    finally:
        assert set_reporter(before) is not before
    assert seen == [Report("passed", "it fits", (("size", 3.0),))]


def test_a_green_line_prints_even_where_the_terminal_knows_no_check_mark() -> None:
    code = "from autograder import check; check.passed('it fits')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "? it fits\n" and done.stderr == ""


def test_outside_a_notebook_a_pass_is_one_printed_line(capsys: pytest.CaptureFixture[str]) -> None:
    show(Report("passed", "it fits"))
    assert capsys.readouterr().out == "✓ it fits\n"


def test_importing_the_checks_imports_neither_keras_nor_matplotlib_nor_ipython() -> None:
    heavy = ("keras", "tensorflow", "jax", "torch", "matplotlib", "IPython", "sklearn", "scipy")
    code = f"import sys, autograder.check; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
