"""All axes but the first are reversed: the channels are first, and the images lie down."""

from autograder.redteam.mutants import Mutant

MUTANT = Mutant(
    cells={
        "to-images": """
def to_images(pixels, layout="channels_last"):
    if pixels.ndim == 3:
        pixels = pixels[..., np.newaxis]
    if layout == "channels_first":
        pixels = pixels.transpose(0, 3, 2, 1)
    return pixels
""",
    },
    loses=("test-to-images",),
    message=r"[Rr]ows and columns",
)
