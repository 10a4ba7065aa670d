"""`autograder demo`: a whole small course, graded before your eyes."""

from __future__ import annotations


def command() -> None:
    """Make a course folder with a class of 12 and grade it."""
