"""Early stopping watches the test images."""

from autograder.redteam.mutants import Mutant

MUTANT = Mutant(
    cells={
        "final": """
keras.utils.set_random_seed(SEED)
final_model = plain_network()
final_history = final_model.fit(
    X_train, y_train, validation_data=(X_test, y_test), epochs=12, verbose=0,
    callbacks=[keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True)]
)
test_loss, test_accuracy = final_model.evaluate(X_test, y_test, verbose=0)
""",
    },
    loses=("test-history",),
    message=r"test split",
)
