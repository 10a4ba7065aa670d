"""Both curves are drawn, but the axes have no labels."""

from autograder.redteam.mutants import Mutant

MUTANT = Mutant(
    cells={
        "plot-loss": """
def plot_loss(history):
    figure, axes = plt.subplots()
    axes.plot(history.history["loss"], label="training")
    axes.plot(history.history["val_loss"], label="validation")
    axes.legend()
    return axes
""",
    },
    loses=("test-plot-loss",),
    message=r"axis|axes|label",
)
