"""A notebook's cells, parsed for the linter."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from autograder.lint.findings import Finding, Severity

Role = Literal["test", "grader", "student", "text"]
#: What a name means in a cell that forgot to import it.
USUAL = {
    "np": "numpy",
    "numpy": "numpy",
    "check": "autograder.check",
    "autograder": "autograder",
    "keras": "keras",
    "layers": "keras.layers",
    "ops": "keras.ops",
    "tf": "tensorflow",
    "plt": "matplotlib.pyplot",
    "random": "random",
    "sys": "sys",
    "os": "os",
    "warnings": "warnings",
    "logging": "logging",
}
_TRANSPARENT = re.compile(r"%%(time|timeit|capture|prun|memit)\b.*")
_MAGIC = re.compile(r"^\s*(%{1,2}\w|!|\?|[\w.]+\?{1,2}\s*$)|=\s*(%\w|!)", re.MULTILINE)


@dataclass(frozen=True)
class Markers:
    """The marks of one kind of region, as nbgrader's configuration names them."""

    begin: str
    end: str

    def lines(self, source: str) -> set[int]:
        """Return the numbers of the lines of all regions, the marks' own lines included."""
        found, inside = set(), False
        for number, line in enumerate(source.splitlines(), 1):
            if self.begin in line:
                inside = True
            if inside:
                found.add(number)
            if self.end in line:
                found.add(number)
                inside = False
        return found

    def fault(self, source: str) -> tuple[int, str] | None:
        """Return the line and kind of the first mark that has no partner."""
        opened = 0
        for number, line in enumerate(source.splitlines(), 1):
            if self.begin in line:
                if opened:
                    return number, f"`{self.begin}` comes twice without `{self.end}` between"
                opened = number
            elif self.end in line:
                if not opened:
                    return number, f"`{self.end}` has no `{self.begin}` before it"
                opened = 0
        return (opened, f"`{self.begin}` has no `{self.end}` after it") if opened else None

    def stand_in(self, source: str) -> bool:
        """Tell whether either mark occurs in ``source``."""
        return self.begin in source or self.end in source


SOLUTION = Markers("BEGIN SOLUTION", "END SOLUTION")
HIDDEN = Markers("BEGIN HIDDEN TESTS", "END HIDDEN TESTS")
MARK_SCHEME = Markers("BEGIN MARK SCHEME", "END MARK SCHEME")


@dataclass(frozen=True)
class LintCell:
    """One cell.

    Attributes:
        notebook: the notebook's name.
        position: its place in the notebook, from 0.
        kind: ``code``, ``markdown`` or ``raw``.
        metadata: the cell's metadata; ``about`` is nbgrader's part of it.
        source: its text.
        hidden: the numbers of the lines in hidden test blocks.
    """

    notebook: str
    position: int
    kind: str
    metadata: dict[str, Any]
    source: str
    identity: str | None = None
    outputs: int = 0
    hidden: frozenset[int] = frozenset()
    inherited: dict[str, str] = field(default_factory=dict)

    @property
    def about(self) -> dict[str, Any]:
        """nbgrader's metadata, empty where there is none."""
        about = self.metadata.get("nbgrader", {})
        return about if isinstance(about, dict) else {}

    @property
    def name(self) -> str:
        """The ``grade_id``, or ``cell-<position>``."""
        return str(self.about.get("grade_id") or f"cell-{self.position + 1}")

    @property
    def role(self) -> Role:
        """What the grader takes the cell for."""
        if self.kind != "code":
            return "text"
        if self.about.get("grade") and not self.about.get("solution"):
            return "test"
        if "grader" in self.tags and self.about.get("locked") and not self.about.get("grade"):
            return "grader"
        return "student"

    @property
    def tags(self) -> list[str]:
        """The cell's tags."""
        return list(self.metadata.get("tags", []))

    @property
    def visible(self) -> str:
        """The source without hidden blocks; the remaining lines keep their numbers."""
        lines = self.source.splitlines()
        return "\n".join("" if n in self.hidden else line for n, line in enumerate(lines, 1))

    @cached_property
    def magics(self) -> list[int]:
        """The numbers of lines that only IPython understands."""
        if self.kind != "code" or _parse(self.source) is not None:
            return []
        return [self.source.count("\n", 0, m.start()) + 1 for m in _MAGIC.finditer(self.source)]

    @cached_property
    def python(self) -> str:
        """The source as Python: magics made into calls, or empty for another language."""
        lines = self.source.splitlines()
        if lines and _TRANSPARENT.match(lines[0]):
            lines[0] = ""
        text = "\n".join(lines)
        if text.lstrip().startswith("%%"):
            return ""
        if _parse(text) is None and _MAGIC.search(text):
            from IPython.core.inputtransformer2 import TransformerManager

            text = TransformerManager().transform_cell(text)
        return text

    @cached_property
    def tree(self) -> ast.Module | None:
        """The parsed source; None where it is no Python."""
        return _parse(self.python) if self.kind == "code" else None

    @cached_property
    def visible_tree(self) -> ast.Module | None:
        """The parsed source without hidden blocks."""
        return _parse(self.visible) if self.kind == "code" else None

    @cached_property
    def imports(self) -> dict[str, str]:
        """What each imported name stands for: ``{"np": "numpy"}``."""
        found: dict[str, str] = {}
        for node in ast.walk(self.tree) if self.tree is not None else ():
            if isinstance(node, ast.Import):
                for alias in node.names:
                    first = alias.name.split(".")[0]
                    found[alias.asname or first] = alias.name if alias.asname else first
            elif isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        return found

    @property
    def meanings(self) -> dict[str, str]:
        """What each name stands for here, by import, by a cell above, or by custom."""
        return {**USUAL, **self.inherited, **self.imports}

    def dotted(self, node: ast.expr) -> str:
        """Return what an expression names, such as ``numpy.random.normal``; empty if nothing."""
        if isinstance(node, ast.Name):
            return self.meanings.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            base = self.dotted(node.value)
            return f"{base}.{node.attr}" if base else ""
        return ""

    def calls(self) -> Iterator[tuple[ast.Call, str]]:
        """Yield every call with the dotted name of what is called, in order of lines."""
        if self.tree is not None:
            found = [n for n in ast.walk(self.tree) if isinstance(n, ast.Call)]
            for node in sorted(found, key=lambda n: (n.lineno, n.col_offset)):
                yield node, self.dotted(node.func)

    def finding(self, severity: Severity, rule: str, line: int, sentence: str) -> Finding:
        """Return a finding at a line of this cell."""
        return Finding(severity, rule, self.notebook, self.name, line, sentence, self.position)


def _parse(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError):
        return None
