"""Printing to stderr costs nothing, wherever a submission does it and however it is graded."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from tests.batch.one_class import NAME, OneClass, one_class

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def graded() -> OneClass:
    return one_class()


def test_a_submission_that_prints_to_stderr_everywhere_loses_nothing(graded: OneClass) -> None:
    assert graded.tests("ivy") == graded.tests("ada")
    assert graded.of("ivy").score == 10


def test_the_noise_was_there(graded: OneClass) -> None:
    nb = nbformat.read(graded.root / "autograded" / "ivy" / NAME / f"{NAME}.ipynb", 4)
    streams = [o for c in nb.cells for o in c.get("outputs", []) if o.get("name") == "stderr"]
    text = "".join(o.text for o in streams)
    for kind in ("noise-py", "noise-warning", "noise-log", "noise-fd", "noise-sub"):
        assert kind in text


def test_no_test_cell_holds_any_stderr(graded: OneClass) -> None:
    for path in (graded.root / "autograded").glob(f"*/{NAME}/{NAME}.ipynb"):
        for c in nbformat.read(path, 4).cells:
            if c.metadata.get("nbgrader", {}).get("grade"):
                assert not [o for o in c.get("outputs", []) if o.get("name") == "stderr"]


def test_stock_autograde_executes_such_a_submission_to_the_same_scores(
    graded: OneClass, tmp_path: Path
) -> None:
    other = graded.copied(tmp_path / "course", students=["ivy"])
    for path in other.runs("ivy"):
        path.unlink()  # no evidence: nbgrader's own command executes the notebook
    other.nbgrader("autograde", NAME, "--student", "ivy", "--force")
    assert len(other.runs("ivy")) == 1
    scores = other.grade("ivy").submissions[0]
    assert {t.grade_id: t.score for t in scores.tests} == graded.tests("ada")
