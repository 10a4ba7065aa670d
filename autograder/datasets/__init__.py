"""The digits of Exercise 11: read them, look at them, make a stand-in, keep a hidden set.

Students and test cells need one function::

    from autograder.datasets import load_ex7

    images, labels = load_ex7("ex7data.mat")   # (5000, 20, 20, 1) upright in 0..1, and 0..9

The rest serves instructors, mostly through ``autograder data``:

- `raw_ex7`, `find_ex7`: the file as it is, and which file that is
- `load_hidden`: a hidden set
- `data_digest`: a short name for a data set's content
- `build_standin`, `write_standin`: digits for the instructor who has no ex7data.mat
- `facts`, `orientation`: what a data set holds
- `verify`, `verify_hidden`: what would spoil the exercise
"""

from __future__ import annotations

from autograder.datasets.course_data import DataPaths, WouldOverwrite, write_standin
from autograder.datasets.ex7 import (
    DataNotFound,
    DataProblem,
    data_digest,
    find_ex7,
    load_ex7,
    raw_ex7,
)
from autograder.datasets.hidden import load_hidden
from autograder.datasets.standin import DigitSet, Standin, build_standin
from autograder.datasets.verify import (
    Facts,
    Finding,
    facts,
    orientation,
    verify,
    verify_hidden,
)

__all__ = [
    "DataNotFound",
    "DataPaths",
    "DataProblem",
    "DigitSet",
    "Facts",
    "Finding",
    "Standin",
    "WouldOverwrite",
    "build_standin",
    "data_digest",
    "facts",
    "find_ex7",
    "load_ex7",
    "load_hidden",
    "orientation",
    "raw_ex7",
    "verify",
    "verify_hidden",
    "write_standin",
]
