"""Training uses validation_split, which takes the last slice of the training images."""

from autograder.redteam.mutants import Mutant

MUTANT = Mutant(
    cells={
        "train": """
def train(model, images, labels, val_images, val_labels, epochs):
    return model.fit(images, labels, epochs=epochs, validation_split=0.1, verbose=0)
""",
    },
    loses=("test-train",),
    message=r"validation_split",
)
