"""The rows are read in C order, so every digit lies on its side."""

from autograder.redteam.mutants import Mutant

MUTANT = Mutant(
    cells={
        "load-ex7": """
def load_ex7(path):
    data = loadmat(path)
    images = data["X"].reshape(-1, 20, 20)
    labels = data["y"].ravel().astype("int64") % 10
    return images, labels
""",
    },
    loses=("test-load-ex7",),
    message=r"transposed",
)
