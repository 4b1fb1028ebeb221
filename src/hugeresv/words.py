"""Words that scenarios and the model have in common: the rights of a mapping, and advice on a range."""

from typing import Literal

Prot = Literal["r", "rw", "none"]
"""PROT_READ, PROT_READ | PROT_WRITE, PROT_NONE."""

Advice = Literal[
    "normal", "willneed", "dontneed", "free", "remove", "dontfork", "dofork", "cold", "pageout",
    "populate_read", "populate_write", "dontneed_locked",
]  # fmt: skip
"""MADV_… of madvise(2)."""
