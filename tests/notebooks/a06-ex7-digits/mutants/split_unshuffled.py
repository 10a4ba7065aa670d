"""The file is sorted by digit and cut without shuffling."""

from autograder.redteam.mutants import Mutant

MUTANT = Mutant(
    cells={
        "split": """
def split(images, labels, seed):
    X_train, X_val, X_test = np.split(images, [3150, 3500])
    y_train, y_val, y_test = np.split(labels, [3150, 3500])
    return X_train, y_train, X_val, y_val, X_test, y_test
""",
    },
    loses=("test-split",),
    message=r"[Cc]lass \d has 500 test images",
)
