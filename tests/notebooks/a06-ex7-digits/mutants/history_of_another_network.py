"""The history is that of a training before the last one."""

from autograder.redteam.mutants import Mutant

MUTANT = Mutant(
    cells={
        "final": """
keras.utils.set_random_seed(SEED)
final_model = plain_network()
final_history = final_model.fit(
    X_train, y_train, validation_data=(X_val, y_val), epochs=3, verbose=0
)
test_loss, test_accuracy = final_model.evaluate(X_test, y_test, verbose=0)

final_model.fit(X_train, y_train, epochs=5, verbose=0)
test_loss, test_accuracy = final_model.evaluate(X_test, y_test, verbose=0)
""",
    },
    loses=("test-history",),
    message=r"final weights have a validation loss",
)
