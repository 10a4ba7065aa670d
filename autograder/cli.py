"""The `autograder` command."""

from __future__ import annotations

import sys
import warnings

import typer

import autograder
from autograder.commands import calibrate, check, data, demo, doctor, grade, lint, show
from autograder.commands.common import fail, usage_errors
from autograder.course import NotACourse
from autograder.kernels.sandbox import SandboxMissing

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"cnn-course-kit {autograder.__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Grade Keras notebooks: student code in a sealed box, hidden tests outside it.

    **Students** need `autograder check NOTEBOOK` only.

    **Teaching assistants** run `autograder grade ASSIGNMENT` in the course's folder, and answer
    questions with `autograder show ASSIGNMENT STUDENT`.

    **Instructors** look at a whole small course with `autograder demo`, check an assignment with
    `autograder lint`, and a machine with `autograder doctor`.
    """


app.command("check")(check.command)
app.command("grade")(grade.command)
app.command("show")(show.command)
app.command("lint")(lint.command)
app.command("calibrate")(calibrate.command)
app.command("doctor")(doctor.command)
app.command("demo")(demo.command)
app.add_typer(data.app, name="data")


def main() -> None:
    """Run the command; what a user can mend ends in one sentence and exit code 2."""
    warnings.filterwarnings("ignore", message=".*not in session.*")  # nbgrader's own, harmless
    try:
        app()
    except Exception as problem:
        if isinstance(problem, (NotACourse, SandboxMissing, *usage_errors())):
            fail(str(problem))
        raise
    except KeyboardInterrupt:
        print("\nStopped. Run the same command again to go on: nothing that was graded is lost.",
              file=sys.stderr)  # fmt: skip
        sys.exit(130)


if __name__ == "__main__":
    main()
