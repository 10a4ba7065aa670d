"""What all commands share: the console, the course's option, the way to fail."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.panel import Panel

from autograder.course import CourseFolder, open_course

console = Console()
errors = Console(stderr=True)

CourseOption = Annotated[
    Path | None,
    typer.Option(
        "--course",
        help="The course's folder (with nbgrader_config.py). Default: here, or a folder above.",
        show_default=False,
    ),
]
AssignmentArgument = Annotated[
    str, typer.Argument(help="The assignment's name, such as a06-ex7-digits.", show_default=False)
]


class UsageProblem(ValueError):
    """A command was called with something that it cannot work with."""


def usage_errors() -> tuple[type[Exception], ...]:
    """Return the exceptions that a user can mend, imported only when a command has run."""
    from autograder.calibration import NotCalibrated

    found: tuple[type[Exception], ...] = (UsageProblem, NotCalibrated)
    source = sys.modules.get("autograder.nbgrader_hooks.source")
    return (*found, source.NotReleased) if source is not None else found


def course_with(assignment: str, folder: Path | None) -> CourseFolder:
    """Return the course, having seen that it has ``assignment``.

    Raises:
        UsageProblem: when there is no such assignment; the sentence names those that there are.
    """
    course = open_course(folder)
    there = course.assignments()
    if assignment not in there:
        known = ", ".join(there) if there else "none"
        raise UsageProblem(
            f"There is no assignment {assignment!r} in {course.root}. Assignments here: {known}."
        )
    return course


def fail(message: str, code: int = 2) -> NoReturn:
    """Print one readable problem and end."""
    errors.print(Panel(message, title="autograder", border_style="red", expand=False))
    sys.exit(code)


def points(score: float, most: float) -> str:
    """Return ``score/most`` without needless decimals.

    >>> points(8.0, 10.0), points(7.25, 10)
    ('8/10', '7.25/10')
    """
    return f"{round(score, 2):g}/{most:g}"


def colour_of(score: float, most: float) -> str:
    """Return the colour of a score: green for all, red for none, yellow between."""
    return "green" if score >= most else "red" if score <= 0 else "yellow"
