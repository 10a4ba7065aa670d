"""The curve that is watched while training is that of the test images."""

from autograder.redteam.mutants import Mutant

MUTANT = Mutant(
    cells={
        "train": """
def train(model, images, labels, val_images, val_labels, epochs):
    return model.fit(images, labels, epochs=epochs, validation_data=(X_test, y_test), verbose=0)
""",
    },
    loses=("test-train",),
    message=r"test split",
)
