"""A class's results as a table that a teaching assistant reads at a glance."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from autograder.batch.results import ClassResult, SubmissionResult, TestScore
from autograder.commands.common import colour_of, points


def print_results(console: Console, result: ClassResult) -> None:
    """Print one line a student with a mark a test, then why each lost test was lost."""
    tests = next((s.tests for s in result.submissions if s.tests), [])
    legend = [f"[bold]{i}[/] {escape(t.grade_id)}" for i, t in enumerate(tests, start=1)]
    table = Table(title=f"{result.assignment}: {len(result.submissions)} submissions")
    table.add_column("student", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    # one column for all marks: a column each would not fit a terminal of 80 characters
    table.add_column("".join(f"{i:>3}" for i, _ in enumerate(tests, start=1)), no_wrap=True)
    table.add_column("s", justify="right", no_wrap=True)
    for one in result.submissions:
        table.add_row(*_row(one))
    console.print(table)
    if legend:
        console.print(
            "[green]✓[/] all points  [yellow]◐[/] some  [red]✗[/] none    " + "  ".join(legend)
        )
    for one in result.submissions:
        _print_lost(console, one)
    manual = max((len(s.manual) for s in result.submissions), default=0)
    if manual:
        console.print(f"\n{manual} written answer(s) a submission wait for a person in formgrader.")


def first_line(text: str) -> str:
    """Return the first line of a message."""
    return text.strip().splitlines()[0] if text.strip() else ""


def _row(one: SubmissionResult) -> list[str]:
    if one.status != "graded":
        return [escape(one.student), f"[red]{one.status}[/]", "", f"{one.seconds:.0f}"]
    most = sum(t.max_score for t in one.tests)
    shown = f"[{colour_of(one.score, most)}]{points(one.score, one.max_score)}[/]"
    marks = "".join(f"  {_mark(t)}" for t in one.tests)
    return [escape(one.student), shown, marks, f"{one.seconds:.0f}"]


def _mark(test: TestScore) -> str:
    if test.score >= test.max_score:
        return "[green]✓[/]"
    return "[red]✗[/]" if test.score <= 0 else "[yellow]◐[/]"


def _print_lost(console: Console, one: SubmissionResult) -> None:
    lost = [t for t in one.tests if t.score < t.max_score]
    if not lost and not one.notes:
        return
    console.print(f"\n[bold]{escape(one.student)}[/]")
    by_message: dict[str, list[str]] = {}
    for test in lost:
        where = f"{test.grade_id} {points(test.score, test.max_score)}"
        by_message.setdefault(first_line(test.message), []).append(where)
    for message, places in by_message.items():
        told = f"[cyan]{escape(', '.join(places))}[/]: {escape(message)}"
        console.print(Padding(told, (0, 0, 0, 2)))
    for note in one.notes:
        console.print(Padding(f"[dim]note: {escape(first_line(note))}[/]", (0, 0, 0, 2)))
