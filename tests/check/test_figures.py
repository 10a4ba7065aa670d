from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder import check

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from sklearn.metrics import ConfusionMatrixDisplay

LOSS, VAL = [2.0, 1.0, 0.5, 0.3], [1.8, 1.1, 0.7, 0.8]
CURVES = {"training": LOSS, "validation": VAL}
MATRIX = np.array([[5, 1, 0], [2, 7, 0], [0, 3, 9]])


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    plt.close("all")


def good() -> Any:
    _, ax = plt.subplots()
    ax.plot(LOSS, label="training")
    ax.plot(range(1, 5), VAL, label="validation")
    ax.set(xlabel="epoch", ylabel="loss")
    ax.legend()
    return ax


def ask(obj: Any, **options: Any) -> None:
    wanted = {"curves": CURVES, "lines_at_least": 2, "xlabel": True, "ylabel": True}
    check.figure(obj, **{**wanted, "legend": True, **options})


def refuses(obj: Any, words: str, **options: Any) -> None:
    with pytest.raises(check.CheckFailed, match=words):
        ask(obj, **options)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda ax: ax,
        lambda ax: ax.figure,
        lambda ax: (ax.figure, ax),
        lambda ax: [ax],
        lambda ax: np.array([[ax]]),
        lambda ax: ax.get_lines(),
        check.figure_data,
        lambda ax: check.figure_data(check.figure_data(ax)),
    ],
)
def test_a_figure_may_be_handed_over_in_any_way(wrap: Any) -> None:
    ask(wrap(good()))


def test_the_data_of_a_figure_are_plain_values() -> None:
    data = check.figure_data(good())
    (axes,) = data.axes
    assert (axes.xlabel, axes.ylabel, axes.legend) == ("epoch", "loss", ("training", "validation"))
    assert axes.lines[1] == check.LineData((1.0, 2.0, 3.0, 4.0), tuple(VAL), "validation")
    assert hash(data) == hash(check.figure_data(data))


@pytest.mark.parametrize("value", [None, 3, [], [1, 2], plt, plt.subplots, "figure"])
def test_what_is_no_figure_is_refused(value: object) -> None:
    refuses(value, "not a figure")


def test_none_is_explained_by_a_missing_return() -> None:
    refuses(None, "without returning its axes")


def test_a_curve_that_is_not_drawn_is_named() -> None:
    _, ax = plt.subplots()
    ax.plot(LOSS, label="training")
    refuses(ax, "shows training, but no line shows validation")
    ax.plot(LOSS, label="validation")
    refuses(ax, "shows training, but no line shows validation")


def test_curves_of_other_numbers_are_refused() -> None:
    _, ax = plt.subplots()
    ax.plot([1, 2, 3, 4])
    ax.plot([])
    refuses(ax, "No line of figure shows training, validation")


@given(st.integers(0, 3), st.floats(0.01, 1))
def test_any_single_changed_point_of_a_curve_is_found(at: int, change: float) -> None:
    values = list(VAL)
    values[at] += change
    lines = (
        check.LineData((0.0, 1, 2, 3), tuple(LOSS)),
        check.LineData((0.0, 1, 2, 3), tuple(values)),
    )
    refuses(check.FigureData((check.AxesData(lines=lines),)), "no line shows validation")


def test_exchanged_labels_are_named() -> None:
    _, ax = plt.subplots()
    ax.plot(LOSS, label="Val. loss")
    ax.plot(VAL, label="train loss")
    refuses(ax, "changed places")


@pytest.mark.parametrize("labels", [("train", "val"), ("loss", "val_loss"), ("học", "kiểm tra")])
def test_labels_in_a_students_own_words_are_accepted(labels: tuple[str, str]) -> None:
    _, ax = plt.subplots()
    ax.plot(LOSS, label=labels[0])
    ax.plot(VAL, label=labels[1])
    ax.set(xlabel="x", ylabel="y")
    ax.legend()
    ask(ax)


def test_missing_axis_labels_are_named() -> None:
    ax = good()
    ax.set_xlabel("")
    refuses(ax, r"no label of the x axis.")
    ax.set_ylabel("  ")
    refuses(ax, "no label of the x axis and no label of the y axis")
    refuses(good(), "no title", title=True)


def test_a_missing_legend_is_told_from_missing_labels() -> None:
    ax = good()
    ax.get_legend().remove()
    refuses(ax, "have labels, but ax.legend")
    _, ax = plt.subplots()
    ax.plot(LOSS)
    ax.plot(VAL)
    ax.set(xlabel="x", ylabel="y")
    refuses(ax, "lines have no label")


def test_two_panels_a_legend_of_the_figure_and_a_second_y_axis_are_accepted() -> None:
    figure, axes = plt.subplots(2, sharex=True)
    axes[0].plot(LOSS)
    axes[1].plot(VAL)
    figure.supxlabel("epoch")
    figure.supylabel("loss")
    ask(axes)

    figure, ax = plt.subplots()
    ax.plot(LOSS, label="training")
    twin = ax.twinx()
    twin.plot(VAL, label="validation")
    ax.set(xlabel="epoch", ylabel="loss")
    figure.legend()
    ask(ax)
    ask(figure)


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: ax.imshow(MATRIX),
        lambda ax: ax.pcolormesh(MATRIX),
        lambda ax: ax.matshow(MATRIX / MATRIX.sum(axis=1, keepdims=True)),
        lambda ax: [ax.text(j, i, MATRIX[i, j]) for i in range(3) for j in range(3)],
        lambda ax: ConfusionMatrixDisplay(MATRIX).plot(ax=ax),
    ],
)
def test_a_confusion_matrix_may_be_drawn_in_any_way(draw: Any) -> None:
    _, ax = plt.subplots()
    draw(ax)
    check.figure(ax, cells=MATRIX)
    check.figure(ax.figure, cells=MATRIX)


def test_scikit_learns_display_is_a_figure() -> None:
    check.figure(ConfusionMatrixDisplay(MATRIX).plot(), cells=MATRIX, xlabel=True, ylabel=True)


def test_a_transposed_or_other_matrix_is_refused() -> None:
    _, ax = plt.subplots()
    ax.imshow(MATRIX.T)
    with pytest.raises(check.CheckFailed, match="rows and columns exchanged"):
        check.figure(ax, cells=MATRIX)
    _, ax = plt.subplots()
    ax.imshow(MATRIX + np.eye(3))
    with pytest.raises(check.CheckFailed, match="does not show the expected matrix"):
        check.figure(ax, cells=MATRIX)


def test_the_images_of_a_gallery_are_counted() -> None:
    figure, axes = plt.subplots(2, 3)
    for ax in axes.flat[:4]:
        ax.imshow(np.zeros((20, 20)))
    check.figure(axes, images_at_least=4)
    check.figure(figure, images_at_least=4)
    with pytest.raises(check.CheckFailed, match="4 images, at least 5"):
        check.figure(figure, images_at_least=5)


def test_a_large_picture_keeps_its_shape_only() -> None:
    _, ax = plt.subplots()
    ax.imshow(np.zeros((200, 100, 3)))
    (image,) = check.figure_data(ax).axes[0].images
    assert (image.shape, image.values) == ((200, 100, 3), ())


def test_text_of_a_figure_is_cleaned() -> None:
    ax = good()
    ax.set_xlabel("epoch\x1b[31m\n" + "x" * 5000)
    assert "\x1b" not in check.figure_data(ax).axes[0].xlabel
    assert len(check.figure_data(ax).axes[0].xlabel) <= 300


def test_figure_data_whose_parts_contradict_each_other_shows_nothing() -> None:
    lying = check.ImageData((3, 3), (1.0, 2.0))
    data = check.FigureData((check.AxesData(images=(lying,), texts=("nan", "x")),))
    with pytest.raises(check.CheckFailed, match="does not show the expected matrix"):
        check.figure(data, cells=MATRIX)
