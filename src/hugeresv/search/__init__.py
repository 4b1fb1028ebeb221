"""Searches for scenarios on which a kernel is wrong, or differs from another.

`lockstep` compares two kernels step by step. `fuzz` draws random scenarios, `explore` tries every history within a
bound, `interleave` every order of concurrent calls, and `check` judges one kernel by scenarios and random ones. `known`
names the defect that a violation comes from.
"""
