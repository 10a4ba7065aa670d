"""The subcommands of `autograder`: one module each, with one function ``command``."""
