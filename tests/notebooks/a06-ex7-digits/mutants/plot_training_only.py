"""Only the training loss is drawn."""

from autograder.redteam.mutants import Mutant

MUTANT = Mutant(
    cells={
        "plot-loss": """
def plot_loss(history):
    figure, axes = plt.subplots()
    axes.plot(history.history["loss"], label="training")
    axes.set(xlabel="epoch", ylabel="loss")
    axes.legend()
    return axes
""",
    },
    loses=("test-plot-loss",),
    message=r"validation",
)
