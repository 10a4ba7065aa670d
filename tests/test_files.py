import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autograder.files import write_atomic


def test_a_file_holds_exactly_the_bytes_it_was_given(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "file.bin"
    write_atomic(path, b"first\r\n\x00")
    write_atomic(path, b"second")
    assert path.read_bytes() == b"second"
    assert [entry.name for entry in path.parent.iterdir()] == ["file.bin"]


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    path.mkdir()
    (path / "kept").write_text("kept")
    with pytest.raises(OSError):
        write_atomic(path, b"a file cannot replace a folder")
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]
    assert (path / "kept").read_text() == "kept"


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_a_new_file_can_be_read_by_those_who_can_read_other_new_files(tmp_path: Path) -> None:
    write_atomic(tmp_path / "ours", b"")
    (tmp_path / "usual").write_bytes(b"")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.skipif(os.name == "nt", reason="links need privileges on Windows")
def test_a_link_is_replaced_and_its_target_left_alone(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"theirs")
    link.symlink_to(target)
    write_atomic(link, b"ours")
    assert target.read_bytes() == b"theirs"
    assert link.read_bytes() == b"ours" and not link.is_symlink()


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX's")
def test_a_killed_writer_leaves_the_old_bytes_or_the_new_ones(tmp_path: Path) -> None:
    path = tmp_path / "evidence"
    size = 300_000
    script = (
        "import itertools, sys\n"
        "from autograder.files import write_atomic\n"
        "for turn in itertools.count():\n"
        f"    write_atomic(sys.argv[1], bytes([turn % 251]) * {size})\n"
    )
    for wait in (0.00, 0.013, 0.029):
        writer = subprocess.Popen(
            [sys.executable, "-c", script, str(path)], cwd=Path(__file__).parent.parent
        )
        deadline = time.monotonic() + 60
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(wait)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        content = path.read_bytes()
        assert len(content) == size and len(set(content)) == 1
        path.unlink()
