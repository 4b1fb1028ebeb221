"""Words that scenarios and the model have in common: rights of a mapping, advice on a range, modes of a policy."""

from typing import Literal

Prot = Literal["r", "rw", "none"]
"""PROT_READ, PROT_READ | PROT_WRITE, PROT_NONE."""

Advice = Literal[
    "normal", "willneed", "dontneed", "free", "remove", "dontfork", "dofork", "cold", "pageout",
    "populate_read", "populate_write", "dontneed_locked",
]  # fmt: skip
"""MADV_… of madvise(2)."""

PolicyMode = Literal[
    "default", "local", "bind", "preferred", "preferred_many", "interleave", "weighted_interleave",
]  # fmt: skip
"""MPOL_… of set_mempolicy(2) and mbind(2)."""
