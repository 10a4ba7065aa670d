"""In same-kernel mode nbgrader's own tests of autograding pass as they do with nbgrader alone.

Some of them run by default; all of them (about four minutes, twice) with
``CONFORMANCE=all python -m pytest tests/e2e/test_same_kernel_conformance.py``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

TESTS = "nbgrader.tests.apps.test_nbgrader_autograde"
CLASS = f"{TESTS}::TestNbGraderAutograde"
# What differs between the two pipelines: identifying cells, executing, failing.
SOME = ["test_grade", "test_handle_failure", "test_side_effects", "test_showtraceback_exploit"]

OURS = """
c = get_config()
c.Autograde.sanitize_preprocessors = [
    "nbgrader.preprocessors.ClearOutput",
    "autograder.nbgrader_hooks.RestoreCells",
    "nbgrader.preprocessors.OverwriteKernelspec",
    "nbgrader.preprocessors.OverwriteCells",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.Autograde.autograde_preprocessors = [
    "autograder.nbgrader_hooks.SealedExecute",
    "nbgrader.preprocessors.IgnorePattern",
    "nbconvert.preprocessors.ClearMetadataPreprocessor",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.SealedExecute.same_kernel = True
"""


def outcomes(root: Path, folder: Path, settings: str) -> dict[str, str]:
    """Run nbgrader's tests with ``settings`` as the user's nbgrader_config.py."""
    pytest.importorskip("requests_mock", reason="nbgrader's own tests need requests-mock")
    (folder / "config").mkdir(parents=True)
    (folder / "home").mkdir()
    (folder / "config" / "nbgrader_config.py").write_text(settings)
    everything = os.environ.get("CONFORMANCE") == "all"
    chosen = [TESTS] if everything else [f"{CLASS}::{name}" for name in SOME]
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull]
        + ["--rootdir", str(folder), f"--junitxml={folder / 'result.xml'}"]
        + ["--pyargs", *chosen],
        cwd=folder,
        env={
            **os.environ,
            "HOME": str(folder / "home"),
            "JUPYTER_CONFIG_DIR": str(folder / "config"),
            "PYTHONPATH": str(root),
            "PYTEST_ADDOPTS": "",
        },
        capture_output=True,
        check=False,
    )
    found = {}
    for case in ET.parse(folder / "result.xml").getroot().iter("testcase"):
        told = {child.tag for child in case} & {"failure", "error", "skipped"}
        found[str(case.get("name"))] = min(told, default="passed")
    return found


def test_every_test_that_passes_with_nbgrader_alone_passes_with_ours(
    root: Path, tmp_path: Path
) -> None:
    stock = outcomes(root, tmp_path / "stock", "c = get_config()\n")
    ours = outcomes(root, tmp_path / "ours", OURS)
    assert sum(result == "passed" for result in stock.values()) >= len(SOME)
    assert ours == stock
