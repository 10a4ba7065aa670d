"""What is installed where: the wheel, the lock, the settings."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from autograder import __version__


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """A wheel built from a copy of the checkout with an instructor's private files in it."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE", "nbgrader_config.py"):
        shutil.copy(root / name, source)
    for folder in ("autograder", "tests"):
        shutil.copytree(
            root / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__", "*.ipynb")
        )
    for private in ("hidden/a06/ex7.npz", "solutions/a06/private.py", "gradebook.db"):
        (source / private).parent.mkdir(parents=True, exist_ok=True)
        (source / private).write_text("private")
    out = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    run(*pip, "--wheel-dir", out, source, cwd=source)
    return zipfile.ZipFile(next(out.glob("*.whl")))


def test_the_wheel_holds_the_package_alone(wheel: zipfile.ZipFile) -> None:
    others = [
        name
        for name in wheel.namelist()
        if not name.startswith(("autograder/", f"cnn_course_kit-{__version__}.dist-info/"))
    ]
    assert others == []


def test_the_wheel_holds_every_module_of_the_package(root: Path, wheel: zipfile.ZipFile) -> None:
    modules = {
        path.relative_to(root).as_posix()
        for path in (root / "autograder").rglob("*.py")
        if "__pycache__" not in path.parts
    }
    assert modules <= set(wheel.namelist())


def test_the_wheel_installs_the_autograder_command(wheel: zipfile.ZipFile) -> None:
    entry = wheel.read(f"cnn_course_kit-{__version__}.dist-info/entry_points.txt").decode()
    assert "autograder = autograder.cli:main" in entry


def test_every_package_folder_says_that_it_is_one(root: Path) -> None:
    """A folder without ``__init__.py`` works in a checkout and is missing from the wheel."""
    folders = {path.parent for path in (root / "autograder").rglob("*.py")}
    assert [str(f) for f in sorted(folders) if not (f / "__init__.py").is_file()] == []


def test_one_version_is_told_everywhere(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert project["version"] == __version__
    assert f"## {__version__}" in (root / "CHANGELOG.md").read_text()


def test_the_lock_names_no_host_and_no_machine(root: Path) -> None:
    lock = (root / "requirements.lock").read_text()
    assert re.findall(r"https?://|file:|^-|@|/", lock, flags=re.MULTILINE) == []


def test_every_requirement_in_the_lock_is_pinned_and_hashed(root: Path) -> None:
    entries = re.split(r"\n(?=\S)", (root / "requirements.lock").read_text().strip())
    assert len(entries) > 100
    for entry in entries:
        assert re.match(r"[a-z0-9.-]+==\S+", entry), entry[:80]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry[:80]


def test_the_lock_satisfies_what_the_package_asks_for(root: Path) -> None:
    from packaging.requirements import Requirement

    locked: dict[str, list[str]] = {}
    for name, version in re.findall(
        r"^([a-z0-9.-]+)==(\S+)", (root / "requirements.lock").read_text(), flags=re.MULTILINE
    ):
        locked.setdefault(name, []).append(version)
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    for line in project["dependencies"] + project["optional-dependencies"]["dev"]:
        asked = Requirement(line)
        versions = locked.get(re.sub(r"[-_.]+", "-", asked.name).lower(), [])
        assert versions, f"{asked.name} is not in requirements.lock: run `make lock`"
        assert all(version in asked.specifier for version in versions), line


def test_importing_the_package_imports_neither_keras_nor_nbgrader(root: Path) -> None:
    heavy = "keras", "tensorflow", "nbgrader", "matplotlib", "sklearn", "nbclient"
    code = f"import sys, autograder; print([m for m in {heavy!r} if m in sys.modules])"
    assert run(sys.executable, "-c", code, cwd=root).strip() == "[]"


def test_the_readme_test_command_is_a_target_of_the_makefile(root: Path) -> None:
    assert "make test" in (root / "README.md").read_text()
    for target in ("demo", "test", "lint", "release", "release-check", "bench"):
        assert re.search(rf"^{target}:", (root / "Makefile").read_text(), flags=re.MULTILINE)


def test_make_says_which_python_it_needs(root: Path, tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    venv = tmp_path / "venv"
    done = subprocess.run(
        ["make", "venv", f"PYTHON={old}", f"VENV={venv}"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "Python 3.11, 3.12 or 3.13" in done.stdout
    assert not venv.exists()
