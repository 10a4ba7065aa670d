"""Where a course keeps its digits, and writing them there without losing anyone's work."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autograder.datasets.ex7 import FILE_NAME, SIDE, DataProblem, data_digest
from autograder.datasets.hidden import npz_bytes, npz_comment, read_npz
from autograder.datasets.standin import DigitSet, build_standin
from autograder.files import write_atomic

ASSIGNMENT = "a06-ex7-digits"
HIDDEN_NAME = "ex7"

MADE = "made by cnn-course-kit"
STANDIN = f"stand-in for ex7data, {MADE}"
MNIST = f"MNIST test digits at 20x20, {MADE}"
GIVEN = "given by the instructor"


class WouldOverwrite(DataProblem):
    """A file that the kit did not make stands where it wants to write."""


@dataclass(frozen=True)
class DataPaths:
    """The data files of a course folder.

    Attributes:
        public: ``data/ex7data.mat``, which students receive.
        origins: ``data/ex7data-origins.npz``, which original each stand-in image stems from.
        hidden: ``hidden/a06-ex7-digits/ex7.npz``, which no student sees.
    """

    public: Path
    origins: Path
    hidden: Path

    @classmethod
    def of(cls, course: Path, private: Path | None = None) -> DataPaths:
        """Return the data files of a course.

        Args:
            course: its root folder.
            private: the assignment's folder of private data, where it is not the usual one.
        """
        public = course / "data" / FILE_NAME
        private = private or course / "hidden" / ASSIGNMENT
        return cls(public, origins_beside(public), private / f"{HIDDEN_NAME}.npz")


def origins_beside(public: Path) -> Path:
    """Return where the origins of the stand-in in ``public`` are kept."""
    return public.with_name(f"{public.stem}-origins.npz")


def write_standin(
    paths: DataPaths, *, seed: int = 0, force: bool = False
) -> list[tuple[Path, bool]]:
    """Build the stand-in and write its three files into a course.

    Nothing is written unless all may be written; a file that is up to date is left alone.

    Args:
        paths: where they belong, `DataPaths.of(course)`.
        seed: as for `build_standin`.
        force: also replace files that the kit did not make.

    Returns:
        The three paths, and for each whether it was written.

    Raises:
        WouldOverwrite: a file that is not a stand-in is in the way.
    """
    if not force:
        refuse_overwriting(paths.public, mat_maker(paths.public), (STANDIN,))
        for path in (paths.origins, paths.hidden):
            refuse_overwriting(path, npz_comment(path), (STANDIN,))
    standin = build_standin(seed)
    comment = f"{STANDIN}, seed {seed}"
    return [
        (path, write_when_different(path, content))
        for path, content in (
            (paths.public, mat_bytes(standin.public, comment)),
            (paths.origins, npz_bytes(_origins(standin.public), comment)),
            (paths.hidden, npz_bytes(_with_origins(standin.hidden), comment)),
        )
    ]


def write_hidden(
    path: Path,
    images: NDArray[np.float32],
    labels: NDArray[np.int64],
    maker: str,
    *,
    force: bool = False,
) -> bool:
    """Write a hidden set from somewhere else; return whether the file changed.

    Args:
        path: where it belongs, `DataPaths.hidden`.
        images: (N, 20, 20, 1) float32 in 0..1, upright.
        labels: (N,) int64, 0..9.
        maker: `MNIST` or `GIVEN`, which says what may replace it later.
        force: also replace a set that the instructor gave.

    Raises:
        WouldOverwrite: another set that the kit did not make is in the way.
    """
    content = npz_bytes({"images": images, "labels": labels}, maker)
    if not force and not (path.is_file() and path.read_bytes() == content):
        refuse_overwriting(path, npz_comment(path), (STANDIN, MNIST))
    return write_when_different(path, content)


def mat_bytes(digits: DigitSet, comment: str) -> bytes:
    """Return digits as the bytes of an ``ex7data.mat``.

    ``X`` (N, 400) float64, each row one image unrolled by column; ``y`` (N, 1) uint8, 1..10, where
    10 means the digit 0.

    Args:
        digits: what to write.
        comment: the file's description, at most 100 ASCII characters; MATLAB shows it.
    """
    from scipy.io import savemat

    rows = digits.images[..., 0].transpose(0, 2, 1).reshape(-1, SIDE * SIDE)
    labels = np.where(digits.labels == 0, 10, digits.labels).astype(np.uint8)[:, None]
    packed = io.BytesIO()
    savemat(packed, {"X": rows.astype(np.float64), "y": labels}, do_compression=True)
    # SciPy describes a file by the time of writing. Ours says what it is, always alike, and is told
    # by that from a file that somebody else made.
    header = f"MATLAB 5.0 MAT-file, {comment}".encode("ascii").ljust(116)
    return header[:116] + packed.getvalue()[116:]


def mat_maker(path: Path) -> str:
    """Return the description in a MATLAB file's header, empty where there is none."""
    try:
        with open(path, "rb") as file:
            return file.read(116).decode("ascii", errors="replace").strip("\0 ")
    except OSError:
        return ""


def write_when_different(path: Path, content: bytes) -> bool:
    """Write ``content`` unless the file holds it already; return whether it was written."""
    if path.is_file() and path.read_bytes() == content:
        return False
    write_atomic(path, content)
    return True


def refuse_overwriting(path: Path, maker: str, makers: tuple[str, ...]) -> None:
    """Raise `WouldOverwrite` where ``path`` exists and none of ``makers`` made it."""
    if path.exists() and not any(name in maker for name in makers):
        raise WouldOverwrite(
            f"{path} exists and was not made by this command: it may be the instructor's own. "
            "Nothing was written. Move it away, or replace it with --force."
        )


def origins_of(public: Path, digest: str) -> NDArray[np.int64] | None:
    """Return the original of each image in ``public``, (N,), or None where none are recorded.

    Args:
        public: an ``ex7data.mat``.
        digest: its `data_digest`. A record that was made for another data set does not count.

    Raises:
        DataProblem: the record exists and cannot be read.
    """
    path = origins_beside(public)
    if not path.is_file():
        return None
    arrays = read_npz(path)
    if not {"origins", "digest"} <= arrays.keys():
        raise DataProblem(f"{path} holds no origins. Make it again with `autograder data build`.")
    return arrays["origins"].astype(np.int64) if str(arrays["digest"]) == digest else None


def _origins(digits: DigitSet) -> dict[str, NDArray[np.generic]]:
    """Return the record of origins, which names the data set that it belongs to."""
    digest = data_digest(digits.images, digits.labels)
    return {"origins": digits.origins, "digest": np.array(digest)}


def _with_origins(digits: DigitSet) -> dict[str, NDArray[np.generic]]:
    """Return a hidden set as arrays by name."""
    return {"images": digits.images, "labels": digits.labels, "origins": digits.origins}
