"""What works on this machine and in this course: the questions that `autograder doctor` answers."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from autograder.course import CourseFolder, use_interpreters_commands
from autograder.kernels.sandbox import SandboxMissing, choose, gpu_devices

if TYPE_CHECKING:
    from autograder.kernels.selfcheck import Probe

State = Literal["fine", "warning", "broken"]
#: Earlier versions read files of the host through HDF5 external storage.
OLDEST_KERAS = (3, 13, 2)
LITTLE_DISK_GB, NO_DISK_GB = 5.0, 0.5
LITTLE_MEMORY_GB = 4.0
KERAS_SECONDS = 180.0
#: Promises that this version does not keep yet: grading goes on, and the doctor says so.
NOT_YET = {
    "disk": "A notebook can fill the disk of /tmp through its kernel's log and socket folder: let "
    "/tmp be a file system of its own.",
}
_KERAS = """
import json, os
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
backend = keras.backend.backend()
gpus = -1
if backend == "tensorflow":
    import tensorflow
    gpus = len(tensorflow.config.list_physical_devices("GPU"))
elif backend == "torch":
    import torch
    gpus = torch.cuda.device_count()
elif backend == "jax":
    import jax
    gpus = sum(device.platform == "gpu" for device in jax.devices())
print("\\n" + json.dumps([keras.__version__, backend, gpus]))
"""


@dataclass(frozen=True)
class Item:
    """One answer.

    Attributes:
        area: the heading under which it stands.
        name: what was looked at.
        state: ``broken`` when grading cannot work without it.
        found: what was seen.
        advice: what to do next; empty when nothing is to be done.
    """

    area: str
    name: str
    state: State
    found: str
    advice: str = ""


def examine(course: CourseFolder | None) -> Iterator[Item]:
    """Yield every answer, the quick ones first.

    Args:
        course: the course to look at; None looks at the machine alone.
    """
    use_interpreters_commands()
    yield from machine(course.root if course is not None else Path.cwd())
    yield from nbgrader_tools()
    yield from keras_and_gpu()
    yield from sandbox(course)
    if course is not None:
        yield from course_items(course)


def machine(folder: Path) -> Iterator[Item]:
    """Yield what the machine itself offers."""
    import psutil

    area = "This machine"
    system = f"{platform.system()} {platform.release()}"
    yield Item(area, "Python", "fine", f"{platform.python_version()} on {system}")
    memory = psutil.virtual_memory().total / 2**30
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    small = memory < LITTLE_MEMORY_GB
    yield Item(
        area, "Cores, memory", "warning" if small else "fine", f"{cores} cores, {memory:.1f} GiB",
        "One submission may use 4 GiB: lower c.Limits.memory_mb." if small else "",
    )  # fmt: skip
    for name, place in (("Disk", folder), ("Temporary files", Path("/tmp"))):
        if not place.exists():
            continue
        free = shutil.disk_usage(place).free / 2**30
        state: State = (
            "broken" if free < NO_DISK_GB else "warning" if free < LITTLE_DISK_GB else "fine"
        )
        advice = "" if state == "fine" else f"Make room on the disk of {place}."
        yield Item(area, name, state, f"{free:.0f} GiB free at {place}", advice)


def nbgrader_tools() -> Iterator[Item]:
    """Yield whether nbgrader and the commands that it calls are there."""
    area = "Tools"
    try:
        yield Item(area, "nbgrader", "fine", version("nbgrader"))
    except PackageNotFoundError:
        yield Item(area, "nbgrader", "broken", "not installed", "pip install 'nbgrader>=0.9.6'")
    for command, need in (
        ("alembic", "nbgrader calls it to make a gradebook"),
        ("jupyter", "nbgrader's formgrader runs in it"),
    ):
        found = shutil.which(command)
        if found:
            yield Item(area, command, "fine", found)
        else:
            yield Item(
                area, command, "broken" if command == "alembic" else "warning", "not on PATH",
                f"Install the kit again in this environment: {need}.",
            )  # fmt: skip


def keras_and_gpu() -> Iterator[Item]:
    """Yield the version and backend of Keras, and the GPUs that there are and that it sees."""
    begin = time.monotonic()
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", _KERAS],
            capture_output=True, text=True, timeout=KERAS_SECONDS, check=False,
        )  # fmt: skip
        told: Any = (
            json.loads(done.stdout.strip().splitlines()[-1]) if not done.returncode else None
        )
        problem = done.stderr.strip().splitlines()[-1:] or ["it ended without a word"]
    except (OSError, subprocess.TimeoutExpired, ValueError, IndexError) as error:
        told, problem = None, [type(error).__name__]
    devices = [str(path) for path in gpu_devices()]
    if told is None:
        yield Item(
            "Tools", "Keras", "broken", f"cannot be imported: {problem[0][:200]}",
            "Install the kit again, or set KERAS_BACKEND to a backend that is installed.",
        )  # fmt: skip
        return
    keras, backend, seen = str(told[0]), str(told[1]), int(told[2])
    took = time.monotonic() - begin
    numbers = tuple(int(part) for part in keras.split(".")[:3] if part.isdigit())
    if numbers < OLDEST_KERAS:
        yield Item(
            "Tools", "Keras", "broken", f"{keras} on {backend}",
            "Earlier versions than 3.13.2 read files of this machine: pip install -U keras",
        )  # fmt: skip
    else:
        yield Item("Tools", "Keras", "fine", f"{keras} on {backend}, imported in {took:.1f} s")
    if seen > 0:
        yield Item("Tools", "GPU", "fine", f"{backend} sees {seen}")
    elif any("nvidia" in device for device in devices):
        yield Item(
            "Tools", "GPU", "warning", f"{backend} does not see {devices[0]}",
            "pip install 'cnn-course-kit[gpu]', with a recent driver of NVIDIA's.",
        )  # fmt: skip
    else:
        yield Item("Tools", "GPU", "fine", "none: training runs on the processor")


def sandbox(course: CourseFolder | None) -> Iterator[Item]:
    """Yield whether submissions can be boxed here, and each promise of the box."""
    area = "The sandbox"
    trusted = course is not None and course.settings.sandbox == "none"
    worst: State = "warning" if trusted else "broken"
    if sys.platform != "linux":
        yield Item(
            area, "bubblewrap", worst, f"does not exist on {platform.system()}",
            "Grade on Linux. `autograder check` and `autograder demo` work here.",
        )  # fmt: skip
        return
    # it drives a kernel, and that takes a while to load
    from autograder.kernels.selfcheck import selfcheck

    try:
        box = choose("bubblewrap")
    except SandboxMissing as problem:
        what, _, advice = str(problem).partition(". ")
        yield Item(area, "bubblewrap", worst, what, advice)
        return
    told = subprocess.run(["bwrap", "--version"], capture_output=True, text=True, check=False)
    yield Item(area, "bubblewrap", "fine", told.stdout.strip() or "works")
    for probe in selfcheck(box, secrets_of(course) if course is not None else []):
        yield _promise(area, probe, worst)


def _promise(area: str, probe: Probe, worst: State) -> Item:
    if probe.held:
        return Item(area, probe.name, "fine", probe.promise)
    found = f"Not kept: {probe.promise} A script in the box {probe.detail}."
    if probe.detail.startswith(("could not try", "the script")) or probe.name == "start":
        found = f"{probe.promise} This could not be tried: {probe.detail}"
    if probe.name in NOT_YET:
        return Item(area, probe.name, "warning", found, NOT_YET[probe.name])
    advice = (
        "Do not grade notebooks that you do not trust on this machine. Update bubblewrap and the "
        "kernel; if that does not help, report this line."
    )
    return Item(area, probe.name, worst, found, advice)


def secrets_of(course: CourseFolder) -> list[Path]:
    """Return the files and folders of a course that no submission may read."""
    directory = course.directory
    names = [directory.source_directory, directory.submitted_directory]
    names += [directory.autograded_directory, directory.feedback_directory]
    names += [course.settings.hidden_directory, course.settings.state_directory]
    found = [course.root / str(name) for name in names]
    book = gradebook_file(course)
    return [*found, book] if book is not None else found


def gradebook_file(course: CourseFolder) -> Path | None:
    """Return the gradebook's file; None where it is a server's."""
    head, slashes, path = course.db_url.partition("sqlite:///")
    return Path(path) if slashes and not head else None


def course_items(course: CourseFolder) -> Iterator[Item]:
    """Yield what the course has and lacks."""
    area = f"The course in {course.root}"
    yield from _gradebook(course, area)
    exchange = Path(str(course.config.get("Exchange", {}).get("root", "/usr/local/share/nbgrader")))
    if not exchange.is_dir():
        yield Item(
            area, "Exchange", "warning", f"{exchange} does not exist",
            "Make it, or name another one in nbgrader_config.py (c.Exchange.root). Grading works "
            "without it.",
        )  # fmt: skip
    elif not os.access(exchange, os.W_OK):
        yield Item(
            area, "Exchange", "warning", f"{exchange} cannot be written",
            f"Give yourself the right: students hand in through it (chmod ugo+rwx {exchange}).",
        )  # fmt: skip
    else:
        yield Item(area, "Exchange", "fine", str(exchange))
    chosen = os.environ.get("EX7DATA")
    if chosen and not Path(chosen).is_file():
        yield Item(
            area, "EX7DATA", "broken", f"{chosen} does not exist",
            "Let the variable name your ex7data.mat, or unset it.",
        )  # fmt: skip
    names = course.assignments()
    if not names:
        yield Item(
            area, "Assignments", "warning", f"none in {course.directory.source_directory}/",
            "Put an instructor's notebook into <that folder>/<assignment>/.",
        )  # fmt: skip
    for name in names:
        yield from _assignment(course, name, area)


def _gradebook(course: CourseFolder, area: str) -> Iterator[Item]:
    book = gradebook_file(course)
    if book is None:
        yield Item(area, "Gradebook", "fine", "on a database server; not looked at")
    elif not book.is_file():
        yield Item(
            area, "Gradebook", "warning", f"{book.name} does not exist yet",
            "`nbgrader generate_assignment <assignment>` makes it.",
        )  # fmt: skip
    else:
        try:
            with sqlite3.connect(f"{book.resolve().as_uri()}?mode=ro", uri=True, timeout=5) as wire:
                told = wire.execute("select count(*) from submitted_assignment").fetchone()
            yield Item(area, "Gradebook", "fine", f"{book.name}, {told[0]} submissions")
        except sqlite3.Error as error:
            yield Item(
                area, "Gradebook", "broken", f"{book.name} cannot be read: {error}",
                "Close what holds it, or restore it from a copy.",
            )  # fmt: skip


def _assignment(course: CourseFolder, name: str, area: str) -> Iterator[Item]:
    """Yield one line for what an assignment's tests need: release, hidden sets, measured lines."""
    from autograder.calibration import data_key, read_table
    from autograder.lint import hidden_names, read_cells

    told = [read_cells(path, course) for path in sorted(course.source(name).glob("*.ipynb"))]
    needed = sorted({n for cells in told if isinstance(cells, list) for n in hidden_names(cells)})
    lacking = [n for n in needed if not (course.hidden(name) / f"{n}.npz").is_file()]
    troubles, advice = [], []
    if not list(course.step("release", ".", name).glob("*.ipynb")):
        troubles.append("not released")
        advice.append(f"`nbgrader generate_assignment {name}` releases it.")
    if lacking:
        troubles.append(f"no hidden set {', '.join(lacking)}")
        advice.append("`autograder data build` or `data holdout` makes one.")
    table = read_table(course, name)
    if (course.source(name) / "calibration.py").is_file() and not lacking:
        key = data_key(course, name)
        if key is None:
            troubles.append("its data cannot be read")
            advice.append("`autograder data verify` says why.")
        elif key not in table:
            troubles.append("thresholds not measured on this data")
            advice.append(f"`autograder calibrate {name} --write` measures them.")
    if troubles:
        yield Item(area, name, "warning", "; ".join(troubles), " ".join(advice))
        return
    sets = f"hidden set {', '.join(needed)}" if needed else "needs no hidden set"
    yield Item(area, name, "fine", f"released; {sets}" + ("; thresholds measured" if table else ""))
