"""`autograder calibrate`: measure an assignment's thresholds on the data at hand."""

from __future__ import annotations

import math
import statistics
from typing import Annotated

import typer
from rich.table import Table

from autograder.calibration import calibrate, keep
from autograder.commands.common import AssignmentArgument, CourseOption, console, course_with


def interval(values: list[float]) -> str:
    """Return the mean of several seeds with its 95 % interval by Student's t.

    >>> interval([0.98, 0.99, 0.985])
    '98.50 % ± 1.24 %'
    """
    from scipy import stats

    spread = statistics.stdev(values) / math.sqrt(len(values))
    half = float(stats.t.ppf(0.975, len(values) - 1)) * spread
    return f"{100 * statistics.fmean(values):.2f} % ± {100 * half:.2f} %"


def command(
    assignment: AssignmentArgument,
    course: CourseOption = None,
    seeds: Annotated[int, typer.Option(min=5, help="How many seeds to train with.")] = 5,
    first: Annotated[int, typer.Option("--first-seed", min=0, help="The first of them.")] = 0,
    write: Annotated[
        bool, typer.Option("--write", help="Keep the figures in calibration.json.")
    ] = False,
) -> None:
    """Measure the accuracy lines of an assignment on this course's data.

    The line for full marks lies one percentage point below the worst of the seeds of the plain
    network, so that an honest student with an unlucky seed passes. Without --write the figures are
    printed only.

    Example: `autograder calibrate a06-ex7-digits --write`
    """
    folder = course_with(assignment, course)
    console.print(f"Training {seeds} times for each network; this takes some minutes.")
    key, figures = calibrate(folder, assignment, list(range(first, first + seeds)))
    table = Table(title=f"{assignment}, {seeds} seeds")
    for heading in ("network", "hidden: worst", "mean", "line", "test: mean ± 95 %", "CPU s"):
        table.add_column(heading, justify="left" if heading == "network" else "right")
    for name, told in figures.items():
        if not isinstance(told, dict) or "accuracies" not in told:
            continue
        found, tests = told["accuracies"], told.get("test_accuracies", [])
        table.add_row(
            name,
            f"{min(found):.2%}",
            f"{statistics.fmean(found):.2%}",
            f"{told['line']:.2%}" if "line" in told else "",
            interval(tests) if len(tests) > 1 else "",
            f"{max(told['cpu_seconds']):.0f}" if told.get("cpu_seconds") else "",
        )
    console.print(table)
    console.print(
        "The plain network's line gives full marks; the reference's is shown and gives no points. "
        "CPU s: of the longest training."
    )
    console.print(f"[dim]data {key}[/]")
    if write:
        console.print(f"Kept in {keep(folder, assignment, key, figures)}.")
    else:
        console.print("Not kept; --write keeps them.")
