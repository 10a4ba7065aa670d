"""Which cell binds and which cell reads a name, and where that breaks the grader's contract."""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from autograder.lint.cells import USUAL, LintCell
from autograder.lint.findings import Finding

#: Names that IPython gives to every cell of an ordinary notebook.
# where IPython runs, it adds these two to the builtins; the grader's judge has neither
_BUILTINS = frozenset(dir(builtins)) - {"display", "get_ipython"}
_IPYTHON = frozenset({"display", "get_ipython", "In", "Out", "_", "__", "___", "exit", "quit"})


@dataclass(frozen=True)
class Names:
    """The names of one cell.

    Attributes:
        bound: assigned, defined or imported at the top level.
        imported: those of them that are only ever imported.
        free: read but not bound, by the first line that reads each.
        now: those of ``free`` that are read while the cell runs, not only in a function's body.
        star: whether it imports everything of some module.
    """

    bound: frozenset[str]
    imported: frozenset[str]
    free: dict[str, int]
    now: frozenset[str]
    star: bool


@lru_cache(maxsize=512)
def names_in(source: str) -> Names:
    """Return the names of a cell, resolved as Python's compiler does.

    >>> names = names_in("import numpy as np\\ny = [f(x) for x in data]")
    >>> sorted(names.bound), sorted(names.free)
    (['np', 'y'], ['data', 'f'])
    """
    try:
        tree = ast.parse(source)
        table = symtable.symtable(source, "<cell>", "exec")
    except (SyntaxError, ValueError):
        return Names(frozenset(), frozenset(), {}, frozenset(), False)
    bound, assigned, read, now = set(), set(), set(), set()
    for symbol in table.get_symbols():
        name = symbol.get_name()
        if symbol.is_assigned() or symbol.is_imported():
            bound.add(name)
        if symbol.is_assigned() and not symbol.is_imported():
            assigned.add(name)
        if symbol.is_referenced():
            read.add(name)
            now.add(name)
    pending = [(child, child.get_type() == "function") for child in table.get_children()]
    while pending:
        scope, deferred = pending.pop()
        comprehension = scope.get_name() in ("listcomp", "setcomp", "dictcomp", "genexpr")
        later = deferred and not comprehension
        for symbol in scope.get_symbols():
            name = symbol.get_name()
            if symbol.is_declared_global() and symbol.is_assigned():
                bound.add(name)
                assigned.add(name)
            if symbol.is_global() and symbol.is_referenced():
                read.add(name)
                if not later:
                    now.add(name)
        pending += [(c, later or c.get_type() == "function") for c in scope.get_children()]
    # from Python 3.12 on, the variables of a top-level comprehension look like the module's own
    inner = _Comprehensions()
    inner.visit(tree)
    phantoms = inner.targets - inner.stored
    bound = bound - phantoms | inner.walrus
    assigned = assigned - phantoms | inner.walrus
    read -= phantoms - inner.read_outside
    now -= phantoms - inner.read_outside
    lines: dict[str, int] = {}
    star = False
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            lines[node.id] = min(node.lineno, lines.get(node.id, node.lineno))
        if isinstance(node, ast.ImportFrom) and any(a.name == "*" for a in node.names):
            star = True
    free = {n: lines.get(n, 1) for n in read - bound if not n.startswith("__")}
    ordered = dict(sorted(free.items(), key=lambda item: (item[1], item[0])))
    return Names(frozenset(bound), frozenset(bound - assigned), ordered, frozenset(now), star)


class _Comprehensions(ast.NodeVisitor):
    """Tells the variables of comprehensions from names that are stored or read outside them."""

    def __init__(self) -> None:
        self.targets: set[str] = set()
        self.stored: set[str] = set()
        self.read_outside: set[str] = set()
        self.walrus: set[str] = set()  # assigned in a comprehension to the module's own name
        self._own: list[set[str]] = []
        self._functions = 0

    def generic_visit(self, node: ast.AST) -> None:
        generators: list[ast.comprehension] = getattr(node, "generators", [])
        if not generators:
            super().generic_visit(node)
            return
        names = {n.id for g in generators for n in ast.walk(g.target) if isinstance(n, ast.Name)}
        self.targets |= names
        self._own.append(names)
        super().generic_visit(node)
        self._own.pop()

    def visit_Name(self, node: ast.Name) -> None:  # noqa: N802 (the name is ast's)
        own = any(node.id in names for names in self._own)
        if isinstance(node.ctx, ast.Load) and not own:
            self.read_outside.add(node.id)
        elif not isinstance(node.ctx, ast.Load) and not own:
            self.stored.add(node.id)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:  # noqa: N802
        if not self._functions:
            self.walrus.add(node.target.id)
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:  # noqa: N802
        self.stored.add(node.name)
        self._functions += 1
        self.generic_visit(node)
        self._functions -= 1

    def visit_Lambda(self, node: ast.Lambda) -> None:  # noqa: N802
        self._functions += 1
        self.generic_visit(node)
        self._functions -= 1

    def visit_ClassDef(self, node: ast.ClassDef) -> None:  # noqa: N802
        self.stored.add(node.name)
        self.generic_visit(node)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:  # noqa: N802
        self.stored |= {node.name} if node.name else set()
        self.generic_visit(node)

    def visit_alias(self, node: ast.alias) -> None:
        self.stored.add(node.asname or node.name.split(".")[0])


@dataclass(frozen=True)
class _Binding:
    cell: LintCell
    imported: bool


def check_names(cells: list[LintCell]) -> Iterator[Finding]:
    """Yield what is wrong with the names of a notebook's cells."""
    code = [(cell, names_in(cell.python)) for cell in cells if cell.role != "text"]
    bindings: dict[str, list[_Binding]] = {}
    for cell, names in code:
        for name in names.bound:
            bindings.setdefault(name, []).append(_Binding(cell, name in names.imported))
    stars = [cell.position for cell, names in code if names.star]
    for cell, names in code:
        known = any(position <= cell.position for position in stars)
        for name, line in names.free.items():
            if name == "get_ipython" and cell.magics:
                continue  # the magic itself is reported
            told = bindings.get(name, [])
            if cell.role == "test":
                yield from _test_reads(cell, name, line, told, known)
            elif cell.role == "grader":
                yield from _grader_reads(cell, name, line, told, known)
            else:
                yield from _student_reads(cell, name, line, told, name in names.now)
        if cell.role == "student":
            yield from _student_binds(cell, names, bindings)
        if cell.role == "test":
            yield from _hidden_binds(cell)


def _test_reads(
    cell: LintCell, name: str, line: int, told: list[_Binding], known: bool
) -> Iterator[Finding]:
    above = [b for b in told if b.cell.position < cell.position]
    students = [b for b in above if b.cell.role == "student"]
    graders = [b for b in above if b.cell.role == "grader"]
    tests = [b for b in told if b.cell.role == "test" and b.cell is not cell]
    if name in _BUILTINS:
        if students:
            yield cell.finding("error", "builtin", line, (
                f"This test reads `{name}`, which {_cell(students[0])} binds, but it is also a "
                "builtin of Python, and the grader never replaces those. Give the task's name "
                "another spelling."
            ))  # fmt: skip
        return
    if students or graders:
        if all(b.imported for b in students + graders):
            if graders:
                yield cell.finding("warning", "import", line, (
                    f"This test uses `{name}`, which {_cell(graders[-1])} imports. A test cell "
                    "imports what it needs itself, so that it can be read alone: add the import."
                ))  # fmt: skip
            else:
                yield _must_import(cell, name, line, students[-1])
            return
        earlier = [b for b in tests if b.cell.position < cell.position and not b.imported]
        if earlier and students:
            yield cell.finding("warning", "rebound", line, (
                f"`{name}` is bound by {_cell(students[-1])} and by the test "
                f"{_cell(earlier[-1])}: Jupyter shows this test the other test's value, the grader "
                "the student's. Use another name in that test."
            ))  # fmt: skip
        return
    if tests and all(b.imported for b in tests):
        yield _must_import(cell, name, line, tests[0])
    elif tests:
        yield cell.finding("error", "other-test", line, (
            f"This test reads `{name}`, which only the test {_cell(tests[0])} binds. Every test "
            "starts in a fresh namespace: build the value here, or in a locked cell tagged "
            "`grader`."
        ))  # fmt: skip
    elif told:
        yield cell.finding("error", "below", line, (
            f"This test reads `{name}`, which {_cell(told[0])} binds below it. A test sees the "
            "notebook as it stands at its own place: move the test down, or the cell up."
        ))  # fmt: skip
    elif name in USUAL:
        yield cell.finding("error", "import", line, (
            f"This test uses `{name}` and does not import it. Add `{_import_line(name)}`: every "
            "test starts in a fresh namespace."
        ))  # fmt: skip
    elif not known:
        hint = " Add `from IPython.display import display`." if name == "display" else ""
        yield cell.finding("error", "unbound", line, (
            f"This test reads `{name}`, which no cell binds. Check its spelling, or bind it."
            + hint
        ))  # fmt: skip


def _must_import(cell: LintCell, name: str, line: int, other: _Binding) -> Finding:
    return cell.finding("error", "import", line, (
        f"This test uses `{name}`, which is imported in {_cell(other)} only. Import it in this "
        "cell: what a student's cell or another test imports does not count in the grader."
    ))  # fmt: skip


def _grader_reads(
    cell: LintCell, name: str, line: int, told: list[_Binding], known: bool
) -> Iterator[Finding]:
    if name in _BUILTINS or any(b.cell.role == "grader" for b in told):
        return
    if told:
        who = "a test's" if told[0].cell.role == "test" else "the student's side's"
        yield cell.finding("error", "grader-reads", line, (
            f"This cell is tagged `grader`, so it runs in the grader too, where `{name}` does not "
            f"exist: {_cell(told[0])} binds it, which is {who} cell. Bind it here."
        ))  # fmt: skip
    elif not known:
        yield cell.finding("error", "unbound", line, (
            f"This cell is tagged `grader` and reads `{name}`, which no such cell binds; in the "
            "grader, which is no IPython, it fails. Bind or import it here."
        ))  # fmt: skip


def _student_reads(
    cell: LintCell, name: str, line: int, told: list[_Binding], now: bool
) -> Iterator[Finding]:
    if name in _BUILTINS or name in _IPYTHON:
        return
    tests = [b for b in told if b.cell.role == "test"]
    others = [b for b in told if b.cell.role != "test"]
    if now:  # a function's body may read what a cell below binds; a cell itself may not
        tests = [b for b in tests if b.cell.position < cell.position]
        others = [b for b in others if b.cell.position < cell.position]
    if tests and not others:
        yield cell.finding("error", "student-reads-test", line, (
            f"This cell reads `{name}`, which only the test {_cell(tests[0])} binds. No test runs "
            "in the student's kernel when it is graded, so this cell would fail there: bind the "
            "name in a cell of the notebook."
        ))  # fmt: skip


def _student_binds(
    cell: LintCell, names: Names, bindings: dict[str, list[_Binding]]
) -> Iterator[Finding]:
    for name in sorted(names.bound - names.imported):
        graders = [b for b in bindings[name] if b.cell.role == "grader" and not b.imported]
        if graders:
            yield cell.finding("warning", "overwrites", _line_of(cell, name), (
                f"This cell binds `{name}`, which {_cell(graders[0])} provides officially: tests "
                "in the grader use the official value, in Jupyter this one. Use another name."
            ))  # fmt: skip


def _hidden_binds(cell: LintCell) -> Iterator[Finding]:
    """The visible part of a test must not need what its hidden part binds."""
    if not cell.hidden or cell.visible_tree is None:
        return
    whole, visible = names_in(cell.python), names_in(cell.visible)
    for name, line in visible.free.items():
        if name in whole.bound and name not in _BUILTINS:
            yield cell.finding("error", "hidden-binds", line, (
                f"The visible part of this test reads `{name}`, which only the hidden block binds. "
                "Students get the visible part alone, and it would fail: bind it outside the block."
            ))  # fmt: skip


def _line_of(cell: LintCell, name: str) -> int:
    lines = [
        node.lineno
        for node in ast.walk(cell.tree or ast.Module([], []))
        if (isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store))
        or (isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name == name)
    ]
    return min(lines, default=1)


def _cell(binding: _Binding) -> str:
    return f"`{binding.cell.name}`"


def _import_line(name: str) -> str:
    origin = USUAL[name]
    if origin == name:
        return f"import {name}"
    module, _, last = origin.rpartition(".")
    return f"from {module} import {last}" if last == name else f"import {origin} as {name}"


def student_names(cells: Iterable[LintCell]) -> frozenset[str]:
    """Return the names that students' cells bind otherwise than by an import."""
    found: set[str] = set()
    for cell in cells:
        if cell.role == "student":
            names = names_in(cell.python)
            found |= names.bound - names.imported
    return frozenset(found)
