"""The course's nbgrader settings. Every stock nbgrader command run in this folder reads them."""

import os
import sys
from pathlib import Path

c = get_config()  # noqa: F821 (nbgrader provides it)

# --- The course. These lines are yours to change. -----------------------------------------------
COURSE = Path(__file__).resolve().parent

c.CourseDirectory.course_id = "keras-cnn"
c.CourseDirectory.root = str(COURSE)

# Where students fetch and submit. A folder inside the course is enough to try things out; on a
# shared machine name a folder that all students can reach, such as /srv/nbgrader/exchange.
EXCHANGE = COURSE / ".exchange"
c.Exchange.root = str(EXCHANGE)

# --- Folders ------------------------------------------------------------------------------------
c.CourseDirectory.source_directory = "solutions"  # instructor notebooks
c.CourseDirectory.release_directory = "assignments"  # what students receive: generated
# Releases and feedback are made from something else, so making them again replaces them. A checkout
# holds assignments/ already: nbgrader would skip it and leave the gradebook empty; and feedback
# would stay as it was before a test was corrected.
c.GenerateAssignment.force = True
c.GenerateFeedback.force = True
# Neither released nor copied beside a submission: how an assignment's thresholds were measured.
c.CourseDirectory.ignore = [
    ".ipynb_checkpoints",
    "*.pyc",
    "__pycache__",
    "feedback",
    "calibration.*",
]

# --- Grading: nbgrader's own pipeline, with the student's code sealed off -------------------------
c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\nraise NotImplementedError()"}
c.Autograde.sanitize_preprocessors = [
    "nbgrader.preprocessors.ClearOutput",
    # In place of DeduplicateIds: one duplicated or deleted cell must not stop a whole class.
    "autograder.nbgrader_hooks.RestoreCells",
    "nbgrader.preprocessors.OverwriteKernelspec",
    "nbgrader.preprocessors.OverwriteCells",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.Autograde.autograde_preprocessors = [
    # In place of Execute: the student's cells run in a sandbox, the tests outside it.
    "autograder.nbgrader_hooks.SealedExecute",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
# Seconds for one cell: training on two slow cores takes minutes, nbgrader's default is 30.
c.ExecutePreprocessor.timeout = 600

# --- What is shown: nothing that a student wrote runs in a browser --------------------------------
c.GenerateFeedback.preprocessors = [
    "nbgrader.preprocessors.GetGrades",
    "autograder.nbgrader_hooks.HideTests",
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
]
# nbgrader's pages insert Markdown and some fields of a notebook as they are, whatever sanitize_html
# says; the preprocessor (which runs first) and the two filters close these gaps, in feedback and in
# formgrader.
c.HTMLExporter.sanitize_html = True
c.HTMLExporter.default_preprocessors = [
    "autograder.nbgrader_hooks.inert.InertNotebook",
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
]
c.HTMLExporter.filters = {
    "markdown2html": "autograder.nbgrader_hooks.inert.inert_markdown",
    "clean_html": "autograder.nbgrader_hooks.inert.inert_html",
}

# --- Housekeeping -------------------------------------------------------------------------------
# nbgrader calls `alembic`, which stands beside the interpreter, when it makes a gradebook.
beside = str(Path(sys.executable).parent)
if beside not in os.environ.get("PATH", "").split(os.pathsep):
    os.environ["PATH"] = os.pathsep.join([beside, os.environ.get("PATH", "")])
# nbgrader wants its exchange to exist; another one than ours is for its owner to make.
if Path(c.Exchange.root) == COURSE / ".exchange":
    EXCHANGE.mkdir(exist_ok=True)
