"""The split is random, but not stratified."""

from autograder.redteam.mutants import Mutant

MUTANT = Mutant(
    cells={
        "split": """
def split(images, labels, seed):
    X_rest, X_test, y_rest, y_test = train_test_split(
        images, labels, test_size=0.3, random_state=seed
    )
    X_train, X_val, y_train, y_val = train_test_split(
        X_rest, y_rest, test_size=0.1, random_state=seed
    )
    return X_train, y_train, X_val, y_val, X_test, y_test
""",
    },
    loses=("test-split",),
    message=r"[Cc]lass \d has \d+ test images, expected 150",
)
