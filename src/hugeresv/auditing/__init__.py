"""Whether a kernel's ledger is true: the invariants held against its own memory, and who lost what where it is not."""
