"""Rows and columns of the confusion matrix have changed places."""

from autograder.redteam.mutants import Mutant

MUTANT = Mutant(
    cells={
        "confusion-matrix": """
def confusion_matrix(labels, predictions):
    counts = np.zeros((10, 10), dtype=int)
    np.add.at(counts, (predictions, labels), 1)
    return counts
""",
    },
    loses=("test-confusion-matrix",),
    message=r"Rows and columns",
)
