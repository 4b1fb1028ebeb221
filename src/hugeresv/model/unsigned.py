"""Unsigned long, where the kernel's comparison depends on it."""

ULONG_MAX = (1 << 64) - 1


def unsigned(value: int) -> int:
    """`value` as a 64-bit unsigned long: -1 is 18446744073709551615."""
    return value & ULONG_MAX
