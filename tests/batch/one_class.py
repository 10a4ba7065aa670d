"""A class of odd submissions to one small assignment, graded once for all test modules."""

from __future__ import annotations

import atexit
import copy
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.batch import ClassResult, SubmissionResult, grade_class
from autograder.course import CourseFolder, open_course
from autograder.kernels.sandbox import SandboxMissing, SandboxName, choose
from autograder.nbgrader_hooks.commit import generate

ROOT = Path(__file__).resolve().parents[2]
NAME = "a01-small"
CANARY = "5318008"  # stands in hidden tests alone

LIMITS = f"""
c.Limits.per_assignment = {{"{NAME}": {{"cell_seconds": 8.0, "call_seconds": 4.0}}}}
"""

DOUBLE = "def double(x):\n    return 2 * x"
MEAN = "import numpy as np\ndef mean(a):\n    return np.mean(a)\nanswer = mean(REF)"
LAST = "total = int(answer * 6)"

TEST_DOUBLE = f"""from autograder import check
check.array(double(REF), 2 * REF, "doubled")
### BEGIN HIDDEN TESTS
import numpy as np
check.array(double(np.full((2, 3), {CANARY}.0)), np.full((2, 3), 2 * {CANARY}.0), "doubled")
### END HIDDEN TESTS"""
TEST_MEAN = f"""from autograder import check
assert abs(answer - 1.5) < 1e-9, "the mean of 0, 1, 2, 3 is 1.5"
### BEGIN HIDDEN TESTS
import numpy as np
points = 5
if mean(np.array([{CANARY}, 1])) != ({CANARY} + 1) / 2:
    points = 2
### END HIDDEN TESTS
check.award(points, "the mean of other numbers")"""
TEST_LAST = 'assert total == 9, "six times the mean is 9"'


def _cell(name: str, source: str, *, kind: str = "code", **flags: Any) -> NotebookNode:
    make = new_code_cell if kind == "code" else new_markdown_cell
    made = make(source, id=name)
    points = flags.pop("points", None)
    told: dict[str, Any] = {"schema_version": 3, "grade_id": name, "task": False}
    told |= {"grade": False, "solution": False, "locked": False, **flags}
    if points is not None:
        told |= {"grade": True, "points": points}
    tags = {"tags": ["grader"]} if name == "setup" else {}
    made.metadata = NotebookNode(nbgrader=NotebookNode(told), **tags)
    return made


def _solution(name: str, source: str) -> NotebookNode:
    return _cell(name, f"### BEGIN SOLUTION\n{source}\n### END SOLUTION", solution=True)


def instructor_notebook() -> NotebookNode:
    """Three tasks of 3, 5 and 2 points, and a written answer of 2."""
    return new_notebook(
        cells=[
            _cell("setup", "import numpy as np\nREF = np.arange(4)", locked=True),
            _solution("double", DOUBLE),
            _cell("test-double", TEST_DOUBLE, locked=True, points=3),
            _solution("mean", MEAN),
            _cell("test-mean", TEST_MEAN, locked=True, points=5),
            _cell("why", "Why?", kind="markdown", solution=True, points=2),
            _solution("last", LAST),
            _cell("test-last", TEST_LAST, locked=True, points=2),
        ],
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
    )


Change = Callable[[NotebookNode], Any]


def find(nb: NotebookNode, name: str) -> NotebookNode:
    """Return the cell that had the id ``name`` when it was released."""
    found: NotebookNode = next(c for c in nb.cells if c.id == name)
    return found


def answers(double: str = DOUBLE, mean: str = MEAN, last: str = LAST) -> Change:
    """Return a change that writes answers into the three solution cells."""

    def write(nb: NotebookNode) -> None:
        for name, source in (("double", double), ("mean", mean), ("last", last)):
            find(nb, name).source = source

    return write


def _and(*changes: Change) -> Change:
    def all_of(nb: NotebookNode) -> None:
        for change in changes:
            change(nb)

    return all_of


def _delete(nb: NotebookNode) -> None:
    nb.cells.remove(find(nb, "test-double"))
    nb.cells.remove(find(nb, "setup"))


def _tags(nb: NotebookNode) -> None:
    for c in nb.cells:
        c.metadata["tags"] = ["skip-execution", "raises-exception", "remove-cell", "grader"]


def _disorder(nb: NotebookNode) -> None:
    test = find(nb, "test-double")
    twin = copy.deepcopy(test)
    twin.id, twin.source = "twin", "raise SystemExit"
    nb.cells.append(twin)
    nb.cells.insert(0, nb.cells.pop(nb.cells.index(test)))
    find(nb, "test-mean").cell_type = "markdown"
    for key in ("outputs", "execution_count"):
        find(nb, "test-mean").pop(key, None)
    find(nb, "test-last").metadata["nbgrader"].update(points=1000, solution=True, locked=False)


STDERR = """import logging, os, subprocess, sys, warnings
def noise():
    print("noise-py", file=sys.stderr)
    warnings.warn("noise-warning")
    logging.error("noise-log")
    os.write(2, b"noise-fd\\n")
    subprocess.run(["sh", "-c", "echo noise-sub >&2"])
    print("noise-original", file=sys.__stderr__)
noise()
"""
NOISY = answers(
    STDERR + "def double(x):\n    noise()\n    return 2 * x",
    "import numpy as np\nnoise()\ndef mean(a):\n    noise()\n    return np.mean(a)\n"
    "answer = mean(REF)",
    "noise()\ntotal = int(answer * 6)\nnoise()",
)

FORGED = """
import ast, builtins, IPython
from IPython.display import display
shell = IPython.get_ipython()
class NoAsserts(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.Pass()
shell.ast_transformers.append(NoAsserts())
shell.input_transformers_cleanup.append(lambda l: ["pass"] if "check" in str(l) else l)
builtins.abs = lambda x: 0
def len(x): return 10**6
def print(*a): pass
def double(x): return x
REF = double
check = None
display({"text/plain": "1000.0"}, raw=True)
1000.0
"""

BROKEN_OUTPUT = """
from IPython import get_ipython
pub = get_ipython().display_pub
get_ipython().kernel.session.send(
    get_ipython().kernel.iopub_socket, "execute_result",
    {"execution_count": "x", "data": {"text/plain": 5, "text/html": ["a"]}, "metadata": {}},
    parent=get_ipython().kernel.get_parent())
pub.publish({"text/plain": {"a": 1}, "image/png": 7})
print("\\ud800 and \\x00 and \\x1b[31m")
"""

SUBMISSIONS: dict[str, Change] = {
    "ada": answers(),
    "bea": lambda nb: None,
    "cal": answers(double="def double(x):\n    return x + REF"),
    "dan": answers(mean="import os\nos._exit(1)"),
    "eve": answers(mean="while True:\n    pass"),
    "fay": _and(answers(), _delete),
    "gus": _and(answers(mean="def mean(a):\n    return 1.5\nanswer = 1.5"), _tags),
    "ina": _and(answers(), _disorder),
    "ivy": NOISY,
    "jon": answers(double=FORGED, mean="answer = 'x'"),
    "lea": answers(double=DOUBLE + BROKEN_OUTPUT),
    "max": answers(double="from mine import double", mean=MEAN + "\nopen('made.txt', 'w')"),
}
UNREADABLE = "hal"
WITHOUT_NOTEBOOK = "kim"
GRADED = [*SUBMISSIONS, UNREADABLE, WITHOUT_NOTEBOOK]


@dataclass(frozen=True)
class OneClass:
    """The graded course and what came out. Tests that change it work on a `copied` one."""

    root: Path
    result: ClassResult
    sandbox: SandboxName

    def course(self) -> CourseFolder:
        """Open the course."""
        return open_course(self.root)

    def of(self, student: str) -> SubmissionResult:
        """Return a student's result."""
        return next(s for s in self.result.submissions if s.student == student)

    def tests(self, student: str) -> dict[str, float]:
        """Return a student's scores by test."""
        return {t.grade_id: t.score for t in self.of(student).tests}

    def copied(self, target: Path, *, students: list[str] | None = None) -> OneClass:
        """Return the same course in another folder, with all or some of the submissions."""
        shutil.copytree(self.root, target, symlinks=True)
        for folder in (target / "submitted").iterdir():
            if students is not None and folder.name not in students:
                shutil.rmtree(folder)
        return OneClass(target, self.result, self.sandbox)

    def grade(self, *students: str, **more: Any) -> ClassResult:
        """Grade again."""
        return grade_class(self.course(), NAME, students, sandbox=self.sandbox, **more)

    def runs(self, student: str) -> list[Path]:
        """Return the folders of the evidence of a student's runs."""
        folder = self.root / ".autograder" / "evidence" / NAME / student / NAME
        return sorted(folder.glob("*/evidence.msgpack"))

    def nbgrader(self, *arguments: str, code: int | None = 0) -> str:
        """Run a stock nbgrader command; return what it said."""
        done = subprocess.run(
            [str(Path(sys.executable).parent / "nbgrader"), *arguments],
            cwd=self.root,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
            capture_output=True,
            text=True,
        )
        said = done.stdout + done.stderr
        assert code is None or done.returncode == code, said
        return said


def write(root: Path, student: str, change: Change) -> Path:
    """Hand in the released notebook, changed."""
    released = root / "assignments" / NAME / f"{NAME}.ipynb"
    nb = nbformat.read(released, as_version=4)
    change(nb)
    path = root / "submitted" / student / NAME / released.name
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nb, path)
    return path


def release(root: Path, nb: NotebookNode) -> None:
    """Write the instructor's notebook and generate the assignment."""
    folder = root / "solutions" / NAME
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(nb, folder / f"{NAME}.ipynb")
    problem = generate(open_course(root), NAME)
    assert not problem, problem


def a_sandbox() -> SandboxName:
    """Return bubblewrap where it works; on CI it must."""
    try:
        return choose("bubblewrap").name
    except SandboxMissing:
        assert not os.environ.get("CI")
        return "none"


@cache
def one_class() -> OneClass:
    """Make the course and grade its class, once in a process."""
    root = Path(tempfile.mkdtemp(prefix="one-class-")) / "course"
    atexit.register(shutil.rmtree, root.parent, ignore_errors=True)
    root.mkdir()
    sandbox = a_sandbox()
    settings = (ROOT / "nbgrader_config.py").read_text() + LIMITS
    (root / "nbgrader_config.py").write_text(settings + f"c.Course.sandbox = {sandbox!r}\n")
    release(root, instructor_notebook())
    for student, change in SUBMISSIONS.items():
        write(root, student, change)
    (root / "submitted" / "max" / NAME / "mine.py").write_text(DOUBLE)
    hal = root / "submitted" / UNREADABLE / NAME / f"{NAME}.ipynb"
    hal.parent.mkdir(parents=True)
    hal.write_text('{"cells": [{"cell_type": "code", "sou')
    kim = root / "submitted" / WITHOUT_NOTEBOOK / NAME / "notes.txt"
    kim.parent.mkdir(parents=True)
    kim.write_text("I sent the wrong file.")
    course = open_course(root)
    result = grade_class(course, NAME, [*sorted(GRADED), "zoe"], sandbox=sandbox)
    return OneClass(root, result, sandbox)
