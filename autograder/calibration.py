"""The measured lines of an assignment: which threshold holds for the data at hand.

``solutions/<assignment>/calibration.py`` measures; ``calibration.json`` beside it keeps the
figures, keyed by the digests of the public and the hidden data that they were measured on.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
from pathlib import Path
from types import ModuleType
from typing import Any

from autograder import datasets
from autograder.course import CourseFolder
from autograder.datasets.ex7 import VARIABLE
from autograder.files import write_atomic

HIDDEN_NAME = "ex7"


class NotCalibrated(LookupError):
    """The assignment cannot be calibrated: it has no calibration.py, or data is missing."""


def data_key(course: CourseFolder, assignment: str) -> str | None:
    """Return ``<public digest>+<hidden digest>`` of the data at hand; None where one is missing."""
    hidden = course.hidden(assignment) / f"{HIDDEN_NAME}.npz"
    public = public_file(course, assignment)
    if public is None or not hidden.is_file():
        return None
    ours, theirs = _digest(public, _version(public)), _digest(hidden, _version(hidden))
    return f"{ours}+{theirs}" if ours and theirs else None


def public_file(course: CourseFolder, assignment: str) -> Path | None:
    """Return the data file that students of ``assignment`` have, or None where there is none."""
    beside = course.source(assignment) / "ex7data.mat"
    try:
        if beside.is_file() and not os.environ.get(VARIABLE):
            return beside
        return datasets.find_ex7()
    except datasets.DataProblem:
        return None


def _version(path: Path) -> tuple[int, int]:
    told = path.stat()
    return told.st_mtime_ns, told.st_size


@functools.lru_cache(maxsize=16)
def _digest(path: Path, version: tuple[int, int]) -> str:
    """Return the digest of a data file, or an empty string; read again when it has changed."""
    try:
        read = datasets.load_hidden if path.suffix == ".npz" else datasets.load_ex7
        return datasets.data_digest(*read(path))
    except (datasets.DataProblem, OSError):
        return ""


def measured_lines(course: CourseFolder, assignment: str) -> tuple[dict[str, float], list[str]]:
    """Return the lines by name, and sentences for the instructor where they do not quite fit."""
    table = read_table(course, assignment)
    if not table:
        return {}, []
    key = data_key(course, assignment)
    if key in table:
        return _lines(table[key]), []
    lowest: dict[str, float] = {}
    for entry in table.values():
        for name, line in _lines(entry).items():
            lowest[name] = min(line, lowest.get(name, line))
    if key is None:
        return lowest, []
    return lowest, [
        "the thresholds were not measured on this course's data; the lowest of those measured "
        f"elsewhere hold. `autograder calibrate {assignment} --write` measures them here"
    ]


def read_table(course: CourseFolder, assignment: str) -> dict[str, Any]:
    """Return the kept figures by data key; empty where an assignment has none."""
    path = course.source(assignment) / "calibration.json"
    if not path.is_file():
        return {}
    table: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return table


def calibrate(course: CourseFolder, assignment: str, seeds: list[int]) -> tuple[str, Any]:
    """Measure an assignment's lines on the data at hand; return the data's key and the figures.

    Raises:
        NotCalibrated: when there is nothing to measure with or on.
    """
    key = data_key(course, assignment)
    if key is None:
        raise NotCalibrated(
            f"There is no hidden set in {course.hidden(assignment)}. "
            "`autograder data build` makes one with the stand-in, `autograder data holdout` one "
            "from MNIST."
        )
    images, labels = datasets.load_ex7(public_file(course, assignment))
    hidden = datasets.load_hidden(course.hidden(assignment) / f"{HIDDEN_NAME}.npz")
    return key, _procedure(course, assignment).calibrate(images, labels, *hidden, seeds)


def keep(course: CourseFolder, assignment: str, key: str, figures: Any) -> Path:
    """Write figures into the assignment's ``calibration.json``; return its path."""
    table = {**read_table(course, assignment), key: figures}
    path = course.source(assignment) / "calibration.json"
    write_atomic(path, (json.dumps(table, indent=2, sort_keys=True) + "\n").encode())
    return path


def _lines(entry: dict[str, Any]) -> dict[str, float]:
    """Return each network's line; for one without a line, which gives no points, its mean."""
    lines = {}
    for name, figures in entry.items():
        if not isinstance(figures, dict) or not figures.get("accuracies"):
            continue
        found = figures["accuracies"]
        lines[name] = float(figures.get("line", sum(found) / len(found)))
    return lines


def _procedure(course: CourseFolder, assignment: str) -> ModuleType:
    path = course.source(assignment) / "calibration.py"
    if not path.is_file():
        raise NotCalibrated(f"{assignment} has no calibration.py, so it has no measured lines.")
    spec = importlib.util.spec_from_file_location("calibration", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
