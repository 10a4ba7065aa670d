"""A functional network that ends in logits, with the loss as an object."""

from autograder.redteam.mutants import Spelling

SPELLING = Spelling(
    cells={
        "build-model": """
def build_model():
    inputs = keras.Input(shape=(20, 20, 1))
    x = layers.Conv2D(16, (3, 3), padding="same")(inputs)
    x = keras.ops.relu(x)
    x = layers.MaxPool2D((2, 2))(x)
    x = layers.Conv2D(32, (3, 3), padding="same")(x)
    x = layers.Activation("relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, layers.Dense(10)(x))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=loss, metrics=["accuracy"])
    return model
""",
    },
)
