"""What a student sees: checks in a real kernel, and on the page made from its notebook."""

from __future__ import annotations

from functools import cache

import nbformat
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from nbgrader.utils import determine_grade

PASS = "check.shape(np.zeros((2, 3)), (2, 3), 'A')"
FAIL = "check.labels(np.array([10, 1]), 'y')"
MEASURED = "check.loss_curve({'loss': [2.0, 1.0], 'val_loss': [2.0, 1.0]})"
LATER = "m = " + MEASURED + "\nm._announced = False\nm"
AWARD = "check.award(2.5, 'half is right', out_of=5)"


@cache
def executed() -> nbformat.NotebookNode:
    first = "import numpy as np\nfrom autograder import check"
    cells = [nbformat.v4.new_code_cell(c) for c in (first, PASS, FAIL, MEASURED, LATER, AWARD)]
    for number, cell in enumerate(cells):
        cell.metadata["nbgrader"] = {
            "grade": True, "solution": False, "locked": True, "points": 5,
            "grade_id": f"test-{number}", "cell_type": "code", "schema_version": 3,
        }  # fmt: skip
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, kernel_name="python3", allow_errors=True, timeout=120).execute()
    return notebook


def outputs(source: str) -> list[nbformat.NotebookNode]:
    return next(list(cell.outputs) for cell in executed().cells if cell.source == source)


def points(source: str) -> float:
    cell = next(cell for cell in executed().cells if cell.source == source)
    return float(determine_grade(cell)[0])


def test_a_pass_shows_one_green_line_that_reads_as_plain_text_too() -> None:
    (shown,) = outputs(PASS)
    assert shown.output_type == "display_data"
    assert shown.data["text/plain"] == "✓ A has shape (2, 3)"
    assert "color" in shown.data["text/html"] and "script" not in shown.data["text/html"]


def test_a_failure_shows_a_box_with_three_parts_and_no_traceback() -> None:
    (shown,) = outputs(FAIL)
    text = "\n".join(shown.traceback)
    assert shown.output_type == "error" and shown.ename == "CheckFailed"
    for part in ("What we saw", "Likely cause", "What to do next"):
        assert part in text
    assert "Traceback" not in text and "arrays.py" not in text


def test_a_measurement_is_shown_once_and_again_when_it_is_asked_for() -> None:
    assert [o.output_type for o in outputs(MEASURED)] == ["display_data"]
    assert outputs(LATER)[-1].data["text/plain"].startswith("✓ history")


def test_nbgrader_reads_a_pass_a_measurement_a_failure_and_an_award_as_they_are_meant() -> None:
    scores = [points(source) for source in (PASS, MEASURED, LATER, FAIL, AWARD)]
    assert scores == [5, 5, 5, 0, 2.5]


def test_nothing_is_written_to_stderr() -> None:
    streams = [o for cell in executed().cells for o in cell.outputs if o.output_type == "stream"]
    assert not [o for o in streams if o.name == "stderr"]


def test_the_lines_survive_a_sanitised_page() -> None:
    page, _ = HTMLExporter(sanitize_html=True).from_notebook_node(executed())
    for text in ("A has shape (2, 3)", "What to do next", "2.5 of 5 points: half is right"):
        assert text in page
