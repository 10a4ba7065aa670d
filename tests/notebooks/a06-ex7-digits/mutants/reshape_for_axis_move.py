"""A reshape makes the shape of PyTorch and scrambles every colour image."""

from autograder.redteam.mutants import Mutant

MUTANT = Mutant(
    cells={
        "to-images": """
def to_images(pixels, layout="channels_last"):
    if pixels.ndim == 3:
        pixels = pixels[..., np.newaxis]
    if layout == "channels_first":
        n, height, width, channels = pixels.shape
        pixels = pixels.reshape(n, channels, height, width)
    return pixels
""",
    },
    loses=("test-to-images",),
    message=r"reshape",
)
