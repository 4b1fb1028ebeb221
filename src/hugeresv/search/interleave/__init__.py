"""Judging calls at once: which of their orders break what must hold, and why."""
