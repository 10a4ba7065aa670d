"""Checks on what a model achieves, measured and never believed."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograder.check.arrays import require_finite, require_labels
from autograder.check.exact import Array, exact_array, quiet, reason_of, type_name
from autograder.check.graph import is_keras_model
from autograder.check.report import CheckFailed, Measured, clean, measured

#: Keras's own fuzz factor: probabilities are kept this far from 0 and 1 before the logarithm.
EPSILON = 1e-7


def predict(model: Any, images: object, batch: int = 256) -> Array:
    """Return what a model answers for each image.

    Args:
        model: a Keras model (called in inference mode), or anything else with ``predict(images)``.
        images: (N, height, width, channels) or whatever the model takes.
        batch: images in one call.

    Returns:
        (N, classes) probabilities or logits, finite.

    Raises:
        CheckFailed: when it is no model, fails, or gives anything but one finite row an image.
    """
    pictures = exact_array(images, "images")
    if not is_keras_model(model) and not callable(getattr(model, "predict", None)):
        raise CheckFailed(
            f"The model is a {type_name(model)}, which cannot predict.",
            reason_of(model) or "The name holds something else than the trained network.",
            "Give the Keras model itself.",
        )
    parts = []
    for start in range(0, len(pictures), batch):
        part = pictures[start : start + batch]
        parts.append(_predict_batch(model, part))
        if parts[-1].ndim != 2 or len(parts[-1]) != len(part):
            raise CheckFailed(
                f"The model gives outputs of shape {parts[-1].shape} for {len(part)} images.",
                "It does not give one row of numbers, one for each class, for every image.",
                "End the model with a Dense layer that has one unit for each class.",
            )
    return require_finite(np.concatenate(parts), "the model's predictions")


def _predict_batch(model: Any, images: Array) -> Array:
    try:
        with quiet():
            if is_keras_model(model):
                import keras

                result = keras.ops.convert_to_numpy(model(images, training=False))
            else:
                result = model.predict(images)
    except CheckFailed:
        raise
    except Exception as error:
        raise CheckFailed(
            f"The model raised {type_name(error)} for images of shape {images.shape}.",
            "Often its Input has another shape than the images.",
            "Print model.input_shape and compare it with images.shape.",
        ) from None
    return exact_array(result, "the model's predictions")


def accuracy(
    model: Any,
    images: object,
    labels: object,
    at_least: float | None = None,
    name: str = "accuracy",
) -> Measured:
    """Measure the share of images whose largest output is that of the right class.

    Args:
        model: as in `predict`; logits do as well as probabilities.
        images: (N, height, width, channels).
        labels: (N,) class numbers, the official ones.
        at_least: the line to reach, as a fraction 0..1; without it nothing is demanded.
        name: what is measured, for the message.

    Returns:
        The accuracy as a fraction 0..1.

    Raises:
        CheckFailed: below ``at_least``, with a hint where the model only guesses.
    """
    if at_least is not None and not 0 <= at_least <= 1:
        raise ValueError(f"at_least is a fraction from 0 to 1, not {at_least}.")
    scores, truth = _scores_and_truth(model, images, labels)
    share = float(np.mean(scores.argmax(axis=1) == truth))
    if at_least is not None and share < at_least - 1e-12:
        classes = scores.shape[1]
        if share < 2 / classes:
            cause = f"That is hardly better than guessing among {classes} classes."
            step = "Check that the labels belong to the images, and that this model was trained."
        else:
            cause = "The model learns, and it either stops too early or does not generalise yet."
            step = "Look at both loss curves: train longer, add a layer, or use dropout."
        raise CheckFailed(
            f"{name} is {_percent(share)}, {_percent(at_least)} is asked for.", cause, step
        )
    return measured(share, f"{name} {_percent(share)}", "accuracy")


def cross_entropy(model: Any, images: object, labels: object) -> float:
    """Return the mean cross-entropy in nats, as Keras computes it.

    Rows that are all non-negative with the sum 1 are read as probabilities, others as logits.
    Penalties on weights are not added.

    Raises:
        CheckFailed: as in `predict`.
    """
    return entropy_of(*_scores_and_truth(model, images, labels))


def entropy_of(
    scores: Array, truth: Array, *, softmax_again: bool = False, smoothing: float = 0.0
) -> float:
    """Return the mean cross-entropy (nats) of scores (N, classes) with labels (N,).

    Args:
        scores: probabilities or logits.
        truth: class numbers.
        softmax_again: treat probabilities as logits, as ``from_logits=True`` does.
        smoothing: label smoothing, 0..1.
    """
    values = scores.astype(np.float64)
    if are_probabilities(values) and not softmax_again:
        logs = np.log(np.clip(values, EPSILON, 1 - EPSILON))
    else:
        shifted = values - values.max(axis=1, keepdims=True)
        logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    right = -logs[np.arange(len(truth)), truth]
    return float(np.mean((1 - smoothing) * right - smoothing * logs.mean(axis=1)))


def are_probabilities(scores: Array) -> bool:
    """Whether every row of scores is non-negative and adds up to 1."""
    sums = scores.sum(axis=1)
    return bool((scores >= 0).all() and np.allclose(sums, 1, rtol=0, atol=1e-3) and sums.size > 0)


def _scores_and_truth(model: Any, images: object, labels: object) -> tuple[Array, Array]:
    pictures = exact_array(images, "images")
    scores = predict(model, pictures)
    truth = require_labels(labels, "labels", classes=scores.shape[1], count=len(pictures))
    return scores, truth


def _percent(share: float) -> str:
    return clean(f"{100 * share:.1f} %")
