"""What must not stand in a test cell, and what must."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from autograder.lint.cells import LintCell
from autograder.lint.findings import Finding
from autograder.lint.names import names_in

_PRIVATE = {
    f"{m}.{f}" for m in ("autograder", "autograder.private") for f in ("hidden", "threshold")
}
_SEEDS = {
    "autograder.check.seed",
    "numpy.random.seed",
    "keras.utils.set_random_seed",
    "random.seed",
    "tensorflow.random.set_seed",
    "torch.manual_seed",
}
#: Functions of check that measure or prepare and never fail by themselves.
_NO_CHECK = {"seed", "case", "describe", "figure_data", "predict", "head", "compile_record"}
_NUMBER_CALLS = {"float", "int", "round", "len", "sum", "abs", "min", "max"}
_NUMBER_METHODS = {"mean", "sum", "std", "item", "max", "min", "norm"}
_STDERR_CALLS = ("warnings.warn", "logging.", "traceback.print_", "absl.logging.")


def check_test(cell: LintCell, students: frozenset[str]) -> Iterator[Finding]:
    """Yield what is wrong in one test cell.

    Args:
        cell: the test.
        students: names that students' cells bind.
    """
    if cell.magics:
        yield from magics(cell)
        return
    if cell.tree is None:
        yield cell.finding("error", "syntax", 0, (
            "This test is not valid Python, so it can never pass. Run the notebook once."
        ))  # fmt: skip
        return
    if cell.visible_tree is None:
        yield cell.finding("error", "syntax", min(cell.hidden, default=0), (
            "Without its hidden block this test is not valid Python, and students get it without. "
            "Let the block hold whole statements, and leave a statement outside it."
        ))  # fmt: skip
    yield from _calls(cell, students)
    yield from _asserts(cell)
    yield from _visible_check(cell)
    yield from _last_expression(cell)
    yield from _awards(cell)


def magics(cell: LintCell) -> Iterator[Finding]:
    """Yield the lines of a cell that only IPython understands."""
    for line in cell.magics:
        yield cell.finding("error", "magic", line, (
            "This line is a magic of IPython. The grader runs this cell as plain Python, where it "
            "is a syntax error: write it in Python, or move it to a cell of the notebook."
        ))  # fmt: skip


def private_calls(cell: LintCell) -> Iterator[tuple[ast.Call, str, str]]:
    """Yield the calls of ``hidden`` and ``threshold``: the node, which of both, and the name."""
    for node, called in cell.calls():
        if called in _PRIVATE:
            first = node.args[0] if node.args else None
            name = first.value if isinstance(first, ast.Constant) else ""
            yield node, called.rpartition(".")[2], str(name)


def check_private(cell: LintCell) -> Iterator[Finding]:
    """Yield the calls of private data that do not stand in a hidden block."""
    for node, function, _ in private_calls(cell):
        if node.lineno not in cell.hidden:
            yield cell.finding("error", "private", node.lineno, (
                f"`autograder.{function}` exists in the grader only, but this line is not in a "
                "hidden block, so it would fail for every student. Put it between "
                "### BEGIN HIDDEN TESTS and ### END HIDDEN TESTS."
            ))  # fmt: skip


def check_everywhere(cell: LintCell) -> Iterator[Finding]:
    """Yield what must not stand in any code cell."""
    for call, called in cell.calls():
        if called == "input":
            yield cell.finding("error", "input", call.lineno, (
                "`input()` waits for somebody to type, and nobody does while a class is graded. "
                "Use a variable."
            ))  # fmt: skip
    for node in ast.walk(cell.tree) if cell.tree is not None else ():
        chain = isinstance(node, ast.Attribute) and cell.dotted(node) == "tensorflow.keras"
        plain = isinstance(node, ast.Import) and any(
            a.name.startswith("tensorflow.keras") for a in node.names
        )
        source = isinstance(node, ast.ImportFrom) and (
            (node.module or "").startswith("tensorflow.keras")
            or (node.module == "tensorflow" and any(a.name == "keras" for a in node.names))
        )
        if chain or plain or source:
            yield cell.finding("error", "tf.keras", getattr(node, "lineno", 0), (
                "`tf.keras` ties the notebook to TensorFlow. Write `import keras`: it is the same "
                "library, on every backend."
            ))  # fmt: skip


def _calls(cell: LintCell, students: frozenset[str]) -> Iterator[Finding]:
    seeded = False
    own = _own_functions(cell)
    free = names_in(cell.python).free
    for node, called in cell.calls():
        line = node.lineno
        last = called.rpartition(".")[2] or (
            node.func.attr if isinstance(node.func, ast.Attribute) else ""
        )
        seeded = seeded or (called in _SEEDS and bool(node.args or node.keywords))
        if last == "allclose":
            yield cell.finding("error", "allclose", line, (
                "`allclose` is true for empty arrays and for shapes that broadcast, and false for "
                "any NaN, so it can pass where it should fail. Use `check.array(actual, expected, "
                "name)`, or `check.that` for arrays that must differ."
            ))  # fmt: skip
        elif last.startswith("assert_") and called.startswith("numpy.testing"):
            yield cell.finding("warning", "numpy-testing", line, (
                f"`{last}` prints both arrays and passes for shapes that broadcast. "
                "`check.array(actual, expected, name)` says it in words."
            ))  # fmt: skip
        if not seeded and _draws(node, called):
            yield cell.finding("error", "unseeded", line, (
                f"`{called}` draws other numbers in every run, so two runs may give two scores, "
                "and stored evidence cannot answer. Call `check.seed(n)` before it, or draw from "
                "`np.random.default_rng(n)`."
            ))  # fmt: skip
        if _to_stderr(node, called, cell):
            yield cell.finding("error", "stderr", line, (
                "This writes to stderr, and to nbgrader any stderr in a test cell means 0 points. "
                "Print to stdout, or use `check.that`."
            ))  # fmt: skip
        if isinstance(node.func, ast.Name) and node.func.id in students & free.keys():
            values = [*node.args, *(k.value for k in node.keywords)]
            if any(
                isinstance(v, ast.Lambda) or (isinstance(v, ast.Name) and v.id in own)
                for v in values
            ):
                yield cell.finding("error", "crossing", line, (
                    f"A function of this test is passed to the student's `{node.func.id}`. "
                    "Functions of the grader never cross to the student's side: pass arrays, plain "
                    "values or models."
                ))  # fmt: skip


def _draws(node: ast.Call, called: str) -> bool:
    """Tell whether a call draws random numbers that no argument of its own fixes."""
    given = {k.arg for k in node.keywords}
    if called in ("numpy.random.default_rng", "numpy.random.RandomState", "random.Random"):
        first = node.args[0] if node.args else None
        none = isinstance(first, ast.Constant) and first.value is None
        return (first is None and "seed" not in given) or none
    if called in _SEEDS or called.startswith("numpy.random.Generator"):
        return False
    if called in ("numpy.random.SeedSequence", "numpy.random.PCG64"):
        return not node.args and not given
    if called.startswith("keras.random.") and called != "keras.random.SeedGenerator":
        return "seed" not in given
    if called.rpartition(".")[2] == "train_test_split":
        return "random_state" not in given
    drawing = ("numpy.random.", "random.", "tensorflow.random.", "torch.rand")
    return called.startswith(drawing) and called not in ("random.getstate", "random.setstate")


def _to_stderr(node: ast.Call, called: str, cell: LintCell) -> bool:
    if called.startswith(_STDERR_CALLS) and not called.startswith(
        ("logging.getLogger", "logging.disable", "logging.NullHandler")
    ):
        return True
    if called.startswith(("sys.stderr.", "sys.__stderr__.")):
        return True
    if called == "os.write" and node.args:
        return isinstance(node.args[0], ast.Constant) and node.args[0].value == 2
    return called == "print" and any(
        k.arg == "file" and cell.dotted(k.value) in ("sys.stderr", "sys.__stderr__")
        for k in node.keywords
    )


def _own_functions(cell: LintCell) -> set[str]:
    found = set()
    for node in ast.walk(cell.tree) if cell.tree is not None else ():
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
            found |= {t.id for t in node.targets if isinstance(t, ast.Name)}
    return found


def _asserts(cell: LintCell) -> Iterator[Finding]:
    for node in ast.walk(cell.tree) if cell.tree is not None else ():
        if not isinstance(node, ast.Assert):
            continue
        if node.msg is None:
            yield cell.finding("error", "bare-assert", node.lineno, (
                "This `assert` has no message, so its feedback says nothing. Use `check.that("
                "condition, observed, cause, next_step)`, or add a sentence after a comma."
            ))  # fmt: skip
        elif isinstance(node.msg, ast.JoinedStr) and node.lineno in cell.hidden:
            yield cell.finding("warning", "leak", node.lineno, (
                "This message puts values into the feedback of a hidden test. See that nobody can "
                "read hidden data from them."
            ))  # fmt: skip


def _visible_check(cell: LintCell) -> Iterator[Finding]:
    for node in ast.walk(cell.visible_tree) if cell.visible_tree is not None else ():
        if isinstance(node, (ast.Assert, ast.Raise)):
            return
        if isinstance(node, ast.Call):
            called = cell.dotted(node.func)
            if called.startswith("numpy.testing."):
                return
            module, _, last = called.rpartition(".")
            if module == "autograder.check" and last not in _NO_CHECK:
                return
    if cell.visible_tree is not None:
        yield cell.finding("error", "no-visible-check", 0, (
            "Outside its hidden block this test checks nothing, so students cannot try their "
            "answer. Add one visible check with a small example."
        ))  # fmt: skip


def _last_expression(cell: LintCell) -> Iterator[Finding]:
    lines = set()
    for tree in (cell.tree, cell.visible_tree):
        body = tree.body if tree is not None else []
        if body and isinstance(body[-1], ast.Expr) and _is_number(body[-1].value, cell, body):
            lines.add(body[-1].lineno)
    for line in sorted(lines):
        yield cell.finding("error", "bare-number", line, (
            "The last expression of this test is a number, which nbgrader reads as the score. For "
            "partial credit write `check.award(points, why)`; otherwise assign it to a name."
        ))  # fmt: skip


def _is_number(node: ast.expr, cell: LintCell, body: list[ast.stmt]) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, (int, float)) and not isinstance(node.value, bool)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        return _is_number(node.operand, cell, body)
    if isinstance(node, ast.BinOp):
        return _is_number(node.left, cell, body) or _is_number(node.right, cell, body)
    if isinstance(node, ast.IfExp):
        return _is_number(node.body, cell, body) or _is_number(node.orelse, cell, body)
    if isinstance(node, ast.Call):
        called = cell.dotted(node.func)
        if called.startswith("autograder.check."):
            return False
        method = isinstance(node.func, ast.Attribute) and node.func.attr in _NUMBER_METHODS
        return called in _NUMBER_CALLS or method
    if isinstance(node, ast.Name):
        for statement in reversed(body[:-1]):
            if isinstance(statement, ast.Assign) and any(
                isinstance(t, ast.Name) and t.id == node.id for t in statement.targets
            ):
                return _is_number(statement.value, cell, body[:-1])
    return False


def _awards(cell: LintCell) -> Iterator[Finding]:
    """Partial credit counts only as the value of the cell's last expression."""
    body = cell.tree.body if cell.tree is not None else []
    for node in ast.walk(cell.tree) if cell.tree is not None else ():
        if not isinstance(node, ast.Expr) or (body and node is body[-1]):
            continue
        if (
            isinstance(node.value, ast.Call)
            and cell.dotted(node.value.func) == "autograder.check.award"
        ):
            yield cell.finding("error", "award", node.lineno, (
                "This `check.award` is not the cell's last expression, so it has no effect and the "
                "cell gives full points. Assign the points in the branches, and end the cell with "
                "one `check.award(points, why)`."
            ))  # fmt: skip
