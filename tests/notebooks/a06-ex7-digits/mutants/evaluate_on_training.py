"""The function ignores its arguments and evaluates the training images."""

from autograder.redteam.mutants import Mutant

MUTANT = Mutant(
    cells={
        "evaluate": """
def evaluate(model, images, labels):
    loss, accuracy = model.evaluate(X_train, y_train, verbose=0)
    return loss, accuracy
""",
    },
    loses=("test-evaluate",),
    message=r"training images",
)
