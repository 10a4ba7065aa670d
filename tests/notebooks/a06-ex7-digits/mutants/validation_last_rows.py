"""The validation part is the last tenth of the rows, as validation_split takes it."""

from autograder.redteam.mutants import Mutant

MUTANT = Mutant(
    cells={
        "split": """
def split(images, labels, seed):
    X_rest, X_test, y_rest, y_test = train_test_split(
        images, labels, test_size=0.3, stratify=labels, random_state=seed
    )
    return X_rest[:3150], y_rest[:3150], X_rest[3150:], y_rest[3150:], X_test, y_test
""",
    },
    loses=("test-split",),
    message=r"stratif|last",
)
