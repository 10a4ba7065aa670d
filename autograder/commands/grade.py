"""`autograder grade`: grade a class."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import typer
from rich.markup import escape
from rich.panel import Panel

from autograder.commands.common import (
    AssignmentArgument,
    CourseOption,
    console,
    course_with,
)
from autograder.course import CourseFolder
from autograder.files import write_atomic

if TYPE_CHECKING:  # importing these takes seconds, which `autograder check` need not pay
    from autograder.batch import ClassResult


def command(
    assignment: AssignmentArgument,
    students: Annotated[
        list[str] | None,
        typer.Argument(help="Whom to grade. Default: everybody.", show_default=False),
    ] = None,
    course: CourseOption = None,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=0, help="Submissions at a time; 0: by cores.")
    ] = 0,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Execute again, even where evidence is at hand.")
    ] = False,
    sandbox: Annotated[
        Literal["bubblewrap", "none"] | None,
        typer.Option(
            "--sandbox",
            help="'none' runs notebooks without a box: only for notebooks that you trust.",
            show_default=False,
        ),
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", help="Write the results to this file too.", show_default=False),
    ] = None,
    feedback: Annotated[
        bool, typer.Option("--feedback", help="Write the feedback pages too.")
    ] = False,
) -> None:
    """Grade submissions and write the scores into nbgrader's gradebook.

    A notebook that was executed before is graded from its evidence: no student code runs, and it
    takes a second. Exit code 0: every submission has a result. 1: the kit failed on some. 2: the
    command or the course needs mending.

    Example: `autograder grade a06-ex7-digits`, or for one student
    `autograder grade a06-ex7-digits ada --fresh`
    """
    from autograder.batch import grade_class
    from autograder.commands.progress import make_progress
    from autograder.commands.table import print_results

    folder = course_with(assignment, course)
    box = sandbox or ("none" if folder.settings.sandbox == "none" else "bubblewrap")
    warn_of_missing_data(folder.hidden(assignment), folder.settings.public_accuracy)
    with make_progress(console) as progress:
        result = grade_class(
            folder,
            assignment,
            students or (),
            jobs=jobs or default_jobs(),
            fresh=fresh,
            sandbox=box,
            progress=progress,
        )
    if not result.submissions:
        where = folder.step("submitted", "STUDENT", assignment)
        console.print(f"Nobody has handed in {assignment} yet: nothing in {where}.")
    else:
        print_results(console, result)
    print_suspicions(result)
    if json_file is not None:
        write_atomic(json_file, msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")
    if feedback:
        write_feedback(folder, assignment, box, [s.student for s in result.submissions])
    raise typer.Exit(result.exit_code())


def default_jobs() -> int:
    """Return how many submissions to execute at a time: one a core, with 2 GiB each."""
    import psutil

    memory = psutil.virtual_memory().available // (2 << 30)
    return max(1, min(os.cpu_count() or 1, int(memory)))


def warn_of_missing_data(hidden: Path, public_allowed: bool) -> None:
    """Say so when tests that need private data will find none."""
    if any(hidden.glob("*.npz")):
        return
    then = (
        "scores measured on public data will be flagged"
        if public_allowed
        else "tests that need one give no points"
    )
    console.print(
        f"[yellow]There is no private data in {escape(str(hidden))}: {then}.[/] "
        "Make it with `autograder data build` (stand-in) or `autograder data holdout`."
    )


def print_suspicions(result: ClassResult) -> None:
    """Say loudly when one test fails nearly the whole class: the test is probably wrong."""
    for name, failed, of in result.suspicious_tests():
        console.print(
            Panel(
                f"[bold]{escape(name)}[/] took points from {failed} of the {of} submissions that "
                "got anything right. When nearly everybody fails one test, it is probably the test "
                f"that is wrong. Look at it before you release scores:\n"
                f"  autograder show {escape(result.assignment)} STUDENT",
                title="Look at this test",
                border_style="bold red",
                expand=False,
            )
        )


def write_feedback(
    folder: CourseFolder, assignment: str, sandbox: str, students: list[str]
) -> None:
    """Write nbgrader's feedback pages."""
    from autograder.nbgrader_hooks.commit import Committer

    committer = Committer(folder, assignment, sandbox)
    for student in students:
        if folder.step("autograded", student, assignment).is_dir():
            problem = committer.feedback(student)
            if problem:
                console.print(f"[red]{escape(student)}: {escape(problem)}[/]")
    console.print(f"Feedback: {folder.step('feedback', 'STUDENT', assignment)}")
