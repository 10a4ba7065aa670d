"""A subclassed network, built by a first call."""

from autograder.redteam.mutants import Spelling

SPELLING = Spelling(
    cells={
        "build-model": """
class Reader(keras.Model):
    def __init__(self):
        super().__init__()
        self.first = layers.Conv2D(16, 3, activation="relu")
        self.second = layers.Conv2D(32, 3, activation="relu")
        self.pool = layers.MaxPooling2D()
        self.flat = layers.Flatten()
        self.head = layers.Dense(10, activation="softmax")

    def call(self, images):
        x = self.pool(self.first(images))
        x = self.pool(self.second(x))
        return self.head(self.flat(x))


def build_model():
    model = Reader()
    model(np.zeros((1, 20, 20, 1), "float32"))
    model.compile("adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
""",
    },
)
