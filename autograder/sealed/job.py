"""What is to be graded: the small records that travel between the grader's processes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

from autograder.kernels.limits import LimitValues

CellRole = Literal["student", "test", "grader", "text"]


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One cell of a sanitised notebook.

    Attributes:
        id: the nbgrader ``grade_id``, or ``cell-<position>`` for a cell that has none.
        role: ``student`` cells run in the student's kernel, ``test`` cells in the judge, ``grader``
            cells (locked, with official data and helpers) in both, ``text`` cells nowhere.
        source: the cell's text.
        points: the maximum of a test cell.
    """

    id: str
    role: CellRole
    source: str
    points: float = 0.0


class Private(msgspec.Struct, frozen=True, kw_only=True):
    """Where the judge finds private data, and the lines measured on it."""

    folder: str
    thresholds: dict[str, float] = {}
    public_allowed: bool = False
    notes: list[str] = []


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One notebook of one submission, ready to be executed and judged.

    Attributes:
        cells: all of the notebook's cells, in order.
        submitted: the folder with the files that the student handed in.
        official: official files by name, which replace the student's of the same name.
        env: environment of both sides (backend, ``EX7DATA``, threads).
        store: the folder of this notebook's evidence.
    """

    assignment: str
    student: str
    notebook: str
    cells: list[Cell]
    submitted: str
    official: dict[str, str]
    private: Private
    limits: LimitValues
    store: str
    sandbox: Literal["bubblewrap", "none"]
    env: dict[str, str] = {}
    fresh: bool = False


def submission_digest(job: Job, versions: Iterable[str]) -> str:
    """Return the key of ``job``'s evidence: what decides the result of executing it.

    Tests, checks and points are not in it, and neither are limits, so that a corrected test finds
    the evidence of the execution that was.
    """
    digest = hashlib.blake2b(digest_size=20)

    def add(*parts: str | bytes) -> None:
        for part in parts:
            data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
            digest.update(len(data).to_bytes(8, "little") + data)

    add("versions", *sorted(versions))
    for cell in job.cells:
        if cell.role in ("student", "grader"):
            add(cell.role, cell.source)
    for name, path in sorted(files_of(Path(job.submitted)).items()):
        if name not in job.official and not name.endswith(".ipynb"):
            add("file", name, path.read_bytes())
    for name, target in sorted(job.official.items()):
        add("official", name, Path(target).read_bytes())
    data = job.env.get("EX7DATA")
    if data:
        add("EX7DATA", Path(data).read_bytes())
    add("backend", job.env.get("KERAS_BACKEND", "tensorflow"))
    return digest.hexdigest()


def tests_digest(job: Job, checks: Path) -> str:
    """Return the digest of everything besides evidence that decides a judgement."""
    digest = hashlib.blake2b(digest_size=20)
    for cell in job.cells:
        if cell.role in ("test", "grader"):
            digest.update(msgspec.msgpack.encode(cell))
    folder = Path(job.private.folder)
    digest.update(msgspec.msgpack.encode((job.private.thresholds, job.private.public_allowed)))
    for path in sorted(folder.glob("*.npz")) if folder.is_dir() else []:
        digest.update(path.name.encode() + path.read_bytes())
    for path in sorted(checks.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def positions(cells: Iterable[Cell]) -> dict[str, int]:
    """Return, for each test cell, how many cells the student's kernel has run before it.

    A snapshot is filed under that number, so that a test cell which is added or moved finds the
    snapshot of the place where it stands, if one was taken there.
    """
    found, executed = {}, 0
    for cell in cells:
        if cell.role == "test":
            found[cell.id] = executed
        elif cell.role != "text":
            executed += 1
    return found


def files_of(folder: Path) -> dict[str, Path]:
    """Return the regular files below ``folder`` by relative name; links are left out."""
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")) if folder.is_dir() else []:
        if path.is_file() and not any(
            p.is_symlink() for p in [path, *path.parents] if p.is_relative_to(folder)
        ):
            found[str(path.relative_to(folder))] = path
    return found
