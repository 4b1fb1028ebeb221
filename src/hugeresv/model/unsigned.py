"""Longs of 64 bits, where the kernel's comparisons and a caller's numbers depend on it."""

ULONG_MAX = (1 << 64) - 1


def unsigned(value: int) -> int:
    """`value` as a 64-bit unsigned long: -1 is 18446744073709551615."""
    return value & ULONG_MAX


def signed(value: int) -> int:
    """`value` as a 64-bit signed long: 2^63 is -2^63."""
    value = unsigned(value)
    return value - (1 << 64) if value >= 1 << 63 else value
