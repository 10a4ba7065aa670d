from pathlib import Path

import numpy as np

from autograder import datasets
from autograder.datasets import Standin
from autograder.datasets import course_data as cd
from autograder.datasets.ex7 import grey_levels
from autograder.datasets.standin import CLASSES

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_stand_in_has_exactly_the_format_of_the_real_file(
    standin: Standin, tmp_path: Path
) -> None:
    path = tmp_path / "ex7data.mat"
    path.write_bytes(cd.mat_bytes(standin.public, "test"))
    raw = datasets.raw_ex7(path)
    assert raw["X"].shape == (5000, 400) and raw["X"].dtype == np.float64
    assert raw["y"].shape == (5000, 1) and raw["y"].dtype == np.uint8
    assert raw["X"].min() == 0.0 and raw["X"].max() == 1.0
    # Sorted by class as the real file is: zeros, which it calls 10, come first.
    np.testing.assert_array_equal(raw["y"].ravel(), np.repeat([10, *range(1, 10)], 500))
    images, labels = datasets.load_ex7(path)
    np.testing.assert_array_equal(images, standin.public.images)
    np.testing.assert_array_equal(labels, standin.public.labels)


def test_the_real_file_has_the_format_that_the_stand_in_copies(real_digits: Path) -> None:
    ours, real = datasets.raw_ex7(ROOT / "data" / "ex7data.mat"), datasets.raw_ex7(real_digits)
    for key in ("X", "y"):
        assert ours[key].dtype == real[key].dtype and ours[key].shape == real[key].shape
    np.testing.assert_array_equal(ours["y"], real["y"])


def test_no_original_is_in_both_the_public_and_the_hidden_set(standin: Standin) -> None:
    from sklearn.datasets import load_digits

    assert not set(standin.public.origins) & set(standin.hidden.origins)
    targets = load_digits().target
    for part in (standin.public, standin.hidden):
        np.testing.assert_array_equal(targets[part.origins], part.labels)


def test_the_hidden_set_is_balanced_shuffled_and_free_of_copies(standin: Standin) -> None:
    hidden = standin.hidden
    np.testing.assert_array_equal(np.bincount(hidden.labels), [200] * CLASSES)
    assert (np.diff(hidden.labels) < 0).sum() > 500
    both = np.concatenate([grey_levels(standin.public.images), grey_levels(hidden.images)])
    assert len(np.unique(both, axis=0)) == 7000


def test_one_seed_draws_one_stand_in_and_another_seed_another(standin: Standin) -> None:
    again, other = datasets.build_standin(seed=0), datasets.build_standin(seed=1)
    for part in ("public", "hidden"):
        for name in ("images", "labels", "origins"):
            one, two = getattr(getattr(standin, part), name), getattr(getattr(again, part), name)
            np.testing.assert_array_equal(one, two)
    assert (standin.public.images != other.public.images).any()
    assert set(standin.hidden.origins) != set(other.hidden.origins)


def test_the_committed_stand_in_is_what_the_code_makes(standin: Standin) -> None:
    path = ROOT / "data" / "ex7data.mat"
    digest = datasets.data_digest(standin.public.images, standin.public.labels)
    assert datasets.data_digest(*datasets.load_ex7(path)) == digest
    np.testing.assert_array_equal(cd.origins_of(path, digest), standin.public.origins)
    assert path.stat().st_size < 1_500_000


def test_a_stand_in_image_looks_like_its_original(standin: Standin) -> None:
    from scipy.ndimage import zoom
    from sklearn.datasets import load_digits

    originals = load_digits().images
    rows = np.random.default_rng(7).choice(5000, 200, replace=False)
    small_again = np.zeros((200, 8, 8))
    for at, row in enumerate(rows):
        small_again[at] = zoom(standin.public.images[row, 3:17, 3:17, 0], 8 / 14, order=1)
    likeness = np.corrcoef(
        small_again.reshape(200, -1), originals[standin.public.origins[rows]].reshape(200, -1)
    )[:200, 200:]
    # One original in 200 would be recognised by chance.
    assert (likeness.argmax(axis=1) == np.arange(200)).mean() > 0.5
    assert np.diag(likeness).mean() > 0.7
