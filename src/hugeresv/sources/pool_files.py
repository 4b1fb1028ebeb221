"""The files of a pool in sysfs: where they are, and what the numbers in them mean, whoever reads them."""

from collections.abc import Iterable

COUNTERS = ("nr_hugepages", "free_hugepages", "resv_hugepages", "surplus_hugepages")
OVERCOMMIT = "nr_overcommit_hugepages"
NODE_COUNTERS = ("nr_hugepages", "free_hugepages", "surplus_hugepages")


def directory(page_size_kB: int, root: str = "/sys/kernel/mm") -> str:
    """Where sysfs shows a page size; `root` may also be that of a NUMA node."""
    return f"{root}/hugepages/hugepages-{page_size_kB}kB"


def counters(numbers: Iterable[int], word_bits: int = 64) -> tuple[int, int, int, int]:
    """Total, free, reserved and surplus pages, of what the files of COUNTERS have.

    Reserved is signed: the kernel prints a word of its machine, of which -1 is 18446744073709551615 on one of 64 bits.
    """
    total, free, resv, surplus = numbers
    return total, free, signed_word(resv, word_bits), surplus


def signed_word(number: int, word_bits: int) -> int:
    """The signed number that a kernel prints as an unsigned word of so many bits."""
    return number - (1 << word_bits) if number >> (word_bits - 1) else number
