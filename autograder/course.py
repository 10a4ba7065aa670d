"""Where a course's things lie, read from nbgrader's own configuration.

Nothing here is a fixed path: folders, their structure and the gradebook are what
``nbgrader_config.py`` says.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from traitlets import Bool, Unicode
from traitlets.config import Config, Configurable
from traitlets.config.loader import PyFileConfigLoader

CONFIG_NAME = "nbgrader_config.py"


class NotACourse(RuntimeError):
    """There is no course here: go to its folder, or name it with --course."""


class Course(Configurable):
    """What the kit itself needs to know of a course, beside nbgrader's settings."""

    public_accuracy = Bool(
        False,
        help="Whether an accuracy measured on public data may give points where there is no "
        "private set. Every such score is flagged.",
    ).tag(config=True)
    hidden_directory = Unicode(
        "hidden", help="The folder with private data: <hidden>/<assignment>/<name>.npz."
    ).tag(config=True)
    state_directory = Unicode(
        ".autograder", help="The folder of evidence and logs. No sandbox ever sees it."
    ).tag(config=True)
    sandbox = Unicode(
        "bubblewrap", help="'bubblewrap', or 'none' for notebooks that you trust."
    ).tag(config=True)


@dataclass(frozen=True)
class CourseFolder:
    """One course on disk, with its whole configuration."""

    root: Path
    config: Config
    directory: Any  # nbgrader.coursedir.CourseDirectory
    settings: Course

    @property
    def db_url(self) -> str:
        """The gradebook's address."""
        return str(self.directory.db_url)

    @property
    def state(self) -> Path:
        """The folder of evidence and logs."""
        return self.root / self.settings.state_directory

    def step(self, step: str, student: str, assignment: str) -> Path:
        """Return the folder of one nbgrader step, such as ``submitted``, for a student."""
        name = getattr(self.directory, f"{step}_directory")
        return self.root / str(self.directory.format_path(name, student, assignment))

    def source(self, assignment: str) -> Path:
        """Return the folder of the instructor's notebooks."""
        return self.step("source", ".", assignment)

    def hidden(self, assignment: str) -> Path:
        """Return the folder of the private data."""
        return self.root / self.settings.hidden_directory / assignment

    def evidence(self, assignment: str, student: str, notebook: str) -> Path:
        """Return the folder of a notebook's evidence."""
        return self.state / "evidence" / assignment / student / notebook

    def assignments(self) -> list[str]:
        """Return the names of the assignments that have an instructor's notebook."""
        folder = self.root / str(self.directory.source_directory)
        return sorted({path.parent.name for path in folder.glob("*/*.ipynb")})

    def students(self, assignment: str) -> list[str]:
        """Return who has handed in ``assignment``, in order of name."""
        pattern = self.step("submitted", "*", assignment)
        where = len(pattern.relative_to(self.root).parts)
        star = pattern.relative_to(self.root).parts.index("*") if "*" in str(pattern) else -1
        found = set()
        for path in self.root.glob(str(pattern.relative_to(self.root))):
            parts = path.relative_to(self.root).parts
            if path.is_dir() and len(parts) == where and star >= 0:
                found.add(parts[star])
        return sorted(found)

    def official_files(self, assignment: str) -> dict[str, Path]:
        """Return the files that stand beside the instructor's notebook, by relative name."""
        import fnmatch

        folder = self.source(assignment)
        ignored = [*self.directory.ignore, "*.ipynb"]
        found = {}
        for path in sorted(folder.rglob("*")) if folder.is_dir() else []:
            names = path.relative_to(folder).parts
            if path.is_file() and not any(
                fnmatch.fnmatch(name, pattern) for name in names for pattern in ignored
            ):
                found[str(path.relative_to(folder))] = path
        return found

    def grader_cells(self, assignment: str, notebook: str) -> frozenset[str]:
        """Return the ids of the locked cells that the instructor tagged ``grader``.

        They are read in the instructor's notebook and never in a submission: what they hold runs in
        the grader.
        """
        found = set()
        for cell in self._source_cells(assignment, notebook):
            metadata = cell.get("metadata", {})
            told = metadata.get("nbgrader", {})
            if (
                "grader" in metadata.get("tags", [])
                and told.get("locked")
                and not told.get("grade")
            ):
                found.add(str(told.get("grade_id")))
        return frozenset(found)

    def cell_order(self, assignment: str, notebook: str) -> list[str]:
        """Return the ``grade_id``s of the instructor's notebook, top to bottom."""
        told = [
            cell.get("metadata", {}).get("nbgrader", {}).get("grade_id")
            for cell in self._source_cells(assignment, notebook)
        ]
        return [str(name) for name in told if name]

    def _source_cells(self, assignment: str, notebook: str) -> list[dict[str, Any]]:
        path = self.source(assignment) / f"{notebook}.ipynb"
        if not path.is_file():
            return []
        cells = json.loads(path.read_text(encoding="utf-8")).get("cells", [])
        return [cell for cell in cells if isinstance(cell, dict)]


def open_course(root: Path | None = None) -> CourseFolder:
    """Return the course in ``root``, or in the current folder or one above it.

    Raises:
        NotACourse: when no nbgrader_config.py is found there.
    """
    start = (root or Path.cwd()).resolve()
    candidates = [start] if root is not None else [start, *start.parents]
    for folder in candidates:
        if (folder / CONFIG_NAME).is_file():
            return _load(folder)
    raise NotACourse(
        f"There is no {CONFIG_NAME} in {start}"
        + ("" if root is not None else " or a folder above it")
        + ". Go to the course's folder, or name it with --course DIR. "
        "`autograder demo` makes a small course to look at."
    )


def _load(root: Path) -> CourseFolder:
    use_interpreters_commands()
    before = Path.cwd()
    os.chdir(root)  # a configuration may use relative paths, as it may for nbgrader itself
    try:
        config = PyFileConfigLoader(CONFIG_NAME, path=str(root)).load_config()
    finally:
        os.chdir(before)
    return from_config(root, config)


def from_config(root: Path, config: Config) -> CourseFolder:
    """Return the course whose configuration nbgrader has already loaded."""
    coursedir = importlib.import_module("nbgrader.coursedir")
    config.CourseDirectory.setdefault("root", str(root))
    directory = coursedir.CourseDirectory(config=config)
    return CourseFolder(Path(directory.root), config, directory, Course(config=config))


def use_interpreters_commands() -> None:
    """Put the interpreter's own folder on PATH: nbgrader calls ``alembic``, which stands there."""
    beside = str(Path(sys.executable).parent)
    if beside not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([beside, os.environ.get("PATH", "")])
