"""`autograder check`: a student's dry run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from autograder.files import write_atomic

if TYPE_CHECKING:
    from autograder.dryrun import DryRun

_MARKS = {"passed": "[green]✓ passed[/]", "partial": "[yellow]◐ in part[/]"}


def command(
    notebook: Annotated[
        Path,
        typer.Argument(help="Your notebook, such as a06-ex7-digits.ipynb.", show_default=False),
    ],
    cell_seconds: Annotated[
        float,
        typer.Option(help="Seconds that one cell may take before it is interrupted.", min=0.1),
    ] = 300.0,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Also write the result to this file.")
    ] = None,
) -> None:
    """Try your notebook before you hand it in.

    A copy runs from the top in a fresh kernel, as the grader runs it; your file stays as it is. You
    see what each visible test says. The grader has more tests than these: passing here is needed,
    but no promise of full marks.

    Example: autograder check a06-ex7-digits.ipynb

    Exit code: 0 when every visible test passes, 1 when some do not yet, 2 when the file cannot be
    checked.
    """
    # imported here: the other commands start without what drives a kernel
    from autograder.dryrun import NotANotebook, check_notebook

    console, errors = Console(), Console(stderr=True)
    try:
        with errors.status("Running a copy of the notebook …") as status:
            result = check_notebook(
                notebook,
                cell_seconds=cell_seconds,
                progress=lambda heading: status.update(f"Running: {escape(heading)}"),
            )
    except NotANotebook as problem:
        errors.print(f"[red]{escape(str(problem))}[/]", highlight=False)
        raise typer.Exit(2) from None
    show(result, console)
    if json_file is not None:
        try:
            write_atomic(json_file, result_json(result))
        except OSError as problem:
            errors.print(f"[red]{escape(str(json_file))} cannot be written: {problem.strerror}.[/]")
            raise typer.Exit(2) from None
    raise typer.Exit(0 if result.passed else 1)


def result_json(result: DryRun) -> bytes:
    """Return a result as the JSON text that ``--json`` writes."""
    import msgspec

    fields = msgspec.to_builtins(result)
    fields |= {"score": result.score, "max_score": result.max_score, "passed": result.passed}
    return msgspec.json.format(msgspec.json.encode(fields), indent=2) + b"\n"


def show(result: DryRun, console: Console) -> None:
    """Print a result: a table of the tasks, what to do next, and the sum."""
    table = Table(title=escape(result.notebook), title_justify="left", title_style="bold")
    table.add_column("Task", ratio=3)
    table.add_column("Result", no_wrap=True)
    table.add_column("What the test says", ratio=5)
    table.add_column("Points", justify="right", no_wrap=True)
    table.add_column("Time", justify="right", no_wrap=True)
    for test in result.tests:
        table.add_row(
            _task(test.heading, test.grade_id),
            _MARKS.get(test.status, "[red]✗ not yet[/]"),
            escape(test.message),
            f"{test.score:g}/{test.max_score:g}",
            f"{test.seconds:.1f} s",
        )
    for answer in result.manual:
        table.add_row(
            _task(answer.heading, answer.grade_id),
            "[cyan]○ a person[/]",
            "graded by a person" if answer.written else "graded by a person; still empty",
            f"–/{answer.max_score:g}",
            "",
        )
    console.print(table)
    advice: dict[str, list[str]] = {}
    for test in result.tests:
        if test.status == "not yet" and test.advice:
            advice.setdefault(test.advice, []).append(test.grade_id)
    for text, names in advice.items():
        console.print(f"\n[bold]{escape(', '.join(names))}[/]", highlight=False)
        for line in text.splitlines():
            console.print(f"  {escape(line)}", highlight=False)
    for note in result.notes:
        console.print(f"\n[yellow]Note:[/] {escape(note)}", highlight=False)
    passed = sum(test.status == "passed" for test in result.tests)
    colour = "green" if result.passed else "yellow"
    console.print(
        f"\n[{colour}]{passed} of {len(result.tests)} tests passed[/], "
        f"{result.score:g} of {result.max_score:g} points by the visible tests, "
        f"in {result.seconds:.0f} s.",
        highlight=False,
    )


def _task(heading: str, grade_id: str) -> str:
    return f"{escape(heading)}\n[dim]{escape(grade_id)}[/]" if heading else escape(grade_id)
