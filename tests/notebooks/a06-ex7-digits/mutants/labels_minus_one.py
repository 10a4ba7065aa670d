"""Every label is one too small: the digit 0 became 9."""

from autograder.redteam.mutants import Mutant

MUTANT = Mutant(
    cells={
        "load-ex7": """
def load_ex7(path):
    data = loadmat(path)
    images = data["X"].reshape(-1, 20, 20).transpose(0, 2, 1)
    labels = data["y"].ravel().astype("int64") - 1
    return images, labels
""",
    },
    loses=("test-load-ex7",),
    message=r"one too small",
)
