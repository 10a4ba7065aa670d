"""`autograder calibrate`: measure an assignment's thresholds on the data at hand."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from autograder.calibration import calibrate, keep
from autograder.commands.common import AssignmentArgument, CourseOption, console, course_with


def command(
    assignment: AssignmentArgument,
    course: CourseOption = None,
    seeds: Annotated[int, typer.Option(min=5, help="How many seeds to train with.")] = 5,
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
    key, figures = calibrate(folder, assignment, list(range(seeds)))
    table = Table(title=f"{assignment}: accuracy on the hidden set")
    for heading in ("network", "seeds", "worst", "mean", "line"):
        table.add_column(heading, justify="left" if heading == "network" else "right")
    for name, told in figures.items():
        if not isinstance(told, dict) or "accuracies" not in told:
            continue
        found = told["accuracies"]
        line = f"{told['line']:.4f}" if "line" in told else "no points"
        mean = sum(found) / len(found)
        table.add_row(name, str(len(found)), f"{min(found):.4f}", f"{mean:.4f}", line)
    console.print(table)
    console.print(f"[dim]data {key}[/]")
    if write:
        console.print(f"Kept in {keep(folder, assignment, key, figures)}.")
    else:
        console.print("Not kept; --write keeps them.")
