"""The two smallest checks: say no, and say no unless."""

from __future__ import annotations

from typing import NoReturn

import numpy as np

from autograder.check.report import CheckFailed, passed


def fail(observed: str, cause: str, next_step: str) -> NoReturn:
    """Fail this test with a three-part message.

    Args:
        observed: what was found.
        cause: the likely reason.
        next_step: what to do now.

    Raises:
        CheckFailed: always.
    """
    raise CheckFailed(observed, cause, next_step)


def that(
    condition: bool | np.bool_, observed: str, cause: str, next_step: str, *, ok: str | None = None
) -> None:
    """Fail with a three-part message unless ``condition`` is true.

    Args:
        condition: True or False, and nothing else: an object of a student's own class that calls
            itself equal to everything is no answer.
        observed: what is wrong when the condition is false.
        cause: the likely reason.
        next_step: what to do then.
        ok: the green line to show when it is true; without it a pass is silent.

    Raises:
        CheckFailed: when ``condition`` is false.
        TypeError: when it is not a bool.

    >>> that(2 + 2 == 4, "Sum is off.", "A slip.", "Add again.", ok="the sum is right")
    ✓ the sum is right
    """
    if type(condition) is not bool and not isinstance(condition, np.bool_):
        raise TypeError(f"check.that needs True or False, not a {type(condition).__name__}.")
    if not condition:
        raise CheckFailed(observed, cause, next_step)
    if ok is not None:
        passed(ok)
