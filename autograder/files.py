"""Writing files so that nothing is lost when a run is killed."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path


def write_atomic(path: str | os.PathLike[str], data: bytes) -> None:
    """Write ``data`` to ``path``: afterwards the file holds the old bytes or all of the new ones.

    The bytes go to a temporary file in the same folder, are flushed to the disk, and take the place
    of ``path`` in one step. Where ``path`` is a link, the link is replaced and its target is left
    as it was. Missing folders are made.

    Raises:
        OSError: the file cannot be written; no temporary file stays behind.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_atomic(Path(folder, "new", "answer.txt"), b"42")
        ...     Path(folder, "new", "answer.txt").read_bytes()
        b'42'
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files that their owner alone may read; these are ordinary files.
        os.chmod(name, _mode_of_new_files())
        os.replace(name, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
    _flush_folder(target.parent)


def _mode_of_new_files() -> int:
    """Return the permissions that `open` would give to a new file."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _flush_folder(folder: Path) -> None:
    """Flush the rename itself. Windows has no such call, and its rename is durable enough."""
    if os.name == "nt":
        return
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
