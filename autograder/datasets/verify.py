"""Looking at a data set before a class does: what it holds, and what would spoil the exercise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from autograder.datasets.course_data import mat_maker, origins_of
from autograder.datasets.ex7 import SIDE, Order, data_digest, grey_levels, load_ex7
from autograder.datasets.hidden import load_hidden, npz_comment, read_npz

COUNT = 5000
PER_CLASS = 500
LIKENESS = 0.3
"""The mean correlation with known digits below which images do not look like their labels.
Measured: 0.46 and 0.95 for two sets of upright handwriting; at most 0.16 for shuffled labels,
however the images are turned."""

NEARLY_THE_SAME = 0.01
"""Root mean square difference of two images (in 0..1) that can only be two copies of one."""

INK_RATIO = 1.4
"""How much more ink the hidden digits may have than the public ones, or the other way round."""

Level = Literal["good", "warning", "problem"]

Turn = Callable[[NDArray[np.float64]], NDArray[np.float64]]

_UPRIGHT_AGAIN: dict[str, Turn] = {
    "upright": lambda a: a,
    "transposed": lambda a: a.swapaxes(1, 2),
    "upside down": lambda a: a[:, ::-1],
    "mirrored": lambda a: a[:, :, ::-1],
    "turned by 180°": lambda a: a[:, ::-1, ::-1],
    "turned left by 90°": lambda a: np.rot90(a, -1, (1, 2)),
    "turned right by 90°": lambda a: np.rot90(a, 1, (1, 2)),
    "transposed and turned by 180°": lambda a: a.swapaxes(1, 2)[:, ::-1, ::-1],
}


@dataclass(frozen=True)
class Facts:
    """What a data set holds.

    Attributes:
        path: the file.
        maker: what the file says of itself.
        count: number of images.
        per_class: number of images of each digit 0..9.
        lowest, highest: of the pixels, in 0..1.
        levels: how many different grey values there are.
        ink: mean of all pixels, in 0..1.
        duplicates: images that equal an earlier one.
        orientation: how the digits stand: "upright", "transposed", …, or "unknown".
        digest: `data_digest` of the data set.
    """

    path: Path
    maker: str
    count: int
    per_class: tuple[int, ...]
    lowest: float
    highest: float
    levels: int
    ink: float
    duplicates: int
    orientation: str
    digest: str


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at, in a sentence for the instructor."""

    level: Level
    sentence: str


def read_digits(
    path: Path, *, order: Order = "column"
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Read a data set of either kind: an ``.npz`` hidden set, or else an ``ex7data.mat``."""
    return load_hidden(path) if path.suffix == ".npz" else load_ex7(path, order=order)


def facts(path: Path, *, order: Order = "column") -> Facts:
    """Return what the data set in ``path`` holds.

    Args:
        path: an ``ex7data.mat``, or a hidden set (``.npz``).
        order: how an ``ex7data.mat`` unrolls its images.

    Raises:
        DataProblem: it cannot be read.
    """
    images, labels = read_digits(path, order=order)
    levels = grey_levels(images)
    return Facts(
        path=path,
        maker=npz_comment(path) if path.suffix == ".npz" else mat_maker(path),
        count=len(images),
        per_class=tuple(np.bincount(labels, minlength=10).tolist()),
        lowest=float(images.min()),
        highest=float(images.max()),
        levels=len(np.unique(levels)),
        ink=float(images.mean(dtype=np.float64)),
        duplicates=len(levels) - len(np.unique(levels, axis=0)),
        orientation=orientation(images, labels),
        digest=data_digest(images, labels),
    )


def orientation(images: NDArray[np.float32], labels: NDArray[np.int64]) -> str:
    """Say how labelled digits stand, by comparing their mean images with known upright ones.

    Args:
        images: (N, 20, 20, 1), values in 0..1.
        labels: (N,), 0..9.

    Returns:
        ``"upright"``, ``"transposed"``, ``"upside down"``, ``"mirrored"``, …; ``"unknown"`` where
        no way of turning them makes them look like what their labels say.
    """
    present = np.unique(labels)
    pixels = images[..., 0].astype(np.float64)
    means = np.stack([pixels[labels == digit].mean(axis=0) for digit in present])
    known = _contrast(_upright_digits()[present])
    likeness = {
        name: float((_contrast(turn(means)) * known).mean())
        for name, turn in _UPRIGHT_AGAIN.items()
    }
    best = max(likeness, key=lambda name: likeness[name])
    return best if likeness[best] >= LIKENESS else "unknown"


def verify(public: Path, hidden: Path | None, *, order: Order = "column") -> list[Finding]:
    """Look for whatever would spoil Exercise 11.

    Args:
        public: the ``ex7data.mat`` that students receive.
        hidden: the hidden set that belongs to it, if there is one.
        order: how ``public`` unrolls its images.

    Raises:
        DataProblem: one of the files cannot be read.
    """
    held = facts(public, order=order)
    findings = [
        Finding("good", f"format: {held.count} images of 20×20 pixels, labels 0..9"),
        *_size(held),
        *_looks(held, "public", order),
    ]
    if hidden is not None and hidden.is_file():
        return findings + verify_hidden(hidden, public, order=order)
    missing = "there is no hidden set: accuracy tests give no points. Make one with "
    return [
        *findings,
        Finding("warning", f"{missing}`autograder data build` or `autograder data holdout`"),
    ]


def verify_hidden(hidden: Path, public: Path | None, *, order: Order = "column") -> list[Finding]:
    """Look for whatever would spoil a hidden set: its own faults, and what students have of it.

    Args:
        hidden: the hidden set, an ``.npz`` file.
        public: the ``ex7data.mat`` that students receive, if there is one.
        order: how ``public`` unrolls its images.

    Raises:
        DataProblem: one of the files cannot be read.
    """
    kept = facts(hidden)
    findings = [
        Finding("good", f"hidden set: {kept.count} images of 20×20 pixels, labels 0..9"),
        *_looks(kept, "hidden", None),
    ]
    missing = [str(digit) for digit, count in enumerate(kept.per_class) if not count]
    if missing:
        findings.append(Finding("problem", f"the hidden set has no image of {', '.join(missing)}"))
    if public is None:
        return findings
    images, labels = load_ex7(public, order=order)
    origins = origins_of(public, data_digest(images, labels))
    return [
        *findings,
        *_alike(float(images.mean(dtype=np.float64)), kept.ink),
        *_leaks(grey_levels(images), grey_levels(load_hidden(hidden)[0])),
        *_shared_originals(origins, read_npz(hidden).get("origins")),
    ]


def _size(held: Facts) -> list[Finding]:
    """Look at the number of images: the sizes of the split follow from it."""
    if held.per_class == (PER_CLASS,) * 10:
        return [Finding("good", f"balance: {PER_CLASS} images of every digit")]
    counts = ", ".join(f"{digit}: {count}" for digit, count in enumerate(held.per_class))
    return [
        Finding(
            "problem",
            f"balance: Exercise 11 has {COUNT} images, {PER_CLASS} of every digit, and its split "
            f"sizes follow from that; here are {held.count} ({counts})",
        )
    ]


def _looks(held: Facts, which: str, order: Order | None) -> list[Finding]:
    """Look at what the images show."""
    found = []
    if held.orientation == "upright":
        found.append(Finding("good", f"orientation: the {which} digits are upright"))
    elif held.orientation == "unknown":
        found.append(
            Finding(
                "problem",
                f"the {which} images do not look like the digits that their labels name; the rows "
                "of images and labels may have been shuffled apart",
            )
        )
    else:
        advice = "turn them before saving"
        if held.orientation == "transposed" and order is not None:
            other = "row" if order == "column" else "column"
            advice = f'the file unrolls them by {other}: read it with order="{other}" (--order)'
        found.append(
            Finding("problem", f"orientation: the {which} digits are {held.orientation}; {advice}")
        )
    if held.ink > 0.5:
        found.append(
            Finding("problem", f"the {which} digits are dark on light; expected white on black")
        )
    if held.duplicates:
        found.append(
            Finding(
                "problem",
                f"duplicates: {held.duplicates} of the {which} images equal an earlier one, so a "
                "random split puts copies on both sides",
            )
        )
    else:
        found.append(Finding("good", f"duplicates: none among the {which} images"))
    return found


def _alike(public: float, hidden: float) -> list[Finding]:
    """Compare the mean ink of both sets: accuracy on other handwriting is another exercise."""
    if 1 / INK_RATIO <= public / hidden <= INK_RATIO:
        return []
    return [
        Finding(
            "warning",
            f"the hidden digits have a mean ink of {hidden:.3f}, the public ones {public:.3f}: "
            "networks may do much worse on them than students can see",
        )
    ]


def _leaks(public: NDArray[np.uint8], hidden: NDArray[np.uint8]) -> list[Finding]:
    """Look for hidden images that students have, exactly or but for rounding."""
    ours = public.astype(np.float32) / 255.0
    theirs = hidden.astype(np.float32) / 255.0
    limit = NEARLY_THE_SAME**2 * ours.shape[1]
    squares = np.square(ours).sum(axis=1)
    shared = 0
    for start in range(0, len(theirs), 500):
        part = theirs[start : start + 500]
        distance = squares - 2.0 * (part @ ours.T) + np.square(part).sum(axis=1)[:, None]
        shared += int((distance.min(axis=1) <= limit).sum())
    if shared:
        return [
            Finding("problem", f"leakage: {shared} of the hidden images are in the public set too")
        ]
    return [Finding("good", "leakage: no hidden image is in the public set")]


def _shared_originals(
    public: NDArray[np.int64] | None, hidden: NDArray[np.int64] | None
) -> list[Finding]:
    """Compare the originals that both sets were drawn from, where both are recorded."""
    if public is None or hidden is None:
        return []
    shared = np.intersect1d(public, hidden)
    if len(shared):
        return [
            Finding(
                "problem",
                f"leakage: {len(shared)} original digits have copies in the public and in the "
                "hidden set; build both anew with one seed",
            )
        ]
    return [
        Finding(
            "good",
            f"leakage: the {len(np.unique(public))} originals of the public and the "
            f"{len(np.unique(hidden))} of the hidden set are different",
        )
    ]


def _upright_digits() -> NDArray[np.float64]:
    """Return the mean handwritten digit of each class, (10, 20, 20), from scikit-learn's set."""
    from scipy.ndimage import zoom
    from sklearn.datasets import load_digits

    digits = load_digits()
    means = np.stack([digits.images[digits.target == digit].mean(axis=0) for digit in range(10)])
    # A digit fills about 14 of the 20 rows and of the 20 columns.
    frame = np.zeros((10, SIDE, SIDE))
    frame[:, 3:17, 3:17] = zoom(means, (1, 14 / 8, 14 / 8), order=1)
    return frame


def _contrast(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what tells each class from the others, scaled so that a mean product is a correlation.

    Any two digits are alike in being a blob in the middle; that common part says nothing of how
    they stand.
    """
    flat = np.ascontiguousarray(means).reshape(len(means), -1)
    own: NDArray[np.float64] = flat - flat.mean(axis=0)
    own -= own.mean(axis=1, keepdims=True)
    scaled: NDArray[np.float64] = own / (own.std(axis=1, keepdims=True) + 1e-9)
    return scaled
