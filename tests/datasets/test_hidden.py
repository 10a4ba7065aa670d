import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder import datasets
from autograder.datasets import DataNotFound, DataProblem
from autograder.datasets import hidden as hd


def test_an_archive_has_the_same_bytes_whenever_it_is_made(tmp_path: Path) -> None:
    arrays = {"a": np.arange(6).reshape(2, 3), "b": np.array("text"), "c": np.eye(3).T}
    packed = hd.npz_bytes(arrays, "a comment")
    assert packed == hd.npz_bytes(arrays, "a comment")
    with np.load(io.BytesIO(packed), allow_pickle=False) as file:
        assert set(file.files) == set(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(file[name], array)
    (tmp_path / "x.npz").write_bytes(packed)
    assert hd.npz_comment(tmp_path / "x.npz") == "a comment"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"images": None}, "no 'images'"),
        ({"labels": None}, "no 'labels'"),
        ({"images": np.zeros((4, 20, 20), np.float32)}, r"expected \(N, 20, 20, 1\)"),
        ({"images": np.zeros((0, 20, 20, 1), np.float32)}, r"\(0, 20, 20, 1\)"),
        ({"images": np.full((4, 20, 20, 1), np.nan, np.float32)}, "NaN"),
        ({"images": np.ones((4, 20, 20, 1), np.uint8)}, "uint8"),
        ({"images": np.eye(20)[None, ..., None].repeat(4, 0) * 255}, "0 to 255; expected 0..1"),
        ({"labels": np.zeros((4, 1), np.int64)}, r"expected \(4,\)"),
        ({"labels": np.array([1, 2, 3, 10])}, "from 1 to 10; expected"),
        ({"labels": np.array([1.0, 2, 3, 4])}, "float64"),
        ({"labels": np.array(["1", {}, 3, 4], dtype=object)}, "plain arrays"),
    ],
)
def test_a_wrong_hidden_set_is_refused_with_what_was_found(
    tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    arrays: dict[str, Any] = {
        "images": np.eye(20, dtype=np.float32)[None, ..., None].repeat(4, 0),
        "labels": np.arange(4),
    }
    path = tmp_path / "h.npz"
    np.savez(path, **arrays)
    assert datasets.load_hidden(path)[0].shape == (4, 20, 20, 1)
    kept = {key: value for key, value in {**arrays, **change}.items() if value is not None}
    np.savez(path, **kept)
    with pytest.raises(DataProblem, match=says):
        datasets.load_hidden(path)


def test_mnist_is_reduced_as_the_field_s_image_library_does_it() -> None:
    from PIL import Image

    images = np.random.default_rng(7).integers(0, 256, (20, 28, 28)).astype(np.uint8)
    images[10:, :, 14:] = 0
    ours = hd.reduce_to_20(images)[..., 0] * 255
    small = [Image.fromarray(i).resize((20, 20), Image.Resampling.BILINEAR) for i in images]
    theirs = np.stack([np.asarray(image) for image in small])
    # Pillow rounds between rows and columns, so it may be one grey level off.
    assert np.abs(ours - theirs).max() <= 1.01


def test_reducing_keeps_the_ink_and_shrinks_a_digit_to_the_size_of_exercise_11() -> None:
    images = np.zeros((1, 28, 28), np.uint8)
    images[0, 4:24, 8:20] = 255  # MNIST's digits are 20 pixels high
    small_image = hd.reduce_to_20(images)[0, ..., 0]
    assert small_image.mean() == pytest.approx(images.mean() / 255, rel=0.02)
    assert np.flatnonzero(small_image.max(axis=1) > 0.3).size == 14


@given(st.integers(10, 300), st.integers(0, 5))
def test_a_part_in_proportion_keeps_every_class_s_share(size: int, seed: int) -> None:
    labels = np.random.default_rng(0).choice(10, 300, p=np.arange(1, 11) / 55)
    chosen = hd.in_proportion(labels, size, seed)
    assert len(set(chosen.tolist())) == size
    share = (
        np.bincount(labels[chosen], minlength=10) - np.bincount(labels, minlength=10) * size / 300
    )
    assert np.abs(share).max() < 1


def test_mnist_that_cannot_be_fetched_names_the_way_around() -> None:
    def unplugged() -> Any:
        raise OSError("no network")

    with pytest.raises(DataNotFound, match="--mnist-file"):
        hd.mnist_test(download=unplugged)
