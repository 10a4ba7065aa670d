"""What all tests share: a clean Jupyter, the real digits where they are, an empty course."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# These are run through tests of their own; they are no test modules.
collect_ignore_glob = ["notebooks/*/mutants/*", "notebooks/*/spellings/*"]

# Training beside a property makes deadlines meaningless; the same examples in every run of CI.
settings.register_profile("kit", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("kit")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--benchmarks", action="store_true", help="also run tests/benchmarks, which measure speed"
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    if collection_path == ROOT / "tests" / "benchmarks" and not config.getoption("--benchmarks"):
        return True
    return None


def pytest_configure(config: pytest.Config) -> None:
    """Keep a user's own settings of Jupyter, IPython and Keras out, and the tests' traces too."""
    home = Path(tempfile.mkdtemp(prefix="kit-tests-"))
    config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR", "KERAS_HOME"):
        folder = home / name.lower()
        folder.mkdir()
        os.environ[name] = str(folder)
    # Sockets' names have a length limit: this folder's path stays short.
    os.environ["JUPYTER_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="jr-")
    config.add_cleanup(lambda: shutil.rmtree(os.environ["JUPYTER_RUNTIME_DIR"], ignore_errors=True))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    beside = str(Path(sys.executable).parent)
    os.environ["PATH"] = os.pathsep.join([beside, os.environ.get("PATH", "")])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say, rather than fail, what a machine lacks. CI has everything, so there it must fail."""
    if os.environ.get("CI"):
        return
    lacking = {
        "sandbox": None if shutil.which("bwrap") else "bubblewrap is not installed",
        "browser": None if any(map(shutil.which, BROWSERS)) else "Chromium is not installed",
    }
    for item in items:
        for mark, reason in lacking.items():
            if reason and item.get_closest_marker(mark):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def real_digits() -> Path:
    """Exercise 11's real digits (``EX7DATA``); a test that needs them is skipped elsewhere."""
    path = Path(os.environ.get("EX7DATA", ""))
    if not path.is_file():
        pytest.skip("EX7DATA names no file")
    return path


@pytest.fixture(scope="session")
def real_hidden() -> Path:
    """The hidden set that belongs to the real digits (``EX7HIDDEN``)."""
    path = Path(os.environ.get("EX7HIDDEN", ""))
    if not path.is_file():
        pytest.skip("EX7HIDDEN names no file")
    return path


@pytest.fixture(scope="session")
def chromium() -> str:
    """The system's headless-capable browser."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("Chromium is not installed")
    return found


@pytest.fixture
def course(tmp_path: Path) -> Iterator[Path]:
    """An empty course with the root's settings: ``solutions/`` is for the test to fill."""
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    (tmp_path / "solutions").mkdir()
    yield tmp_path
    # nbgrader writes read-only files, which pytest's own removal of old folders trips over.
    for folder, _, names in os.walk(tmp_path):
        for name in names:
            path = Path(folder, name)
            if not path.is_symlink():
                path.chmod(0o644)
