import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
from typer.testing import CliRunner

from autograder import datasets
from autograder.commands.data import app
from autograder.datasets import DataPaths
from autograder.datasets.hidden import reduce_to_20
from autograder.files import write_atomic

RUNNER = CliRunner()
ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(autouse=True)
def no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EX7DATA", raising=False)


@pytest.fixture(scope="module")
def built() -> dict[str, bytes]:
    """The stand-in's files by name, made once."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        paths = DataPaths.of(Path(folder))
        datasets.write_standin(paths)
        return {name: getattr(paths, name).read_bytes() for name in ("public", "origins", "hidden")}


@pytest.fixture
def folder(tmp_path: Path, built: dict[str, bytes]) -> DataPaths:
    """A folder with the stand-in in it."""
    paths = DataPaths.of(tmp_path)
    for name, content in built.items():
        write_atomic(getattr(paths, name), content)
    return paths


@pytest.fixture(scope="module")
def mnist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small mnist.npz in Keras's format: hidden digits of another seed, at 28×28."""
    from scipy.ndimage import zoom

    digits = datasets.build_standin(seed=5).hidden
    large = np.clip(zoom(digits.images[:600, ..., 0], (1, 1.4, 1.4), order=1), 0, 1)
    path = tmp_path_factory.mktemp("mnist") / "mnist.npz"
    images, labels = np.rint(large * 255).astype(np.uint8), digits.labels[:600].astype(np.uint8)
    np.savez(path, x_train=images[:1], y_train=labels[:1], x_test=images, y_test=labels)
    return path


def call(*arguments: Any, code: int = 0) -> str:
    """Run the command and return its output in one line."""
    result = RUNNER.invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return " ".join(result.output.split())


def change_public(paths: DataPaths, change: Any) -> None:
    """Let an instructor edit the public file in MATLAB."""
    raw = datasets.raw_ex7(paths.public)
    change(raw)
    scipy.io.savemat(paths.public, raw)


def test_build_writes_three_files_and_a_second_run_changes_nothing(tmp_path: Path) -> None:
    paths = DataPaths.of(tmp_path)
    assert call("build", "--course", tmp_path).count(": written") == 3
    files = (paths.public, paths.origins, paths.hidden)
    before = [(path.read_bytes(), path.stat().st_mtime_ns) for path in files]
    assert call("build", "--course", tmp_path).count(": up to date") == 3
    assert [(path.read_bytes(), path.stat().st_mtime_ns) for path in files] == before
    assert not list(tmp_path.rglob("*.tmp"))


def test_build_makes_the_committed_stand_in(folder: DataPaths) -> None:
    ours = datasets.data_digest(*datasets.load_ex7(ROOT / "data" / "ex7data.mat"))
    assert datasets.data_digest(*datasets.load_ex7(folder.public)) == ours


@pytest.mark.parametrize("name", ["public", "origins", "hidden"])
def test_build_never_replaces_an_instructor_s_own_file_unasked(
    folder: DataPaths, name: str
) -> None:
    path: Path = getattr(folder, name)
    course = folder.public.parent.parent
    path.write_bytes(b"the instructor's own")
    others = [p for p in (folder.public, folder.origins, folder.hidden) if p != path]
    before = [other.read_bytes() for other in others]
    output = call("build", "--course", course, "--seed", 3, code=1)
    assert "instructor's own" in output and "--force" in output
    assert path.read_bytes() == b"the instructor's own"
    assert [other.read_bytes() for other in others] == before
    call("build", "--course", course, "--force")
    assert call("verify", "--course", course)


def test_a_stand_in_that_was_edited_counts_as_the_instructor_s_own(folder: DataPaths) -> None:
    change_public(folder, lambda raw: None)
    call("build", "--course", folder.public.parent.parent, code=1)


def test_build_replaces_the_stand_in_of_another_seed(folder: DataPaths) -> None:
    course = folder.public.parent.parent
    assert call("build", "--course", course, "--seed", 1).count(": written") == 3
    call("verify", "--course", course)


def test_build_where_nothing_can_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where a folder belongs")
    output = call("build", "--course", tmp_path, code=1)
    assert str(tmp_path / "data") in output and "permissions" in output


def test_info_shows_what_a_file_holds(folder: DataPaths) -> None:
    output = call("info", folder.public)
    digest = datasets.data_digest(*datasets.load_ex7(folder.public))
    for part in ("5000", "500 of each", "upright", "stand-in", digest, "32 grey levels"):
        assert part in output
    assert "transposed" in call("info", folder.public, "--order", "row")
    assert "2000" in call("info", folder.hidden)


def test_a_path_with_brackets_is_shown_as_it_is(folder: DataPaths, tmp_path: Path) -> None:
    path = tmp_path / "[red]x[bold].mat"
    path.write_bytes(folder.public.read_bytes())
    assert path.name in call("verify", path)


def test_verify_passes_the_stand_in_and_says_what_it_looked_at(folder: DataPaths) -> None:
    output = call("verify", "--course", folder.public.parent.parent)
    for word in ("format", "balance", "orientation", "duplicates", "leakage", "originals"):
        assert word in output


def duplicate(raw: dict[str, Any]) -> None:
    raw["X"][1] = raw["X"][0]


def unbalance(raw: dict[str, Any]) -> None:
    raw["X"], raw["y"] = raw["X"][:-1], raw["y"][:-1]


def transpose(raw: dict[str, Any]) -> None:
    raw["X"] = raw["X"].reshape(-1, 20, 20).transpose(0, 2, 1).reshape(-1, 400)


def invert(raw: dict[str, Any]) -> None:
    raw["X"] = 1.0 - raw["X"]


def shuffle_apart(raw: dict[str, Any]) -> None:
    raw["y"] = np.random.default_rng(0).permutation(raw["y"])


def relabel(raw: dict[str, Any]) -> None:
    raw["y"] = raw["y"] % 10 + 1


def spoil(raw: dict[str, Any]) -> None:
    raw["X"][3, 3] = np.nan


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (duplicate, "1 of the public images equal"),
        (unbalance, "here are 4999"),
        (transpose, "--order"),
        (invert, "dark on light"),
        (shuffle_apart, "shuffled apart"),
        (relabel, "do not look like the digits"),
        (spoil, "1 value that is NaN"),
    ],
)
def test_verify_fails_on_what_would_spoil_the_exercise(
    folder: DataPaths, change: Any, says: str
) -> None:
    change_public(folder, change)
    assert says in call("verify", "--course", folder.public.parent.parent, code=1)


def test_verify_finds_hidden_images_that_students_have(folder: DataPaths) -> None:
    images, labels = datasets.load_hidden(folder.hidden)
    public, classes = datasets.load_ex7(folder.public)
    images[:3], labels[:3] = public[[5, 900, 4000]], classes[[5, 900, 4000]]
    images[3], labels[3] = public[7] * 0.999, classes[7]  # rounding does not hide a copy
    np.savez(folder.hidden, images=images, labels=labels)
    output = call("verify", "--course", folder.public.parent.parent, code=1)
    assert "4 of the hidden images are in the public set" in output


def test_verify_finds_originals_that_both_sets_were_drawn_from(
    folder: DataPaths, tmp_path: Path
) -> None:
    other = DataPaths.of(tmp_path / "other")
    datasets.write_standin(other, seed=1)
    output = call("verify", folder.public, "--hidden", other.hidden, code=1)
    assert "original digits have copies in the public and in the hidden set" in output


def test_origins_of_another_data_set_are_not_believed(folder: DataPaths, tmp_path: Path) -> None:
    other = DataPaths.of(tmp_path / "other")
    datasets.write_standin(other, seed=1)
    folder.origins.write_bytes(other.origins.read_bytes())
    assert "original" not in call("verify", folder.public, "--hidden", folder.hidden)


def test_verify_without_a_hidden_set_warns_and_passes(folder: DataPaths) -> None:
    folder.hidden.unlink()
    assert "no hidden set" in call("verify", "--course", folder.public.parent.parent)


def test_a_missing_file_or_source_is_a_usage_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "data build" in call("info", code=2)
    call("verify", tmp_path / "no.mat", code=2)
    call("holdout", code=2)
    call("holdout", "--mnist", "--from", ROOT / "data" / "ex7data.mat", code=2)


def test_the_variable_names_the_file_that_is_looked_at(
    folder: DataPaths, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = tmp_path / "elsewhere.mat"
    other.write_bytes(folder.public.read_bytes())
    monkeypatch.setenv("EX7DATA", str(other))
    assert "elsewhere" in call("info", "--course", folder.public.parent.parent)


def test_holdout_takes_a_part_of_mnist_in_its_proportions(folder: DataPaths, mnist: Path) -> None:
    course = folder.public.parent.parent
    call("holdout", "--course", course, "--mnist-file", mnist, "--size", 200)
    images, labels = datasets.load_hidden(folder.hidden)
    with np.load(mnist) as file:
        everything, classes = reduce_to_20(file["x_test"]), file["y_test"]
    assert images.shape == (200, 20, 20, 1)
    share = np.bincount(classes, minlength=10) / 3
    assert np.abs(np.bincount(labels, minlength=10) - share).max() < 1
    known = {image.tobytes(): label for image, label in zip(everything, classes, strict=True)}
    assert [known[image.tobytes()] for image in images] == labels.tolist()
    call("holdout", "--course", course, "--mnist-file", mnist, "--all")
    assert len(datasets.load_hidden(folder.hidden)[0]) == 600


def test_build_does_not_replace_a_hidden_set_from_elsewhere(folder: DataPaths, mnist: Path) -> None:
    course = folder.public.parent.parent
    call("holdout", "--course", course, "--mnist-file", mnist, "--size", 100)
    held = folder.hidden.read_bytes()
    call("build", "--course", course, code=1)
    assert folder.hidden.read_bytes() == held


def test_holdout_copies_an_instructor_s_own_set_and_keeps_it(
    folder: DataPaths, tmp_path: Path, mnist: Path
) -> None:
    course, own = folder.public.parent.parent, tmp_path / "own.npz"
    images, labels = datasets.load_hidden(folder.hidden)
    np.savez(own, images=images[:50].astype(np.float64), labels=labels[:50].astype(np.int32), x=1)
    assert "written" in call("holdout", "--course", course, "--from", own)
    assert "up to date" in call("holdout", "--course", course, "--from", own)
    copied, digits = datasets.load_hidden(folder.hidden)
    np.testing.assert_array_equal(copied, images[:50])
    np.testing.assert_array_equal(digits, labels[:50])
    call("holdout", "--course", course, "--mnist-file", mnist, "--size", 100, code=1)
    call("holdout", "--course", course, "--mnist-file", mnist, "--size", 100, "--force")
    assert len(datasets.load_hidden(folder.hidden)[0]) == 100


def test_holdout_refuses_digits_that_students_have(folder: DataPaths, tmp_path: Path) -> None:
    before = folder.hidden.read_bytes()
    course = folder.public.parent.parent
    output = call("holdout", "--course", course, "--from", folder.public, code=1)
    assert "5000 of the hidden images are in the public set" in output
    assert "Nothing was written" in output
    assert folder.hidden.read_bytes() == before


def test_holdout_refuses_a_set_that_is_no_set(folder: DataPaths, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.npz"
    np.savez(wrong, images=np.zeros((3, 28, 28)), labels=np.zeros(3, int))
    course = folder.public.parent.parent
    assert "expected (N, 20, 20, 1)" in call("holdout", "--course", course, "--from", wrong, code=1)
    call("holdout", "--course", course, "--mnist-file", wrong, code=1)


def test_the_hidden_set_lies_where_the_course_s_configuration_says(
    course: Path, built: dict[str, bytes]
) -> None:
    with open(course / "nbgrader_config.py", "a", encoding="utf-8") as file:
        file.write('\nc.Course.hidden_directory = "private"\n')
    call("build", "--course", course)
    assert (course / "private" / "a06-ex7-digits" / "ex7.npz").is_file()
    inside = course / "solutions"
    before = os.getcwd()
    os.chdir(inside)
    try:
        assert "private" in call("verify")
    finally:
        os.chdir(before)
