"""Loops, lists, scikit-learn and pyplot where the reference uses NumPy and axes."""

from autograder.redteam.mutants import Spelling

SPELLING = Spelling(
    cells={
        "load-ex7": """
def load_ex7(path):
    data = loadmat(path)
    images = np.array([row.reshape(20, 20, order="F") for row in data["X"]], dtype="float32")
    labels = data["y"].flatten().astype(int)
    labels[labels == 10] = 0
    return images, labels
""",
        "split": """
def split(images, labels, seed):
    rng = np.random.default_rng(seed)
    train, val, test = [], [], []
    for digit in range(10):
        rows = rng.permutation(np.where(labels == digit)[0])
        test += list(rows[:150])
        val += list(rows[150:185])
        train += list(rows[185:])
    train, val, test = (rng.permutation(part) for part in (train, val, test))
    return [images[train], labels[train], images[val], labels[val], images[test], labels[test]]
""",
        "plot-loss": """
def plot_loss(history):
    plt.figure()
    plt.plot(history.history["loss"])
    plt.plot(history.history["val_loss"])
    plt.xlabel("epoch")
    plt.ylabel("cross-entropy")
    plt.legend(["train", "val"])
    return plt.gca()
""",
        "confusion-matrix": """
def confusion_matrix(labels, predictions):
    from sklearn.metrics import confusion_matrix as count

    return count(labels, predictions, labels=range(10))
""",
        "worst-errors": """
def worst_errors(probabilities, labels, k):
    found = []
    for row, (chances, label) in enumerate(zip(probabilities, labels)):
        if np.argmax(chances) != label:
            found.append((np.max(chances), row))
    return [row for _, row in sorted(found, reverse=True)][:k]
""",
    },
)
