"""The history is made up; no training ever had it."""

from autograder.redteam.mutants import Mutant

MUTANT = Mutant(
    cells={
        "final": """
keras.utils.set_random_seed(SEED)
final_model = plain_network()
final_history = final_model.fit(
    X_train, y_train, validation_data=(X_val, y_val), epochs=8, verbose=0
)
test_loss, test_accuracy = final_model.evaluate(X_test, y_test, verbose=0)

final_history.history = {
    "loss": [0.9, 0.2, 0.05, 0.01],
    "val_loss": [0.5, 0.1, 0.03, 0.004],
}
""",
    },
    loses=("test-history",),
    message=r"final weights have a validation loss",
)
