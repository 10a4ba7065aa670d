"""The biases are forgotten, and the padding is imagined."""

from autograder.redteam.mutants import Mutant

MUTANT = Mutant(
    cells={
        "predictions": """
first_convolution_parameters = 32 * 3 * 3
flattened_values = 5 * 5 * 64
untrained_loss = np.log(10)
""",
    },
    loses=("test-predictions",),
    message=r"bias",
)
