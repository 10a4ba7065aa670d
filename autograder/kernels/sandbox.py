"""The box that a student's kernel runs in.

Promised, and the kernel feature that each promise rests on:

- no network: an empty network namespace (loopback only);
- no other process is seen or signalled: PID and IPC namespaces, an own ``/proc``;
- nothing is written but private scratch folders in memory, each of bounded size: a mount namespace
  of read-only binds and tmpfs. One exception: the folder of the kernel's own sockets lies on the
  host's disk, is emptied when the kernel ends, and its size is not bounded yet;
- of the host only the system's libraries, the interpreter with its packages, this package and the
  submission's own public files are visible: the same mount namespace, built from an allow-list;
- no privilege is gained: a user namespace without capabilities, and ``no_new_privs``;
- no namespace is made inside it: ``--disable-userns``;
- it ends with its driver: ``--die-with-parent`` on the first process of the PID namespace.

Not promised: protection from a fault of the Linux kernel itself, from side channels, or from a
driver of a GPU that is passed in.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from autograder.kernels.limits import LimitValues

SandboxName = Literal["bubblewrap", "none"]
HOME = "/home/student"
WORK = f"{HOME}/work"
KIT = "/kit"

INSTALL_HINT = (
    "Install it with `apt install bubblewrap` (Debian, Ubuntu), `dnf install bubblewrap` (Fedora) "
    "or `conda install -c conda-forge bubblewrap`. On Ubuntu 24.04 and later AppArmor forbids "
    "unprivileged user namespaces: allow them for bwrap with a profile in /etc/apparmor.d (see "
    "README, Trust), or with `sysctl kernel.apparmor_restrict_unprivileged_userns=0`. "
    "`--sandbox none` runs notebooks without a box: use it only for notebooks that you trust."
)


class SandboxMissing(RuntimeError):
    """There is no working sandbox: install one, or say that the notebooks are trusted."""


@dataclass(frozen=True)
class Box:
    """What one process in a sandbox gets.

    Attributes:
        argv: the command inside the box.
        scratch: a folder of this process on the host; the sandbox may put its sockets there.
        readable: host files and folders by the path at which the box sees them, read-only.
        shared: host folders by their path inside the box, writable (the kernel's sockets).
        env: the whole environment of the process.
        limits: the bound on scratch space is taken from here.
    """

    argv: Sequence[str]
    scratch: Path
    limits: LimitValues
    readable: Mapping[str, Path] = field(default_factory=dict)
    shared: Mapping[str, Path] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    gpu: bool = True


class Sandbox(Protocol):
    """Turns a `Box` into a command line that runs on the host."""

    name: SandboxName

    def command(self, box: Box) -> list[str]:
        """Return the host's command line for ``box``."""

    def inside(self, path: Path, box: Box) -> str:
        """Return the path at which the box sees the host's ``path``."""


class Bubblewrap:
    """A box made by `bwrap`, for an ordinary user and for root."""

    name: SandboxName = "bubblewrap"

    def __init__(self) -> None:
        found = shutil.which("bwrap")
        if found is None:
            raise SandboxMissing(f"bubblewrap (bwrap) is not installed. {INSTALL_HINT}")
        self._bwrap = found
        self._env = shutil.which("env") or "/usr/bin/env"

    def command(self, box: Box) -> list[str]:
        """Return the ``bwrap`` command line for ``box``."""
        # bwrap's own process stays in the box, and what it was started with can be read there
        args = [self._env, "-i", self._bwrap]
        args += ["--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc"]
        args += ["--unshare-uts", "--unshare-cgroup-try", "--disable-userns"]
        args += ["--uid", "1000", "--gid", "1000", "--hostname", "student"]
        args += ["--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"]
        for source in system_folders():
            target = str(source)
            if source.is_symlink():  # /lib -> usr/lib on merged systems
                args += ["--symlink", os.readlink(source), target]
            else:
                args += ["--ro-bind", target, target]
        args += ["--proc", "/proc", "--dev", "/dev"]
        args += ["--size", str(box.limits.scratch_mb << 20), "--tmpfs", "/dev/shm"]
        args += ["--size", str(box.limits.scratch_mb << 20), "--tmpfs", "/tmp"]
        args += ["--size", str(box.limits.scratch_mb << 20), "--tmpfs", HOME]
        for folder in interpreter_folders():
            args += ["--ro-bind", str(folder), str(folder)]
        args += ["--ro-bind", str(package_folder()), f"{KIT}/lib/autograder"]
        if box.gpu:
            for device in gpu_devices():
                args += ["--dev-bind-try", str(device), str(device)]
        for target, source in box.readable.items():
            args += ["--ro-bind", str(source), target]
        for target, source in box.shared.items():
            args += ["--bind", str(source), target]
        args += ["--dir", WORK, "--chdir", WORK, "--remount-ro", "/dev", "--remount-ro", "/"]
        inside = {"HOME": HOME, "PATH": "/usr/bin:/bin", "TMPDIR": "/tmp", "LANG": "C.UTF-8"}
        inside |= {"PYTHONPATH": f"{KIT}/lib", **box.env}
        for name, value in inside.items():
            args += ["--setenv", name, value]
        return [*args, "--", *box.argv]

    def inside(self, path: Path, box: Box) -> str:
        """Return the path inside the box, as `Box.readable` and `Box.shared` place it."""
        for target, source in {**box.readable, **box.shared}.items():
            if path == source:
                return target
            if path.is_relative_to(source):
                return str(Path(target) / path.relative_to(source))
        raise KeyError(path)


class NoSandbox:
    """No box at all: for notebooks that the caller wrote or trusts."""

    name: SandboxName = "none"

    def command(self, box: Box) -> list[str]:
        """Return a command line that clears the environment and runs in the scratch folder."""
        kept = {k: os.environ[k] for k in ("PATH", "LANG", "TMPDIR") if k in os.environ}
        env = {**kept, "HOME": str(box.scratch), "PYTHONPATH": str(package_folder().parent)}
        env |= box.env
        return ["env", "-i", *(f"{k}={v}" for k, v in env.items()), *box.argv]

    def inside(self, path: Path, box: Box) -> str:
        """Return the same path: nothing is hidden."""
        return str(path)


def choose(name: SandboxName) -> Sandbox:
    """Return the sandbox ``name``, having tried that it works.

    Raises:
        SandboxMissing: when it does not; the sentence says how to install it.
    """
    box = make(name)
    problem = trial(box)
    if problem:
        raise SandboxMissing(
            f"bubblewrap is installed but does not work here: {problem}. {INSTALL_HINT}"
        )
    return box


def make(name: SandboxName) -> Sandbox:
    """Return the sandbox ``name`` without trying it: `choose` has, before anything was started."""
    return NoSandbox() if name == "none" else Bubblewrap()


def trial(sandbox: Sandbox) -> str:
    """Run a trivial command in the sandbox; return what went wrong, or an empty string."""
    box = Box(argv=[sys.executable, "-c", "print(6*7)"], scratch=Path("/"), limits=LimitValues())
    try:
        done = subprocess.run(sandbox.command(box), capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode or done.stdout.strip() != "42":
        lines = done.stderr.strip().splitlines()
        return lines[-1] if lines else f"exit status {done.returncode}"
    return ""


def package_folder() -> Path:
    """Return the folder of the installed package `autograder`: all of this project in the box."""
    return Path(__file__).resolve().parent.parent


def system_folders() -> list[Path]:
    """Return the system's folders that a Python process needs, those that exist."""
    names = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache"]
    names += ["/etc/fonts", "/etc/localtime", "/etc/alternatives", "/etc/mime.types"]
    if any(gpu_devices()):
        names += ["/etc/OpenCL", "/sys/bus/pci", "/sys/devices"]
    return [Path(name) for name in names if Path(name).exists()]


def interpreter_folders() -> list[Path]:
    """Return the folders of the interpreter and its packages that lie outside the system's."""
    wanted = {Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parent.parent}
    wanted |= {Path(sysconfig.get_paths()[k]) for k in ("purelib", "platlib", "stdlib")}
    outside = {p for p in wanted if not p.is_relative_to("/usr") or p.is_relative_to("/usr/local")}
    # a folder inside another one is visible with it
    return sorted(p for p in outside if not any(p != q and p.is_relative_to(q) for q in outside))


def gpu_devices() -> list[Path]:
    """Return the device files of the machine's GPUs."""
    found = sorted(Path("/dev").glob("nvidia*")) + [Path("/dev/dri"), Path("/dev/kfd")]
    return [path for path in found if path.exists()]
