from pathlib import Path

import numpy as np
import pytest

from autograder import datasets
from autograder.datasets import Standin


def test_each_way_of_turning_digits_is_named(standin: Standin) -> None:
    upright, labels = standin.hidden.images, standin.hidden.labels
    turned = {
        "upright": upright,
        "transposed": upright.swapaxes(1, 2),
        "upside down": upright[:, ::-1],
        "mirrored": upright[:, :, ::-1],
        "turned left by 90°": np.rot90(upright, 1, (1, 2)),
        "turned right by 90°": np.rot90(upright, -1, (1, 2)),
        "turned by 180°": upright[:, ::-1, ::-1],
    }
    assert {name: datasets.orientation(images, labels) for name, images in turned.items()} == {
        name: name for name in turned
    }
    assert datasets.orientation(upright, np.random.default_rng(7).permutation(labels)) == "unknown"


def test_the_real_digits_and_their_hidden_set_pass(real_digits: Path, real_hidden: Path) -> None:
    findings = datasets.verify(real_digits, real_hidden)
    assert [f.sentence for f in findings if f.level != "good"] == []
    for path in (real_digits, real_hidden):
        assert datasets.facts(path).ink == pytest.approx(0.1326, abs=0.001)
