"""Keeping hidden tests out of what students are shown."""

from __future__ import annotations

from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.preprocessors import ClearHiddenTests


class HideTests(ClearHiddenTests):
    """Removes hidden test blocks from the notebook that feedback is made of.

    The sources alone are changed: the cells keep their outputs and their scores.
    """

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Remove the blocks; a cell that is not well-formed is emptied rather than shown."""
        for cell in nb.cells:
            if not utils.is_grade(cell):
                continue
            try:
                self._remove_hidden_test_region(cell)
            except RuntimeError:
                cell.source = "# This test cell cannot be shown."
        return nb, resources
