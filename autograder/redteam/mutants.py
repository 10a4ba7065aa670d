"""Variants of an instructor notebook: what a class of students would hand in.

A *mutant* is the reference solution with one mistake, a *spelling* the same in another correct
way. Both replace solution cells, which their ``grade_id`` names. Their records stand in the kit's
repository, ``tests/notebooks/<assignment>/{mutants,spellings}/<slug>.py``.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import nbformat
from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.preprocessors import ClearHiddenTests, ClearOutput, ClearSolutions
from traitlets.config import Config

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "tests" / "notebooks"


@dataclass(frozen=True)
class Mutant:
    """One mistake.

    Attributes:
        cells: the source that replaces a solution cell, by the cell's ``grade_id``.
        loses: the test cells that must lose points; every other one keeps full marks.
        message: a regular expression that the message of each of them must contain.
        quick: whether the assignment's quick cells stand in for the long training. A mutant that
            replaces one of them itself is quick already.
    """

    cells: Mapping[str, str]
    loses: tuple[str, ...]
    message: str
    quick: bool = True


@dataclass(frozen=True)
class Spelling:
    """Another correct solution, which must get full marks.

    Attributes:
        cells: the source that replaces a solution cell, by the cell's ``grade_id``.
        quick: as for a mutant.
    """

    cells: Mapping[str, str] = field(default_factory=dict)
    quick: bool = True


def instructor_notebook(assignment: str) -> NotebookNode:
    """Read the instructor notebook of ``solutions/<assignment>``."""
    path = ROOT / "solutions" / assignment / f"{assignment}.ipynb"
    notebook: NotebookNode = nbformat.read(path, as_version=4)
    return notebook


def stub(assignment: str) -> NotebookNode:
    """Return the notebook as students receive it: no solutions, no hidden tests."""
    notebook = instructor_notebook(assignment)
    # nbgrader_config.py gives the same stub; nbgrader's own default differs by a class alone.
    settings = Config()
    settings.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\nraise NotImplementedError()"}
    for step in (ClearSolutions(config=settings), ClearOutput(), ClearHiddenTests()):
        notebook, _ = step.preprocess(notebook, {})
    return notebook


def submission(assignment: str, cells: Mapping[str, str] | None = None) -> NotebookNode:
    """Return a student's notebook: the reference solution, with some solution cells replaced.

    Args:
        assignment: its folder's name in ``solutions/``.
        cells: the source that replaces a solution cell, by the cell's ``grade_id``.

    Raises:
        KeyError: where a replaced cell does not exist, or is no solution cell.
    """
    notebook, solved = stub(assignment), instructor_notebook(assignment)
    left = dict(cells or {})
    for cell, solution in zip(notebook.cells, solved.cells, strict=True):
        if utils.is_solution(cell):
            grade_id = cell.metadata.nbgrader.grade_id
            cell.source = left.pop(grade_id, _without_marks(solution.source)).strip("\n")
    if left:
        raise KeyError(f"{assignment} has no solution cells {sorted(left)}")
    return notebook


def variant(assignment: str, record: Mutant | Spelling) -> NotebookNode:
    """Return the notebook of a mutant or a spelling."""
    return submission(assignment, {**(quick(assignment) if record.quick else {}), **record.cells})


def quick(assignment: str) -> dict[str, str]:
    """Return the solution cells that shorten the notebook: ``<assignment>/quick.py``'s CELLS."""
    path = NOTEBOOKS / assignment / "quick.py"
    return dict(_module(path).CELLS) if path.exists() else {}


def mutants(assignment: str) -> dict[str, Mutant]:
    """Return the mutants of ``<assignment>/mutants/``, by their file's name."""
    return {path.stem: _module(path).MUTANT for path in _records(assignment, "mutants")}


def spellings(assignment: str) -> dict[str, Spelling]:
    """Return the spellings of ``<assignment>/spellings/``, by their file's name."""
    return {path.stem: _module(path).SPELLING for path in _records(assignment, "spellings")}


def assignments() -> list[str]:
    """Return the assignments that have mutants."""
    return sorted(path.parent.name for path in NOTEBOOKS.glob("*/mutants"))


def _records(assignment: str, kind: str) -> list[Path]:
    return sorted((NOTEBOOKS / assignment / kind).glob("[!_]*.py"))


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{path.parent.name}_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _without_marks(source: str) -> str:
    lines = source.splitlines()
    return "\n".join(
        x for x in lines if x.strip() not in ("### BEGIN SOLUTION", "### END SOLUTION")
    )
