"""``autograder data``: make, look at and check Exercise 11's digits."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from autograder.datasets import (
    DataNotFound,
    DataPaths,
    DataProblem,
    Facts,
    Finding,
    facts,
    find_ex7,
    verify,
    verify_hidden,
    write_standin,
)
from autograder.datasets.course_data import ASSIGNMENT, GIVEN, MNIST, write_hidden
from autograder.datasets.ex7 import VARIABLE, Order
from autograder.datasets.hidden import in_proportion, mnist_test, npz_bytes, reduce_to_20
from autograder.datasets.verify import read_digits
from autograder.files import write_atomic

SIZE = 2000
_MARKS = {"good": ("✓", "green"), "warning": ("!", "yellow"), "problem": ("✗", "red")}

app = typer.Typer(
    help="Exercise 11's digits: make, look at and check what students get and what stays hidden.",
    no_args_is_help=True,
)


class Unrolling(StrEnum):
    """How a row of X unrolls its image."""

    column = "column"
    row = "row"

    @property
    def order(self) -> Order:
        """The same, as `load_ex7` takes it."""
        return "column" if self is Unrolling.column else "row"


CourseOption = Annotated[
    Path | None,
    typer.Option(
        "--course",
        metavar="DIR",
        exists=True,
        file_okay=False,
        help="The course's folder. Without it: the one around the current folder.",
    ),
]
PathArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="[PATH]",
        exists=True,
        dir_okay=False,
        help=f"The file; without it ${VARIABLE}, or the course's data/ex7data.mat.",
    ),
]
OrderOption = Annotated[
    Unrolling,
    typer.Option("--order", help="How the file unrolls an image: MATLAB by column, NumPy by row."),
]
ForceOption = Annotated[
    bool, typer.Option("--force", help="Replace files even where the kit did not make them.")
]


@app.command()
def build(
    course: CourseOption = None,
    seed: Annotated[int, typer.Option(min=0, help="Draws other digits; 0 is the kit's own.")] = 0,
    force: ForceOption = False,
) -> None:
    """Make a stand-in for ex7data.mat, and its hidden set.

    For a course without the real file: 5000 digits in exactly its format, drawn from scikit-learn's
    bundled handwriting, and 2000 hidden ones whose originals appear nowhere in the 5000. The same
    seed gives the same files. A file that you put there yourself is never replaced.
    """
    with _friendly():
        for path, written in write_standin(_paths(course), seed=seed, force=force):
            _say("good", f"{path}: {'written' if written else 'up to date'}")
        _note(f"To use another file everywhere, set {VARIABLE} to its path.")


@app.command()
def info(
    path: PathArgument = None,
    course: CourseOption = None,
    order: OrderOption = Unrolling.column,
) -> None:
    """Show what a data set holds: an ex7data.mat, or a hidden set (.npz)."""
    with _friendly():
        file = _public(path, course)
        held = facts(file, order=order.order)
        Console().print(_table(held))


@app.command("verify")
def verify_command(
    path: PathArgument = None,
    course: CourseOption = None,
    hidden: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.npz", exists=True, dir_okay=False, help="Another hidden set to compare."
        ),
    ] = None,
    order: OrderOption = Unrolling.column,
) -> None:
    """Look for whatever would spoil the exercise; exit code 1 when something would.

    Format, balance, duplicates and orientation of the public and the hidden digits, and leakage:
    hidden images, or originals of hidden images, that students have.
    """
    with _friendly():
        file = _public(path, course)
        _note(f"public  {file}")
        kept = hidden or _paths(course).hidden
        _note(f"hidden  {kept}")
        findings = verify(file, kept, order=order.order)
        _report(findings)
        _stop_at_problems(findings)


@app.command()
def holdout(
    course: CourseOption = None,
    mnist: Annotated[bool, typer.Option("--mnist", help="Take MNIST's test digits.")] = False,
    given: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE.npz",
            exists=True,
            dir_okay=False,
            help="Take your own: images (N, 20, 20, 1) in 0..1, labels (N,); or an ex7data.mat.",
        ),
    ] = None,
    mnist_file: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", exists=True, dir_okay=False, help="A local mnist.npz: no download."
        ),
    ] = None,
    size: Annotated[
        int, typer.Option(min=10, help="How many MNIST digits, in MNIST's class proportions.")
    ] = SIZE,
    everything: Annotated[bool, typer.Option("--all", help="All of MNIST's test digits.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Which MNIST digits.")] = 0,
    force: ForceOption = False,
) -> None:
    """Make the hidden set, on which accuracy is measured: digits that no student has.

    From MNIST's test set (fetched by Keras, reduced from 28×28 to 20×20 pixels), or your own. It is
    checked before it is written; nothing is written when students have some of it.
    """
    if (mnist or mnist_file is not None) == (given is not None):
        raise typer.BadParameter("Name one source: --mnist, or --from FILE.npz.")
    with _friendly():
        paths = _paths(course)
        if given is not None:
            (images, labels), maker = read_digits(given), GIVEN
        else:
            digits, classes = mnist_test(mnist_file)
            chosen = in_proportion(classes, len(classes) if everything else size, seed)
            images, labels, maker = reduce_to_20(digits[chosen]), classes[chosen], MNIST
        with tempfile.TemporaryDirectory() as folder:
            trial = Path(folder, "trial.npz")
            write_atomic(trial, npz_bytes({"images": images, "labels": labels}))
            findings = verify_hidden(trial, _public_or_none(course))
        _report(findings)
        if not force:
            _stop_at_problems(findings, "Nothing was written; --force writes it all the same.")
        written = write_hidden(paths.hidden, images, labels, maker, force=force)
        _say("good", f"{paths.hidden}: {'written' if written else 'up to date'}")
        _note(f"The thresholds depend on it: run `autograder calibrate {ASSIGNMENT}` now.")


def _paths(course: Path | None) -> DataPaths:
    """Return where a course's digits lie, by its configuration where it has one."""
    from autograder.course import NotACourse, open_course

    try:
        folder = open_course(course)
    except NotACourse:
        # Digits can be made before a course exists.
        return DataPaths.of(course or Path.cwd())
    return DataPaths.of(folder.root, folder.hidden(ASSIGNMENT))


def _public(path: Path | None, course: Path | None) -> Path:
    """Return the file to look at."""
    if path is not None:
        return path
    own = _paths(course).public
    return own if own.is_file() and not os.environ.get(VARIABLE) else find_ex7()


def _public_or_none(course: Path | None) -> Path | None:
    """Return the public file, or None before there is one."""
    try:
        return _public(None, course)
    except DataNotFound:
        return None


@contextmanager
def _friendly() -> Iterator[None]:
    """Turn a problem into its message: exit code 2 where the data are missing, else 1."""
    try:
        yield
    except DataProblem as problem:
        _say("problem", str(problem), error=True)
        raise typer.Exit(2 if isinstance(problem, DataNotFound) else 1) from None
    except OSError as error:
        reason = f"{error.strerror or type(error).__name__}: {error.filename or 'a data file'}"
        advice = "Look at the folder's permissions and the space on the disk."
        _say("problem", f"{reason}. {advice}", error=True)
        raise typer.Exit(1) from None


def _stop_at_problems(findings: list[Finding], advice: str = "") -> None:
    """Exit with code 1 when something would spoil the exercise."""
    problems = sum(finding.level == "problem" for finding in findings)
    if problems:
        counted = f"{problems} problem{'s' * (problems > 1)}."
        _say("problem", f"{counted} {advice}".strip(), error=True)
        raise typer.Exit(1)


def _report(findings: list[Finding]) -> None:
    """Print each finding on a line."""
    for finding in findings:
        _say(finding.level, finding.sentence)


def _say(level: str, sentence: str, *, error: bool = False) -> None:
    """Print a sentence with its mark. A path in it is never read as markup."""
    mark, colour = _MARKS[level]
    text = Text.assemble((mark, colour), " ", sentence)
    Console(stderr=error).print(text, soft_wrap=True)


def _note(sentence: str) -> None:
    """Print a sentence that stands in the background."""
    Console().print(Text(sentence, style="dim"), soft_wrap=True)


def _table(held: Facts) -> Table:
    """Return what a data set holds, for the screen."""
    table = Table(title=Text(str(held.path)), show_header=False, title_justify="left")
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    pixels = f"{held.lowest:g}..{held.highest:g} in {held.levels} grey levels"
    rows = {
        "images": f"{held.count} of 20×20 pixels",
        "digits": _per_class(held.per_class),
        "pixels": f"{pixels}, mean ink {held.ink:.4f}",
        "orientation": held.orientation,
        "duplicates": str(held.duplicates) if held.duplicates else "none",
        "digest": held.digest,
        "the file says": held.maker or "nothing",
    }
    for name, value in rows.items():
        table.add_row(name, Text(value))
    return table


def _per_class(counts: tuple[int, ...]) -> str:
    """Return the numbers of each digit, in one word where all are alike."""
    if len(set(counts)) == 1:
        return f"{counts[0]} of each of 0..9"
    return ", ".join(f"{count} of {digit}" for digit, count in enumerate(counts))
