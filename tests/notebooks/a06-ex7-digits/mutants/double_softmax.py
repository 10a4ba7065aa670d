"""Softmax is applied twice, so the loss cannot fall below 1.461."""

from autograder.redteam.mutants import Mutant

MUTANT = Mutant(
    cells={
        "build-model": """
def build_model():
    model = keras.Sequential(
        [
            keras.Input((20, 20, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
            layers.Softmax(),
        ]
    )
    loss = "sparse_categorical_crossentropy"
    model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    return model
""",
    },
    loses=("test-loss",),
    message=r"softmax twice(.|\n)*1\.461",
)
