"""Training records no validation loss."""

from autograder.redteam.mutants import Mutant

MUTANT = Mutant(
    cells={
        "train": """
def train(model, images, labels, val_images, val_labels, epochs):
    return model.fit(images, labels, epochs=epochs, verbose=0)
""",
    },
    loses=("test-train",),
    message=r"val_loss|validation",
)
