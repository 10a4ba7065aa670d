"""Submissions made on purpose: mutants of a reference solution, and what they must lose."""
