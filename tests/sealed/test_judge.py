"""A test cell sees what it should, earns what it should, and gives nothing away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograder import private
from autograder.kernels.limits import LimitValues
from autograder.sealed import wire
from autograder.sealed.evidence import CellRecord, Evidence, TestResult
from autograder.sealed.job import Cell
from autograder.sealed.judge import Judge
from autograder.sealed.link import Link, NeedsExecution
from autograder.sealed.views import Views

CANARY = "canary-7f3a"


def cell(name: str, source: str, role: str = "test", points: float = 4.0) -> Cell:
    return Cell(id=name, role=role, source=source, points=points)  # type: ignore[arg-type]


def judged(
    cells: list[Cell],
    snapshots: dict[int, dict[str, Any]],
    *,
    ended: str = "",
    ran: int | None = None,
    arrays: wire.Arrays | None = None,
) -> list[TestResult]:
    executed = [c for c in cells if c.role in ("student", "grader")]
    records = [
        CellRecord(id=c.id, status="ok", outputs=[])
        for c in executed[: len(executed) if ran is None else ran]
    ]
    evidence = Evidence(
        key="k", run=1, python="", backend="", seconds=0, ended=ended, cells=records,
        snapshots=snapshots,
    )  # fmt: skip
    link = Link(
        None, [], dict(arrays or {}), 1.0, f"its kernel had ended: {ended}" if ended else ""
    )
    judge = Judge(cells, evidence, link, Views(link, LimitValues()), ended)
    return [result for _, result in judge.results() if result is not None]


def one(source: str, values: dict[str, Any] | None = None, **more: Any) -> TestResult:
    cells = [cell("answer", "", "student"), cell("t", source)]
    (result,) = judged(cells, {1: dict(values or {})}, **more)
    return result


def said(result: TestResult) -> str:
    return json.dumps([result.outputs, result.message, result.measured])


# --- names ----------------------------------------------------------------------------------------


def test_a_name_of_the_test_itself_comes_before_the_students() -> None:
    assert one("x = 1\nassert x == 1", {"x": 2}).score == 4


def test_a_name_of_the_graders_own_cell_comes_before_the_students() -> None:
    cells = [
        cell("official", "REF = 1\ndef helper():\n    return REF", "grader"),
        cell("answer", "", "student"),
        cell("t", "assert REF == 1 and helper() == 1"),
    ]
    values: dict[str, Any] = {"REF": 2, "helper": wire.Opaque(1, "Fake", "fake")}
    assert judged(cells, {2: values})[0].score == 4


def test_a_graders_cell_below_a_test_is_not_seen_by_it() -> None:
    cells = [
        cell("t", "assert 'REF' not in dir()\nREF"),
        cell("official", "REF = 1", "grader"),
    ]
    result = judged(cells, {0: {}})[0]
    assert result.score == 0
    assert "`REF` does not exist" in result.message


@pytest.mark.parametrize("name", ["len", "print", "isinstance", "sum", "abs", "__build_class__"])
def test_a_builtin_is_never_the_students(name: str) -> None:
    source = f"import builtins\nassert {name} is builtins.{name}"
    assert one(source, {name: 5}).score == 4


@pytest.mark.parametrize(
    "source",
    [
        "assert x == 3",
        "def f():\n    return x\nassert f() == 3",
        "assert [x + i for i in range(2)] == [3, 4]",
        "assert (lambda: x)() == 3",
        "class A:\n    y = x\nassert A.y == 3",
        "if x == 3:\n    y = 1\nassert y",
        "def g():\n    yield x\nassert list(g()) == [3]",
        "x += 1\nassert x == 4",
        "def h():\n    global x\n    x = 5\nh()\nassert x == 5",
        "assert eval('x') == 3",
        "try:\n    missing\nexcept AssertionError:\n    pass\nassert x == 3",
    ],
)
def test_a_students_name_is_found_wherever_a_test_reads_it(source: str) -> None:
    assert one(source, {"x": 3}).score == 4


def test_a_name_is_fetched_once_in_a_cell_and_afresh_in_the_next() -> None:
    cells = [
        cell("answer", "", "student"),
        cell("a", "x[0] = 99\nassert x[0] == 99\nassert (lambda: x)() is x"),
        cell("b", "assert x[0] == 1"),
    ]
    array = np.array([1.0, 2.0])
    results = judged(cells, {1: {"x": wire.Array("k")}}, arrays={"k": array})
    assert [r.score for r in results] == [4, 4]
    assert array[0] == 1


def test_a_test_sees_nothing_of_another_test() -> None:
    cells = [cell("a", "y = 1\nimport math"), cell("b", "y"), cell("c", "math")]
    results = judged(cells, {0: {}})
    assert [r.score for r in results] == [4, 0, 0]


def test_each_test_sees_the_values_of_its_own_place() -> None:
    cells = [
        cell("one", "", "student"),
        cell("a", "assert x == 1"),
        cell("two", "", "student"),
        cell("b", "assert x == 2"),
    ]
    assert [r.score for r in judged(cells, {1: {"x": 1}, 2: {"x": 2}})] == [4, 4]


def test_a_name_that_does_not_exist_is_named_with_what_to_do() -> None:
    result = one("double(2)")
    assert result.score == 0
    assert "`double` does not exist" in result.message
    assert "Likely cause" in result.message
    assert "What to do next" in result.message


def test_a_broken_cell_of_the_grader_is_the_instructors_to_mend() -> None:
    cells = [cell("official", "1 / 0", "grader"), cell("t", "REF")]
    result = judged(cells, {1: {}})[0]
    assert result.score == 0
    assert "instructor" in result.message


# --- points ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("points", "score"), [("2", 2.0), ("0", 0.0), ("4", 4.0), ("400", 4.0), ("1/3", 1 / 3)]
)
def test_an_award_is_clamped_to_the_points_of_its_cell(points: str, score: float) -> None:
    result = one(f"from autograder import check\ncheck.award({points}, 'the reason')")
    assert result.score == pytest.approx(score)
    assert "the reason" in said(result)
    shown = [o for o in result.outputs if o["output_type"] == "execute_result"]
    assert float(shown[0]["data"]["text/plain"]) == result.score
    assert result.reason == ("passed" if score == 4 else "partial")


@pytest.mark.parametrize("points", ["float('nan')", "float('inf')", "-1"])
def test_an_award_that_is_no_number_of_points_gives_none(points: str) -> None:
    result = one(f"from autograder import check\ncheck.award({points}, 'x')")
    assert result.score == 0


@pytest.mark.parametrize(
    "last", ["0", "0.5", "-3", "100.0", "True", "np.float64(0.5)", "'0.0'", "x", "None", "[0.0]"]
)
def test_a_last_line_that_is_no_award_does_not_count(last: str) -> None:
    result = one(f"import numpy as np\n{last}", {"x": 0.0})
    assert (result.score, result.reason) == (4, "passed")
    assert not [o for o in result.outputs if o["output_type"] == "execute_result"]


def test_an_award_that_is_not_the_last_line_does_not_count() -> None:
    source = "from autograder import check\ncheck.award(1, 'x')\nassert True"
    assert one(source).score == 4


def test_an_award_before_a_failure_does_not_count() -> None:
    source = "from autograder import check\na = check.award(1, 'x')\nassert False, 'no'\na"
    assert one(source).score == 0


def test_an_empty_test_and_one_of_comments_pass() -> None:
    assert [one(source).score for source in ("", "# nothing", "pass")] == [4, 4, 4]


# --- what a student reads -------------------------------------------------------------------------


def test_a_passed_check_is_told_in_green_words_and_measured() -> None:
    source = (
        "import numpy as np\nfrom autograder import check\ncheck.array(x, np.ones(2), 'the ones')"
    )
    result = one(source, {"x": wire.Array("k")}, arrays={"k": np.ones(2)})
    assert result.score == 4
    assert len(result.measured) == 1
    assert result.measured[0] in result.outputs[0]["text"]
    assert result.outputs[0]["name"] == "stdout"


def test_what_a_test_prints_is_kept_and_its_stderr_is_not() -> None:
    source = (
        "import sys, warnings, logging\nprint('printed')\nprint('noise', file=sys.stderr)\n"
        "warnings.warn('noise')\nlogging.error('noise')"
    )
    result = one(source)
    assert result.score == 4
    assert result.outputs == [{"output_type": "stream", "name": "stdout", "text": "printed\n"}]


def test_the_message_of_a_plain_assert_is_kept() -> None:
    result = one("assert x == 5, 'count from one'", {"x": 4})
    assert result.message == "count from one"
    (error,) = result.outputs
    assert error["evalue"] == "count from one"


def test_an_assert_without_a_message_says_that_a_check_did_not_hold() -> None:
    assert "did not hold" in one("assert 1 == 2").message


LEAKS = [
    f"assert x == '{CANARY}'",
    f"secret = '{CANARY}'\nassert x == secret",
    f"raise ValueError('{CANARY}')",
    f"{{}}['{CANARY}']",
    f"int('{CANARY}')",
    f"open('/{CANARY}')",
    f"import {CANARY.replace('-', '_')}_module",
    f"getattr(x, '{CANARY}')",
    f"x.nothing('{CANARY}')",
    f"def f({CANARY.replace('-', '_')}):\n    pass\nf()",
    "raise KeyError",
    f"1 + '{CANARY}'",
    f"raise SystemExit('{CANARY}')",
    f"exit('{CANARY}')",
    f"eval('{CANARY} +')",
    f"assert x, ('{CANARY}' if False else '')\nassert not x",
    f"try:\n    raise ValueError('{CANARY}')\nexcept ValueError as e:\n    raise RuntimeError from e",  # noqa: E501
    f"(lambda: '{CANARY}' + 1)()",
    "def f():\n    return f()\nf()",
    f"syntax error '{CANARY}'",
]


@pytest.mark.parametrize("source", LEAKS)
def test_a_failing_test_gives_no_line_and_no_value_away(source: str) -> None:
    result = one(source, {"x": 3})
    assert result.score == 0
    text = said(result)
    assert "canary" not in text
    assert "Traceback" not in text
    assert "assert x" not in text
    assert len(result.message.split()) > 5


def test_a_hidden_value_of_private_data_is_not_told(tmp_path: Path) -> None:
    np.savez(tmp_path / "ex7.npz", labels=np.array([424242, 7]))
    private.install(private.PrivateData(tmp_path, {"plain": 0.424242}))
    try:
        result = one(
            "from autograder import hidden, threshold\n"
            "labels = hidden('ex7')['labels']\n"
            "assert threshold('plain') == 0.424242\n"
            "assert (labels == x).all()",
            {"x": 3},
        )
    finally:
        private.install(None)
    assert result.score == 0
    assert "424242" not in said(result)


def test_missing_private_data_is_not_the_students_doing(tmp_path: Path) -> None:
    private.install(private.PrivateData(tmp_path))
    try:
        result = one("from autograder import hidden\nhidden('ex7')")
    finally:
        private.install(None)
    assert result.score == 0
    assert "not the student's doing" in result.message


def test_an_opaque_value_explains_itself_in_the_message() -> None:
    result = one("x + 1", {"x": wire.Opaque(1, "Thing", "it has no form")})
    assert "Thing" in result.message
    assert "it has no form" in result.message


def test_what_a_test_used_is_named_when_it_stops_with_another_error() -> None:
    result = one("x.shape", {"x": 3})
    assert "AttributeError" in result.message
    assert "`x` (int)" in result.message


@pytest.mark.parametrize(
    "value",
    [
        wire.Array("never sent"),
        wire.Handle(1),
        wire.Seq("list", [wire.Array("never sent")]),
        wire.History(1, {"loss": [1.0]}, [], wire.Map([(wire.Seq("list", []), 1)])),
        wire.Seq("set", [wire.Map([])]),
        wire.Model(1, "Sequential", "[" * 10_000, []),
        wire.Model(
            1, "Sequential", '{"class_name": "Sequential", "config": {"layers": []}}', ["x"]
        ),
        wire.BigInt("0x" + "f" * 20_000),
        wire.BigInt("nonsense"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_that_lies_costs_its_own_test_alone(value: Any) -> None:
    cells = [cell("answer", "", "student"), cell("a", "x + 0"), cell("b", "assert y == 1")]
    results = judged(cells, {1: {"x": value, "y": 1}})
    assert [r.grade_id for r in results] == ["a", "b"]
    assert results[1].score == 4


# --- places that were not reached -----------------------------------------------------------------

TWO = [
    cell("one", "", "student"),
    cell("a", "assert x == 1"),
    cell("two", "", "student"),
    cell("three", "", "student"),
    cell("b", "assert True"),
    cell("c", "x"),
]


def test_a_test_behind_the_end_says_where_the_notebook_ended() -> None:
    results = judged(TWO, {1: {"x": 1}}, ended="the kernel ended in cell `two`", ran=2)
    assert [(r.score, r.reason) for r in results] == [
        (4, "passed"),
        (4, "passed"),  # it asks for nothing of the student's
        (0, "unreachable"),
    ]
    assert "the kernel ended in cell `two`" in results[2].message


def test_a_test_that_was_added_where_no_values_were_recorded_asks_for_an_execution() -> None:
    with pytest.raises(NeedsExecution):
        judged(TWO, {3: {"x": 1}})


def test_a_function_of_a_kernel_that_ended_cannot_be_asked() -> None:
    cells = [cell("one", "", "student"), cell("a", "f(1)"), cell("b", "assert x == 1")]
    values: dict[str, Any] = {"f": wire.Function(1, "f", ["x"]), "x": 1}
    results = judged(cells, {1: values}, ended="the kernel ended in cell `two`")
    assert [(r.score, r.reason) for r in results] == [(0, "unreachable"), (4, "passed")]
    assert "the kernel ended" in results[0].message


def test_a_new_question_asks_for_an_execution_whatever_the_test_catches() -> None:
    cells = [cell("one", "", "student"), cell("a", "try:\n    f(1)\nexcept Exception:\n    pass")]
    with pytest.raises(NeedsExecution):
        judged(cells, {1: {"f": wire.Function(1, "f", ["x"])}})


def test_random_numbers_of_the_grader_do_not_depend_on_the_test_before() -> None:
    draw = (
        "import numpy as np\nfrom autograder import check\ncheck.seed(1)\nprint(np.random.rand())"
    )
    cells = [
        cell("a", draw),
        cell("noise", "import numpy as np\nnp.random.rand(5)"),
        cell("b", draw),
    ]
    a, _, b = judged(cells, {0: {}})
    assert a.outputs == b.outputs
