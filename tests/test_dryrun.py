from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
import typer
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from typer.testing import CliRunner

from autograder.commands import check
from autograder.dryrun import DryRun, NotANotebook, check_notebook

TEXTS = {
    "square": "def square(x):\n    return x * x",
    "square-test": "from autograder import check\ncheck.that(square(3) == 9, 'a', 'b', 'c')",
}


def code(name: str, source: str, points: float | None = None, **flags: bool) -> Any:
    about: dict[str, Any] = {"schema_version": 3, "grade_id": name, "grade": points is not None}
    about |= {"solution": False, "locked": points is not None, "task": False, **flags}
    if points is not None:
        about["points"] = points
    return new_code_cell(source, id=name, metadata={"nbgrader": about})


def answer(name: str, source: str, points: float) -> Any:
    cell = code(name, source, points, solution=True, locked=False)
    return new_markdown_cell(source, id=name, metadata=cell.metadata)


def write(path: Path, *cells: Any) -> Path:
    nbformat.write(new_notebook(cells=list(cells)), path)
    return path


@pytest.fixture(scope="module")
def handed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A notebook with every kind of outcome in it."""
    folder = tmp_path_factory.mktemp("student")
    (folder / "numbers.csv").write_text("1,2,3\n")
    return write(
        folder / "work.ipynb",
        new_markdown_cell("# The work\n\n## 1 · Squares"),
        code("square", "import sys\ndef square(x):\n    return x * x", solution=True),
        code(
            "square-test",
            "from autograder import check\n"
            "print('noise', file=sys.stderr)\n"
            "check.that(square(3) == 9, 'wrong', 'a cause', 'a step')",
            3,
        ),
        new_markdown_cell("## 2 · Cubes"),
        code("cube", "def cube(x):\n    return x * x", solution=True),
        code(
            "cube-test",
            "from autograder import check\n"
            "check.that(cube(2) == 8, 'cube(2) is 4.', 'A factor is missing.', 'Multiply again.')",
            4,
        ),
        new_markdown_cell("## 3 · The data"),
        code(
            "total", "total = sum(map(int, open('numbers.csv').read().split(',')))", solution=True
        ),
        code(
            "total-test",
            "from autograder import check\ncheck.award(1.5, f'the total is {total}', out_of=2)",
            2,
        ),
        new_markdown_cell("## 4 · Left out"),
        code("stub", "# YOUR CODE HERE\nraise NotImplementedError()", solution=True),
        code("stub-test", "assert later == 1", 1),
        code("stub-test-2", "assert later == 2", 1),
        new_markdown_cell("## 5 · Why?"),
        answer("why", "YOUR ANSWER HERE", 5),
        answer("because", "Because it is so.", 5),
    )


@pytest.fixture(scope="module")
def before(handed: Path) -> bytes:
    return handed.read_bytes()


@pytest.fixture(scope="module")
def result(handed: Path, before: bytes) -> DryRun:
    return check_notebook(handed)


def test_a_passed_task_shows_its_points_and_stderr_is_harmless(result: DryRun) -> None:
    test = result.tests[0]
    assert (test.grade_id, test.heading) == ("square-test", "1 · Squares")
    assert (test.status, test.score, test.max_score) == ("passed", 3, 3)


def test_a_failed_check_gives_its_first_sentence_and_its_advice(result: DryRun) -> None:
    test = result.tests[1]
    assert (test.status, test.score, test.message) == ("not yet", 0, "cube(2) is 4.")
    assert test.advice == "Likely cause: A factor is missing.\nWhat to do next: Multiply again."


def test_the_run_takes_place_in_the_notebooks_folder_and_partial_credit_counts(
    result: DryRun,
) -> None:
    test = result.tests[2]
    assert (test.status, test.score, test.max_score) == ("partial", 1.5, 2)
    assert "the total is 6" in test.message


def test_an_untouched_stub_is_told_in_words(result: DryRun) -> None:
    for test in result.tests[3:5]:
        assert test.message == "`later` does not exist yet."
        assert test.advice == "The cell above it is still to be written."


def test_written_answers_are_listed_as_a_persons_to_grade(result: DryRun) -> None:
    assert [(a.grade_id, a.max_score, a.written) for a in result.manual] == [
        ("why", 5, False),
        ("because", 5, True),
    ]
    assert (result.score, result.max_score, result.passed) == (4.5, 11, False)


def test_the_notebook_stays_as_it_was_byte_for_byte(
    handed: Path, before: bytes, result: DryRun
) -> None:
    assert handed.read_bytes() == before
    assert sorted(p.name for p in handed.parent.iterdir()) == ["numbers.csv", "work.ipynb"]


def test_a_cell_that_never_ends_is_interrupted_and_the_rest_runs(tmp_path: Path) -> None:
    path = write(
        tmp_path / "loop.ipynb",
        code("loop", "while True:\n    pass", solution=True),
        code("loop-test", "assert done, 'done is missing'", 1),
        code("square", TEXTS["square"], solution=True),
        code("square-test", TEXTS["square-test"], 1),
    )
    run = check_notebook(path, cell_seconds=1.0)
    assert [t.status for t in run.tests] == ["not yet", "passed"]
    assert "ran longer than 1 s" in run.tests[0].advice
    assert any("interrupted" in note for note in run.notes)


def test_a_cell_that_swallows_the_interrupt_ends_the_run_but_not_the_command(
    tmp_path: Path,
) -> None:
    path = write(
        tmp_path / "stubborn.ipynb",
        code("square", TEXTS["square"], solution=True),
        code("square-test", TEXTS["square-test"], 1),
        code(
            "stubborn",
            "import time\nwhile True:\n    try:\n        time.sleep(1)\n"
            "    except KeyboardInterrupt:\n        pass",
            solution=True,
        ),
        code("late-test", "assert True, 'never'", 1),
    )
    run = check_notebook(path, cell_seconds=1.0)
    assert [t.status for t in run.tests] == ["passed", "not yet"]
    assert run.tests[1].message == "This test was not reached."
    assert any("did not react" in note for note in run.notes)


def test_a_kernel_that_dies_costs_only_what_comes_after(tmp_path: Path) -> None:
    path = write(
        tmp_path / "dies.ipynb",
        code("square", TEXTS["square"], solution=True),
        code("square-test", TEXTS["square-test"], 1),
        code("die", "import os\nos._exit(1)", solution=True),
        code("late-test", "assert True, 'never'", 1),
    )
    run = check_notebook(path)
    assert [t.status for t in run.tests] == ["passed", "not yet"]
    assert any("the kernel ended in Cell `die`" in note for note in run.notes)


def test_an_edited_test_cell_is_pointed_out(tmp_path: Path) -> None:
    from nbgrader.utils import compute_checksum

    test = code("square-test", TEXTS["square-test"], 1)
    test.metadata.nbgrader.cell_type = "code"
    test.metadata.nbgrader["checksum"] = compute_checksum(test)
    same = write(tmp_path / "same.ipynb", code("s", TEXTS["square"], solution=True), test)
    assert check_notebook(same).notes == []
    test.source += "\nNone"
    changed = write(tmp_path / "changed.ipynb", code("s", TEXTS["square"], solution=True), test)
    assert "The grader uses the original" in check_notebook(changed).notes[0]


def test_tags_that_would_skip_a_test_have_no_effect(tmp_path: Path) -> None:
    test = code("wrong-test", "assert False, 'it ran'", 1)
    test.metadata["tags"] = ["skip-execution"]
    run = check_notebook(write(tmp_path / "tags.ipynb", test))
    assert run.tests[0].message == "it ran"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: None, "no file"),
        (lambda p: p.mkdir(), "is a folder"),
        (lambda p: p.write_text("{}"), "cannot be read as a notebook"),
        (lambda p: p.write_bytes(b"\x00\xff"), "cannot be read as a notebook"),
        (lambda p: write(p, new_code_cell("1")) and None, "no test cells"),
    ],
)
def test_what_cannot_be_checked_is_answered_with_a_sentence(
    tmp_path: Path, make: Any, words: str
) -> None:
    path = tmp_path / "x.ipynb"
    make(path)
    with pytest.raises(NotANotebook, match=words):
        check_notebook(path)


def _app() -> typer.Typer:
    app = typer.Typer()
    app.command("check")(check.command)
    return app


def test_the_command_prints_a_table_and_writes_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    path = write(
        tmp_path / "ok.ipynb",
        new_markdown_cell("## [bold]Squares[/]"),
        code("square", TEXTS["square"], solution=True),
        code("square-test", TEXTS["square-test"], 3),
    )
    out = tmp_path / "out.json"
    done = CliRunner().invoke(_app(), [str(path), "--json", str(out)])
    assert done.exit_code == 0, done.output
    assert "✓ passed" in done.output and "[bold]Squares[/]" in done.output
    assert "3 of 3 points" in done.output
    told = json.loads(out.read_text())
    assert told["passed"] and told["tests"][0]["grade_id"] == "square-test"


def test_the_command_exits_with_1_when_a_test_fails_and_2_for_no_notebook(tmp_path: Path) -> None:
    path = write(tmp_path / "bad.ipynb", code("t", "assert False, 'no'", 1))
    assert CliRunner().invoke(_app(), [str(path)]).exit_code == 1
    missing = CliRunner().invoke(_app(), [str(tmp_path / "none.ipynb")])
    assert missing.exit_code == 2 and "Traceback" not in missing.output
