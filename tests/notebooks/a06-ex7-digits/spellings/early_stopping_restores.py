"""Early stopping on the validation images restores the best weights."""

from autograder.redteam.mutants import Spelling

SPELLING = Spelling(
    cells={
        "final": """
keras.utils.set_random_seed(SEED)
final_model = plain_network()
stop = keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)
final_history = final_model.fit(
    X_train, y_train, validation_data=(X_val, y_val), epochs=14, callbacks=[stop], verbose=0
)
test_loss, test_accuracy = final_model.evaluate(X_test, y_test, verbose=0)
""",
    },
)
