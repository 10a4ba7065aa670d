"""What a test cell calls: `from autograder import check`.

Every check takes plain values, arrays, Keras models or figures. It passes with one green line, or
raises `CheckFailed` with three parts: what was observed, the likely cause, what to do next.

    >>> import numpy as np
    >>> from autograder import check
    >>> def double(a):
    ...     return 2 * a
    >>> check.function(double, check.case(np.arange(3), expected=[0, 2, 4]))
    ✓ double: 1 case is right
    >>> check.array(double(np.ones((2, 2))), np.full((2, 2), 2.0), "doubled")
    ✓ doubled: 4 values in shape (2, 2)
    >>> check.award(6, "half of the cases are right", out_of=10)
    ◐ 6 of 10 points: half of the cases are right
    6.0

========================  ==========================================================================
any condition             `that`, `fail`, `award`, `seed`
arrays                    `array`, `shape`, `finite`, `labels`
images                    `orientation`, `layout`
functions                 `function` with `case`, `call`
models                    `architecture`, `describe`, `head`, `loss_matches_head`, `compile_record`
results of training       `loss_curve`, `history_matches`
measurements              `accuracy`, `reported_accuracy`, `cross_entropy`, `predict`
data                      `split`
figures                   `figure`, `figure_data`
========================  ==========================================================================

Importing this package imports NumPy and nothing heavier; Keras comes with the first model.
"""

from __future__ import annotations

from autograder.check.architecture import LayerInfo, architecture, describe
from autograder.check.arrays import array, finite, labels, shape
from autograder.check.award import Award, award
from autograder.check.basics import fail, that
from autograder.check.compiled import CompileRecord, compile_record, head, loss_matches_head
from autograder.check.curves import loss_curve
from autograder.check.figures import AxesData, FigureData, ImageData, LineData, figure_data
from autograder.check.functions import Case, call, case, function
from autograder.check.honesty import history_matches, reported_accuracy
from autograder.check.images import layout, orientation
from autograder.check.models import accuracy, cross_entropy, predict
from autograder.check.plots import figure
from autograder.check.report import CheckFailed, Measured, Report, passed, set_reporter
from autograder.check.seeding import seed
from autograder.check.split import split

__all__ = [
    "AxesData",
    "Award",
    "Case",
    "CheckFailed",
    "CompileRecord",
    "FigureData",
    "ImageData",
    "LayerInfo",
    "LineData",
    "Measured",
    "Report",
    "accuracy",
    "architecture",
    "array",
    "award",
    "call",
    "case",
    "compile_record",
    "cross_entropy",
    "describe",
    "fail",
    "figure",
    "figure_data",
    "finite",
    "function",
    "head",
    "history_matches",
    "labels",
    "layout",
    "loss_curve",
    "loss_matches_head",
    "orientation",
    "passed",
    "predict",
    "reported_accuracy",
    "seed",
    "set_reporter",
    "shape",
    "split",
    "that",
]
