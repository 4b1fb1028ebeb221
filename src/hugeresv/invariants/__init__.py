"""Named properties that hold between operations, checkable on any machine.

`check` has the catalogue. An invariant judges a `Census`, which says who is promised what and who has what; what it
finds wrong it says in the kernel's terms, naming the mapping, the range and the counter that disagree.
"""
