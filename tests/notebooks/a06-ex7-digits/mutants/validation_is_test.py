"""The test part is returned as the validation part too."""

from autograder.redteam.mutants import Mutant

MUTANT = Mutant(
    cells={
        "split": """
def split(images, labels, seed):
    X_train, X_test, y_train, y_test = train_test_split(
        images, labels, test_size=0.3, stratify=labels, random_state=seed
    )
    return X_train, y_train, X_test, y_test, X_test, y_test
""",
    },
    loses=("test-split",),
    message=r"validation.*test|test.*validation",
)
