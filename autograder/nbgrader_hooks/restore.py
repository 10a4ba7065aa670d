"""Making a submitted notebook whole again before anything of it is executed.

Which cells exist, what they are and how many points they carry comes from the gradebook. A
submission decides the text of its solution cells and of cells of its own, and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell
from nbgrader.preprocessors import DeduplicateIds, NbGraderPreprocessor
from traitlets import Bool

from autograder.course import from_config
from autograder.nbgrader_hooks.execute import SealedExecute
from autograder.nbgrader_hooks.source import SourceCell, grade_id, source_cells


class RestoreCells(NbGraderPreprocessor):
    """Stands in place of nbgrader's DeduplicateIds and of OverwriteCells' `add_missing_cells`.

    With ``c.SealedExecute.same_kernel = True`` it does what DeduplicateIds does: a foreign
    assignment may rely on cells that are left as they were handed in.
    """

    restore_missing = Bool(
        True, help="Whether a locked or test cell that a submission lacks is put back."
    ).tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Restore the cells of one submitted notebook."""
        if SealedExecute(parent=self).same_kernel:
            result: tuple[NotebookNode, ResourcesDict] = DeduplicateIds(parent=self).preprocess(
                nb, resources
            )
            return result
        told = resources["nbgrader"]
        course = from_config(Path.cwd(), self.config)
        order = course.cell_order(told["assignment"], told["notebook"])
        cells = source_cells(told["db_url"], told["assignment"], told["notebook"], order)
        for note in restore(nb, cells, missing=self.restore_missing):
            self.log.warning(note)
        return nb, resources


def restore(nb: NotebookNode, source: Sequence[SourceCell], *, missing: bool = True) -> list[str]:
    """Restore a notebook in place; return what was mended, as sentences. Idempotent."""
    known = {cell.name: cell for cell in source}
    notes: list[str] = []
    _identify(nb, known, notes)
    for cell in nb.cells:
        name = grade_id(cell)
        cell.metadata.pop("tags", None)
        if name is not None:
            _overwrite(cell, known[name], notes)
    _place(nb, source, missing, notes)
    return notes


def _identify(nb: NotebookNode, known: dict[str, SourceCell], notes: list[str]) -> None:
    """Leave nbgrader's metadata on one cell a name: the last, as nbgrader itself decides."""
    seen: set[str] = set()
    for cell in reversed(nb.cells):
        if not isinstance(cell.get("metadata"), dict):
            cell.metadata = NotebookNode()
        name = grade_id(cell)
        if name is None or name not in known:
            if "nbgrader" in cell.metadata:
                del cell.metadata["nbgrader"]
            continue
        if name in seen:
            notes.append(f"cell `{name}` stands more than once; its last copy is graded")
            del cell.metadata["nbgrader"]
            if known[name].locked:  # a second copy of a test is nobody's code
                cell.cell_type, cell.source = "raw", ""
                cell.pop("outputs", None)
                cell.pop("execution_count", None)
            continue
        seen.add(name)


def _overwrite(cell: NotebookNode, source: SourceCell, notes: list[str]) -> None:
    if cell.cell_type != source.cell_type:
        notes.append(f"cell `{source.name}` was a {cell.cell_type} cell and is {source.cell_type}")
        _retype(cell, source.cell_type)
    if source.locked:
        cell.source = source.source
    kept = {k: v for k, v in cell.metadata.items() if k in ("deletable", "editable")}
    cell.metadata = NotebookNode({**kept, "nbgrader": NotebookNode(source.metadata())})


def _retype(cell: NotebookNode, cell_type: str) -> None:
    cell.cell_type = cell_type
    if cell_type == "code":
        cell.outputs, cell.execution_count = [], None
        cell.pop("attachments", None)
    else:
        cell.pop("outputs", None)
        cell.pop("execution_count", None)


def _place(nb: NotebookNode, source: Sequence[SourceCell], missing: bool, notes: list[str]) -> None:
    """Put back locked cells that are missing, and those that stand out of the source's order."""
    rank = {cell.name: i for i, cell in enumerate(source)}
    present = [name for cell in nb.cells if (name := grade_id(cell)) is not None]
    in_order = present == sorted(present, key=rank.__getitem__)
    taken: dict[str, NotebookNode] = {}
    if not in_order:
        notes.append("cells stand in another order than in the assignment; tests were put back")
        locked = {cell.name for cell in source if cell.locked}
        taken = {n: c for c in nb.cells if (n := grade_id(c)) is not None and n in locked}
        nb.cells = [c for c in nb.cells if grade_id(c) not in taken]
    here = {name for cell in nb.cells if (name := grade_id(cell)) is not None}
    for i, wanted in enumerate(source):
        if wanted.name in here:
            continue
        cell = taken.get(wanted.name)
        if cell is None:
            if not missing or not (wanted.locked or wanted.grade):
                continue
            notes.append(f"cell `{wanted.name}` was missing and was put back")
            cell = _new(wanted)
        nb.cells.insert(_index_after(nb.cells, [c.name for c in source[:i]]), cell)
        here.add(wanted.name)


def _index_after(cells: Sequence[NotebookNode], before: Sequence[str]) -> int:
    """Return the index behind the last cell of ``before`` and the student's own cells after it."""
    names = set(before)
    index = 0
    for i, cell in enumerate(cells):
        if grade_id(cell) in names:
            index = i + 1
    if index:
        while index < len(cells) and grade_id(cells[index]) is None:
            index += 1
    return index


def _new(source: SourceCell) -> NotebookNode:
    make: Any = new_code_cell if source.cell_type == "code" else new_markdown_cell
    # the gradebook holds what was released: for an answer, the stub
    cell: NotebookNode = make(source.source)
    cell.metadata = NotebookNode({"nbgrader": NotebookNode(source.metadata())})
    return cell
