"""Private data exists in the grader, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import autograder
from autograder import private


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    yield
    private.install(None)


def test_outside_the_grader_both_say_where_they_belong() -> None:
    with pytest.raises(private.OnlyInTheGrader, match="HIDDEN TESTS"):
        autograder.hidden("ex7")
    with pytest.raises(private.OnlyInTheGrader):
        autograder.threshold("plain")


def test_the_grader_reads_its_arrays_afresh_each_time(tmp_path: Path) -> None:
    np.savez(tmp_path / "ex7.npz", images=np.ones((2, 3)), labels=np.arange(2))
    private.install(private.PrivateData(tmp_path))
    data = autograder.hidden("ex7")
    assert set(data) == {"images", "labels"}
    data["labels"][:] = 9
    assert autograder.hidden("ex7")["labels"].tolist() == [0, 1]


def test_public_data_counts_only_where_the_instructor_opted_in_and_is_noted(
    tmp_path: Path,
) -> None:
    public = {"labels": np.arange(3)}
    private.install(private.PrivateData(tmp_path))
    with pytest.raises(private.NoPrivateData, match="not the student's doing"):
        autograder.hidden("ex7", public)
    opted = private.PrivateData(tmp_path, public_allowed=True)
    private.install(opted)
    for _ in range(2):
        assert autograder.hidden("ex7", public)["labels"].tolist() == [0, 1, 2]
    assert opted.notes == ["measured on public data: there is no private set 'ex7'"]
    with pytest.raises(private.NoPrivateData):
        autograder.hidden("ex7")


def test_a_pickle_in_private_data_is_not_loaded(tmp_path: Path) -> None:
    np.savez(tmp_path / "ex7.npz", labels=np.array([object()]))
    private.install(private.PrivateData(tmp_path))
    with pytest.raises(ValueError, match="pickle"):
        autograder.hidden("ex7")


def test_a_line_that_was_not_measured_is_named(tmp_path: Path) -> None:
    private.install(private.PrivateData(tmp_path, {"plain": 0.957}))
    assert autograder.threshold("plain") == 0.957
    with pytest.raises(private.NoPrivateData, match="'best'"):
        autograder.threshold("best")
