"""The stand-in for ex7data.mat, made from scikit-learn's bundled handwritten digits.

For the instructor who has no ex7data.mat: the same format, the same size, real handwriting. The
originals (1797 digits of 8×8 pixels, E. Alpaydin and C. Kaynak, UCI Machine Learning Repository,
through `sklearn.datasets.load_digits`) are divided *before* anything is drawn, so that no original
has a descendant in both the public and the hidden set. Each is then drawn several times at 20×20
with a small random change of position, size, slope and pen.

Anyone can have the originals, so the stand-in is for demonstration and for trying the kit out. A
course that counts should keep its own hidden digits (`autograder data holdout`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CLASSES = 10
SIDE = 20
PUBLIC_PER_CLASS = 500
HIDDEN_PER_CLASS = 200
HIDDEN_SHARE = 0.25
"""Of each class's originals, the part that only the hidden set draws from."""

LEVELS = 31
"""Grey levels above black. Few, so that the last bits of a platform's arithmetic round away."""

FRAME = 2
"""Black pixels around an original, so that strokes at its edge end softly."""

_STEPS = (np.arange(SIDE) + 0.5) / SIDE * 2.0 - 1.0


@dataclass(frozen=True)
class DigitSet:
    """Drawn digits and where they come from.

    Attributes:
        images: (N, 20, 20, 1) float32 in 0..1, upright, white ink on black.
        labels: (N,) int64, 0..9.
        origins: (N,) int64, the index of each image's original in `sklearn.datasets.load_digits`.
    """

    images: NDArray[np.float32]
    labels: NDArray[np.int64]
    origins: NDArray[np.int64]


@dataclass(frozen=True)
class Standin:
    """A public and a hidden set that share no original.

    Attributes:
        public: 5000 images, 500 a class, sorted by class as in ex7data.mat.
        hidden: 2000 images, 200 a class, in random order.
        seed: the number that both were drawn with.
    """

    public: DigitSet
    hidden: DigitSet
    seed: int


def build_standin(seed: int = 0) -> Standin:
    """Draw the stand-in: the same arrays for the same ``seed``, on every platform.

    Args:
        seed: which originals are hidden, and how every image is distorted.

    Example:
        >>> standin = build_standin(seed=0)
        >>> standin.public.images.shape, standin.hidden.images.shape
        ((5000, 20, 20, 1), (2000, 20, 20, 1))
        >>> len(set(standin.public.origins) & set(standin.hidden.origins))
        0
    """
    from scipy.ndimage import spline_filter
    from sklearn.datasets import load_digits

    digits = load_digits()
    framed = np.pad(digits.images / 16.0, ((0, 0), (FRAME, FRAME), (FRAME, FRAME)))
    splines = np.stack([spline_filter(original, order=3) for original in framed])
    targets = digits.target
    rng = np.random.default_rng(seed)
    seen, kept = _divide(targets, rng)
    public = _draw(splines, targets, seen, PUBLIC_PER_CLASS, rng)
    hidden = _draw(splines, targets, kept, HIDDEN_PER_CLASS, rng)
    # A hidden set has no reason to be sorted, and a test that forgot to shuffle would show here.
    order = np.argsort(rng.random(len(hidden.labels)), kind="stable")
    hidden = DigitSet(hidden.images[order], hidden.labels[order], hidden.origins[order])
    return Standin(public, hidden, seed)


def _divide(
    targets: NDArray[np.int64], rng: np.random.Generator
) -> tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]]:
    """Return, class by class, the originals of the public and those of the hidden set."""
    seen, kept = [], []
    for digit in range(CLASSES):
        members = np.flatnonzero(targets == digit)
        members = members[np.argsort(rng.random(len(members)), kind="stable")]
        cut = round(HIDDEN_SHARE * len(members))
        kept.append(np.sort(members[:cut]))
        seen.append(np.sort(members[cut:]))
    return seen, kept


def _draw(
    splines: NDArray[np.float64],
    targets: NDArray[np.int64],
    members: list[NDArray[np.int64]],
    per_class: int,
    rng: np.random.Generator,
) -> DigitSet:
    """Draw ``per_class`` different images of each class, its originals in turn."""
    images: list[NDArray[np.float32]] = []
    origins: list[int] = []
    taken: set[bytes] = set()
    for own in members:
        for turn in range(per_class):
            original = int(own[turn % len(own)])
            image = _distort(splines[original], rng)
            while image.tobytes() in taken:
                image = _distort(splines[original], rng)
            taken.add(image.tobytes())
            images.append(image)
            origins.append(original)
    source = np.array(origins, dtype=np.int64)
    return DigitSet(np.stack(images)[..., None], targets[source].astype(np.int64), source)


def _distort(spline: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw one original at (20, 20), as another hand might have written it.

    Args:
        spline: (12, 12), the cubic spline of an (8, 8) original in its black frame.
        rng: gives the distortion.

    Only `rng.random` is used: its stream is the same in every version of NumPy.
    """
    from scipy.ndimage import map_coordinates

    angle, size, wide, slope, down, right, bend_down, bend_right, weight, soft = (
        2.0 * rng.random(10) - 1.0
    )
    # From a pixel of the frame (-1..1 across it) back to the original: shift, then the affine part.
    row, column = _STEPS[:, None] - 0.07 * down, _STEPS[None, :] - 0.07 * right
    # Undoing the size: a digit fills about 14 of the 20 rows, as in ex7data.mat.
    scale = 1.36 * (1.0 + 0.08 * size)
    turn, lean = np.deg2rad(9.0 * angle), 0.15 * slope
    flat_row = np.cos(turn) * row - np.sin(turn) * column
    flat_column = np.sin(turn) * row + np.cos(turn) * column
    source_row = scale * flat_row
    source_column = scale * (0.84 + 0.12 * wide) * flat_column + lean * scale * flat_row
    # A slight bow of the strokes, which no affine change gives.
    source_row = source_row + 0.06 * bend_down * np.sin(np.pi * source_column)
    source_column = source_column + 0.06 * bend_right * np.sin(np.pi * source_row)
    at = np.stack([(axis + 1.0) * 8.0 / 2.0 - 0.5 for axis in (source_row, source_column)])
    ink = map_coordinates(spline, at + FRAME, order=3, mode="constant", prefilter=False)
    # Eight pixels blur a stroke: a steep ramp gives it the edge of a pen again. Where the ramp
    # starts decides how thick the pen is, how steep it is, how dry.
    edge, width = 0.60 + 0.11 * weight, 0.52 + 0.14 * soft
    grey = np.clip((ink - edge) / width + 0.5, 0.0, 1.0)
    drawn: NDArray[np.float32] = (np.round(grey * LEVELS) / LEVELS).astype(np.float32)
    return drawn
