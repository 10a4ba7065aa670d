"""The old spelling: input_shape= in the first layer, MaxPool2D, a strided convolution."""

from autograder.redteam.mutants import Spelling

SPELLING = Spelling(
    cells={
        "build-model": """
def build_model():
    model = keras.Sequential()
    model.add(layers.Conv2D(32, 3, activation=keras.activations.relu, input_shape=(20, 20, 1)))
    model.add(layers.MaxPool2D())
    model.add(layers.Conv2D(64, kernel_size=(3, 3), strides=2))
    model.add(layers.ReLU())
    model.add(layers.Flatten())
    model.add(layers.Dense(10))
    model.add(layers.Softmax())
    model.compile("adam", keras.losses.sparse_categorical_crossentropy, metrics=["acc"])
    return model
""",
    },
)
