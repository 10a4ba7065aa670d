"""`autograder doctor`: what works here, and what to do about the rest."""

from __future__ import annotations

import typer
from rich.markup import escape
from rich.table import Table

from autograder.commands.common import CourseOption, console, errors
from autograder.course import NotACourse, open_course

_MARKS = {"fine": "[green]✓[/]", "warning": "[yellow]![/]", "broken": "[red]✗[/]"}


def command(course: CourseOption = None) -> None:
    """Look at this machine and this course, and say what to mend.

    Tries the sandbox from inside: a script in the same box that holds a student's notebook tries to
    read the gradebook and files of this machine, to see processes, to reach the network, to write
    outside its scratch folder, and more. Every promise must hold.

    Example: autograder doctor --course ~/courses/cnn

    Exit code: 0 when grading works here (warnings are allowed), 1 when something that it needs is
    broken, 2 when the named folder is no course.
    """
    from autograder.diagnosis import Item, examine

    try:
        opened = open_course(course)
    except NotACourse as problem:
        if course is not None:
            errors.print(f"[red]{escape(str(problem))}[/]", highlight=False)
            raise typer.Exit(2) from None
        opened = None
    items: list[Item] = []
    with errors.status("Looking at this machine …") as status:
        for item in examine(opened):
            items.append(item)
            status.update(f"Looked at: {escape(item.name)} …")
    for area in dict.fromkeys(item.area for item in items):
        advised = any(item.advice for item in items if item.area == area)
        table = Table(title=escape(area), title_justify="left", title_style="bold", box=None)
        table.add_column(width=1)
        table.add_column("What", no_wrap=True)
        table.add_column("Found", ratio=3)
        if advised:
            table.add_column("What to do", ratio=2)
        for item in items:
            if item.area == area:
                advice = [escape(item.advice)] if advised else []
                table.add_row(_MARKS[item.state], escape(item.name), escape(item.found), *advice)
        console.print(table)
        console.print()
    if opened is None:
        console.print(
            "There is no course here: its data and gradebook were not looked at. Go to a course's "
            "folder, or name one with --course.",
            highlight=False,
        )
    broken = [item.name for item in items if item.state == "broken"]
    warned = sum(item.state == "warning" for item in items)
    note = f" ({warned} to look at)" if warned else ""
    if broken:
        console.print(f"[red]Grading does not work here yet:[/] {escape(', '.join(broken))}.{note}")
        raise typer.Exit(1)
    console.print(f"[green]✓ Grading works here.[/]{note}", highlight=False)
