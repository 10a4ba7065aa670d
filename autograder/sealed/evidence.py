"""The evidence store: what was seen when a notebook was executed, kept as data.

One folder a run: ``evidence.msgpack`` and ``arrays.safetensors`` from the recording,
``calls.msgpack`` and ``calls.safetensors`` with every answered call, and ``judged-<tests>.json``
for each set of tests that was applied. Every file is written atomically, the file that makes it
valid last. Evidence is msgpack and not JSON, because JSON has no NaN and cannot tell bytes from
text.
"""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import Any

import msgspec

from autograder.files import write_atomic
from autograder.sealed import wire


class CellRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one of the student's cells."""

    id: str
    status: str
    outputs: list[dict[str, Any]]
    execution_count: int | None = None
    seconds: float = 0.0
    notes: list[str] = []


class CallRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One answered call: by test cell, question and occurrence."""

    cell: str
    question: str
    occurrence: int
    answer: wire.Answer


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What one execution of a notebook left behind.

    Attributes:
        key: the digest of what was executed.
        run: 1 for the first execution, which is the one that counts.
        ended: why the notebook did not run to its end, or an empty string.
        cells: the student's cells in order, as far as they were run.
        snapshots: top-level values by position (see `job.positions`).
        notes: limits that struck, as sentences.
        answers: whether a kernel could still be asked when the recording ended.
    """

    key: str
    run: int
    python: str
    backend: str
    seconds: float
    ended: str
    cells: list[CellRecord]
    snapshots: dict[int, dict[str, wire.Value]]
    notes: list[str] = []
    kit: str = ""
    created: str = ""
    answers: bool = False


class TestResult(msgspec.Struct, frozen=True, kw_only=True):
    """The judge's word on one test cell.

    Attributes:
        grade_id: the cell.
        score: points, between 0 and ``max_score``.
        message: why points are missing; empty when none are.
        outputs: nbformat outputs of the cell.
        measured: the sentences of the checks that passed, and how far they went.
        reason: ``passed``, ``failed``, ``partial``, or ``unreachable`` when it could not be asked.
    """

    __test__ = False  # not a test class, whatever pytest thinks of its name

    grade_id: str
    score: float
    max_score: float
    message: str
    outputs: list[dict[str, Any]]
    measured: list[str] = []
    reason: str = "passed"


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """All test results of one notebook, from one run's evidence and one set of tests."""

    key: str
    run: int
    tests: str
    results: list[TestResult]
    notes: list[str] = []


class EvidenceMissing(LookupError):
    """There is no evidence of that run."""


class Store:
    """The runs of one notebook of one submission, in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def runs(self, key: str) -> list[int]:
        """Return the numbers of the complete runs of ``key``, oldest first."""
        found = []
        for path in self.folder.glob(f"{key[:16]}-*/evidence.msgpack"):
            number = path.parent.name.rpartition("-")[2]
            if number.isdigit():
                found.append(int(number))
        return sorted(found)

    def readable_runs(self, key: str) -> list[int]:
        """Return the runs of ``key`` whose evidence this version of the kit can read."""
        found = []
        for run in self.runs(key):
            with contextlib.suppress(EvidenceMissing):
                self.read(key, run)
                found.append(run)
        return found

    def path(self, key: str, run: int) -> Path:
        """Return the folder of one run."""
        return self.folder / f"{key[:16]}-{run}"

    def write(self, evidence: Evidence, arrays: wire.Arrays) -> None:
        """Store a run; a run cut short leaves nothing that counts."""
        folder = self.path(evidence.key, evidence.run)
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        write_atomic(folder / "arrays.safetensors", wire.pack_arrays(arrays))
        write_atomic(folder / "evidence.msgpack", msgspec.msgpack.encode(evidence))

    def read(self, key: str, run: int) -> tuple[Evidence, wire.Arrays]:
        """Return a run's evidence and its arrays.

        Raises:
            EvidenceMissing: when there is none, or it cannot be read.
        """
        folder = self.path(key, run)
        try:
            body = (folder / "evidence.msgpack").read_bytes()
            evidence = msgspec.msgpack.decode(body, type=Evidence)
            arrays = wire.unpack_arrays((folder / "arrays.safetensors").read_bytes())
        except (OSError, msgspec.MsgspecError, wire.WireProblem) as error:
            raise EvidenceMissing(f"no readable evidence in {folder}: {error}") from None
        if evidence.key != key:
            raise EvidenceMissing(f"{folder} holds the evidence of another execution")
        return evidence, arrays

    def write_calls(self, key: str, run: int, calls: list[CallRecord], arrays: wire.Arrays) -> None:
        """Store the answered calls of a run, arrays first."""
        folder = self.path(key, run)
        write_atomic(folder / "calls.safetensors", wire.pack_arrays(arrays))
        write_atomic(folder / "calls.msgpack", msgspec.msgpack.encode(calls))

    def read_calls(self, key: str, run: int) -> tuple[list[CallRecord], wire.Arrays]:
        """Return the answered calls of a run; none when there are none."""
        folder = self.path(key, run)
        with contextlib.suppress(OSError, msgspec.MsgspecError, wire.WireProblem):
            body = (folder / "calls.msgpack").read_bytes()
            calls = msgspec.msgpack.decode(body, type=list[CallRecord])
            return calls, wire.unpack_arrays((folder / "calls.safetensors").read_bytes())
        return [], {}

    def write_judgement(self, judgement: Judgement) -> None:
        """Store a judgement beside the evidence that it rests on."""
        folder = self.path(judgement.key, judgement.run)
        write_atomic(folder / f"judged-{judgement.tests[:16]}.json", msgspec.json.encode(judgement))

    def read_judgement(self, key: str, run: int, tests: str) -> Judgement | None:
        """Return the judgement of a run under a set of tests, if it was made."""
        path = self.path(key, run) / f"judged-{tests[:16]}.json"
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            found = msgspec.json.decode(path.read_bytes(), type=Judgement)
            if found.tests == tests and found.key == key:
                return found
        return None
