"""The final network is trained on 700 images only: part of the points for accuracy."""

from autograder.redteam.mutants import Mutant

MUTANT = Mutant(
    cells={
        "final": """
keras.utils.set_random_seed(SEED)
final_model = plain_network()
final_history = final_model.fit(
    X_train[:700], y_train[:700], validation_data=(X_val, y_val), epochs=8, verbose=0
)
test_loss, test_accuracy = final_model.evaluate(X_test, y_test, verbose=0)
""",
    },
    loses=("test-accuracy",),
    message=r"full marks from",
)
