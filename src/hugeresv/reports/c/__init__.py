"""A scenario as one C file that carries it out: what a maintainer wants in a bug report."""
