from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.kernels.sandbox import Box, Bubblewrap, NoSandbox
from autograder.kernels.selfcheck import PROMISES, Probe, selfcheck

pytestmark = pytest.mark.sandbox
ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534
KEPT = [name for name in PROMISES if name != "disk"]


@pytest.fixture(scope="module")
def course() -> Iterator[Path]:
    """A folder with secrets that everybody on this machine may read."""
    folder = Path(tempfile.mkdtemp(prefix="ckc", dir="/tmp"))
    (folder / "hidden").mkdir()
    (folder / "hidden" / "ex7.npz").write_text("labels")
    (folder / "gradebook.db").write_text("scores")
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def secrets(course: Path) -> list[Path]:
    return [course / "hidden", course / "gradebook.db"]


def by_name(probes: list[Probe]) -> dict[str, Probe]:
    assert [p.name for p in probes] == list(PROMISES), probes
    return {p.name: p for p in probes}


@pytest.fixture(scope="module")
def boxed(course: Path) -> dict[str, Probe]:
    return by_name(selfcheck(Bubblewrap(), secrets(course)))


@pytest.mark.parametrize("name", KEPT)
def test_bubblewrap_keeps_the_promise(boxed: dict[str, Probe], name: str) -> None:
    assert boxed[name].held, boxed[name].detail


def _cover(paths: list[Path]) -> str:
    """Return a script that makes ``paths`` reachable for everybody, in a mount namespace only."""
    lines = []
    closed: dict[Path, list[Path]] = {}
    for path in paths:
        for folder in reversed(path.parents):
            if not folder.stat().st_mode & stat.S_IXOTH:
                closed.setdefault(folder, []).append(path)
                break
    for number, (folder, inside) in enumerate(closed.items()):
        aside = f"/tmp/ckm{os.getpid()}-{number}"
        lines.append(f"mkdir -p {aside} && mount --bind {folder} {aside}")
        lines.append(f"mount -t tmpfs -o mode=755 none {folder}")
        for path in inside:
            lines.append(f"mkdir -p {path}")
            lines.append(f"mount --bind {aside}/{path.relative_to(folder)} {path}")
    return "\n".join(lines)


def test_bubblewrap_keeps_its_promises_for_an_ordinary_user(course: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("the tests already run as an ordinary user")
    if not shutil.which("setpriv") or not shutil.which("unshare"):
        pytest.skip("setpriv and unshare are needed to become an ordinary user")
    python = Path(sys.executable).resolve()
    cover = _cover(sorted({Path(sys.prefix), Path(sys.base_prefix), python.parent.parent, ROOT}))
    script = (
        "import json, os, sys\nfrom pathlib import Path\n"
        "from autograder.kernels.sandbox import Bubblewrap\n"
        "from autograder.kernels.selfcheck import selfcheck\n"
        "assert os.getuid() != 0\n"
        f"probes = selfcheck(Bubblewrap(), [Path(p) for p in {list(map(str, secrets(course)))}])\n"
        "print(json.dumps([[p.name, p.held, p.detail] for p in probes]))\n"
    )
    run = f"exec setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups env HOME={course}"
    done = subprocess.run(
        ["unshare", "-m", "sh", "-ec", f'{cover}\n{run} "$@"', "sh", sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd="/tmp", capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    for folder in Path("/tmp").glob(f"ckm{os.getpid()}-*"):
        folder.rmdir()
    if "mount:" in done.stderr or "unshare:" in done.stderr or "ermission denied" in done.stderr:
        pytest.skip(f"the interpreter is out of an ordinary user's reach: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert [name for name, held, _ in told if not held and name in KEPT] == [], told
    assert len(told) == len(PROMISES)


def test_without_a_box_the_self_check_finds_what_is_open(course: Path) -> None:
    probes = by_name(selfcheck(NoSandbox(), secrets(course)))
    open_to_all = {"secrets", "search", "network", "unix_sockets", "writes", "scratch", "ends"}
    assert {name for name, probe in probes.items() if not probe.held} >= open_to_all
    assert str(course / "gradebook.db") in probes["secrets"].detail


class Leaky(Bubblewrap):
    """A box with five holes."""

    def __init__(self, course: Path) -> None:
        super().__init__()
        self._course = course

    def command(self, box: Box) -> list[str]:
        whole = super().command(box)
        end = whole.index("--remount-ro")
        dropped = ("--unshare-net", "--unshare-pid", "--die-with-parent", "--disable-userns")
        open_folder = ["--bind", str(self._course), str(self._course)]
        holes = [*whole[:end], *open_folder, *whole[end:]]
        return [part for part in holes if part not in dropped]


def test_a_leaky_box_is_told_promise_by_promise(course: Path) -> None:
    probes = by_name(selfcheck(Leaky(course), secrets(course)))
    broken = {name for name, probe in probes.items() if not probe.held}
    holes = {"secrets", "search", "processes", "network", "unix_sockets", "writes", "namespaces"}
    assert broken >= {*holes, "ends"}
    assert broken & {"privileges", "scratch"} == set()


class Stuck(Bubblewrap):
    """A box in which nothing starts."""

    def command(self, box: Box) -> list[str]:
        return ["false"]


def test_a_box_in_which_no_kernel_starts_holds_nothing() -> None:
    [probe] = selfcheck(Stuck(), [])
    assert (probe.name, probe.held) == ("start", False)


def test_nothing_that_was_planted_stays_behind(course: Path, boxed: dict[str, Probe]) -> None:
    assert boxed
    places = (course, Path.home(), Path("/dev/shm"), Path("/tmp"))
    assert [p for place in places for p in place.glob("planted-*")] == []
    assert "AUTOGRADER_PLANTED" not in os.environ
