from __future__ import annotations

from collections.abc import Iterator

import pytest

from autograder.check.report import Report, set_reporter


@pytest.fixture(autouse=True)
def reports() -> Iterator[list[Report]]:
    """Collect what checks report in place of printing it."""
    collected: list[Report] = []
    previous = set_reporter(collected.append)
    yield collected
    set_reporter(previous)
