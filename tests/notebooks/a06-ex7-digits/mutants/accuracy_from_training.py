"""The accuracy that is reported is that of the training images."""

from autograder.redteam.mutants import Mutant

MUTANT = Mutant(
    cells={
        "final": """
keras.utils.set_random_seed(SEED)
final_model = plain_network()
final_history = final_model.fit(
    X_train, y_train, validation_data=(X_val, y_val), epochs=8, verbose=0
)
test_loss, test_accuracy = final_model.evaluate(X_train, y_train, verbose=0)
""",
    },
    loses=("test-claim",),
    message=r"training",
)
