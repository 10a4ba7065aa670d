"""The network ends in a softmax and the loss applies another one."""

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
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    return model
""",
    },
    loses=("test-loss",),
    message=r"from_logits",
)
