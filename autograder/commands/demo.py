"""`autograder demo`: a whole small course, graded before your eyes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from autograder.commands.common import UsageProblem, console
from autograder.commands.grade import default_jobs, print_suspicions, write_feedback


def command(
    students: Annotated[
        int, typer.Option("--students", min=1, max=12, help="How many of the class of 12.")
    ] = 12,
    directory: Annotated[Path, typer.Option("--dir", help="The course folder to make.")] = Path(
        "demo-course"
    ),
) -> None:
    """Make a course with a class of twelve, grade it, and write the feedback.

    Among the twelve: the reference solution, a plain and a weak network, four with one mistake
    each, a notebook that crashes, one that never ends, an untouched stub, and two that cheat. It
    takes a few minutes, and seconds the second time: then it grades from evidence.

    Example: `autograder demo --students 4 --dir /tmp/course`
    """
    from autograder import demo
    from autograder.batch import ClassResult, grade_class
    from autograder.commands.progress import make_progress
    from autograder.commands.table import print_results
    from autograder.course import open_course
    from autograder.datasets import DataPaths, write_standin
    from autograder.kernels.sandbox import SandboxMissing, SandboxName, choose
    from autograder.nbgrader_hooks.commit import generate

    begin = time.monotonic()
    folder = directory.resolve()
    try:
        people = demo.make_course(folder, demo.kit_folder(Path.cwd()), students)
    except (demo.KitMissing, FileExistsError) as problem:
        raise UsageProblem(str(problem)) from None
    console.print(f"[bold]A course[/] in {escape(str(folder))}")
    for person in people:
        console.print(f"  {escape(person.name):<8} {escape(person.story)}")
    write_standin(DataPaths.of(folder))
    demo.use_data(folder)
    course = open_course(folder)
    failure = generate(course, demo.ASSIGNMENT)
    if failure:
        raise UsageProblem(f"nbgrader could not generate the assignment: {failure}")
    box: SandboxName = "bubblewrap"
    try:
        choose(box)
    except SandboxMissing:
        box = "none"
        console.print(
            "[yellow]There is no bubblewrap here, so these notebooks run without a sandbox. The "
            "demonstration wrote them itself; `autograder grade` would refuse.[/]"
        )
    with make_progress(console) as progress:
        names = [p.name for p in people]
        first = [name for name in demo.LONGEST_FIRST if name in names]
        graded = grade_class(
            course, demo.ASSIGNMENT, [*first, *(n for n in names if n not in first)],
            jobs=default_jobs(), sandbox=box, progress=progress,
        )  # fmt: skip
    told = {one.student: one for one in graded.submissions}
    result = ClassResult(assignment=demo.ASSIGNMENT, submissions=[told[name] for name in names])
    print_results(console, result)
    print_suspicions(result)
    write_feedback(course, demo.ASSIGNMENT, box, names)
    console.print(
        f"\nDone in {time.monotonic() - begin:.0f} s. Look further:\n"
        f"  cd {escape(str(directory))}\n"
        f"  autograder show {demo.ASSIGNMENT} kim     what a score rests on\n"
        f"  jupyter lab                            nbgrader's menu: formgrader, as ever"
    )
    raise typer.Exit(result.exit_code())
