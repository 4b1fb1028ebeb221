"""The machine that a guest is given: as large as a scenario's pool needs, or as its user says."""

from typing import NamedTuple

from hugeresv.errors import UnavailableError
from hugeresv.kernels.guest.options import NONE, Options
from hugeresv.scenario.scenario import Pool
from hugeresv.units import format_bytes

GIB = 1 << 30
_GIB_KB = 1 << 20

_KERNEL_BYTES = GIB // 2
"""What a kernel may need beside the pool, with pages that its own use breaks up."""

_BESIDE_GIGANTIC_BYTES = 3 * GIB
"""The first GiB has the kernel in it, the last one before the hole at 3 GiB its initramfs, the last one of all what it
takes at boot: none of them is a page of 1 GiB."""


_MOST_BYTES = 32 * GIB
"""Nobody gets a larger guest without having said so: its kernel writes some MiB a GiB at boot."""


class Hardware(NamedTuple):
    """Memory in bytes and its NUMA nodes, and the part of a kernel's command line that goes with it."""

    memory_bytes: int
    nodes: int = 1
    command_line: str = ""


def hardware_for(pool: Pool, options: Options = NONE) -> Hardware:
    """A machine for this pool; where no memory is given it has the power of two that does, 1 GiB or more.

    Pages of 1 GiB are made at boot: later a kernel hardly finds so much in one piece. Raises UnavailableError for a
    pool that does not fit the memory.
    """
    pool_bytes = pool.pages * pool.page_bytes
    gigantic = pool.page_size_kB >= _GIB_KB
    needed = pool_bytes + (_BESIDE_GIGANTIC_BYTES if gigantic else _KERNEL_BYTES)
    memory_bytes = options.memory_bytes
    if memory_bytes is None:
        memory_bytes = max(GIB, 1 << (needed - 1).bit_length())
        memory_bytes = min(memory_bytes, _MOST_BYTES)
    if memory_bytes < pool_bytes:
        raise UnavailableError(
            f"{pool.pages} huge pages of {format_bytes(pool.page_bytes)} do not fit a guest with "
            f"{format_bytes(memory_bytes)} of memory; give it more: guest:NAME,memory={format_bytes(needed)}"
        )
    boot = f"hugepagesz=1G hugepages={pool.pages}" if gigantic else ""
    return Hardware(memory_bytes, options.nodes, boot)
