"""Whatever a student did to the cells, afterwards the notebook has those of the gradebook."""

from __future__ import annotations

import copy
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from autograder.nbgrader_hooks.restore import restore
from autograder.nbgrader_hooks.source import SourceCell, grade_id


def cell(name: str, kind: str = "code", **flags: Any) -> SourceCell:
    told: dict[str, Any] = {
        "cell_type": kind,
        "source": f"# {name} as released",
        "checksum": "c",
        "locked": False,
        "grade": False,
        "solution": False,
        "task": False,
        "points": 0.0,
    }
    return SourceCell(name=name, **{**told, **flags})


SOURCE = [
    cell("setup", locked=True),
    cell("answer-1", solution=True),
    cell("test-1", locked=True, grade=True, points=3.0),
    cell("test-1b", locked=True, grade=True, points=1.0),
    cell("text", "markdown", locked=True),
    cell("answer-2", solution=True),
    cell("essay", "markdown", solution=True, grade=True, points=2.0),
    cell("test-2", locked=True, grade=True, points=5.0),
    cell("plot", solution=True, grade=True, points=4.0),
]
NAMES = [c.name for c in SOURCE]
LOCKED = {c.name for c in SOURCE if c.locked}
EXPECTED = {c.name for c in SOURCE if c.locked or c.grade}
MAKE = {"code": new_code_cell, "markdown": new_markdown_cell, "raw": new_raw_cell}


def released() -> NotebookNode:
    cells = []
    for i, c in enumerate(SOURCE):
        made = MAKE[c.cell_type](c.source, id=c.name)
        made.metadata["nbgrader"] = NotebookNode(c.metadata())
        if not c.locked:
            made.source = f"written {c.name}"
        cells.append(made)
        if i % 3 == 0:
            cells.append(new_code_cell(f"own = {i}", id=f"own-{i}"))
    return new_notebook(cells=cells)


def damage(nb: NotebookNode, data: Any) -> None:
    for _ in range(data.draw(st.integers(0, 6), label="times")):
        if not nb.cells:
            return
        at = data.draw(st.integers(0, len(nb.cells) - 1), label="at")
        other = data.draw(st.integers(0, len(nb.cells) - 1), label="other")
        how = data.draw(
            st.sampled_from(
                "delete duplicate move retype rename points tag strip edit nonsense".split()
            ),
            label="how",
        )
        target = nb.cells[at]
        told = target.metadata.get("nbgrader")
        if how == "delete":
            del nb.cells[at]
        elif how == "duplicate":
            nb.cells.insert(other, copy.deepcopy(target))
        elif how == "move":
            nb.cells.insert(other, nb.cells.pop(at))
        elif how == "retype":
            target.cell_type = data.draw(st.sampled_from(["code", "markdown", "raw"]))
        elif how == "rename" and isinstance(told, dict):
            told["grade_id"] = data.draw(st.sampled_from([*NAMES, "unknown", "", 5, None]))
        elif how == "points" and isinstance(told, dict):
            told.update(points=10**6, locked=False, grade=True, solution=True)
        elif how == "tag":
            target.metadata["tags"] = ["skip-execution", "raises-exception", "grader"]
        elif how == "strip":
            target.metadata.pop("nbgrader", None)
        elif how == "edit":
            target.source = "changed = True"
        elif how == "nonsense":
            target.metadata["nbgrader"] = data.draw(st.sampled_from([5, [], "x", {}, None]))


@settings(max_examples=40)
@given(st.data())
def test_every_expected_cell_is_there_once_as_the_gradebook_has_it(data: Any) -> None:
    nb = released()
    damage(nb, data)
    restore(nb, SOURCE)
    found = {}
    for c in nb.cells:
        name = grade_id(c)
        if name is not None:
            assert name not in found
            found[name] = c
    assert set(found) >= EXPECTED
    for told in SOURCE:
        if told.name not in found:
            continue
        c = found[told.name]
        assert c.cell_type == told.cell_type
        assert dict(c.metadata["nbgrader"]) == told.metadata()
        if told.locked:
            assert c.source == told.source
    assert all("tags" not in c.metadata for c in nb.cells)


@settings(max_examples=40)
@given(st.data())
def test_tests_stand_in_the_order_of_the_assignment(data: Any) -> None:
    nb = released()
    damage(nb, data)
    restore(nb, SOURCE)
    order = [name for c in nb.cells if (name := grade_id(c)) in LOCKED]
    assert order == [name for name in NAMES if name in LOCKED]


@settings(max_examples=40)
@given(st.data())
def test_restoring_twice_changes_nothing_more(data: Any) -> None:
    nb = released()
    damage(nb, data)
    restore(nb, SOURCE)
    once = copy.deepcopy(nb)
    notes = restore(nb, SOURCE)
    assert nb == once
    # answers stay in the student's order, and that goes on being said
    assert all("another order" in note for note in notes)


@settings(max_examples=40)
@given(st.data())
def test_the_students_own_code_survives_in_its_order(data: Any) -> None:
    nb = released()
    damage(nb, data)

    def own(notebook: NotebookNode) -> list[str]:
        return [
            c.source
            for c in notebook.cells
            if c.source.startswith(("written", "own", "changed")) and _is_free(c)
        ]

    def _is_free(c: NotebookNode) -> bool:
        name = grade_id(c)
        return name not in LOCKED

    before = own(nb)
    restore(nb, SOURCE)
    assert own(nb) == before


@settings(max_examples=40)
@given(st.data())
def test_a_restored_notebook_is_a_valid_notebook(data: Any) -> None:
    nb = released()
    damage(nb, data)
    for c in nb.cells:
        if not isinstance(c.metadata.get("nbgrader", {}), dict):
            del c.metadata["nbgrader"]
    ids = [c.id for c in nb.cells]
    for i, c in enumerate(nb.cells):  # nbformat.read has renamed doubled ids, and mended types
        if ids.index(c.id) != i:
            c.id = f"renamed-{i}"
        if c.cell_type == "code":
            c.setdefault("outputs", [])
            c.setdefault("execution_count", None)
        else:
            c.pop("outputs", None)
            c.pop("execution_count", None)
    restore(nb, SOURCE)
    nbformat.validate(nb)


def test_a_whole_notebook_is_left_as_it_is() -> None:
    nb = released()
    before = copy.deepcopy(nb)
    assert restore(nb, SOURCE) == []
    assert nb == before


def test_a_missing_test_comes_back_behind_what_stood_before_it() -> None:
    nb = released()
    nb.cells = [c for c in nb.cells if grade_id(c) != "test-2"]
    notes = restore(nb, SOURCE)
    names = [grade_id(c) for c in nb.cells]
    assert names.index("essay") < names.index("test-2") < names.index("plot")
    assert notes == ["cell `test-2` was missing and was put back"]


def test_an_empty_notebook_becomes_one_of_tests_alone() -> None:
    nb = new_notebook()
    restore(nb, SOURCE)
    assert [grade_id(c) for c in nb.cells] == [n for n in NAMES if n in EXPECTED]


def test_the_last_copy_of_an_answer_is_the_answer_and_the_first_stays_code() -> None:
    nb = released()
    first = next(c for c in nb.cells if grade_id(c) == "answer-1")
    second = copy.deepcopy(first)
    second.source = "written later"
    nb.cells.insert(nb.cells.index(first) + 1, second)
    notes = restore(nb, SOURCE)
    answers = [c for c in nb.cells if c.source.startswith("written") and "-1" in c.id]
    assert [grade_id(c) for c in answers] == [None, "answer-1"]
    assert any("more than once" in note for note in notes)


def test_missing_cells_stay_away_where_restoring_is_off() -> None:
    nb = released()
    nb.cells = [c for c in nb.cells if grade_id(c) != "test-2"]
    restore(nb, SOURCE, missing=False)
    assert "test-2" not in [grade_id(c) for c in nb.cells]


@pytest.mark.parametrize("kind", ["markdown", "raw"])
def test_a_test_hidden_as_text_is_code_again(kind: str) -> None:
    nb = released()
    target = next(c for c in nb.cells if grade_id(c) == "test-1")
    target.cell_type = kind
    del target["outputs"], target["execution_count"]
    target["attachments"] = {}
    restore(nb, SOURCE)
    assert target.cell_type == "code"
    assert target.outputs == []
    assert "attachments" not in target
    nbformat.validate(nb)
