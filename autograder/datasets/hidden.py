"""Hidden sets: labelled digits that no student has, kept in ``hidden/<assignment>/<name>.npz``."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autograder.datasets.ex7 import SIDE, DataNotFound, DataProblem

MNIST_SIDE = 28
MnistPair = tuple[NDArray[Any], NDArray[Any]]


def load_hidden(
    path: str | os.PathLike[str],
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Read a hidden set and check every part of it.

    Returns:
        ``images`` (N, 20, 20, 1) float32 in 0..1, upright, and ``labels`` (N,) int64 in 0..9.

    Raises:
        DataNotFound: there is no file.
        DataProblem: the file is not in this format.
    """
    arrays = read_npz(path)
    for key in ("images", "labels"):
        if key not in arrays:
            held = ", ".join(repr(name) for name in arrays) or "nothing"
            raise DataProblem(
                f"{path} has no {key!r}. It holds {held}; expected images (N, 20, 20, 1) "
                "and labels (N,)."
            )
    images, labels = arrays["images"], arrays["labels"]
    if images.shape[1:] != (SIDE, SIDE, 1) or not len(images):
        raise DataProblem(f"images in {path} is {images.shape}; expected (N, 20, 20, 1).")
    if labels.shape != images.shape[:1]:
        raise DataProblem(f"labels in {path} is {labels.shape}; expected ({len(images)},).")
    if images.dtype.kind != "f" or not np.isfinite(images).all():
        raise DataProblem(
            f"images in {path} must be finite floating-point numbers; found {images.dtype}"
            f"{'' if images.dtype.kind != 'f' else ' with NaN or infinite values'}."
        )
    low, high = float(images.min()), float(images.max())
    if low < 0.0 or high > 1.0 or low == high:
        raise DataProblem(f"images in {path} run from {low:g} to {high:g}; expected 0..1.")
    if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() > 9:
        raise DataProblem(
            f"labels in {path} are {labels.dtype} from {labels.min()} to {labels.max()}; expected "
            "integers 0..9. The label 10 stands for 0 in ex7data.mat alone."
        )
    return images.astype(np.float32), labels.astype(np.int64)


def read_npz(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """Read every array of an ``.npz`` file; nothing in it is ever unpickled.

    Raises:
        DataNotFound: there is no file.
        DataProblem: it is not an ``.npz`` file, or holds objects.
    """
    if not Path(path).is_file():
        raise DataNotFound(f"There is no file {os.fspath(path)}. Check the path's spelling.")
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except Exception as error:  # zip, header and pickle errors all mean: not such a file
        raise DataProblem(
            f"{path} cannot be read as an .npz file of plain arrays ({type(error).__name__}). "
            "Make it with numpy.savez(path, images=images, labels=labels)."
        ) from error


def npz_bytes(arrays: dict[str, NDArray[Any]], comment: str = "") -> bytes:
    """Return arrays as an ``.npz`` file: the same bytes whenever it is made.

    Args:
        arrays: by name.
        comment: kept in the archive, where `numpy.load` does not look.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = comment.encode()
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, np.asarray(array), allow_pickle=False)
            # `numpy.savez` stamps the time of writing, ZipInfo alone does not.
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content.getvalue())
    return packed.getvalue()


def npz_comment(path: Path) -> str:
    """Return an archive's comment, or an empty string where ``path`` is no archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.comment.decode(errors="replace")
    except (OSError, zipfile.BadZipFile):
        return ""


def mnist_test(
    path: str | os.PathLike[str] | None = None,
    download: Callable[[], tuple[MnistPair, MnistPair]] | None = None,
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return MNIST's 10,000 test digits, (N, 28, 28) uint8 and (N,) int64.

    Args:
        path: a local ``mnist.npz`` in Keras's format (``x_test``, ``y_test``).
        download: what fetches MNIST without a path; `keras.datasets.mnist.load_data` by default,
            which keeps it in Keras's own cache.

    Raises:
        DataNotFound: no file, and no download.
        DataProblem: the arrays are not MNIST's.
    """
    if path is not None:
        arrays = read_npz(path)
        if not {"x_test", "y_test"} <= arrays.keys():
            held = ", ".join(repr(name) for name in arrays) or "nothing"
            raise DataProblem(f"{path} has no x_test and y_test. It holds {held}.")
        images, labels = arrays["x_test"], arrays["y_test"]
    else:
        if download is None:
            from keras.datasets import mnist

            download = mnist.load_data
        try:
            images, labels = download()[1]
        except Exception as error:  # the network fails in more ways than can be listed
            raise DataNotFound(
                f"MNIST could not be fetched ({type(error).__name__}): this machine may have no "
                "way to the internet. Fetch mnist.npz elsewhere with "
                "`keras.datasets.mnist.load_data()`, and name it with --mnist-file."
            ) from error
    images, labels = np.asarray(images), np.asarray(labels)
    fits = images.ndim == 3 and images.shape[1:] == (MNIST_SIDE, MNIST_SIDE) and len(images) > 0
    if not fits or images.dtype != np.uint8 or labels.shape != images.shape[:1]:
        raise DataProblem(
            f"MNIST's test set should be images (N, 28, 28) uint8 with labels (N,); found "
            f"{images.shape} {images.dtype} with {labels.shape}."
        )
    if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() > 9:
        raise DataProblem("MNIST's test labels should be integers 0..9.")
    return images, labels.astype(np.int64)


def reduce_to_20(images: ArrayLike) -> NDArray[np.float32]:
    """Shrink MNIST's digits to the 20×20 pixels of ex7data.mat.

    Bilinear resampling with antialiasing: each new pixel is a mean under a triangle that is as wide
    as two new pixels (1.4 old pixels to each side), rows and columns apart. A plain bilinear lookup
    would skip pixels and leave thin strokes broken.

    Args:
        images: (N, 28, 28), values in 0..255.

    Returns:
        (N, 20, 20, 1) float32 in 0..1, at 256 grey levels.

    Example:
        >>> import numpy as np
        >>> float(reduce_to_20(np.full((1, 28, 28), 255, np.uint8)).min())
        1.0
    """
    pixels = np.asarray(images, dtype=np.float64)
    ratio = MNIST_SIDE / SIDE
    centres = (np.arange(SIDE)[:, None] + 0.5) * ratio
    distance = np.abs(np.arange(MNIST_SIDE)[None, :] + 0.5 - centres)
    weights = np.maximum(0.0, 1.0 - distance / ratio)
    weights /= weights.sum(axis=1, keepdims=True)
    small = np.rint(weights @ pixels @ weights.T)
    return (np.clip(small, 0.0, 255.0) / 255.0).astype(np.float32)[..., None]


def in_proportion(labels: NDArray[np.int64], size: int, seed: int = 0) -> NDArray[np.int64]:
    """Choose ``size`` positions at random so that every class keeps its share.

    Args:
        labels: (N,), 0..9.
        size: how many to choose, at most N.
        seed: which of them.

    Returns:
        The chosen positions, (size,), increasing.

    Raises:
        DataProblem: there are fewer than ``size``.
    """
    if not 0 < size <= len(labels):
        raise DataProblem(f"{size} images were asked for; there are {len(labels)}.")
    classes, counts = np.unique(labels, return_counts=True)
    share = counts * size / len(labels)
    chosen = np.floor(share).astype(int)
    # The largest remainders get what rounding down has left over.
    chosen[np.argsort(chosen - share, kind="stable")[: size - chosen.sum()]] += 1
    rng = np.random.default_rng(seed)
    picked = [
        members[np.argsort(rng.random(len(members)), kind="stable")][:count]
        for members, count in (
            (np.flatnonzero(labels == label), count)
            for label, count in zip(classes, chosen, strict=True)
        )
    ]
    return np.sort(np.concatenate(picked)).astype(np.int64)
