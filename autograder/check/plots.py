"""Checks on figures: lines that show the right numbers, and words that say what they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from autograder.check.exact import Array, exact_array
from autograder.check.figures import AxesData, FigureData, LineData, figure_data, line_values
from autograder.check.report import CheckFailed, clean, passed


def figure(
    obj: Any,
    *,
    lines_at_least: int | None = None,
    curves: Mapping[str, object] | None = None,
    xlabel: bool = False,
    ylabel: bool = False,
    title: bool = False,
    legend: bool = False,
    images_at_least: int | None = None,
    cells: object = None,
    name: str = "figure",
    tolerance: float = 1e-5,
) -> None:
    """Check what a figure shows.

    Args:
        obj: anything that `figure_data` takes.
        lines_at_least: least number of lines with two points or more.
        curves: what the lines must show, by name: ``{"training": loss, "validation": val_loss}``;
            each a row of numbers that must be the heights of one line.
        xlabel, ylabel, title: whether this text is asked for.
        legend: whether several lines in one axes must be told apart by a legend, or by texts.
        images_at_least: least number of images, for a gallery.
        cells: a matrix (rows, columns) that must be drawn as a heat map or written as numbers.
        name: what the student calls it.
        tolerance: allowed difference of a height, relative to ``max(1, |height|)``.

    Raises:
        CheckFailed: naming a curve that is not drawn, labels and legend that are missing, or
            curves whose names have changed places.
    """
    data = figure_data(obj, name)
    lines = [line for axes in data.axes for line in axes.lines if len(line.y) > 1]
    if curves is not None:
        _match_curves(lines, curves, name, tolerance)
    if lines_at_least is not None and len(lines) < lines_at_least:
        raise CheckFailed(
            f"{name} shows {len(lines)} line{'s' * (len(lines) != 1)}, at least {lines_at_least} "
            "are asked for.",
            "A call of ax.plot is missing, or it drew into another axes.",
            "Draw each curve with ax.plot(values, label=...), on the axes that you return.",
        )
    if images_at_least is not None:
        count = sum(len(axes.images) for axes in data.axes)
        if count < images_at_least:
            raise CheckFailed(
                f"{name} shows {count} image{'s' * (count != 1)}, at least {images_at_least} are "
                "asked for.",
                "Only a part of the axes was drawn into, or only one of them is returned.",
                "Draw with axes[i].imshow(...) in a loop, and return all axes or the figure.",
            )
    if cells is not None:
        _match_cells(data, exact_array(cells, "cells"), name)
    _match_words(data, xlabel, ylabel, title, name)
    if legend:
        _match_legend(data, name)
    passed(f"{name}: {_summary(data, lines)}")


def _match_curves(
    lines: list[LineData], curves: Mapping[str, object], name: str, tolerance: float
) -> None:
    found: dict[str, LineData] = {}
    for key, values in curves.items():
        wanted = line_values(values, key)
        for line in lines:
            if line not in found.values() and _shows(line, wanted, tolerance):
                found[key] = line
                break
    missing = [key for key in curves if key not in found]
    if missing:
        drawn = ", ".join(found)
        if found:
            observed = f"{name} shows {drawn}, but no line shows {', '.join(missing)}."
            cause = f"Only the curve of {drawn} is drawn, or another one was drawn twice."
        else:
            observed = f"No line of {name} shows {', '.join(missing)}."
            cause = "The lines show other numbers than the history that was given."
        raise CheckFailed(
            observed,
            cause,
            "Draw both history.history['loss'] and history.history['val_loss'], one line each.",
        )
    for key, line in found.items():
        for other in curves:
            if other != key and _named(line, other) and not _named(line, key):
                raise CheckFailed(
                    f"The line that shows {key} is labelled {line.label!r}.",
                    "The labels of two curves have changed places.",
                    "Give each ax.plot call the label of its own values.",
                )


def _named(line: LineData, key: str) -> bool:
    """Whether a line's label names a curve: 'Val. loss' names 'validation'."""
    # No shorter beginnings: "tra" is half of the Vietnamese word for a test.
    starts = (key.lower()[:5], "val" if key.lower().startswith("val") else key.lower()[:5])
    words = re.findall(r"[a-z]+", line.label.lower())
    return any(word.startswith(starts) for word in words)


def _shows(line: LineData, wanted: Array, tolerance: float) -> bool:
    heights = np.array(line.y)
    return heights.shape == wanted.shape and bool(
        np.all(np.abs(heights - wanted) <= tolerance * np.maximum(1, np.abs(wanted)))
    )


def _match_cells(data: FigureData, cells: Array, name: str) -> None:
    wanted = cells.astype(np.float64)
    rows = wanted / np.maximum(wanted.sum(axis=1, keepdims=True), 1)
    columns = wanted / np.maximum(wanted.sum(axis=0, keepdims=True), 1)
    whole = wanted / max(float(wanted.sum()), 1.0)
    shown = [
        np.array(image.values).reshape(image.shape)
        for axes in data.axes
        for image in axes.images
        if image.shape == wanted.shape and len(image.values) == wanted.size
    ]
    # A matrix of counts may be drawn as shares of its rows, its columns or the whole.
    for matrix in (wanted, rows, columns, whole):
        if any(np.allclose(picture, matrix, rtol=0, atol=1e-6) for picture in shown):
            return
    numbers = [_written(axes) for axes in data.axes]
    if any(len(n) >= wanted.size and sorted(n) == sorted(wanted.ravel()) for n in numbers):
        return
    if any(np.allclose(picture, wanted.T, rtol=0, atol=1e-6) for picture in shown):
        raise CheckFailed(
            f"{name} shows the matrix with rows and columns exchanged.",
            "The true classes belong to the rows, the predicted ones to the columns.",
            "Call confusion_matrix(y_true, y_pred) in this order.",
        )
    raise CheckFailed(
        f"{name} does not show the expected matrix of {wanted.shape[0]} by {wanted.shape[1]} "
        "numbers.",
        "It shows other numbers, or no heat map at all.",
        "Draw it with ax.imshow(matrix), or with ConfusionMatrixDisplay.",
    )


def _written(axes: AxesData) -> list[float]:
    """Return the numbers written inside an axes."""
    numbers = []
    for text in axes.texts:
        try:
            numbers.append(float(text))
        except ValueError:
            continue
    return numbers


def _match_words(data: FigureData, xlabel: bool, ylabel: bool, title: bool, name: str) -> None:
    asked = {"xlabel": xlabel, "ylabel": ylabel, "title": title}
    missing = [
        word
        for word, wanted in asked.items()
        if wanted
        and not getattr(data, word).strip()
        and not any(getattr(axes, word).strip() for axes in data.axes)
    ]
    if missing:
        what = {"xlabel": "label of the x axis", "ylabel": "label of the y axis", "title": "title"}
        raise CheckFailed(
            f"{name} has no {' and no '.join(what[word] for word in missing)}.",
            "A reader cannot know what is drawn, and in which unit.",
            "Add " + ", ".join(f"ax.set_{word}(...)" for word in missing) + ".",
        )


def _match_legend(data: FigureData, name: str) -> None:
    if len(data.legend) >= 2:
        return
    for axes in data.axes:
        lines = [line for line in axes.lines if len(line.y) > 1]
        if len(lines) < 2 or len(axes.legend) >= len(lines) or len(axes.texts) >= len(lines):
            continue
        labelled = sum(bool(line.label) for line in lines)
        if axes.legend and labelled >= 2:
            continue  # some lines, such as a guide, need no name
        raise CheckFailed(
            f"{name} has {len(lines)} lines and no legend that tells them apart.",
            "The lines have no label, or ax.legend() was not called."
            if labelled < len(lines)
            else "The lines have labels, but ax.legend() was not called.",
            'Draw with ax.plot(..., label="validation"), then call ax.legend().',
        )


def _summary(data: FigureData, lines: list[LineData]) -> str:
    images = sum(len(axes.images) for axes in data.axes)
    parts = [f"{len(lines)} line{'s' * (len(lines) != 1)}"] if lines else []
    parts += [f"{images} image{'s' * (images != 1)}"] if images else []
    labels = [axes.xlabel for axes in data.axes if axes.xlabel][:1]
    parts += [f"x axis '{clean(labels[0], 40)}'"] if labels else []
    return ", ".join(parts) or "drawn"
