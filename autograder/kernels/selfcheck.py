"""What every sandbox must pass before it holds a student's notebook.

`selfcheck` starts a kernel exactly as a recording does, and has it try each forbidden thing: the
host plants files, a process, sockets and a variable, and the script in `probe` looks for them from
inside. A promise that was not tried does not count as held.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets as tokens
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from autograder.kernels.limits import LimitValues
from autograder.kernels.sandbox import HOME, KIT, Box, Sandbox, package_folder
from autograder.kernels.session import KernelFailed, start_kernel

SCRATCH_MB = 16
PROBE_SECONDS = 240.0
_LISTENER = """
import signal, sys, time
signal.signal({signal}, lambda *a: sys.exit(42))
print("ready", flush=True)
time.sleep(600)
"""
#: Addresses that need a route to the outside: two for documentation, one where clouds keep secrets.
_ROUTES = ("192.0.2.1", "198.51.100.1", "169.254.169.254")
_START = "from autograder.sealed.agent import main; main()"  # as a recording starts it

PROMISES = {
    "secrets": "Solutions, hidden data, evidence and gradebook cannot be read.",
    "search": "No file of this machine is found by a search of the file system.",
    "processes": "No process of this machine is seen or signalled.",
    "network": "There is no network: no TCP, no UDP, no DNS.",
    "unix_sockets": "No Unix socket of this machine can be reached.",
    "writes": "Nothing is written outside the scratch folders.",
    "scratch": "The scratch folders hold no more than their limit.",
    "disk": "The disk of this machine cannot be filled.",
    "descriptors": "No open file of this machine is inherited.",
    "environment": "No environment variable of this machine is seen.",
    "namespaces": "No new user namespace can be made.",
    "privileges": "No privilege is held, and none can be gained.",
    "ends": "The box ends when its driver does, even by SIGKILL.",
}


@dataclass(frozen=True)
class Probe:
    """One promise of a sandbox, tried.

    Attributes:
        name: a short name, a key of `PROMISES`, or ``start`` when nothing could be tried.
        promise: what is promised, as a sentence.
        held: whether the trial failed, as it should.
        detail: what got through, or why it could not be tried; empty when the promise held.
    """

    name: str
    promise: str
    held: bool
    detail: str


@dataclass
class _Planted:
    """What the host has put where a student's code must not find it."""

    token: str
    told: dict[str, Any]
    datagrams: list[socket.socket] = field(default_factory=list)
    process: subprocess.Popen[str] | None = None


def selfcheck(sandbox: Sandbox, secrets: Sequence[Path]) -> list[Probe]:
    """Try from inside whether ``sandbox`` keeps its promises.

    Args:
        sandbox: the sandbox to try.
        secrets: files and folders that must not be readable, such as the gradebook.

    Returns:
        One record for each promise, in the order of `PROMISES`; a single record ``start`` when no
        kernel started in the box.
    """
    with contextlib.ExitStack() as stack:
        planted = stack.enter_context(_plant(sandbox, secrets))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ckp")))
        try:
            answers = asyncio.run(_ask(sandbox, planted, folder))
        except (KernelFailed, OSError, RuntimeError) as problem:
            return [Probe("start", "A kernel starts in the box.", False, str(problem))]
        _seen_from_outside(planted, answers)
    answers["ends"] = _ends_with_its_driver(sandbox)
    return [_judge(name, promise, answers.get(name)) for name, promise in PROMISES.items()]


def _judge(name: str, promise: str, answer: list[str] | str | None) -> Probe:
    if answer is None:
        return Probe(name, promise, False, "the script in the box gave no answer")
    if isinstance(answer, str):
        return Probe(name, promise, False, answer)
    shown = "; ".join(answer[:4]) + (f"; and {len(answer) - 4} more" if len(answer) > 4 else "")
    return Probe(name, promise, not answer, shown)


@contextlib.contextmanager
def _plant(sandbox: Sandbox, secrets: Sequence[Path]) -> Iterator[_Planted]:
    """Put files, a process, sockets and a variable where the box must not reach them."""
    token = tokens.token_hex(12)
    name, secret = f"planted-{token}", f"secret-{token}"
    boxed = sandbox.name != "none"
    with contextlib.ExitStack() as stack:
        host = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ckh", dir="/tmp")))
        for folder in {host, Path.home(), Path("/dev/shm"), *(p.parent for p in secrets)}:
            path = folder / name
            with contextlib.suppress(OSError):  # a folder that this user may not write
                path.write_text(secret)
                stack.callback(path.unlink, missing_ok=True)
        # even a descriptor that is open to children must not arrive
        for target, flags in ((host / name, os.O_RDONLY), (host, os.O_RDONLY | os.O_DIRECTORY)):
            handle = os.open(target, flags)
            stack.callback(os.close, handle)
            os.set_inheritable(handle, True)
        os.environ["AUTOGRADER_PLANTED"] = secret
        stack.callback(os.environ.pop, "AUTOGRADER_PLANTED", None)
        process = subprocess.Popen(
            [sys.executable, "-c", _LISTENER.format(signal=int(signal.SIGURG)), name],
            stdout=subprocess.PIPE,
            text=True,
        )
        stack.callback(_end, process)
        assert process.stdout is not None
        process.stdout.readline()
        tcp, udp = _listeners(stack)
        unix = _unix_listeners(stack, host, token)
        planted = _Planted(token, {}, udp, process)
        planted.told = {
            "mark": f"told-{token}:",
            "secrets": [str(path) for path in secrets],
            "file": name,
            "secret": secret,
            "process": name,
            "pid": process.pid,
            "signal": int(signal.SIGURG),
            "tcp": [list(s.getsockname()[:2]) for s in tcp],
            "udp": [list(s.getsockname()[:2]) for s in udp],
            "datagram": secret,
            "routes": list(_ROUTES),
            "unix": unix,
            # without a box the host's whole disk is in reach: then the planted folders are enough
            "roots": ["/"] if boxed else [str(host)],
            "scratch": [HOME, "/tmp", "/dev/shm"] if boxed else [],
            "filled": [f"{HOME}/work", HOME, "/tmp", "/dev/shm", "/dev"] if boxed else ["."],
            "scratch_mb": SCRATCH_MB,
            "written": f"written-{token}",
            "readonly": [f"{KIT}/submitted/answer.txt", f"{KIT}/official/data.txt"],
        }
        package = f"{KIT}/lib/autograder" if boxed else str(package_folder())
        planted.told["readonly"].append(f"{package}/__init__.py")
        yield planted


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _listeners(stack: contextlib.ExitStack) -> tuple[list[socket.socket], list[socket.socket]]:
    """Listen on this machine's loopback and on its own address."""
    hosts = ["127.0.0.1", "::1"]
    with contextlib.suppress(OSError), socket.socket(type=socket.SOCK_DGRAM) as wire:
        wire.connect((_ROUTES[0], 9))  # sends nothing, but chooses the address
        hosts.append(wire.getsockname()[0])
    tcp, udp = [], []
    for host in hosts:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with contextlib.suppress(OSError):
            listener = stack.enter_context(socket.socket(family))
            listener.bind((host, 0))
            listener.listen()
            tcp.append(listener)
        if family == socket.AF_INET:
            with contextlib.suppress(OSError):
                receiver = stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
                receiver.bind((host, 0))
                udp.append(receiver)
    return tcp, udp


def _unix_listeners(stack: contextlib.ExitStack, host: Path, token: str) -> list[str]:
    names = [f"{host}/{token[:8]}.sock"]
    if sys.platform == "linux":
        names.append(f"@planted-{token}")
    for name in names:
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind("\0" + name[1:] if name.startswith("@") else name)
        listener.listen()
    return names


async def _ask(sandbox: Sandbox, planted: _Planted, folder: Path) -> dict[str, list[str] | str]:
    """Run the probe script in a kernel that is started as a recording starts one."""
    submitted = folder / "submitted"
    submitted.mkdir()
    (submitted / "answer.txt").write_text("an answer\n")
    official = folder / "data.txt"
    official.write_text("official data\n")
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    boxed = sandbox.name != "none"
    told = dict(planted.told)
    if not boxed:  # without a box these stand where they stand
        told["readonly"] = [str(submitted / "answer.txt"), str(official)]
    copy = os.pathsep.join((f"{KIT}/submitted", f"{KIT}/official")) if boxed else ""
    env = {
        "AUTOGRADER_WIRE": str(theirs.fileno()),
        "AUTOGRADER_MESSAGE_MB": "1",
        "AUTOGRADER_COPY": copy,
        "PYTHONDONTWRITEBYTECODE": "1",
    }

    def argv(connection: str) -> list[str]:
        return [sys.executable, "-P", "-c", _START, connection]

    script = (Path(__file__).parent / "probe.py").read_text(encoding="utf-8")
    try:
        async with start_kernel(
            sandbox,
            argv,
            limits=LimitValues(scratch_mb=SCRATCH_MB),
            readable={f"{KIT}/submitted": submitted, f"{KIT}/official/data.txt": official},
            env=env,
            wire=theirs,
        ) as session:
            await session.run(f"import json\nTOLD = json.loads({json.dumps(told)!r})", 30.0)
            run = await session.run(script, PROBE_SECONDS)
    finally:
        ours.close()
        theirs.close()
    text = "".join(o.get("text", "") for o in run.outputs if o.get("name") == "stdout")
    for line in text.splitlines():
        if line.startswith(told["mark"]):
            return msgspec.json.decode(
                line.removeprefix(told["mark"]), type=dict[str, list[str] | str]
            )
    last = next((str(o.get("evalue")) for o in run.outputs if "evalue" in o), run.status)
    raise RuntimeError(f"the script in the box gave no answer ({last})")


def _seen_from_outside(planted: _Planted, answers: dict[str, list[str] | str]) -> None:
    """Add what only the host can notice: a signal that came, a datagram that arrived."""
    process = planted.process
    told = answers.get("processes")
    if process is not None and isinstance(told, list):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.5)
        if process.poll() == 42:
            told.append("signals a process of the host")
    told = answers.get("network")
    for receiver in planted.datagrams:
        if isinstance(told, list) and select.select([receiver], [], [], 0.2)[0]:
            told.append("sends to this machine by UDP")


_DRIVER = """
import subprocess, sys, time
subprocess.Popen(sys.argv[2:], pass_fds=(int(sys.argv[1]),))
time.sleep(600)
"""


def _ends_with_its_driver(sandbox: Sandbox) -> list[str] | str:
    """Kill the process that started a box, and see whether the box ends: its pipe then closes."""
    reading, writing = os.pipe()
    box = Box(
        argv=[sys.executable, "-c", f"import os, time; os.write({writing}, b'x'); time.sleep(20)"],
        scratch=Path("/tmp"),
        limits=LimitValues(scratch_mb=SCRATCH_MB),
    )
    driver = subprocess.Popen(
        [sys.executable, "-c", _DRIVER, str(writing), *sandbox.command(box)],
        pass_fds=(writing,),
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    try:
        started = select.select([reading], [], [], 30.0)[0]
        if not started or os.read(reading, 1) != b"x":
            return "could not try: the box did not start"
        driver.kill()
        ended = select.select([reading], [], [], 5.0)[0] and os.read(reading, 1) == b""
        return [] if ended else ["goes on after its driver was killed"]
    finally:
        driver.kill()
        driver.wait()
        os.close(reading)
