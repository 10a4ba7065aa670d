"""What a released notebook's cells say: which are tests, their points, and what came of them."""

from __future__ import annotations

import re
from typing import Any

from nbformat import NotebookNode

ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_AWARD = "◐"  # the mark of a reported award, as `autograder.check` prints it


def is_test(cell: NotebookNode) -> bool:
    """Tell whether nbgrader grades ``cell`` by running it."""
    about = metadata_of(cell)
    return bool(cell.cell_type == "code" and about.get("grade") and not about.get("solution"))


def is_manual(cell: NotebookNode) -> bool:
    """Tell whether a person grades ``cell``."""
    about = metadata_of(cell)
    return bool((about.get("grade") and about.get("solution")) or about.get("task"))


def metadata_of(cell: NotebookNode) -> dict[str, Any]:
    """Return nbgrader's metadata of a cell."""
    about = cell.metadata.get("nbgrader", {})
    return about if isinstance(about, dict) else {}


def points_of(cell: NotebookNode) -> float:
    """Return the points of a cell; 0 where there are none."""
    try:
        return float(metadata_of(cell).get("points", 0.0))
    except (TypeError, ValueError):
        return 0.0


def explain(ename: str, evalue: str) -> tuple[str, str]:
    """Return the first sentence of an error, and the advice that follows it.

    >>> explain("CheckFailed", "11 outputs.\\nLikely cause: 0..10.\\nWhat to do next: use 10.")
    ('11 outputs.', 'Likely cause: 0..10.\\nWhat to do next: use 10.')
    >>> explain("NameError", "name 'build_model' is not defined")[0]
    '`build_model` does not exist yet.'
    """
    text = ANSI.sub("", evalue or "").strip()
    first, _, rest = text.partition("\n")
    if ename == "CheckFailed":
        return first, rest.strip()
    missing = re.match(r"name '(\w+)' is not defined", text)
    if ename == "NameError" and missing:
        return (
            f"`{missing[1]}` does not exist yet.",
            f"A cell above should assign `{missing[1]}`. Write it, and run the check again.",
        )
    if ename == "AssertionError":
        return first or "An assertion of this test does not hold.", rest.strip()
    if ename == "NotImplementedError":
        return "This task is still to be written.", ""
    return f"{ename}: {first}" if first else ename, rest.strip()


def award_of(cell: NotebookNode, output: NotebookNode) -> float | None:
    """Return the points of an award that is the cell's result, None where there is none."""
    if output.output_type != "execute_result" or not award_line(cell):
        return None
    text = str(output.data.get("text/plain", ""))
    try:
        return float(text)
    except ValueError:
        return None


def award_line(cell: NotebookNode) -> str:
    """Return the line of an award that a cell shows, without its mark."""
    for output in cell.outputs:
        shown = output.get("text", "") or output.get("data", {}).get("text/plain", "")
        for line in str(shown).splitlines():
            if line.startswith(_AWARD):
                return line.removeprefix(_AWARD).strip()
    return ""


def was_changed(cell: NotebookNode) -> bool:
    """Tell whether a released test cell was edited: nbgrader stores a checksum in it."""
    told = metadata_of(cell).get("checksum")
    if not told:
        return False
    from nbgrader.utils import compute_checksum  # loads SQLAlchemy; only released notebooks need it

    return bool(told != compute_checksum(cell))


def heading_of(source: str) -> str:
    """Return the last Markdown heading of a cell, without its marks.

    A collapsed block holds a translation, whose headings repeat those of the text.

    >>> heading_of("# Title\\n## 1 · Squares\\n<details>\\n\\n## 1 · Bình phương\\n</details>")
    '1 · Squares'
    """
    source = re.sub(r"<details\b.*?(</details>|\Z)", "", source, flags=re.DOTALL | re.IGNORECASE)
    found = [
        line.lstrip("#").strip().strip("*_ ")
        for line in source.splitlines()
        if re.match(r"#{1,6}\s+\S", line)
    ]
    return found[-1] if found else ""


def name_of(cell: NotebookNode, index: int) -> str:
    """Return how to call a cell in a sentence."""
    name = metadata_of(cell).get("grade_id")
    return f"Cell `{name}`" if name else f"Cell {index + 1}"


def first_line(text: str) -> str:
    """Return the first line of a text, without colours."""
    lines = ANSI.sub("", text or "").strip().splitlines()
    return lines[0][:200] if lines else ""


def sentence(text: str) -> str:
    """Return a text as a sentence."""
    return text[:1].upper() + text[1:] + "." if text else ""
