"""The script that `selfcheck` runs inside a box. It tries each forbidden thing and tells.

It is sent to the kernel as the text of a cell and imports nothing of this package. `TOLD` is bound
before it: what the host has planted. Each answer is ``[what got through, …]``, empty when nothing
did, or a sentence that begins with "could not try".
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

TOLD: dict[str, Any] = globals().get("TOLD", {})
SKIPPED = ("/proc", "/sys")
CHUNK = 1 << 20


def secrets() -> list[str]:
    """Open each path of the course that holds secrets."""
    found = []
    for path in TOLD["secrets"]:
        with contextlib.suppress(OSError):
            if os.path.isdir(path):
                found += [f"lists {path}"] if os.listdir(path) else []
            else:
                with open(path, "rb") as file:
                    file.read(1)
                found.append(f"reads {path}")
    return found


def _walk() -> Iterator[tuple[str, list[str]]]:
    """Yield every folder below the told roots with the names in it."""
    for root in TOLD["roots"]:
        for folder, inner, names in os.walk(root):
            if folder.startswith(SKIPPED):
                inner.clear()
                continue
            yield folder, [*inner, *names]


def _sockets() -> str:
    """Return the kernel's own socket folder, which is the host's: where its connection file is."""
    return os.path.dirname(sys.argv[1])


def search() -> list[str]:
    """Look for the planted files everywhere, by their name."""
    name = TOLD["file"]
    return [os.path.join(folder, n) for folder, names in _walk() for n in names if name in n]


def processes() -> list[str]:
    """See and signal a process of the host."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
            if TOLD["process"].encode() in file.read():
                found.append(f"sees process {pid} of the host")
    # SIGURG does nothing to a process that does not wait for it, whichever has that number here
    with contextlib.suppress(OSError):
        os.kill(TOLD["pid"], TOLD["signal"])
    return found


def network() -> list[str]:
    """Reach the host, or anything, by TCP, UDP and DNS."""
    found = [f"has the interface {n}" for _, n in socket.if_nameindex() if n != "lo"]
    for host, port in TOLD["tcp"]:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with contextlib.suppress(OSError), socket.socket(family) as wire:
            wire.settimeout(2)
            wire.connect((host, port))
            found.append(f"connects to {host}:{port} by TCP")
    for host, port in TOLD["udp"]:
        with contextlib.suppress(OSError), socket.socket(type=socket.SOCK_DGRAM) as wire:
            wire.sendto(TOLD["datagram"].encode(), (host, port))  # the host tells if it arrived
    for host in TOLD["routes"]:  # connecting a datagram socket sends nothing
        with contextlib.suppress(OSError), socket.socket(type=socket.SOCK_DGRAM) as wire:
            wire.connect((host, 9))
            found.append(f"has a route to {host}")
    if not found:
        socket.setdefaulttimeout(5)
        with contextlib.suppress(OSError):
            socket.getaddrinfo("example.org", 80)
            found.append("resolves names by DNS")
    return found


def unix_sockets() -> list[str]:
    """Connect to Unix sockets of the host, abstract and named."""
    found = []
    for name in TOLD["unix"]:
        address = "\0" + name[1:] if name.startswith("@") else name
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as wire:
            wire.settimeout(2)
            wire.connect(address)
            found.append(f"connects to {name}")
    return found


def writes() -> list[str]:
    """Make a file in every folder that can be seen."""
    found = []
    scratch = {root: os.stat(root).st_dev for root in TOLD["scratch"] if os.path.isdir(root)}
    for folder, _ in _walk():
        device = next((d for root, d in scratch.items() if folder.startswith(root)), None)
        # a folder of the host that is mounted below a scratch folder is on another device
        if folder == _sockets() or (device is not None and os.stat(folder).st_dev == device):
            continue
        path = os.path.join(folder, TOLD["written"])
        with contextlib.suppress(OSError), open(path, "x"):
            found.append(f"writes in {folder}")
        with contextlib.suppress(OSError):
            os.unlink(path)
    for path in TOLD["readonly"]:
        with contextlib.suppress(OSError), open(path, "ab"):
            found.append(f"writes to {path}")
    return found


def scratch() -> list[str]:
    """Write more than the scratch space holds, in each folder that can be written."""
    most = TOLD["scratch_mb"] << 20
    found = []
    for folder in TOLD["filled"]:
        path = os.path.join(folder, TOLD["written"])
        size = 0
        try:
            with open(path, "xb", buffering=0) as file:
                while size <= most + 8 * CHUNK:
                    size += file.write(b"x" * CHUNK)
            found.append(f"writes {size >> 20} MiB into {folder}, {most >> 20} MiB are allowed")
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EROFS, errno.EACCES, errno.ENOENT):
                found.append(f"cannot fill {folder}: {error.strerror}")
        with contextlib.suppress(OSError):
            os.unlink(path)
    return found


def descriptors() -> list[str]:
    """Look for open files and folders of the host among the descriptors."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        number = int(name)
        try:
            kind = os.fstat(number)
            target = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue
        if not (stat.S_ISREG(kind.st_mode) or stat.S_ISDIR(kind.st_mode)):
            continue
        with contextlib.suppress(OSError):
            here = os.stat(target)
            if (here.st_dev, here.st_ino) == (kind.st_dev, kind.st_ino):
                continue  # opened in the box itself
        if stat.S_ISDIR(kind.st_mode):
            found.append(f"holds the host's folder {target}")
            continue
        with contextlib.suppress(OSError), open(f"/proc/self/fd/{name}", "rb") as file:
            if TOLD["secret"].encode() in file.read(CHUNK):
                found.append(f"reads the host's file {target}")
    return found


def disk() -> list[str]:
    """Write to this machine's disk without bound: by a folder, or by an inherited descriptor."""
    import fcntl  # Windows has none

    found = []
    path = os.path.join(_sockets(), TOLD["written"])
    most = TOLD["scratch_mb"] << 20
    with contextlib.suppress(OSError):
        try:
            with open(path, "xb", buffering=0) as file:
                size = 0
                while size <= most + 8 * CHUNK:
                    size += file.write(b"x" * CHUNK)
            found.append(f"writes more than {most >> 20} MiB into the kernel's socket folder")
        finally:
            os.unlink(path)
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            kind = os.fstat(int(name))
            target = os.readlink(f"/proc/self/fd/{name}")
            if not stat.S_ISREG(kind.st_mode) or os.path.exists(target):
                continue
            if fcntl.fcntl(int(name), fcntl.F_GETFL) & os.O_ACCMODE:
                found.append(f"writes to the host's file {target} by descriptor {name}")
    return found


def environment() -> list[str]:
    """Look for the host's environment variables, in this process and in the others."""
    secret = TOLD["secret"].encode()
    found = []
    if any(TOLD["secret"] in value for value in os.environ.values()):
        found.append("has a variable of the host's")
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/environ", "rb") as file:
            if secret in file.read():
                found.append(f"reads it from process {pid}")
    return found


NAMESPACE = """
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
sys.exit(0 if libc.unshare(0x10000000) == 0 else 3)
"""


def namespaces() -> list[str]:
    """Make a user namespace, which gives every capability inside it."""
    done = subprocess.run([sys.executable, "-c", NAMESPACE], timeout=30, capture_output=True)
    return ["makes a user namespace"] if done.returncode == 0 else []


def privileges() -> list[str]:
    """Hold a capability, be root, or be able to gain either."""
    with open("/proc/self/status") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    found = [f"holds capabilities ({k})" for k in ("CapEff", "CapPrm") if int(status[k], 16)]
    if status.get("NoNewPrivs") != "1":
        found.append("could gain privileges through a set-user-ID program")
    if os.getuid() == 0:
        found.append("runs as root")
    # PR_SET_PTRACER, mount and the like need what is counted above; the hostname is a plain test
    if ctypes.CDLL(None).sethostname(b"x", 1) == 0:
        found.append("sets the host name")
    return found


def main() -> None:
    """Try everything; print one line of JSON that only the host's reader looks for."""
    trials: list[Callable[[], list[str]]] = [
        secrets, search, environment, processes, network, unix_sockets, writes, scratch, disk,
        descriptors, namespaces, privileges,
    ]  # fmt: skip
    answers: dict[str, Any] = {}
    for trial in trials:
        try:
            answers[trial.__name__] = trial()
        except Exception as error:
            answers[trial.__name__] = f"could not try: {type(error).__name__}: {error}"
    print("\n" + TOLD["mark"] + json.dumps(answers))


if __name__ == "__main__" and TOLD:
    main()
