"""Reading the MATLAB file of Exercise 11, ``ex7data.mat``.

The file holds ``X``, one image of 20×20 pixels in each row, and ``y``, one label in each row, where
10 means the digit 0. MATLAB unrolls a matrix column by column: `row.reshape(20, 20, order="F")` is
upright, NumPy's own order shows the digit transposed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

SIDE = 20
FILE_NAME = "ex7data.mat"
VARIABLE = "EX7DATA"

Order = Literal["column", "row"]


class DataProblem(ValueError):
    """A data file is not what it should be; the message says what was found and expected."""


class DataNotFound(DataProblem):
    """There is no data file where it was looked for; the message says where that was."""


def load_ex7(
    path: str | os.PathLike[str] | None = None, *, order: Order = "column"
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Read ``ex7data.mat`` as upright images and the digits that they show.

    Pixels may be binary, in 0..1 or in 0..255; labels 1..10 (10 means 0) or 0..9.

    Args:
        path: the file. Without it: the environment variable ``EX7DATA``, then ``ex7data.mat`` in
            the working directory, then ``data/ex7data.mat`` there or in a folder above.
        order: how a row of ``X`` unrolls its image: ``"column"`` by column as MATLAB does,
            ``"row"`` by row as NumPy does.

    Returns:
        ``images`` (N, height 20, width 20, channels 1) float32 in 0..1, and ``labels`` (N,) int64
        in 0..9, both in the order of the file.

    Raises:
        DataNotFound: there is no file.
        DataProblem: the file is not in this format.
    """
    if order not in ("column", "row"):
        raise ValueError(f'order is {order!r}; it must be "column" (MATLAB) or "row" (NumPy).')
    file = find_ex7(path)
    content = _read_mat(file)
    pixels = _pixels(content["X"], file)
    labels = _labels(content["y"], len(pixels), file)
    images = pixels.reshape(-1, SIDE, SIDE)
    if order == "column":
        images = images.transpose(0, 2, 1)
    return np.ascontiguousarray(images[..., None]), labels


def raw_ex7(path: str | os.PathLike[str] | None = None) -> dict[str, NDArray[Any]]:
    """Read ``X`` and ``y`` exactly as `scipy.io.loadmat` gives them.

    Args:
        path: as for `load_ex7`.

    Returns:
        ``{"X": (N, 400), "y": (N, 1)}``, with the types and values of the file.

    Raises:
        DataNotFound: there is no file.
        DataProblem: it is not a MATLAB file, or has no ``X`` or ``y``.
    """
    return _read_mat(find_ex7(path))


def find_ex7(path: str | os.PathLike[str] | None = None) -> Path:
    """Return the file that `load_ex7` reads when it is given ``path``.

    Raises:
        DataNotFound: there is none; the message lists where it was looked for.
    """
    if path is not None:
        if not Path(path).is_file():
            raise DataNotFound(f"There is no file {os.fspath(path)}. Check the path's spelling.")
        return Path(path)
    named = os.environ.get(VARIABLE)
    if named:
        # A variable that is set and wrong is a mistake: another file in its place would hide it.
        if not Path(named).is_file():
            raise DataNotFound(
                f"The environment variable {VARIABLE} names {named}, and there is no such file. "
                "Correct the variable, or unset it to use the course's own file."
            )
        return Path(named)
    searched = []
    for candidate in _candidates():
        if candidate.is_file():
            return candidate
        searched.append(str(candidate))
    raise DataNotFound(
        f"{FILE_NAME} was not found. Looked at the environment variable {VARIABLE} (not set) and "
        f"at {', '.join(searched)}. Put the file beside the notebook, set {VARIABLE} to its path, "
        "or make a stand-in with `autograder data build`."
    )


def data_digest(images: ArrayLike, labels: ArrayLike) -> str:
    """Return 16 hexadecimal digits that name a data set by its content.

    Pixels count as the nearest of 256 grey levels, so that 0..1 and 0..255 spellings of one data
    set, or float32 and float64, have the same digest. The order of the images counts.

    Args:
        images: (N, 20, 20) or (N, 20, 20, 1), values in 0..1, upright.
        labels: (N,), 0..9.

    Example:
        >>> import numpy as np
        >>> data_digest(np.zeros((2, 20, 20, 1)), [3, 7])
        'e43f5c1b4be7b6ad'
    """
    pixels = np.asarray(images)
    levels = grey_levels(pixels)
    classes = np.ascontiguousarray(np.asarray(labels).reshape(-1), dtype="<i8")
    shape = "x".join(str(size) for size in (len(pixels), *pixels.shape[1:3]))
    digest = hashlib.sha256(shape.encode())
    digest.update(levels.tobytes())
    digest.update(classes.tobytes())
    return digest.hexdigest()[:16]


def grey_levels(images: ArrayLike) -> NDArray[np.uint8]:
    """Return images in 0..1 as rows of 256 grey levels, (N, pixels) uint8."""
    pixels = np.asarray(images, dtype=np.float32)
    levels = np.rint(np.clip(pixels, 0.0, 1.0) * np.float32(255.0)).astype(np.uint8)
    return np.ascontiguousarray(levels.reshape(len(levels), -1))


def _candidates() -> Iterator[Path]:
    """Yield the places where the file may lie, the nearest first."""
    here = Path.cwd()
    yield here / FILE_NAME
    for folder in (here, *here.parents):
        yield folder / "data" / FILE_NAME


def _read_mat(file: Path) -> dict[str, NDArray[Any]]:
    """Read ``X`` and ``y`` from a MATLAB file of version 4 to 7."""
    import scipy.io

    with open(file, "rb") as opened:
        start = opened.read(128)
    if start.startswith((b"MATLAB 7.3", b"\x89HDF")):
        raise DataProblem(
            f"{file} is a MATLAB 7.3 file (HDF5 inside); expected version 5 to 7. "
            'In MATLAB, save it again with save("ex7data.mat", "X", "y", "-v7").'
        )
    try:
        content = scipy.io.loadmat(file, appendmat=False)
    except Exception as error:  # a damaged file fails in a dozen ways, all of which mean this
        raise DataProblem(
            f"{file} cannot be read as a MATLAB file ({type(error).__name__}). "
            f"It begins with {start[:12]!r} and is {file.stat().st_size} bytes long; it may be a "
            "file of another kind or a download that broke off. Get it again."
        ) from error
    names = [name for name in content if not name.startswith("__")]
    for key, meaning in (("X", "(N, 400), one image a row"), ("y", "(N, 1), one label a row")):
        if key not in content:
            raise DataProblem(
                f"{file} has no {key!r}, {meaning}. It holds {_listed(names)}. "
                "MATLAB's names distinguish capital and small letters."
            )
    return {"X": content["X"], "y": content["y"]}


def _pixels(found: Any, file: Path) -> NDArray[np.float32]:
    """Return ``X`` as (N, 400) float32 in 0..1."""
    values = _numbers(found, "X", file)
    if values.ndim != 2 or values.shape[1] != SIDE * SIDE or not len(values):
        likely = ""
        if values.ndim == 2 and values.shape[0] == SIDE * SIDE:
            likely = " It looks transposed: images belong in rows."
        raise DataProblem(
            f"X in {file} has the shape {values.shape}; expected (N, 400), one image of 20×20 "
            f"pixels in each row.{likely}"
        )
    low, high = float(values.min()), float(values.max())
    # The widespread ex3data1.mat was shrunk by bicubic resampling, which overshoots: its grey
    # values run from -0.13 to 1.13.
    if low >= -0.25 and 0.0 < high <= 1.25:
        return np.clip(values, 0.0, 1.0).astype(np.float32)
    if low >= 0.0 and 64.0 <= high <= 255.0:
        return (values / 255.0).astype(np.float32)
    if low == high:
        raise DataProblem(f"Every pixel of X in {file} is {low:g}: there is no image in it.")
    raise DataProblem(
        f"The pixels of X in {file} run from {low:g} to {high:g}; expected 0 and 1, 0..1 or "
        "0..255. Scale them before saving the file."
    )


def _labels(found: Any, count: int, file: Path) -> NDArray[np.int64]:
    """Return ``y`` as (N,) int64 in 0..9, where the file may say 10 for 0."""
    values = _numbers(found, "y", file)
    if values.size != count or values.ndim > 2 or (values.ndim == 2 and 1 not in values.shape):
        raise DataProblem(
            f"y in {file} has the shape {values.shape}; expected ({count}, 1), one label for each "
            f"of the {count} images."
        )
    values = values.reshape(-1)
    # Both spellings of zero in one file leave no way to tell what 0 and 10 mean.
    known = set(range(10)) if 0.0 in values else set(range(1, 11))
    unknown = sorted(set(np.unique(values).tolist()) - known)
    if unknown:
        shown = ", ".join(f"{label:g}" for label in unknown[:5])
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        beside = " beside 0" if 0.0 in values else ""
        raise DataProblem(
            f"y in {file} has the unknown label{'s' * (len(unknown) > 1)} {shown}{more}{beside}; "
            "expected 1..10, where 10 means the digit 0, or 0..9."
        )
    return values.astype(np.int64) % 10


def _numbers(found: Any, key: str, file: Path) -> NDArray[np.float64]:
    """Return an array of finite numbers as float64."""
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "buif":
        kind = f"{found.dtype} values" if isinstance(found, np.ndarray) else type(found).__name__
        raise DataProblem(f"{key} in {file} holds {kind}; expected a full array of real numbers.")
    values = found.astype(np.float64)
    wrong = int(np.count_nonzero(~np.isfinite(values)))
    if wrong:
        raise DataProblem(
            f"{key} in {file} has {wrong} value{'s' * (wrong > 1)} that "
            f"{'are' if wrong > 1 else 'is'} NaN or infinite; expected finite numbers alone."
        )
    return values


def _listed(names: list[str]) -> str:
    """Return names as a reader would list them."""
    return ", ".join(repr(name) for name in names) if names else "nothing"
