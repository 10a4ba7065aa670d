from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from autograder.commands import lint as lint_command
from autograder.course import open_course
from autograder.lint import Finding, hidden_names, lint_assignment, lint_notebook, read_cells
from autograder.lint.names import names_in

FINE = "from autograder import check\ncheck.that(double(2) == 4, 'a', 'b', 'c')\n"
BLOCK = "### BEGIN HIDDEN TESTS\n{}\n### END HIDDEN TESTS\n"
DOUBLE = "def double(x):\n    return 2 * x"


def cell(name: str | None, source: str, kind: str = "code", **told: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {}
    if told.pop("tags", None):
        metadata["tags"] = ["grader"]
    if name is not None:
        about = {"schema_version": 3, "grade_id": name, "grade": False, "solution": False}
        metadata["nbgrader"] = {**about, "locked": False, "task": False, **told}
    identity = name or f"plain-{abs(hash(source))}"
    made: dict[str, Any] = {"cell_type": kind, "id": identity, "source": source}
    made["metadata"] = metadata
    if kind == "code":
        made |= {"outputs": [], "execution_count": None}
    return made


def answer(source: str = DOUBLE, name: str = "double") -> dict[str, Any]:
    return cell(name, f"### BEGIN SOLUTION\n{source}\n### END SOLUTION", solution=True)


def test_cell(source: str, name: str = "t", points: float = 100) -> dict[str, Any]:
    return cell(name, source, grade=True, locked=True, points=points)


test_cell.__test__ = False  # type: ignore[attr-defined]


def official(source: str, name: str = "official") -> dict[str, Any]:
    return cell(name, source, locked=True, tags=True)


def findings(tmp_path: Path, *cells: dict[str, Any]) -> list[Finding]:
    path = tmp_path / "nb.ipynb"
    path.write_text(json.dumps({"cells": list(cells), "nbformat": 4, "nbformat_minor": 5}))
    read = read_cells(path)
    return [read] if isinstance(read, Finding) else lint_notebook(read)


def rules(tmp_path: Path, *cells: dict[str, Any]) -> list[tuple[str, str, int]]:
    return [(f.rule, f.cell, f.line) for f in findings(tmp_path, *cells)]


def test_a_sound_notebook_has_no_findings(tmp_path: Path) -> None:
    hidden = (
        "rng = np.random.default_rng(3)\nimages = rng.random((4, 20))\n"
        "check.array(double(images), 2 * images, 'doubled')\n"
        "check.seed(1)\nnoise = np.random.normal(size=3)\n"
        "data = autograder.hidden('ex7')\n"
        "points = 10 if double(1) == 2 else 5\n"
    )
    test = (
        "import autograder\nimport numpy as np\n" + FINE + "check.that(len(labels_ref) == 3, '', "
        "'', '')\n" + BLOCK.format(hidden) + "check.award(3, 'why')"
    )
    sound = (
        cell("text", "# Title", "markdown", locked=True),
        cell(None, "%matplotlib inline\nimport numpy as np\nhelper = 3"),
        official("import numpy as np\nlabels_ref = np.arange(3)\ndef scaled(x):\n    return x"),
        answer("import numpy as np\ndef double(x):\n    return later(x)\ndef later(x): return x"),
        cell(None, "%%time\nresult = double(3)\n!ls\ndisplay(result)"),
        test_cell(test),
        test_cell(FINE + "check.that(result == 6, 'a', 'b', 'c')", "t2"),
        cell("why", "### BEGIN SOLUTION\nx\n### END SOLUTION", "markdown", grade=True,
             solution=True, points=5),
    )  # fmt: skip
    assert findings(tmp_path, *sound) == []


# Each row: the rule, the line where it strikes, and a test cell that breaks it.
BROKEN_TESTS = [
    ("allclose", 2, "import numpy as np\nassert np.allclose(double(1), 2), 'no'"),
    ("allclose", 2, "from numpy import allclose\nassert allclose(double(1), 2), 'no'"),
    ("allclose", 2, FINE.splitlines()[0] + "\ncheck.that(double(1).allclose(2), 'a', 'b', 'c')"),
    ("unseeded", 4, "import numpy as np\n" + FINE + "x = double(np.random.rand(3))"),
    ("unseeded", 4, "import numpy as np\n" + FINE + "x = np.random.default_rng()"),
    ("unseeded", 4, "import random\n" + FINE + "x = random.random()"),
    ("unseeded", 4, "from random import shuffle\n" + FINE + "shuffle([1])"),
    ("unseeded", 4, "import keras\n" + FINE + "x = keras.random.normal((2,))"),
    ("unseeded", 4, "from numpy import random as r\n" + FINE + "x = r.normal()\nr.seed(1)"),
    ("unseeded", 4, "import sklearn.model_selection as s\n" + FINE + "s.train_test_split([1])"),
    ("private", 4, "import autograder\n" + FINE + "x = autograder.hidden('ex7')"),
    ("private", 4, "from autograder import threshold as t\n" + FINE + "x = t('plain')"),
    ("bare-assert", 1, "assert double(1) == 2"),
    ("no-visible-check", 0, "from autograder import check\nx = double(1)\n" + BLOCK.format(
        "check.that(x == 2, 'a', 'b', 'c')")),
    ("no-visible-check", 0, "from autograder import check\ncheck.seed(3)"),
    ("bare-number", 3, FINE + "0.5"),
    ("bare-number", 3, FINE + "float(double(1))"),
    ("bare-number", 3, FINE + "double(1) * 2.0"),
    ("bare-number", 4, FINE + "score = 3\nscore"),
    ("bare-number", 3, FINE + "1\n" + BLOCK.format("check.passed('well')")),
    ("bare-number", 3, FINE + "double(3).mean()"),
    ("stderr", 4, "import sys\n" + FINE + "print('x', file=sys.stderr)"),
    ("stderr", 4, "import sys\n" + FINE + "sys.stderr.write('x')"),
    ("stderr", 4, "import warnings\n" + FINE + "warnings.warn('x')"),
    ("stderr", 4, "import logging\n" + FINE + "logging.error('x')"),
    ("stderr", 4, "import os\n" + FINE + "n = os.write(2, b'x')"),
    ("input", 3, FINE + "x = input()"),
    ("magic", 2, "x = 1\n%time double(1)"),
    ("magic", 2, "x = 1\n!ls"),
    ("tf.keras", 1, "import tensorflow as tf; x = tf.keras.Input\n" + FINE),
    ("tf.keras", 1, "from tensorflow import keras\n" + FINE),
    ("tf.keras", 1, "from tensorflow.keras import layers\n" + FINE),
    ("unbound", 3, FINE + "check.that(dubble(1) == 2, 'a', 'b', 'c')"),
    ("unbound", 3, FINE + "display(double)"),
    ("below", 3, FINE + "check.that(after == 2, 'a', 'b', 'c')"),
    ("import", 1, "check.that(double(2) == 4, 'a', 'b', 'c')"),
    ("import", 3, FINE + "x = np.zeros(3)"),
    ("award", 4, FINE + "if double(1) != 2:\n    check.award(1, 'half')"),
    ("award", 3, FINE + "check.award(1, 'half')\nprint('end')"),
    ("crossing", 3, FINE + "y = double(lambda x: x)"),
    ("crossing", 5, FINE + "def f(x):\n    return x\ny = double(x=f)"),
    ("marks", 3, FINE + "### BEGIN HIDDEN TESTS"),
    ("marks", 3, FINE + "### END HIDDEN TESTS"),
    ("marks", 4, FINE + BLOCK.format("### BEGIN HIDDEN TESTS")),
    ("marks", 3, FINE + "### BEGIN SOLUTION\n### END SOLUTION"),
    ("hidden-binds", 6, FINE + BLOCK.format("x = 1") + "y = x"),
    ("syntax", 4, FINE + "for x in [1]:\n" + BLOCK.format("    y = x")),
    ("syntax", 0, FINE + "for in"),
    ("leak", 4, FINE + BLOCK.format("assert double(3) == 6, f'{double(3)}'")),
    ("numpy-testing", 4, "import numpy as np\n" + FINE + "np.testing.assert_array_equal(1, 1)"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "line", "source"), BROKEN_TESTS)
def test_what_breaks_a_test_cell_is_found_at_its_line(
    tmp_path: Path, rule: str, line: int, source: str
) -> None:
    found = rules(tmp_path, answer(), test_cell(source), cell(None, "after = 2"))
    assert (rule, "t", line) in found
    # the same cell is not accused of anything that has nothing to do with it
    assert {r for r, _, _ in found} <= {rule, "bare-assert"} | (
        {"unseeded"} if rule == "private" else set()
    ) | ({"private"} if rule == "no-visible-check" else set()), found


HARMLESS = [
    "import numpy as np\n" + FINE + "np.random.seed(3)\nx = np.random.rand(3)",
    "import numpy as np\n" + FINE + "check.seed(1)\nx = double(np.random.rand(3))",
    "import numpy as np\n" + FINE + "x = np.random.RandomState(0).rand(3)",
    "import keras\n" + FINE + "x = keras.random.normal((2,), seed=3)",
    FINE + "check.award(3.5, 'half')",
    FINE + "m = check.accuracy(double, 1, 2)\nm",
    FINE + "double(2) == 4",
    FINE + "print('to stdout')",
    FINE + "points = 3 if double(1) == 2 else 1\ncheck.award(points, 'why')",
    FINE + "check.function(double, check.case(1, expected=2), mistakes={'x': lambda v: v})",
    FINE
    + "x = [y for y in range(3)]\ntry:\n    double()\nexcept TypeError as error:\n    e = error",
    FINE + "from math import *\nx = sqrt(4)",
    "raise_it = False\n" + FINE,
]


@pytest.mark.parametrize("source", HARMLESS)
def test_what_is_allowed_in_a_test_cell_is_not_reported(tmp_path: Path, source: str) -> None:
    assert rules(tmp_path, answer(), test_cell(source)) == []


def test_a_test_that_reads_another_tests_variable_is_an_error(tmp_path: Path) -> None:
    one = test_cell(FINE + "trained = double(3)", "one")
    two = test_cell(FINE + "\ncheck.that(trained == 6, 'a', 'b', 'c')", "two")
    found = findings(tmp_path, answer(), one, two)
    assert [(f.rule, f.cell, f.line, f.severity) for f in found] == [
        ("other-test", "two", 4, "error")
    ]
    assert "`trained`" in found[0].sentence and "`one`" in found[0].sentence


def test_a_student_cell_that_reads_a_tests_variable_is_an_error(tmp_path: Path) -> None:
    test = test_cell(FINE + "reference = double(3)")
    assert rules(tmp_path, answer(), test, cell(None, "print(reference)")) == [
        ("student-reads-test", "cell-3", 1)
    ]
    deferred = cell(None, "def f():\n    return reference")
    assert rules(tmp_path, answer(), test, deferred) == [("student-reads-test", "cell-3", 2)]


def test_a_name_that_a_test_makes_before_the_student_does_is_an_error_in_the_students_cell(
    tmp_path: Path,
) -> None:
    test = test_cell(FINE + "model = double(3)")
    reads, binds = cell(None, "print(model)"), cell(None, "model = 3")
    assert rules(tmp_path, answer(), test, reads, binds) == [("student-reads-test", "cell-3", 1)]
    later = cell(None, "def show():\n    print(model)")
    assert rules(tmp_path, answer(), test, later, binds) == []


def test_a_test_that_rebinds_a_students_name_is_a_warning_where_it_is_read_again(
    tmp_path: Path,
) -> None:
    one = test_cell(FINE + "result = double(5)", "one")
    two = test_cell(FINE + "check.that(result == 6, 'a', 'b', 'c')", "two")
    found = findings(tmp_path, answer("result = 6\n" + DOUBLE), one, two)
    assert [(f.rule, f.cell, f.severity) for f in found] == [("rebound", "two", "warning")]


def test_a_builtins_name_for_an_answer_is_an_error(tmp_path: Path) -> None:
    task = answer("def sum(x):\n    return 3", "task")
    test = test_cell("from autograder import check\ncheck.that(sum([1]) == 3, 'a', 'b', 'c')")
    assert rules(tmp_path, task, test) == [("builtin", "t", 2)]


def test_what_only_a_students_cell_imports_must_be_imported_again(tmp_path: Path) -> None:
    imports = cell(None, "import scipy.signal as ss\nimport numpy as np")
    test = test_cell(FINE + "x = ss.convolve([1], [2])")
    assert rules(tmp_path, imports, answer(), test) == [("import", "t", 3)]
    official_imports = official("import scipy.signal as ss")
    found = findings(tmp_path, official_imports, answer(), test)
    assert [(f.rule, f.severity) for f in found] == [("import", "warning")]


def test_a_grader_cell_must_stand_alone(tmp_path: Path) -> None:
    reads = official("reference = double(3)")
    assert rules(tmp_path, answer(), reads) == [("grader-reads", "official", 1)]
    assert rules(tmp_path, official("x = nothing_such")) == [("unbound", "official", 1)]
    assert rules(tmp_path, official("x = 1\n%matplotlib inline")) == [("magic", "official", 2)]


def test_a_student_cell_that_overwrites_an_official_name_is_a_warning(tmp_path: Path) -> None:
    found = findings(tmp_path, official("labels = 3"), cell(None, "y = 1\nlabels = 4"))
    assert [(f.rule, f.line, f.severity) for f in found] == [("overwrites", 2, "warning")]


def test_the_grader_tag_counts_on_locked_code_cells_only(tmp_path: Path) -> None:
    for wrong in (
        cell("a", "x = 1", tags=True),
        cell(None, "x = 1", tags=True),
        cell("a", "# text", "markdown", locked=True, tags=True),
        cell("a", FINE, grade=True, locked=True, points=1, tags=True),
    ):
        assert [r for r, _, _ in rules(tmp_path, answer(), wrong)] == ["grader-tag"]


HALF = {"schema_version": 3, "grade_id": "t", "grade": False, "solution": "yes", "locked": False}
FORMS: list[tuple[str, dict[str, Any]]] = [
    ("grade-id", cell("", FINE, grade=True, locked=True, points=1)),
    ("grade-id", cell("with space", "x = 1", solution=True)),
    ("points", cell("t", FINE, grade=True, locked=True)),
    ("points", cell("t", FINE, grade=True, locked=True, points=-1)),
    ("points", cell("t", FINE, grade=True, locked=True, points="5")),
    ("metadata", cell("t", "x", "markdown", grade=True, points=1)),
    ("metadata", cell("t", "x", "markdown", solution=True)),
    ("metadata", cell("t", "x = 1", solution=True, locked=True)),
    ("metadata", {**cell("t", "x = 1"), "metadata": {"nbgrader": HALF}}),
    ("metadata", {**cell("t", "x = 1"), "metadata": {"nbgrader": []}}),
    ("metadata", cell("t", "x = 1", solution=True, schema_version=2)),
    ("unlocked-test", cell("t", FINE, grade=True, points=1)),
    ("cell-id", {k: v for k, v in cell("t", "x = 1").items() if k != "id"}),
    ("outputs", {**cell("t", "x = 1"), "outputs": [{"output_type": "stream"}]}),
    ("marks", cell("t", "### BEGIN SOLUTION\nx = 1\n### END SOLUTION")),
    ("marks", cell("t", "### BEGIN HIDDEN TESTS\nx = 1\n### END HIDDEN TESTS", solution=True)),
    ("syntax", cell("t", "def", solution=True)),
]


@pytest.mark.parametrize(("rule", "wrong"), FORMS)
def test_what_is_wrong_with_a_cells_form_is_found(
    tmp_path: Path, rule: str, wrong: dict[str, Any]
) -> None:
    assert {r for r, _, _ in rules(tmp_path, answer(), wrong)} == {rule}


def test_duplicate_ids_are_found_at_every_copy(tmp_path: Path) -> None:
    found = rules(tmp_path, answer(), answer())
    assert [r for r, _, _ in found] == ["cell-id", "grade-id"] * 2


def test_a_file_that_is_no_notebook_is_one_finding(tmp_path: Path) -> None:
    path = tmp_path / "nb.ipynb"
    path.write_text("[]")
    found = read_cells(path)
    assert isinstance(found, Finding) and found.rule == "unreadable"


def _write(course: Path, *cells: dict[str, Any]) -> None:
    folder = course / "solutions" / "a00"
    folder.mkdir(parents=True)
    told = {"cells": list(cells), "nbformat": 4, "nbformat_minor": 5, "metadata": {}}
    (folder / "a00.ipynb").write_text(json.dumps(told))


def _app() -> typer.Typer:
    app = typer.Typer()
    app.command("lint")(lint_command.command)
    return app


PRIVATE = (
    "import autograder\n"
    + FINE
    + BLOCK.format("x = autograder.hidden('ex7')\ny = autograder.threshold('plain')")
)


def test_private_data_and_lines_that_do_not_exist_are_warnings(course: Path) -> None:
    _write(course, answer(), test_cell(PRIVATE))
    opened = open_course(course)
    found = lint_assignment(opened, "a00")
    assert [(f.rule, f.severity, f.line) for f in found] == [
        ("no-data", "warning", 5),
        ("no-line", "warning", 6),
    ]
    (course / "hidden" / "a00").mkdir(parents=True)
    (course / "hidden" / "a00" / "ex7.npz").write_bytes(b"")
    (course / "solutions" / "a00" / "calibration.json").write_text('{"a+b": {"plain": {}}}')
    assert lint_assignment(opened, "a00") == []
    told = read_cells(course / "solutions" / "a00" / "a00.ipynb")
    assert isinstance(told, list) and hidden_names(told) == ["ex7"]


def test_the_marks_are_those_of_nbgraders_configuration(course: Path) -> None:
    settings = course / "nbgrader_config.py"
    settings.write_text(
        settings.read_text() + '\nc.ClearHiddenTests.begin_test_delimeter = "SECRET FROM"'
        '\nc.ClearHiddenTests.end_test_delimeter = "SECRET TO"\n'
    )
    test = PRIVATE.replace("BEGIN HIDDEN TESTS", "SECRET FROM")
    test = test.replace("END HIDDEN TESTS", "SECRET TO")
    _write(course, answer(), test_cell(test))
    assert {f.rule for f in lint_assignment(open_course(course), "a00")} == {"no-data", "no-line"}


def test_points_that_do_not_add_up_to_100_are_a_warning(course: Path) -> None:
    _write(course, answer(), test_cell(FINE, points=60))
    found = lint_assignment(open_course(course), "a00")
    assert [(f.rule, f.severity) for f in found] == [("total", "warning")]


def test_the_command_exits_with_0_for_warnings_1_for_errors_and_2_for_no_assignment(
    course: Path,
) -> None:
    _write(course, answer(), test_cell(FINE, points=60))
    run = CliRunner()
    warned = run.invoke(_app(), ["a00", "--course", str(course)])
    assert warned.exit_code == 0 and "0 errors, 1 warning" in warned.output
    (course / "solutions" / "a00" / "a00.ipynb").write_text("{}")
    wrong = run.invoke(_app(), ["a00", "--course", str(course)])
    assert wrong.exit_code == 1 and "cannot be read" in wrong.output
    missing = run.invoke(_app(), ["a99", "--course", str(course)])
    assert missing.exit_code == 2 and "a00" in missing.output
    assert run.invoke(_app(), ["a00", "--course", str(course / "hidden")]).exit_code == 2


@pytest.mark.parametrize(
    ("source", "bound", "free"),
    [
        ("x = [y for y in z if y]", {"x"}, {"z"}),
        ("x = [y for y in z]\nprint(y)", {"x"}, {"print", "y", "z"}),
        ("x = {a: b for a, b in f(c)}\na = 1", {"a", "x"}, {"c", "f"}),
        ("x = [last := y for y in z]", {"last", "x"}, {"z"}),
        ("def f(a, b=c):\n    global d\n    d = a + e\n    return [g for g in a]", {"d", "f"},
         {"c", "e"}),
        ("class A(B):\n    x = y", {"A"}, {"B", "y"}),
        ("try:\n    import m.n\nexcept E as e:\n    raise", {"e", "m"}, {"E"}),
        ("with f() as (a, *b):\n    for i in a: pass", {"a", "b", "i"}, {"f"}),
        ("x = lambda v: v + w", {"x"}, {"w"}),
        ("def", set(), set()),
    ],
)  # fmt: skip
def test_names_are_resolved_as_the_compiler_does(
    source: str, bound: set[str], free: set[str]
) -> None:
    names = names_in(source)
    assert (set(names.bound), set(names.free)) == (bound, free)
