"""Unsigned long, where the kernel's comparison depends on it."""

_BITS = 64


def unsigned(value: int) -> int:
    """`value` as a 64-bit unsigned long: -1 is 18446744073709551615."""
    return value & ((1 << _BITS) - 1)
