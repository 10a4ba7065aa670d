"""The network has no convolution at all."""

from autograder.redteam.mutants import Mutant

MUTANT = Mutant(
    cells={
        "build-model": """
def build_model():
    model = keras.Sequential(
        [
            keras.Input((20, 20, 1)),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    return model
""",
    },
    loses=("test-architecture",),
    message=r"Conv2D",
)
