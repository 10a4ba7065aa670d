"""Measures the lines of this assignment: what the plain network and the reference reach.

The networks, the split and the distortions are read from the notebook itself, so that the lines
cannot drift from what students are given. ``autograder calibrate`` calls `calibrate` and keeps its
result in ``calibration.json``, under the digests of the data that it was measured on.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
from numpy.typing import NDArray

NOTEBOOK = Path(__file__).with_name("a06-ex7-digits.ipynb")
#: The line for full marks lies this far below the worst plain network: one percentage point.
MARGIN = 0.01
#: Epochs of the plain network, in batches of Keras's default size.
PLAIN_EPOCHS = 12


def calibrate(
    images: NDArray[np.float32],
    labels: NDArray[np.int64],
    hidden_images: NDArray[np.float32],
    hidden_labels: NDArray[np.int64],
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
) -> dict[str, Any]:
    """Train both networks once for each seed, which draws the split and the weights.

    Nothing is chosen here: every network is judged as it stands after its last epoch.

    Args:
        images: public images (N, 20, 20, 1), grey values 0..1.
        labels: their digits (N,), 0..9.
        hidden_images: the hidden set (M, 20, 20, 1).
        hidden_labels: its digits (M,).
        seeds: at least five for a line that is to be used.

    Returns:
        ``plain`` and ``reference``, each with the accuracies (shares of 1) on the hidden set, the
        test and the validation split, ``worst`` and ``mean`` on the hidden set, the
        ``line``, and the CPU seconds of training, of which two cores take about half as long; and
        ``seeds``. The line of ``plain`` earns full marks. The line of ``reference``, its mean, is
        for the ambitious and earns nothing.
    """
    plain = [_plain(_Run(images, labels, hidden_images, hidden_labels, seed)) for seed in seeds]
    best = [_reference(_Run(images, labels, hidden_images, hidden_labels, seed)) for seed in seeds]
    table = {"plain": _summary(plain), "reference": _summary(best), "seeds": list(seeds)}
    table["plain"]["line"] = round(table["plain"]["worst"] - MARGIN, 4)
    table["reference"]["line"] = table["reference"]["mean"]
    return table


class _Run:
    """The notebook's names over one split of the data, and what a network reaches on it."""

    def __init__(
        self,
        images: NDArray[np.float32],
        labels: NDArray[np.int64],
        hidden_images: NDArray[np.float32],
        hidden_labels: NDArray[np.int64],
        seed: int,
    ) -> None:
        import keras

        keras.backend.clear_session()
        keras.utils.set_random_seed(seed)
        self.seed = seed
        self.names = notebook_names("build-model", "plain-network", "distorted", "official-split")
        train, val, test = self.names["rows_of_parts"](labels, seed)
        self.training = images[train], labels[train]
        self.validation = images[val], labels[val]
        self.judged = {
            "test": (images[test], labels[test]),
            "hidden": (hidden_images, hidden_labels),
        }

    def result(self, model: Any, started: float) -> dict[str, float]:
        seconds = time.process_time() - started
        found = {
            name: float(np.mean(model.predict(X, verbose=0).argmax(axis=1) == y))
            for name, (X, y) in {**self.judged, "validation": self.validation}.items()
        }
        return {**found, "cpu_seconds": seconds}


def notebook_names(*cells: str) -> dict[str, Any]:
    """Return the functions and classes that these cells of the notebook define.

    Only definitions are taken: a cell's other lines, which draw or train, do not run.
    """
    import ast

    import keras

    names: dict[str, Any] = {"keras": keras, "layers": keras.layers, "np": np}
    book = nbformat.read(NOTEBOOK, as_version=4)
    sources = {
        cell.metadata.get("nbgrader", {}).get("grade_id"): cell.source for cell in book.cells
    }
    for cell in cells:
        tree = ast.parse(sources[cell])
        tree.body = [part for part in tree.body if isinstance(part, ast.FunctionDef | ast.ClassDef)]
        exec(compile(tree, f"{NOTEBOOK.name}:{cell}", "exec"), names)
    return names


def _plain(run: _Run) -> dict[str, float]:
    model, started = run.names["plain_network"](), time.process_time()
    model.fit(*run.training, epochs=PLAIN_EPOCHS, validation_data=run.validation, verbose=0)
    return run.result(model, started)


def _reference(run: _Run) -> dict[str, float]:
    model, started = run.names["build_model"](), time.process_time()
    batches = run.names["Distorted"](*run.training, seed=run.seed)
    model.fit(batches, epochs=20, validation_data=run.validation, verbose=0)
    return run.result(model, started)


def _summary(runs: list[dict[str, float]]) -> dict[str, Any]:
    hidden = [run["hidden"] for run in runs]
    return {
        "accuracies": [round(value, 4) for value in hidden],
        "worst": round(min(hidden), 4),
        "mean": round(float(np.mean(hidden)), 4),
        "test_accuracies": [round(run["test"], 4) for run in runs],
        "validation_accuracies": [round(run["validation"], 4) for run in runs],
        "cpu_seconds": [round(run["cpu_seconds"], 1) for run in runs],
    }
