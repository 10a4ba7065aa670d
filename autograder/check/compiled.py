"""How a model was compiled, and whether its loss fits its last layer."""

from __future__ import annotations

import functools
import math
import re
from dataclasses import dataclass
from typing import Any, Literal

from autograder.check.architecture import LayerInfo, describe
from autograder.check.exact import exact_array
from autograder.check.graph import is_keras_model, require_model
from autograder.check.report import CheckFailed, clean, passed

Head = Literal["softmax", "logits", "double softmax", "sigmoid", "other"]

#: Short names that Keras accepts for a loss.
_LOSSES = {
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error",
    "kld": "kl_divergence",
    "bce": "binary_crossentropy",
}

SPARSE, ONE_HOT = "sparse_categorical_crossentropy", "categorical_crossentropy"

#: Layers after which the numbers are the same, apart from their arrangement.
_NEUTRAL = {"Dropout", "Flatten", "Reshape", "Squeeze"}


@dataclass(frozen=True)
class CompileRecord:
    """What a model was compiled with.

    Attributes:
        optimizer: the class in lower case, such as ``"adam"``; None where unknown.
        learning_rate: its present value; None where unknown.
        loss: Keras's own name, such as ``"sparse_categorical_crossentropy"``, whether it was given
            as text, function or object; ``"custom"`` for a function of the student's own.
        from_logits: whether the loss applies a softmax itself; None where that is unknown.
        metrics: names of the metrics.
        label_smoothing: of a one-hot cross-entropy.
    """

    optimizer: str | None
    learning_rate: float | None
    loss: str | None
    from_logits: bool | None
    metrics: tuple[str, ...] = ()
    label_smoothing: float = 0.0


def compile_record(model: Any) -> CompileRecord | None:
    """Return how a model was compiled, or None if it never was.

    A model that the grader has rebuilt carries its record as ``compile_record``; from any other it
    is read.
    """
    carried = getattr(model, "compile_record", None)
    if isinstance(carried, CompileRecord):
        return carried
    loss = getattr(model, "loss", None)
    optimizer = getattr(model, "optimizer", None)
    if not getattr(model, "compiled", False) or (loss is None and optimizer is None):
        return None
    name, from_logits, smoothing = _read_loss(loss)
    return CompileRecord(
        optimizer=type(optimizer).__name__.lower() if optimizer is not None else None,
        learning_rate=_learning_rate(optimizer),
        loss=name,
        from_logits=from_logits,
        metrics=_metric_names(model),
        label_smoothing=smoothing,
    )


def head(model: Any) -> Head:
    """Return what a model's last layer gives: probabilities or logits.

    Returns:
        ``"softmax"``; ``"logits"`` for no activation at all; ``"double softmax"`` for a softmax
        of a softmax; ``"sigmoid"``; ``"other"`` for any other activation.

    Raises:
        CheckFailed: when it is no model, or its structure could not be verified.
    """
    layers = [layer for layer in describe(model) if not _is_neutral(layer)]
    if not layers:
        return "other"
    last = layers[-1].activation
    if last == "softmax":
        alone = layers[-1].kind == "Activation"
        twice = alone and len(layers) > 1 and layers[-2].activation == "softmax"
        return "double softmax" if twice else "softmax"
    if last in (None, "log_softmax"):
        return "logits"
    return "sigmoid" if last == "sigmoid" else "other"


def double_softmax_floor(classes: int = 10) -> float:
    """Return the least cross-entropy (nats) that a softmax of a softmax can reach.

    The inner softmax gives at best 1 for the right class and 0 elsewhere; the outer one makes
    e / (e + classes - 1) of that.

    >>> round(double_softmax_floor(10), 3)
    1.461
    """
    return math.log((math.e + classes - 1) / math.e)


def loss_matches_head(model: Any, labels: object = None, *, name: str = "model") -> None:
    """Check that loss, last layer and labels speak the same language.

    Args:
        model: a compiled Keras model, or one that the grader has rebuilt.
        labels: the labels as they were given to `fit`, where the test knows them; used to tell a
            one-hot loss on class numbers, and the reverse.
        name: what the student calls the model.

    Raises:
        CheckFailed: for a softmax applied twice, ``from_logits`` on the wrong side, or a loss for
            labels of another form.
    """
    require_model(model, name)
    record = compile_record(model)
    if record is None or record.loss is None:
        raise CheckFailed(
            f"{name} has no loss.",
            "It was not compiled, or compiled without loss=.",
            'Call model.compile(optimizer="adam", loss="sparse_categorical_crossentropy").',
        )
    last = head(model)
    floor = double_softmax_floor()
    if last == "double softmax":
        raise CheckFailed(
            f"{name} applies softmax twice.",
            "The last Dense layer has activation='softmax' and a Softmax follows it; so the loss "
            f"of 10 classes cannot fall below {floor:.3f}.",
            "Keep one of the two.",
        )
    if record.loss not in (SPARSE, ONE_HOT):
        _fail_for_other_loss(record.loss, name)
        return
    if last == "softmax" and record.from_logits:
        raise CheckFailed(
            f"{name} ends with softmax, and its loss has from_logits=True.",
            "The loss applies softmax once more to what are probabilities already; so the loss of "
            f"10 classes cannot fall below {floor:.3f}.",
            "Remove from_logits=True, or remove the softmax from the last layer.",
        )
    if last == "logits" and record.from_logits is False:
        raise CheckFailed(
            f"{name} ends without softmax, and its loss has no from_logits=True.",
            "The loss takes the logarithm of numbers that are no probabilities.",
            "End with Dense(10, activation='softmax'), or give the loss from_logits=True.",
        )
    if last in ("sigmoid", "other"):
        raise CheckFailed(
            f"{name} ends with an activation that is not softmax.",
            "A digit belongs to one class of several, so its probabilities must add up to 1.",
            "End with Dense(10, activation='softmax').",
        )
    if labels is not None:
        _match_labels(record.loss, labels)
    passed(f"{name}: {record.loss.replace('_', ' ')} fits its last layer")


def _match_labels(loss: str, labels: object) -> None:
    found = exact_array(labels, "labels")
    one_hot = found.ndim == 2 and found.shape[1] > 1
    if loss == ONE_HOT and not one_hot:
        raise CheckFailed(
            f"The labels are class numbers of shape {found.shape}, and the loss is {ONE_HOT}.",
            "That loss compares rows of 10 probabilities with one-hot rows of 10.",
            f"Use {SPARSE} for class numbers, or make one-hot rows with "
            "keras.utils.to_categorical(y, 10).",
        )
    if loss == SPARSE and one_hot:
        raise CheckFailed(
            f"The labels are one-hot rows of shape {found.shape}, and the loss is {SPARSE}.",
            "That loss expects one class number for each image.",
            f"Use {ONE_HOT} for one-hot rows, or leave the labels as class numbers.",
        )


def _fail_for_other_loss(loss: str, name: str) -> None:
    if loss == "custom":  # it may well be right, and its code cannot be judged here
        passed(f"{name}: its own loss function, whose formula was not judged")
        return
    raise CheckFailed(
        f"{name} was compiled with the loss {clean(loss, 60)}.",
        "That loss is made for another kind of question than one class of several.",
        f"Use {SPARSE} for class numbers, or {ONE_HOT} for one-hot rows.",
    )


def _is_neutral(layer: LayerInfo) -> bool:
    return layer.kind in _NEUTRAL and layer.activation is None


def _read_loss(loss: Any) -> tuple[str | None, bool | None, float]:
    """Return (name, from_logits, label_smoothing) of a loss given in any way."""
    if isinstance(loss, list | tuple) and len(loss) == 1:
        loss = loss[0]
    elif isinstance(loss, dict) and len(loss) == 1:
        loss = next(iter(loss.values()))
    if loss is None:
        return None, None, 0.0
    settings: dict[str, Any] = {}
    if isinstance(loss, functools.partial):
        settings, loss = dict(loss.keywords), loss.func
    function = getattr(loss, "fn", loss)
    settings = {**(getattr(loss, "_fn_kwargs", None) or {}), **settings}
    name = _loss_name(function)
    if name == "custom":
        return name, None, 0.0
    smoothing = float(settings.get("label_smoothing", 0.0) or 0.0)
    return name, bool(settings.get("from_logits", False)), smoothing


def _loss_name(loss: Any) -> str:
    if isinstance(loss, str):
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", loss).lower()  # also "MeanSquaredError"
        return clean(_LOSSES.get(name, name), 80)
    module = getattr(loss, "__module__", "") or type(loss).__module__
    own = module == "keras" or module.startswith("keras.")
    name = getattr(loss, "__name__", None) or type(loss).__name__
    return _loss_name(name) if own else "custom"


def _learning_rate(optimizer: Any) -> float | None:
    if optimizer is None:
        return None
    try:
        return float(exact_array(optimizer.learning_rate, "learning rate"))
    except (CheckFailed, AttributeError, TypeError, ValueError):
        return None


def _metric_names(model: Any) -> tuple[str, ...]:
    if not is_keras_model(model):
        return ()
    given = getattr(getattr(model, "_compile_metrics", None), "_user_metrics", None) or []
    while isinstance(given, list | tuple) and len(given) == 1 and isinstance(given[0], list):
        given = given[0]
    if isinstance(given, dict):
        given = list(given.values())
    return tuple(_metric_name(metric) for metric in given)


def _metric_name(metric: Any) -> str:
    if isinstance(metric, str):
        return clean(metric, 80)
    name = getattr(metric, "name", None) or getattr(metric, "__name__", None)
    return clean(str(name or "custom"), 80)
