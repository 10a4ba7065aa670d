"""The final network ends in logits and has L2 regularisation, which Keras adds to the loss."""

from autograder.redteam.mutants import Spelling

SPELLING = Spelling(
    cells={
        "final": """
keras.utils.set_random_seed(SEED)
final_model = keras.Sequential(
    [
        keras.Input((20, 20, 1)),
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(128, activation="relu", kernel_regularizer=keras.regularizers.L2(1e-5)),
        layers.Dense(10),
    ]
)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
final_model.compile(keras.optimizers.Adam(1e-3), loss, metrics=["accuracy"])
final_history = final_model.fit(
    X_train, y_train, validation_data=(X_val, y_val), epochs=8, verbose=0
)
test_loss, test_accuracy = final_model.evaluate(X_test, y_test, verbose=0)
""",
    },
)
