"""One call that makes random numbers repeat."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

#: Called with every seed. The grader adds the one that seeds the student's side too.
listeners: list[Callable[[int], None]] = []


def seed(n: int) -> None:
    """Seed Python, NumPy, and Keras with its backend where Keras is imported already.

    Args:
        n: the seed, 0 <= n < 2**32.

    >>> seed(3); first = np.random.rand()
    >>> seed(3); float(np.random.rand() - first)
    0.0
    """
    random.seed(n)
    np.random.seed(n)
    keras: Any = sys.modules.get("keras")
    if keras is not None:
        keras.utils.set_random_seed(n)
    for listener in listeners:
        listener(n)
