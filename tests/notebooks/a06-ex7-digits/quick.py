"""Solution cells that train for seconds: the plain network in place of the reference."""

CELLS = {
    "final": """
keras.utils.set_random_seed(SEED)
final_model = plain_network()
final_history = final_model.fit(
    X_train, y_train, validation_data=(X_val, y_val), epochs=8, verbose=0
)
test_loss, test_accuracy = final_model.evaluate(X_test, y_test, verbose=0)
""",
}
