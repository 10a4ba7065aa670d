"""Evidence is kept whole, or it does not count."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograder.sealed import wire
from autograder.sealed.evidence import (
    CallRecord,
    CellRecord,
    Evidence,
    EvidenceMissing,
    Judgement,
    Store,
    TestResult,
)

KEY = "ab" * 20


def evidence(**changes: Any) -> Evidence:
    told: dict[str, Any] = {
        "key": KEY,
        "run": 1,
        "python": "3.11.9",
        "backend": "tensorflow",
        "seconds": 1.5,
        "ended": "",
        "cells": [
            CellRecord(
                id="cell-1",
                status="ok",
                outputs=[{"output_type": "stream", "name": "stdout", "text": "hi\n"}],
                execution_count=1,
            )
        ],
        "snapshots": {
            0: {},
            1: {"x": wire.Array("k"), "nan": float("nan"), "b": wire.Bytes(b"\xff")},
        },
    }
    return Evidence(**{**told, **changes})


ARRAYS = {"k": np.array([1.0, np.nan, np.inf])}


def test_evidence_is_read_as_it_was_written(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(evidence(), ARRAYS)
    back, arrays = store.read(KEY, 1)
    assert np.isnan(back.snapshots[1].pop("nan"))  # type: ignore[call-overload]
    expected = evidence()
    expected.snapshots[1].pop("nan")
    assert back == expected
    np.testing.assert_array_equal(arrays["k"], ARRAYS["k"], strict=True)


def test_runs_are_numbered_and_belong_to_their_key(tmp_path: Path) -> None:
    store = Store(tmp_path)
    other = "cd" * 20
    for run in (1, 2, 10):
        store.write(evidence(run=run), ARRAYS)
    store.write(evidence(key=other), {})
    assert store.runs(KEY) == [1, 2, 10]
    assert store.runs(other) == [1]
    assert store.runs("00" * 20) == []


@pytest.mark.parametrize("kept", ["nothing", "arrays.safetensors"])
def test_a_run_that_was_cut_short_while_it_was_written_does_not_count(
    tmp_path: Path, kept: str
) -> None:
    store = Store(tmp_path)
    store.write(evidence(), ARRAYS)
    for path in store.path(KEY, 1).iterdir():
        if path.name != kept:
            path.unlink()
    (store.path(KEY, 1) / ".evidence.msgpack.x1.tmp").write_bytes(b"half of it")
    assert store.runs(KEY) == []
    with pytest.raises(EvidenceMissing):
        store.read(KEY, 1)
    store.write(evidence(), ARRAYS)
    assert store.runs(KEY) == [1]
    assert {path.name for path in store.path(KEY, 1).iterdir()} == {
        "evidence.msgpack",
        "arrays.safetensors",
    }


@pytest.mark.parametrize("name", ["evidence.msgpack", "arrays.safetensors"])
@pytest.mark.parametrize("damage", ["cut", "garbage", "gone"])
def test_damaged_evidence_is_missing_evidence(tmp_path: Path, name: str, damage: str) -> None:
    store = Store(tmp_path)
    store.write(evidence(), ARRAYS)
    path = store.path(KEY, 1) / name
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-3])
    elif damage == "garbage":
        path.write_bytes(b"\xc1" * 50)
    else:
        path.unlink()
    with pytest.raises(EvidenceMissing):
        store.read(KEY, 1)


def test_two_keys_with_the_same_beginning_are_not_mistaken(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(evidence(), ARRAYS)
    with pytest.raises(EvidenceMissing, match="another"):
        store.read(KEY[:16] + "0" * 24, 1)


def test_answered_calls_are_kept_with_their_arrays(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(evidence(), ARRAYS)
    assert store.read_calls(KEY, 1) == ([], {})
    calls = [
        CallRecord(cell="t", question="q", occurrence=1, answer=wire.Answer(wire.Array("y"))),
        CallRecord(cell="t", question="q", occurrence=2, answer=wire.Answer(error="ValueError")),
    ]
    store.write_calls(KEY, 1, calls, {"y": np.arange(3)})
    back, arrays = store.read_calls(KEY, 1)
    assert back == calls
    np.testing.assert_array_equal(arrays["y"], np.arange(3))


def test_a_judgement_belongs_to_its_run_and_its_tests(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(evidence(), ARRAYS)
    result = TestResult(grade_id="t", score=1, max_score=2, message="almost", outputs=[])
    judgement = Judgement(key=KEY, run=1, tests="t1" * 20, results=[result], notes=["n"])
    store.write_judgement(judgement)
    assert store.read_judgement(KEY, 1, "t1" * 20) == judgement
    assert store.read_judgement(KEY, 1, "t2" * 20) is None
    assert store.read_judgement(KEY, 2, "t1" * 20) is None
    # same beginning, other tests
    assert store.read_judgement(KEY, 1, ("t1" * 20)[:16] + "0" * 24) is None
