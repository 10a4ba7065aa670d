"""What only the grader holds: hidden data and the measured lines of a test.

Both functions are called from hidden test blocks alone. On a student's machine they exist, so that
an import does not fail, and say that there is nothing behind them.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


class OnlyInTheGrader(RuntimeError):
    """Hidden data was asked for where there is none."""


class NoPrivateData(RuntimeError):
    """The grader has no private data set of that name."""


@dataclass(frozen=True)
class PrivateData:
    """The private side of one assignment, as the grader sees it.

    Attributes:
        folder: ``hidden/<assignment>``, which holds one ``<name>.npz`` for each private set.
        thresholds: measured lines by name, such as ``{"plain": 0.957}`` (fractions of 1).
        public_allowed: whether a test may fall back to public data (``c.Course.public_accuracy``).
        notes: sentences for the teaching assistant, appended to while tests run.
    """

    folder: Path
    thresholds: Mapping[str, float] = field(default_factory=dict)
    public_allowed: bool = False
    notes: list[str] = field(default_factory=list)


_private: PrivateData | None = None


def install(private: PrivateData | None) -> None:
    """Give this process its private data. Called by the judge, before any test cell runs."""
    global _private
    _private = private


def hidden(
    name: str, public: Mapping[str, NDArray[np.generic]] | None = None
) -> dict[str, NDArray[np.generic]]:
    """Return the arrays of the private data set ``name``.

    Args:
        name: the file's stem in ``hidden/<assignment>/``.
        public: arrays to use instead where the instructor has no private set and has opted in with
            ``c.Course.public_accuracy = True``. Scores made with them are flagged.

    Returns:
        The arrays by their names, such as ``images`` (N, height, width, channels) and ``labels``
        (N,).

    Raises:
        OnlyInTheGrader: outside the grader.
        NoPrivateData: where neither a private set nor the opt-in exists.
    """
    if _private is None:
        raise OnlyInTheGrader(
            f"The private data set {name!r} exists in the grader only. "
            "This call belongs between ### BEGIN HIDDEN TESTS and ### END HIDDEN TESTS."
        )
    path = _private.folder / f"{name}.npz"
    if path.is_file():
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            return {key: file[key] for key in file.files}
    if public is not None and _private.public_allowed:
        note = f"measured on public data: there is no private set {name!r}"
        if note not in _private.notes:
            _private.notes.append(note)
        return {key: np.asarray(value) for key, value in public.items()}
    raise NoPrivateData(
        f"The grader has no private data set {name!r} for this assignment, so this measurement "
        "gives no points. This is not the student's doing: the instructor can make one with "
        "`autograder data build` or `autograder data holdout`, and grade again."
    )


def threshold(name: str) -> float:
    """Return the measured line ``name`` of this assignment for the data at hand.

    ``autograder calibrate`` measures these lines: each lies one percentage point below the worst of
    several seeds.

    Raises:
        OnlyInTheGrader: outside the grader.
        NoPrivateData: where the line was never measured.
    """
    if _private is None:
        raise OnlyInTheGrader(f"The line {name!r} exists in the grader only.")
    try:
        return _private.thresholds[name]
    except KeyError:
        raise NoPrivateData(
            f"The line {name!r} was not measured for this assignment. "
            "The instructor can measure it with `autograder calibrate --write`."
        ) from None
