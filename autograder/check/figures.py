"""Figures as data, and the checks on them.

A task returns its axes: with the inline backend of a notebook no figure is open after its cell. The
grader receives the data of a figure in place of the figure itself, and the same check takes both.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograder.check.exact import exact_array, reason_of, type_name
from autograder.check.report import CheckFailed, clean

#: Pixels of an image that are kept; a larger picture keeps its shape only.
_PIXELS = 4096


@dataclass(frozen=True)
class LineData:
    """One line of an axes.

    Attributes:
        x, y: coordinates of its points, of equal length.
        label: its legend text; empty where it has none.
    """

    x: tuple[float, ...]
    y: tuple[float, ...]
    label: str = ""


@dataclass(frozen=True)
class ImageData:
    """One image or heat map of an axes.

    Attributes:
        shape: (rows, columns), or (rows, columns, channels).
        values: its numbers row by row; empty for more than 4096 of them.
    """

    shape: tuple[int, ...]
    values: tuple[float, ...] = ()


@dataclass(frozen=True)
class AxesData:
    """One axes of a figure: its words, lines and images.

    Attributes:
        legend: the legend's texts.
        xscale, yscale: ``"linear"``, ``"log"``, ...
        texts: texts inside the axes, such as the numbers of a confusion matrix.
    """

    title: str = ""
    xlabel: str = ""
    ylabel: str = ""
    lines: tuple[LineData, ...] = ()
    legend: tuple[str, ...] = ()
    xscale: str = "linear"
    yscale: str = "linear"
    images: tuple[ImageData, ...] = ()
    texts: tuple[str, ...] = ()


@dataclass(frozen=True)
class FigureData:
    """What a figure shows.

    Attributes:
        axes: its axes, without colour bars.
        title, xlabel, ylabel: those of the whole figure (``suptitle``, ``supxlabel``, ...).
        legend: texts of legends of the whole figure.
    """

    axes: tuple[AxesData, ...]
    title: str = ""
    xlabel: str = ""
    ylabel: str = ""
    legend: tuple[str, ...] = ()


def figure_data(obj: Any, name: str = "figure") -> FigureData:
    """Return what a figure shows.

    Args:
        obj: a Matplotlib figure, an axes, an array or list of axes, the pair that ``subplots``
            returns, a scikit-learn display, or a `FigureData`, which is returned as it is.
        name: what to call it in a message.

    Raises:
        CheckFailed: for anything else. Matplotlib is never imported by this function.
    """
    if isinstance(obj, FigureData):
        return obj
    found = _figure_and_axes(obj)
    if found is None:
        if obj is None:
            cause = "The function draws, and ends without returning its axes."
        else:
            cause = reason_of(obj) or "Something else than the axes or the figure is returned."
        raise CheckFailed(
            f"{name} is {'None' if obj is None else 'a ' + type_name(obj)}, not a figure.",
            cause,
            "Make the axes with fig, ax = plt.subplots(), draw with ax.plot(...), end with "
            "return ax.",
        )
    whole, axes = found
    data = tuple(_axes_data(one) for one in axes if one.get_label() != "<colorbar>")
    if whole is None:
        return FigureData(data)
    return FigureData(
        data,
        title=_text(getattr(whole, "_suptitle", None)),
        xlabel=_text(getattr(whole, "_supxlabel", None)),
        ylabel=_text(getattr(whole, "_supylabel", None)),
        legend=tuple(t for legend in whole.legends for t in _legend_texts(legend)),
    )


def _figure_and_axes(obj: Any) -> tuple[Any, list[Any]] | None:
    """Return (figure or None, axes) for any way of handing over a plot; None if it is none."""
    if "matplotlib" not in sys.modules:
        return None
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

    if isinstance(obj, FigureBase):
        return obj, _axes_of(obj)
    if isinstance(obj, Axes):
        # Axes with a common x axis (twinx) are one picture.
        twins = obj.get_shared_x_axes().get_siblings(obj)
        here = [a for a in twins if a.get_position().bounds == obj.get_position().bounds]
        return obj.figure, [obj, *(a for a in here if a is not obj)]
    if isinstance(obj, np.ndarray | list | tuple):
        parts = list(np.asarray(obj, dtype=object).ravel()) if len(obj) else []
        if parts and isinstance(parts[0], FigureBase):
            return _figure_and_axes(parts[0])
        if parts and all(isinstance(part, Axes) for part in parts):
            return parts[0].figure, parts
        if parts and not isinstance(parts[0], Axes) and hasattr(parts[0], "axes"):
            one = parts[0].axes  # what ax.plot returns: its lines know their axes
            return _figure_and_axes(one)
        return None
    for attribute in ("figure_", "fig"):  # scikit-learn's displays, seaborn's grids
        inner = getattr(obj, attribute, None)
        if isinstance(inner, FigureBase):
            return inner, _axes_of(inner)
    return None


def _axes_of(whole: Any) -> list[Any]:
    return list(whole.axes)


def _axes_data(axes: Any) -> AxesData:
    legend = axes.get_legend()
    titles = (axes.get_title(where) for where in ("center", "left", "right"))
    return AxesData(
        title=clean(next((t for t in titles if t), ""), 300),
        xlabel=clean(axes.get_xlabel(), 300),
        ylabel=clean(axes.get_ylabel(), 300),
        lines=tuple(_lines(axes)),
        legend=tuple(_legend_texts(legend)) if legend is not None else (),
        xscale=str(axes.get_xscale()),
        yscale=str(axes.get_yscale()),
        images=tuple(_images(axes)),
        texts=tuple(clean(t.get_text(), 300) for t in axes.texts),
    )


def _lines(axes: Any) -> Iterator[LineData]:
    for line in axes.get_lines():
        label = str(line.get_label())
        yield LineData(
            _numbers(line.get_xdata(orig=False)),
            _numbers(line.get_ydata(orig=False)),
            "" if label.startswith("_") else clean(label, 300),
        )


def _images(axes: Any) -> Iterator[ImageData]:
    for drawn in [*axes.get_images(), *axes.collections]:
        array = drawn.get_array() if hasattr(drawn, "get_array") else None
        if array is None or np.ndim(array) < 1:
            continue
        if np.ndim(array) == 1:  # Matplotlib before 3.8 keeps a colour mesh flat
            rows, columns = getattr(drawn, "_meshHeight", 0), getattr(drawn, "_meshWidth", 0)
            if rows * columns != np.size(array):
                continue  # a scatter plot's colours
            array = np.reshape(array, (rows, columns))
        shape = tuple(int(n) for n in np.shape(array))
        yield ImageData(shape, _numbers(array) if np.size(array) <= _PIXELS else ())


def _numbers(values: Any) -> tuple[float, ...]:
    filled = np.ma.filled(np.ma.asarray(values).astype(np.float64), np.nan)
    return tuple(float(v) for v in np.asarray(filled).ravel())


def _legend_texts(legend: Any) -> list[str]:
    return [clean(text.get_text(), 300) for text in legend.get_texts()]


def _text(artist: Any) -> str:
    return clean(artist.get_text(), 300) if artist is not None else ""


def line_values(values: object, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the numbers that a line must show, as a float64 row."""
    row = exact_array(values, name).astype(np.float64)
    if row.ndim != 1:
        raise ValueError(f"The curve {name!r} must be one row of numbers, not {row.shape}.")
    return row
