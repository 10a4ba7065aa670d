"""Partial credit."""

from __future__ import annotations

import math

from autograder.check.report import Report, clean, report


class Award(float):
    """Points of a test cell. Its ``repr`` is a plain number, which is what nbgrader reads."""

    def __repr__(self) -> str:
        return float.__repr__(self)


def award(points: float, why: str, *, out_of: float | None = None) -> Award:
    """Give ``points`` for a test and say why. It must be the last expression of the test cell.

    Args:
        points: what the cell earns; the grader limits it to the points of the cell.
        why: the reason, in words that help a student to earn the rest.
        out_of: the points of the cell; ``points`` above it are cut.

    Raises:
        ValueError: for points that are negative or no number: the test itself is wrong.

    >>> award(6, "the accuracy is 93.0 %, the full-marks line is 95.5 %", out_of=10)
    ◐ 6 of 10 points: the accuracy is 93.0 %, the full-marks line is 95.5 %
    6.0
    """
    value = float(points)
    if not math.isfinite(value) or value < 0:
        raise ValueError(
            f"award needs points that are a number of at least 0; it was given {value}."
        )
    if out_of is not None:
        limit = float(out_of)
        if not math.isfinite(limit) or limit < 0:
            raise ValueError(f"out_of must be a number of at least 0; it was given {limit}.")
        value = min(value, limit)
    share = f"{value:g}" if out_of is None else f"{value:g} of {float(out_of):g}"
    report(Report("award", f"{share} points: {clean(why)}", (("points", value),)))
    return Award(value)
