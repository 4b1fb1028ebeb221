"""Judging concurrent calls: which of their orders break what must hold, and why."""
