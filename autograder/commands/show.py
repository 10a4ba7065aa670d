"""`autograder show`: all that is known of one submission."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table

from autograder.commands.common import (
    AssignmentArgument,
    CourseOption,
    UsageProblem,
    colour_of,
    console,
    course_with,
    points,
)

if TYPE_CHECKING:  # importing these takes seconds, which `autograder check` need not pay
    from autograder.batch.appeal import Appeal
    from autograder.nbgrader_hooks.commit import Scores

_INDENT = (0, 0, 0, 10)


def command(
    assignment: AssignmentArgument,
    student: Annotated[str, typer.Argument(help="The student's name.", show_default=False)],
    course: CourseOption = None,
) -> None:
    """Show what a score rests on, test by test.

    For each test: its points, the message that the student sees, and what was measured. Then the
    cells that failed or were cut short, the limits that struck, and which execution all of it comes
    from.

    Example: `autograder show a06-ex7-digits ada`
    """
    from autograder.batch.appeal import appeals

    folder = course_with(assignment, course)
    there = folder.students(assignment)
    if student not in there:
        raise UsageProblem(
            f"{student!r} has not handed in {assignment}. "
            f"Who has: {', '.join(there) if there else 'nobody'}."
        )
    found, scores = appeals(folder, assignment, student)
    for appeal in found:
        _show(appeal, scores, student)


def _show(appeal: Appeal, scores: Scores, student: str) -> None:
    console.rule(f"{escape(student)} · {escape(appeal.notebook)}")
    if appeal.problem:
        console.print(Panel(escape(appeal.problem), border_style="yellow", expand=False))
    if appeal.judgement is None:
        return
    for result in appeal.judgement.results:
        saved = scores.tests.get((appeal.notebook, result.grade_id))
        style = colour_of(result.score, result.max_score)
        differs = ""
        if saved is not None and abs(saved[0] - result.score) > 1e-9:
            differs = f"  [bold red]the gradebook holds {saved[0]:g}[/]"
        console.print(
            f"[bold {style}]{points(result.score, result.max_score):>8}[/]  "
            f"[bold]{escape(result.grade_id)}[/]  [dim]{result.reason}[/]{differs}"
        )
        for line in result.measured:
            console.print(Padding(f"[dim]{escape(line)}[/]", _INDENT))
        if result.message and result.reason != "partial":
            console.print(Padding(escape(result.message), _INDENT))
    for (notebook, name), most in scores.manual.items():
        if notebook == appeal.notebook:
            console.print(f"[dim]{'?':>5}/{most:g}  {escape(name)}  graded by a person[/]")
    if appeal.evidence is not None:
        _show_run(appeal)


def _show_run(appeal: Appeal) -> None:
    evidence = appeal.evidence
    assert evidence is not None and appeal.judgement is not None
    console.print()
    broken = [c for c in evidence.cells if c.status != "ok"]
    if broken:
        table = Table(title="Cells that did not run through", show_header=True)
        for heading in ("cell", "what happened", "seconds"):
            table.add_column(heading)
        for cell in broken:
            errors = [o for o in cell.outputs if o.get("output_type") == "error"]
            told = "; ".join(f"{o.get('ename')}: {str(o.get('evalue'))[:120]}" for o in errors)
            table.add_row(escape(cell.id), escape(f"{cell.status} {told}"), f"{cell.seconds:.1f}")
        console.print(table)
    notes = list(dict.fromkeys(appeal.judgement.notes))
    for note in notes:
        console.print(f"[yellow]• {escape(note)}[/]")
    console.print(
        f"[dim]Run {evidence.run} of {appeal.runs}, executed {evidence.created} in "
        f"{evidence.seconds:.1f} s, Python {evidence.python}, {evidence.backend}, "
        f"kit {evidence.kit}.\nEvidence: {appeal.folder}[/]"
    )
