"""Limits are named, checked and set for each assignment."""

from __future__ import annotations

import msgspec
import pytest
from traitlets import TraitError
from traitlets.config import Config

from autograder.kernels.limits import Limits, LimitValues, limits_for


def test_the_configurable_and_the_record_have_the_same_limits_and_defaults() -> None:
    told = {n: getattr(Limits(), n) for n in LimitValues.__struct_fields__}
    assert told == msgspec.structs.asdict(LimitValues())
    assert set(Limits.class_own_traits(config=True)) == {*told, "per_assignment"}


def test_every_limit_has_a_help_text() -> None:
    assert all(len(t.help) > 15 for t in Limits.class_own_traits(config=True).values())


def test_an_assignment_has_its_own_limits_over_the_courses() -> None:
    config = Config()
    config.Limits.cell_seconds = 100.0
    config.Limits.per_assignment = {"a06": {"cell_seconds": 20, "memory_mb": 512}}
    a06, a07 = limits_for("a06", config), limits_for("a07", config)
    assert (a06.cell_seconds, a06.memory_mb) == (20.0, 512)
    assert (a07.cell_seconds, a07.memory_mb) == (100.0, LimitValues().memory_mb)


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ({"cell_second": 3}, "cell_second"),
        ({"cell_seconds": "soon"}, "cell_seconds"),
        ({"memory_mb": 1.5}, "memory_mb"),
        ({"processes": None}, "processes"),
    ],
)
def test_a_wrong_override_is_refused_by_its_name(override: dict[str, object], named: str) -> None:
    with pytest.raises(TraitError, match=named):
        limits_for("a06", Config({"Limits": {"per_assignment": {"a06": override}}}))
