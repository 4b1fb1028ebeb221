"""The machines that guests are: what differs between those of 64 and of 32 bits."""

from collections.abc import Mapping
from typing import NamedTuple

from hugeresv.calls.names import FIRST_ADDRESS, GAP_BYTES


class Architecture(NamedTuple):
    """A machine by Debian's word for it, and by that of `calls.numbers`.

    `compiler_flags` make programs for it, and `compiler_packages` of Debian are what that takes. Mappings are put from
    `first_address` on, `gap_bytes` apart.
    """

    name: str
    machine: str
    word_bits: int
    compiler_flags: tuple[str, ...]
    compiler_packages: str
    first_address: int
    gap_bytes: int


ARCHITECTURES: Mapping[str, Architecture] = {
    architecture.name: architecture
    for architecture in (
        Architecture("amd64", "x86_64", 64, (), "gcc libc6-dev", FIRST_ADDRESS, GAP_BYTES),
        Architecture("i386", "i386", 32, ("-m32",), "gcc-multilib", 1 << 29, 1 << 25),
    )
}
"""A process of 32 bits has 3 GiB: the agent and its heap are below 512 MiB, stack and libraries at the end."""
