"""The label 10 still stands for the digit 0."""

from autograder.redteam.mutants import Mutant

MUTANT = Mutant(
    cells={
        "load-ex7": """
def load_ex7(path):
    data = loadmat(path)
    images = data["X"].reshape(-1, 20, 20).transpose(0, 2, 1)
    labels = data["y"].ravel().astype("int64")
    return images, labels
""",
    },
    loses=("test-load-ex7",),
    message=r"label 10|10 .*digit 0|digit 0.* 10",
)
