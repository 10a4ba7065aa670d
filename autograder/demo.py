"""The course of `autograder demo`: Exercise 11, its data, and a class of up to twelve."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.files import write_atomic
from autograder.kernels.sandbox import package_folder
from autograder.redteam.mutants import mutants, quick, stub, submission, variant

ASSIGNMENT = "a06-ex7-digits"
MARK = ".autograder-demo"
CELL_SECONDS = 180  # the endless notebook costs this much; the reference trains in half of it
LONGEST_FIRST = ("ines", "ada")  # started first, the others run beside them

CONFIG = """

# --- Only in this demonstration -------------------------------------------------------------------
c.CourseDirectory.course_id = "demo"
c.Limits.per_assignment = {{"{assignment}": {{"cell_seconds": {seconds}, "call_seconds": 20}}}}
"""

WEAK = """
keras.utils.set_random_seed(SEED)
final_model = keras.Sequential(
    [keras.Input((20, 20, 1)), layers.Flatten(), layers.Dense(10, activation="softmax")]
)
final_model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
final_history = final_model.fit(
    X_train, y_train, validation_data=(X_val, y_val), epochs=3, verbose=0
)
test_loss, test_accuracy = final_model.evaluate(X_test, y_test, verbose=0)
"""

CRASH = """
import os

os._exit(1)  # what a fault in a native library looks like
"""

ENDLESS = """
import time

keras.utils.set_random_seed(SEED)
final_model = build_model()
while True:
    time.sleep(1)
"""

INVENTED = """
keras.utils.set_random_seed(SEED)
final_model = plain_network()
final_history = keras.callbacks.History()
final_history.history = {
    "loss": [1.1, 0.4, 0.2, 0.1, 0.04, 0.02], "val_loss": [0.6, 0.3, 0.2, 0.1, 0.07, 0.05],
    "accuracy": [0.7, 0.9, 0.95, 0.97, 0.99, 1.0],
    "val_accuracy": [0.8, 0.9, 0.95, 0.97, 0.98, 0.99],
}
final_history.epoch = list(range(6))
test_loss, test_accuracy = 0.04, 0.993
"""

FORGERY = """
from IPython import get_ipython
from autograder import check

for name in list(vars(check)):  # every check passes from now on
    if callable(getattr(check, name)) and not name.startswith("_"):
        setattr(check, name, lambda *args, **kwargs: 1.0)
get_ipython().input_transformers_cleanup.append(lambda lines: ["pass"])
raise NotImplementedError()
"""


class KitMissing(RuntimeError):
    """The demonstration needs the kit's own folder, with its solutions: run it there."""


@dataclass(frozen=True)
class Student:
    """One hand-in of the demonstration: who, what about it, and the notebook."""

    name: str
    story: str
    notebook: Callable[[], NotebookNode]


def class_of(size: int) -> list[Student]:
    """Return the first ``size`` of the class, the most telling ones first."""
    known = mutants(ASSIGNMENT)

    def mutant(slug: str) -> Callable[[], NotebookNode]:
        return lambda: variant(ASSIGNMENT, known[slug])

    def quickly(**cells: str) -> Callable[[], NotebookNode]:
        named = {name.replace("_", "-"): source for name, source in cells.items()}
        return lambda: submission(ASSIGNMENT, {**quick(ASSIGNMENT), **named})

    return [
        Student("ada", "the reference solution", lambda: submission(ASSIGNMENT)),
        Student("bao", "the plain network", quickly()),
        Student("chi", "a weak model without a convolution", quickly(final=WEAK)),
        Student("dung", "forgets that label 10 is the digit 0", mutant("label_10_kept")),
        Student("emil", "splits without stratify", mutant("split_without_stratify")),
        Student("fatima", "softmax twice", mutant("double_softmax")),
        Student("giang", "draws the training loss only", mutant("plot_training_only")),
        Student("hugo", "the kernel crashes in the last training", quickly(final=CRASH)),
        Student("ines", "the last training never ends", quickly(final=ENDLESS)),
        Student("jun", "handed in the untouched stub", lambda: stub(ASSIGNMENT)),
        Student("kim", "cheats: invents the history and the accuracy", quickly(final=INVENTED)),
        Student("lars", "cheats: patches the checks, skips the tests", _forged),
    ][:size]


def _forged() -> NotebookNode:
    nb = stub(ASSIGNMENT)
    for cell in nb.cells:
        told = cell.metadata.get("nbgrader", {})
        if told.get("grade") and cell.cell_type == "code":
            cell.metadata["tags"] = ["skip-execution"]
            cell.source = "print('all tests passed')"
        elif told.get("grade_id") == "load-ex7":
            cell.source = FORGERY
    return nb


def kit_folder(start: Path) -> Path:
    """Return the kit's own folder: here, above, or where the package is developed.

    Raises:
        KitMissing: when there is none: a wheel holds no solutions.
    """
    for folder in [start, *start.parents, package_folder().parent]:
        if (folder / "solutions" / ASSIGNMENT).is_dir() and (folder / "tests/notebooks").is_dir():
            return folder
    raise KitMissing(
        "The demonstration grades the kit's own assignment, which an installed package does not "
        "hold. Get the kit's repository and run `make demo` in it."
    )


def make_course(folder: Path, kit: Path, size: int) -> list[Student]:
    """Make the course in ``folder``, with a class of ``size``; return the class.

    A folder that an earlier demonstration made is used again, with its evidence.

    Raises:
        FileExistsError: when ``folder`` holds something else.
    """
    mark = folder / MARK
    if folder.exists() and any(folder.iterdir()) and not mark.is_file():
        raise FileExistsError(
            f"{folder} exists and was not made by the demonstration. Name another with --dir."
        )
    write_atomic(mark, b"made by autograder demo\n")
    config = (kit / "nbgrader_config.py").read_text(encoding="utf-8")
    config += CONFIG.format(assignment=ASSIGNMENT, seconds=CELL_SECONDS)
    write_atomic(folder / "nbgrader_config.py", config.encode())
    source = folder / "solutions" / ASSIGNMENT
    for path in sorted((kit / "solutions" / ASSIGNMENT).iterdir()):
        if path.suffix in (".ipynb", ".json", ".py"):
            write_atomic(source / path.name, path.read_bytes())
    students = class_of(size)
    for student in students:
        path = folder / "submitted" / student.name / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
        text = nbformat.writes(student.notebook())
        write_atomic(path, text.encode("utf-8"))
    return students


def use_data(folder: Path) -> None:
    """Put the course's data beside the instructor's notebook, from where it is released."""
    target = folder / "solutions" / ASSIGNMENT / "ex7data.mat"
    shutil.copyfile(folder / "data" / "ex7data.mat", target)
