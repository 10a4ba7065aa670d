"""tf.data batches and Keras layers that distort inside the network."""

from autograder.redteam.mutants import Spelling

SPELLING = Spelling(
    cells={
        "train": """
def train(model, images, labels, val_images, val_labels, epochs):
    import tensorflow as tf

    batches = tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(4000).batch(32)
    watched = tf.data.Dataset.from_tensor_slices((val_images, val_labels)).batch(64)
    return model.fit(batches, validation_data=watched, epochs=epochs, verbose=0)
""",
        "final": """
keras.utils.set_random_seed(SEED)
plain = plain_network()
final_model = keras.Sequential(
    [keras.Input((20, 20, 1)), layers.RandomTranslation(0.05, 0.05, fill_mode="constant"), plain]
)
final_model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
final_history = final_model.fit(
    X_train, y_train, validation_data=(X_val, y_val), epochs=10, verbose=0
)
test_loss, test_accuracy = final_model.evaluate(X_test, y_test, verbose=0)
""",
    },
)
