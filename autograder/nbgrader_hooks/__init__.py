"""The preprocessors that ``nbgrader_config.py`` names, and everything else that knows nbgrader."""

from __future__ import annotations

from autograder.nbgrader_hooks.execute import SealedExecute
from autograder.nbgrader_hooks.hide import HideTests
from autograder.nbgrader_hooks.restore import RestoreCells

__all__ = ["HideTests", "RestoreCells", "SealedExecute"]
