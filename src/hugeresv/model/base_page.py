"""Ordinary pages of 4 KiB, the unit in which system calls check and round addresses and lengths."""

PAGE_SHIFT = 12
PAGE_BYTES = 1 << PAGE_SHIFT


def is_aligned(address: int, unit: int = PAGE_BYTES) -> bool:
    """Whether `address` in bytes is a multiple of `unit`, a power of two."""
    return not address & (unit - 1)


def align_up(length: int, unit: int = PAGE_BYTES) -> int:
    """`length` in bytes rounded up to a multiple of `unit`, a power of two."""
    return (length + unit - 1) & -unit


def align_down(length: int, unit: int = PAGE_BYTES) -> int:
    """`length` in bytes rounded down to a multiple of `unit`, a power of two."""
    return length & -unit
