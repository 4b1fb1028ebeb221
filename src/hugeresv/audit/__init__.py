"""Whether a kernel's ledger is true: the machine read out of its memory, held against the invariants."""
