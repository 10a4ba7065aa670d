"""The final network is trained with one-hot labels and a one-hot loss."""

from autograder.redteam.mutants import Spelling

SPELLING = Spelling(
    cells={
        "final": """
keras.utils.set_random_seed(SEED)
final_model = plain_network()
final_model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
encode = keras.utils.to_categorical
final_history = final_model.fit(
    X_train,
    encode(y_train),
    validation_data=(X_val, encode(y_val)),
    epochs=8,
    verbose=0,
)
test_loss, test_accuracy = final_model.evaluate(X_test, encode(y_test), verbose=0)
""",
    },
)
