"""The Keras course kit's autograder.

In a notebook's test cell::

    from autograder import check

Importing this package costs next to nothing: Keras is imported by the first check that needs it.
"""

from __future__ import annotations

from autograder.private import hidden, threshold

__version__ = "0.1.0"
__all__ = ["__version__", "hidden", "threshold"]
