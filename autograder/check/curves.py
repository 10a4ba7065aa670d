"""Checks on the loss curves of a training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from autograder.check.compiled import double_softmax_floor
from autograder.check.exact import Array, exact_array, reason_of, type_name
from autograder.check.report import CheckFailed, Measured, clean, measured


@dataclass(frozen=True)
class Curves:
    """The numbers of a training, one for each epoch.

    Attributes:
        loss: (epochs,) mean loss of the training data, under dropout and changing weights.
        val_loss: (epochs,) loss of the validation data after each epoch.
        val_accuracy: (epochs,) fraction 0..1, where it was recorded.
    """

    loss: Array
    val_loss: Array
    val_accuracy: Array | None


def loss_curve(
    history: object,
    *,
    epochs_at_least: int = 2,
    falls_by: float = 0.1,
    classes: int = 10,
    name: str = "history",
) -> Measured:
    """Check that a training recorded both losses and that they fell.

    Args:
        history: what ``model.fit`` returned, or its ``.history`` dict.
        epochs_at_least: least number of epochs.
        falls_by: how far both losses must fall from the first epoch to their lowest, as a fraction
            of the first.
        classes: number of classes, for the floor of a double softmax.
        name: what the student calls it.

    Returns:
        The lowest validation loss (nats for a cross-entropy).

    Raises:
        CheckFailed: for a missing validation loss, NaN, too few epochs, a loss that does not fall,
            or one that stops at the floor of a softmax applied twice.

    >>> best = loss_curve({"loss": [2.0, 0.6, 0.3], "val_loss": [1.1, 0.5, 0.4]})
    ✓ history: validation loss down to 0.400 in 3 epochs
    """
    curves = read_curves(history, name)
    epochs = len(curves.loss)
    if epochs < epochs_at_least:
        raise CheckFailed(
            f"{name} has {epochs} epoch{'s' * (epochs != 1)}, at least {epochs_at_least} are asked "
            "for.",
            "epochs= is too small, or early stopping has too little patience.",
            "Train longer; the curve shows when the validation loss stops falling.",
        )
    _refuse_floor(curves, classes, name)
    for values, what in ((curves.loss, "training"), (curves.val_loss, "validation")):
        if epochs > 1 and not values.min() <= values[0] * (1 - falls_by):
            raise CheckFailed(
                f"The {what} loss of {name} does not fall: {values[0]:.3f} in the first epoch, "
                f"{values.min():.3f} at best.",
                "The learning rate is far too high or too low, or images and labels do not belong "
                "together.",
                "Try Adam with its default learning rate, and look at a few images with labels.",
            )
    best = float(curves.val_loss.min())
    return measured(
        best, f"{name}: validation loss down to {best:.3f} in {epochs} epochs", "val_loss"
    )


def read_curves(history: object, name: str = "history") -> Curves:
    """Return the curves of a History, or of its dict.

    Raises:
        CheckFailed: when ``loss`` or ``val_loss`` is missing, empty, unequal in length, negative or
            not finite.
    """
    record = history if isinstance(history, Mapping) else getattr(history, "history", None)
    if not isinstance(record, Mapping):
        raise CheckFailed(
            f"{name} is a {type_name(history)}, not the record of a training.",
            reason_of(history) or "The result of model.fit(...) was not kept or not returned.",
            "Write history = model.fit(...), and return it.",
        )
    loss = _curve(record, "loss", name)
    if "val_loss" not in record:
        raise CheckFailed(
            f"{name} has no val_loss: only the training data was measured.",
            "model.fit was called without validation_data.",
            "Call model.fit(..., validation_data=(X_val, y_val)).",
        )
    val_loss = _curve(record, "val_loss", name)
    if len(val_loss) != len(loss):
        raise CheckFailed(
            f"{name} has {len(loss)} values of loss and {len(val_loss)} of val_loss.",
            "The validation did not run after every epoch, or two trainings were put together.",
            "Use the History of one call of model.fit, without validation_freq.",
        )
    key = accuracy_key(record)
    accuracy = _curve(record, key, name) if key else None
    if accuracy is not None and len(accuracy) != len(loss):
        accuracy = None
    return Curves(loss, val_loss, accuracy)


def accuracy_key(record: Mapping[str, object]) -> str | None:
    """Return the key of the validation accuracy, under whichever name Keras recorded it."""
    known = [f"val_{word}" for word in ("accuracy", "acc", "categorical_accuracy")]
    known.append("val_sparse_categorical_accuracy")
    return next((key for key in known if key in record), None)


def _curve(record: Mapping[str, object], key: str, name: str) -> Array:
    if key not in record:
        raise CheckFailed(
            f"{name} has no {key}.",
            "It is not the History of a training, or the training never began.",
            "Keep the result of model.fit(...) and return it unchanged.",
        )
    values = exact_array(record[key], f"{name}[{key!r}]")
    if values.ndim != 1 or values.dtype.kind not in "iuf":
        raise CheckFailed(
            f"{key} of {name} is not a row of numbers, one for each epoch.",
            "The record was changed after the training.",
            "Keep the result of model.fit(...) and return it unchanged.",
        )
    values = values.astype(np.float64)
    if not np.isfinite(values).all():
        epoch = int(np.argmin(np.isfinite(values))) + 1
        raise CheckFailed(
            f"{key} of {name} is NaN or infinite in epoch {epoch}.",
            "The training diverged, mostly from a learning rate that is too high; or the images "
            "contain NaN.",
            "Lower the learning rate by a factor of 10, and scale the images to 0..1.",
        )
    if (values < 0).any():
        raise CheckFailed(
            f"{clean(key, 60)} of {name} is negative.",
            "A cross-entropy is never below 0, so this is another loss or another record.",
            "Use sparse_categorical_crossentropy and the History that model.fit returns.",
        )
    return values


def _refuse_floor(curves: Curves, classes: int, name: str) -> None:
    """Tell the plateau of a double softmax: no loss below the floor, and the end close above it."""
    floor = double_softmax_floor(classes)
    losses = np.concatenate([curves.loss, curves.val_loss])
    near = curves.loss[-1] < floor + 0.12 and curves.val_loss[-1] < floor + 0.2
    moved = curves.loss[0] - curves.loss[-1] > 0.02
    level = abs(curves.loss[-1] - curves.loss[-2]) < 0.05 if len(curves.loss) > 1 else False
    if losses.min() > floor - 0.003 and near and moved and level:
        raise CheckFailed(
            f"The loss of {name} stops at {curves.loss[-1]:.3f}, just above {floor:.3f}.",
            f"{floor:.3f} is the lowest loss that softmax applied twice can reach with {classes} "
            "classes: once in the model, and once more in the model or through from_logits=True.",
            "Keep one softmax: remove from_logits=True, or the activation of the last layer.",
        )
