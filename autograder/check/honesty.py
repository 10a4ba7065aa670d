"""Whether a history belongs to the model that came with it.

A training loss is an average over an epoch under dropout and cannot be measured again. The
validation loss can: the final weights must have it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograder.check.arrays import require_labels
from autograder.check.compiled import ONE_HOT, SPARSE, compile_record
from autograder.check.curves import Curves, read_curves
from autograder.check.exact import Array, exact_array, exact_number, quiet
from autograder.check.graph import is_keras_model
from autograder.check.models import are_probabilities, entropy_of, predict
from autograder.check.report import CheckFailed, Measured, measured

#: Shares of the training data that validation_split is commonly given.
_SLICES = (0.1, 0.15, 0.2, 0.25, 0.3)


@dataclass(frozen=True)
class Result:
    """What a model achieves on one set of images.

    Attributes:
        losses: the values that Keras may have recorded as the loss, depending on how it was set up.
        accuracy: fraction 0..1.
        images: how many there are.
    """

    losses: tuple[float, ...]
    accuracy: float
    images: int


def history_matches(
    history: object,
    model: Any,
    X_val: object,
    y_val: object,
    X_test: object = None,
    y_test: object = None,
    tolerance: float = 1e-3,
    *,
    X_train: object = None,
    y_train: object = None,
    name: str = "history",
) -> Measured:
    """Check that a model's final weights have the validation loss that its history claims.

    The weights may be those of the last epoch, of the best one (early stopping that restores its
    weights), or of any other; where the history has a validation accuracy, it must agree too.

    Args:
        history: what ``model.fit`` returned, or its dict.
        model: the trained model.
        X_val, y_val: the official validation split.
        X_test, y_test: the test split, to tell a validation on it.
        tolerance: allowed difference of a loss, relative to ``1 + loss``.
        X_train, y_train: the training split as given to the student's function, to tell a
            validation on a part of it (``validation_split``).
        name: what the student calls the history.

    Returns:
        The validation loss, measured.

    Raises:
        CheckFailed: when the history shows another set of images, or another training.
    """
    curves = read_curves(history, name)
    result = _measure(model, X_val, y_val)
    ends = _likely_epochs(curves)
    if any(_agrees(curves, epoch, result, tolerance) for epoch in ends):
        return _passed(result, curves, name)
    explained = [
        (_distance(curves, ends, found), where, cause, step)
        for where, cause, step, found in _other_sets(model, X_test, y_test, X_train, y_train)
        if any(_agrees(curves, epoch, found, tolerance) for epoch in ends)
    ]
    if explained:
        _, where, cause, step = min(explained)
        raise CheckFailed(f"The validation loss in {name} was measured on {where}.", cause, step)
    if any(_agrees(curves, epoch, result, tolerance) for epoch in range(len(curves.loss))):
        return _passed(result, curves, name)
    raise CheckFailed(
        f"The final weights have a validation loss of {result.losses[0]:.3f}; {name} claims "
        f"{curves.val_loss[-1]:.3f} at its end, and no other epoch agrees.",
        "The history is of another training or another model, its validation data was not the "
        "validation split, or the model was changed after the training.",
        "Train once more from the start with validation_data=(X_val, y_val), and keep model and "
        "history of that run together.",
    )


def reported_accuracy(
    value: object,
    model: Any,
    images: object,
    labels: object,
    *,
    others: Mapping[str, tuple[object, object]] | None = None,
    name: str = "reported accuracy",
) -> Measured:
    """Check that an accuracy that a student reports is the one that the model has.

    Args:
        value: the reported fraction 0..1; a percentage is understood too.
        model: the trained model.
        images, labels: the data on which it should have been measured.
        others: data by name on which it may have been measured by mistake:
            ``{"training": (X_train, y_train)}``.
        name: what the student calls it.

    Returns:
        The accuracy as measured here.

    Raises:
        CheckFailed: saying on which data it was measured, where that can be told.
    """
    claimed = exact_number(value, name)
    claimed = claimed / 100 if claimed > 1 else claimed
    right = _measure(model, images, labels)
    # Half a per mille for rounding in print, and one image that falls to the other side elsewhere.
    slack = 5e-4 + 1.5 / right.images
    if abs(claimed - right.accuracy) <= slack:
        sentence = f"{name}: {100 * right.accuracy:.1f} %, as measured"
        return measured(right.accuracy, sentence, "accuracy")
    for where, (pictures, truth) in (others or {}).items():
        if abs(claimed - _measure(model, pictures, truth).accuracy) <= slack:
            raise CheckFailed(
                f"The {name} of {100 * claimed:.1f} % is that of the {where} data.",
                "The model was evaluated on images other than those that the task names; on images "
                "that it has learned from, it looks better than it is.",
                "Evaluate the model on the data that the task names, and report that number.",
            )
    raise CheckFailed(
        f"The {name} is {100 * claimed:.1f} %; the model has {100 * right.accuracy:.1f} %.",
        "The number is of an earlier run or of another model.",
        "Run the notebook from the top, so that the number and the model belong together.",
    )


def _passed(result: Result, curves: Curves, name: str) -> Measured:
    closest = min(result.losses, key=lambda loss: float(np.abs(curves.val_loss - loss).min()))
    return measured(
        closest, f"{name}: the final weights have its validation loss, {closest:.3f}", "val_loss"
    )


def _likely_epochs(curves: Curves) -> list[int]:
    """Return the last epoch, and the best by validation loss and by validation accuracy."""
    epochs = [len(curves.loss) - 1, int(curves.val_loss.argmin())]
    if curves.val_accuracy is not None:
        epochs.append(int(curves.val_accuracy.argmax()))
    return epochs


def _distance(curves: Curves, epochs: list[int], result: Result) -> float:
    """Return how far the nearest claimed loss of some epochs is from a measured one."""
    return min(
        abs(float(curves.val_loss[epoch]) - loss) for epoch in epochs for loss in result.losses
    )


def _agrees(curves: Curves, epoch: int, result: Result, tolerance: float) -> bool:
    claimed = float(curves.val_loss[epoch])
    if not any(abs(claimed - loss) <= tolerance * (1 + loss) for loss in result.losses):
        return False
    if curves.val_accuracy is None:
        return True
    # Two images may fall to the other side when another machine rounds in another way.
    slack = 2.5 / result.images
    return abs(float(curves.val_accuracy[epoch]) - result.accuracy) <= slack


def _other_sets(
    model: Any, X_test: object, y_test: object, X_train: object, y_train: object
) -> Iterator[tuple[str, str, str, Result]]:
    if X_test is not None:
        yield (
            "the test split",
            "The test data was given as validation_data; then early stopping and every choice "
            "made by that curve have seen the test.",
            "Give validation_data=(X_val, y_val), and keep the test split for the very end.",
            _measure(model, X_test, y_test),
        )
    if X_train is None:
        return
    pictures, truth = exact_array(X_train, "X_train"), exact_array(y_train, "y_train")
    for share in _SLICES:
        start = int(len(pictures) * (1 - share))  # as Keras cuts it
        yield (
            f"the last {share:.0%} of the training data",
            f"model.fit was given validation_split={share}, which takes the last rows as they "
            "stand, neither shuffled nor stratified.",
            "Give validation_data=(X_val, y_val) instead of validation_split.",
            _measure(model, pictures[start:], truth[start:]),
        )
    yield (
        "the training data itself",
        "The training images were given as validation_data, so the curve cannot show overfitting.",
        "Give validation_data=(X_val, y_val).",
        _measure(model, pictures, truth),
    )


def _measure(model: Any, images: object, labels: object) -> Result:
    pictures = exact_array(images, "images")
    scores = predict(model, pictures)
    truth = require_labels(labels, "labels", classes=scores.shape[1], count=len(pictures))
    share = float(np.mean(scores.argmax(axis=1) == truth))
    losses = _losses(model, scores, truth)
    penalty = _penalty(model)
    return Result(tuple(loss + penalty for loss in losses), share, len(pictures))


def _losses(model: Any, scores: Array, truth: Array) -> tuple[float, ...]:
    """Return the cross-entropies that Keras may have recorded for these scores."""
    record = compile_record(model)
    if record is not None and record.loss == "mean_squared_error":
        one_hot = np.eye(scores.shape[1])[truth]
        return (float(np.mean((scores.astype(np.float64) - one_hot) ** 2)),)
    smoothing = record.label_smoothing if record is not None and record.loss == ONE_HOT else 0.0
    known = record is not None and record.loss in (SPARSE, ONE_HOT)
    plain = entropy_of(scores, truth, smoothing=smoothing)
    again = entropy_of(scores, truth, softmax_again=True, smoothing=smoothing)
    # The loss may have been given probabilities together with from_logits=True: that is another
    # check's finding, and the history is honest all the same.
    unsure = record is None or not known or record.from_logits is not False
    return (plain, again) if unsure and are_probabilities(scores) else (plain,)


def _penalty(model: Any) -> float:
    """Return what regularisers add to every loss of a Keras model."""
    if not is_keras_model(model):
        return 0.0
    import keras

    with quiet():
        return float(sum(float(keras.ops.convert_to_numpy(loss)) for loss in model.losses))
