"""`autograder lint`: what would break an assignment's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding

from autograder.commands.common import AssignmentArgument, CourseOption, console, errors
from autograder.course import NotACourse, open_course

if TYPE_CHECKING:
    from autograder.lint import Finding

_COLOURS = {"error": "red", "warning": "yellow"}


def command(assignment: AssignmentArgument, course: CourseOption = None) -> None:
    """Find what would break an assignment before students get it.

    Reads the instructor's notebooks and runs nothing. It finds tests that rely on another test's
    variables, unseeded random numbers, `allclose` (true for empty arrays), private data outside
    hidden blocks, missing points and ids, and more. Each finding says what to do.

    Example: autograder lint a06-ex7-digits

    Exit code: 0 without errors (warnings are allowed), 1 with errors, 2 when there is no such
    assignment.
    """
    from autograder.lint import lint_assignment
    from autograder.lint.run import NoNotebook

    try:
        findings = lint_assignment(open_course(course), assignment)
    except (NotACourse, NoNotebook) as problem:
        errors.print(f"[red]{escape(str(problem))}[/]", highlight=False)
        raise typer.Exit(2) from None
    show(assignment, findings, console)
    raise typer.Exit(1 if any(f.severity == "error" for f in findings) else 0)


def show(assignment: str, findings: list[Finding], console: Console) -> None:
    """Print findings, each with its place and rule, and their number."""
    for finding in findings:
        console.print(
            f"[bold {_COLOURS[finding.severity]}]{finding.severity}[/] "
            f"[bold]{escape(finding.place)}[/] [dim]{finding.rule}[/]",
            highlight=False,
        )
        console.print(Padding(escape(finding.sentence), (0, 0, 1, 2)), highlight=False)
    wrong = sum(f.severity == "error" for f in findings)
    if not findings:
        console.print(f"[green]✓ {escape(assignment)}: nothing to mend.[/]", highlight=False)
        return
    console.print(
        f"{escape(assignment)}: {_count(wrong, 'error')}, "
        f"{_count(len(findings) - wrong, 'warning')}.",
        highlight=False,
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
