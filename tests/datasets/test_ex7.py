import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
from hypothesis import given
from hypothesis import strategies as st

from autograder import datasets
from autograder.datasets import DataNotFound, DataProblem

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(autouse=True)
def no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EX7DATA", raising=False)


def small(count: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """A few noise images, upright, with every label."""
    images = np.random.default_rng(3).integers(0, 256, (count, 20, 20)) / 255.0
    images[0, 0, :2] = 0.0, 1.0
    return images, np.arange(count) % 10


def save(path: Path, x: Any, y: Any, **others: Any) -> Path:
    scipy.io.savemat(path, {"X": x, "y": y, **others})
    return path


def unrolled(images: np.ndarray) -> np.ndarray:
    return np.stack([image.ravel(order="F") for image in images])


def problem(path: Path, **arguments: Any) -> str:
    with pytest.raises(DataProblem) as caught:
        datasets.load_ex7(path, **arguments)
    message = str(caught.value)
    assert str(path) in message
    return message


def test_an_image_is_read_upright_with_the_digit_it_shows(tmp_path: Path) -> None:
    images, labels = small()
    file = save(tmp_path / "e.mat", unrolled(images), np.where(labels == 0, 10, labels)[:, None])
    read, digits = datasets.load_ex7(file)
    assert read.shape == (20, 20, 20, 1) and read.dtype == np.float32
    assert digits.shape == (20,) and digits.dtype == np.int64
    np.testing.assert_array_equal(read[..., 0], images.astype(np.float32))
    np.testing.assert_array_equal(digits, labels)


def test_a_file_unrolled_by_row_is_upright_when_told_so(tmp_path: Path) -> None:
    images, labels = small()
    file = save(tmp_path / "e.mat", images.reshape(-1, 400), labels)
    read, _ = datasets.load_ex7(file, order="row")
    np.testing.assert_array_equal(read[..., 0], images.astype(np.float32))
    with pytest.raises(ValueError, match="column"):
        datasets.load_ex7(file, order="F")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "stored",
    [
        lambda x: x,
        lambda x: x.astype(np.float32),
        lambda x: np.rint(x * 255).astype(np.uint8),
        lambda x: np.rint(x * 255),
    ],
    ids=["0..1", "float32", "uint8", "0..255 as float"],
)
def test_every_usual_scale_of_pixels_gives_the_same_images(tmp_path: Path, stored: Any) -> None:
    images, labels = small()
    file = save(tmp_path / "e.mat", stored(unrolled(images)), labels)
    read, digits = datasets.load_ex7(file)
    np.testing.assert_allclose(read[..., 0], images, atol=1e-6)
    assert datasets.data_digest(read, digits) == datasets.data_digest(images, labels)


@pytest.mark.parametrize("kind", [bool, np.uint8, np.float64])
def test_a_binary_file_stays_binary(tmp_path: Path, kind: type) -> None:
    images, labels = small()
    file = save(tmp_path / "e.mat", unrolled(images > 0.5).astype(kind), labels)
    assert set(np.unique(datasets.load_ex7(file)[0])) == {0.0, 1.0}


def test_the_overshoot_of_bicubic_resampling_is_clipped_not_rescaled(tmp_path: Path) -> None:
    images, labels = small()
    x = unrolled(images)
    x[0, 0], x[1, 1] = -0.13, 1.13
    read, _ = datasets.load_ex7(save(tmp_path / "e.mat", x, labels))
    np.testing.assert_allclose(read[2:, ..., 0], images[2:], atol=1e-6)
    assert read.min() == 0.0 and read.max() == 1.0


@pytest.mark.parametrize("shape", [(20, 1), (1, 20), (20,)])
@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float64])
def test_labels_are_read_in_every_usual_shape_and_type(
    tmp_path: Path, shape: tuple[int, ...], kind: type
) -> None:
    images, labels = small()
    file = save(tmp_path / "e.mat", unrolled(images), labels.astype(kind).reshape(shape))
    np.testing.assert_array_equal(datasets.load_ex7(file)[1], labels)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=12), st.booleans())
def test_ten_means_zero_and_every_other_label_itself(
    tmp_path_factory: pytest.TempPathFactory, digits: list[int], with_ten: bool
) -> None:
    labels = np.array(digits)
    stored = np.where(labels == 0, 10, labels) if with_ten else labels
    images = small(len(digits))[0]
    file = save(tmp_path_factory.getbasetemp() / "t.mat", unrolled(images), stored[:, None])
    np.testing.assert_array_equal(datasets.load_ex7(file)[1], labels)


@pytest.mark.parametrize(
    ("x", "y", "found"),
    [
        (np.zeros((400, 20)), None, r"\(400, 20\); expected \(N, 400\).*transposed"),
        (np.zeros((20, 784)), None, r"\(20, 784\); expected \(N, 400\)"),
        (np.zeros((20, 20, 20)), None, r"\(20, 20, 20\)"),
        (np.zeros((0, 400)), np.zeros((0, 1)), r"\(0, 400\)"),
        (np.zeros((20, 400)), None, "Every pixel of X.* is 0"),
        (np.linspace(0, 16, 8000).reshape(20, 400), None, "0 to 16; expected"),
        (np.linspace(-1, 1, 8000).reshape(20, 400), None, "-1 to 1; expected"),
        (np.linspace(0, 65535, 8000).reshape(20, 400), None, "0 to 65535; expected"),
        (np.full((20, 400), np.nan), None, "X .* has 8000 values that are NaN or infinite"),
        (np.ones((20, 400)) * 1j, None, "complex128 values; expected"),
        (None, np.zeros((19, 1)), r"\(19, 1\); expected \(20, 1\)"),
        (None, np.eye(20)[:, :10], r"\(20, 10\); expected \(20, 1\)"),
        (None, np.array([11] + [1] * 19), "unknown label 11; expected 1..10"),
        (None, np.array([0, 10] + [1] * 18), "unknown label 10 beside 0"),
        (None, np.array([1.5] + [1.0] * 19), "unknown label 1.5"),
        (None, np.array([-1, 30] + [1] * 18), "unknown labels -1, 30"),
        (None, np.array([np.nan] + [1.0] * 19), "y .* has 1 value that is NaN"),
        (None, np.array([f"{n}" for n in range(20)], dtype=object), "y .* holds"),
    ],
)
def test_a_wrong_file_is_refused_with_what_was_found_and_expected(
    tmp_path: Path, x: Any, y: Any, found: str
) -> None:
    import re

    images, labels = small()
    file = save(
        tmp_path / "wrong.mat", unrolled(images) if x is None else x, labels if y is None else y
    )
    message = problem(file)
    assert re.search(found, message), message


def test_a_missing_key_is_named_beside_those_that_are_there(tmp_path: Path) -> None:
    path = tmp_path / "keys.mat"
    scipy.io.savemat(path, {"x": np.zeros((2, 400)), "y": np.zeros((2, 1))})
    message = problem(path)
    assert "no 'X'" in message and "'x', 'y'" in message


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "0 bytes"),
        (b"not a MATLAB file at all", "not a MATLAB"),
        (b"PK\x03\x04" + bytes(400), "cannot be read as a MATLAB file"),
        (b"\x89HDF\r\n\x1a\n" + bytes(400), "7.3"),
        (b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(116) + bytes(400), "-v7"),
    ],
)
def test_a_file_of_another_kind_is_told_from_a_matlab_file(
    tmp_path: Path, content: bytes, says: str
) -> None:
    path = tmp_path / "other.mat"
    path.write_bytes(content)
    assert says in problem(path)


def test_a_download_that_broke_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "half.mat"
    path.write_bytes((ROOT / "data" / "ex7data.mat").read_bytes()[:100_000])
    assert "broke off" in problem(path)


def test_the_file_is_found_in_the_documented_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named, here = tmp_path / "named.mat", tmp_path / "a" / "b"
    above = tmp_path / "data" / "ex7data.mat"
    for folder in (here, above.parent):
        folder.mkdir(parents=True)
    monkeypatch.chdir(here)
    with pytest.raises(DataNotFound) as caught:
        datasets.find_ex7()
    assert str(here) in str(caught.value) and str(above) in str(caught.value)
    assert "data build" in str(caught.value)
    for path in (above, here / "ex7data.mat", named):
        path.write_bytes(b"")
        if path == named:
            monkeypatch.setenv("EX7DATA", str(named))
        assert datasets.find_ex7() == path


def test_a_variable_that_names_no_file_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ex7data.mat").write_bytes(b"")
    monkeypatch.setenv("EX7DATA", str(tmp_path / "gone.mat"))
    with pytest.raises(DataNotFound, match=r"EX7DATA names .*gone\.mat"):
        datasets.find_ex7()


def test_the_raw_file_is_what_scipy_reads() -> None:
    path = ROOT / "data" / "ex7data.mat"
    raw = datasets.raw_ex7(path)
    whole = scipy.io.loadmat(path)
    assert raw.keys() == {"X", "y"}
    for key, array in raw.items():
        np.testing.assert_array_equal(array, whole[key])


def test_importing_the_digits_does_not_import_keras() -> None:
    script = (
        "import sys, autograder.datasets as d; d.load_ex7(sys.argv[1]);"
        "sys.exit('keras' in sys.modules or 'tensorflow' in sys.modules)"
    )
    subprocess.run(
        [sys.executable, "-c", script, str(ROOT / "data" / "ex7data.mat")], check=True, cwd=ROOT
    )


def test_the_digest_names_the_content_and_its_order() -> None:
    images, labels = small()
    digest = datasets.data_digest(images, labels)
    assert digest == datasets.data_digest(images[..., None].astype(np.float32), labels[:, None])
    assert digest != datasets.data_digest(images[::-1], labels[::-1])
    assert digest != datasets.data_digest(images.swapaxes(1, 2), labels)
    assert len(digest) == 16


@given(
    st.integers(0, 19),
    st.tuples(st.integers(0, 19), st.integers(0, 19)),
    st.integers(2, 250),
)
def test_the_digest_changes_with_any_pixel_and_any_label(
    row: int, pixel: tuple[int, int], change: int
) -> None:
    images, labels = small()
    digest = datasets.data_digest(images, labels)
    other = images.copy()
    other[(row, *pixel)] = (np.rint(other[(row, *pixel)] * 255) + change) % 256 / 255
    assert datasets.data_digest(other, labels) != digest
    relabelled = labels.copy()
    relabelled[row] = (relabelled[row] + change) % 11
    if (relabelled != labels).any():
        assert datasets.data_digest(images, relabelled) != digest
