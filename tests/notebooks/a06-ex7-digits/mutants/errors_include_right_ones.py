"""The gallery of errors shows images that were read correctly."""

from autograder.redteam.mutants import Mutant

MUTANT = Mutant(
    cells={
        "worst-errors": """
def worst_errors(probabilities, labels, k):
    return np.argsort(-probabilities.max(axis=1))[:k]
""",
    },
    loses=("test-worst-errors",),
    message=r"correctly",
)
