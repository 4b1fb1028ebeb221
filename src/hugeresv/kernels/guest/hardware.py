"""The machine that a guest is given: as large as a scenario's pool needs, or as its user says."""

from collections.abc import Sequence
from typing import NamedTuple

from hugeresv.errors import UnavailableError
from hugeresv.kernels.guest.options import MOST_NODES, NONE, Options
from hugeresv.plain import count_of
from hugeresv.scenario.scenario import Pool
from hugeresv.units import format_bytes

GIB = 1 << 30
_GIB_KB = 1 << 20

_KERNEL_BYTES = GIB // 2
"""What a kernel may need beside the pool, with pages that its own use breaks up."""

_BESIDE_GIGANTIC_BYTES = 3 * GIB
"""The first GiB has the kernel in it, the last one before the hole at 3 GiB its initramfs, the last one of all what it
takes at boot: none of them is a page of 1 GiB."""


_KERNEL_FIRST = "nokaslr"
"""Keeps the kernel in the first GiB; elsewhere it may be in the only page that a node has."""

_MOST_BYTES = 32 * GIB
"""A larger guest is made on request only: its kernel writes some MiB a GiB at boot."""


class Hardware(NamedTuple):
    """Memory in bytes and its NUMA nodes, the part of a kernel's command line that goes with it, and CPUs."""

    memory_bytes: int
    nodes: int = 1
    command_line: str = ""
    cpus: int = 1
    """Of one node; several nodes have one each."""


def hardware_for(pools: Sequence[Pool], options: Options = NONE, cpus: int = 1) -> Hardware:
    """A machine for these pools; where no memory is given every node has the power of two that does, all 1 GiB or more.

    It has the nodes that the pools are on, each with as much memory as the fullest one needs. Pages of 1 GiB are made
    at boot: later a kernel hardly finds so much in one piece. Raises UnavailableError for pools that do not fit the
    memory or the nodes.
    """
    nodes = max(options.nodes, *(len(pool.nodes or ()) for pool in pools))
    if nodes > MOST_NODES:
        raise UnavailableError(f"a guest has at most {MOST_NODES} NUMA nodes, and this scenario has {nodes}")
    gigantic = any(pool.page_size_kB >= _GIB_KB for pool in pools)
    node_bytes = sum(max(pool.by_node(nodes)) * pool.page_bytes for pool in pools)
    share = min(nodes, 2)
    """Of three nodes each has as much as of two, so that the kernel has room on the first."""
    needed = node_bytes + (_BESIDE_GIGANTIC_BYTES if gigantic else _KERNEL_BYTES // share)
    memory_bytes = options.memory_bytes
    if memory_bytes is None:
        memory_bytes = max(GIB // share, 1 << (needed - 1).bit_length()) * nodes
        memory_bytes = min(memory_bytes, _MOST_BYTES)
    if memory_bytes < node_bytes * nodes:
        told = " and ".join(f"{count_of(pool.pages, 'huge page')} of {format_bytes(pool.page_bytes)}" for pool in pools)
        raise UnavailableError(
            f"{told} do not fit a guest with {format_bytes(memory_bytes)} of memory; "
            f"give it more: guest:NAME,memory={format_bytes(needed * nodes)}"
        )
    boot = [f"hugepagesz=1G hugepages={_boot(pool, nodes)}" for pool in pools if pool.page_size_kB >= _GIB_KB]
    return Hardware(memory_bytes, nodes, " ".join([_KERNEL_FIRST, *boot] if boot else ()), max(cpus, nodes))


def _boot(pool: Pool, nodes: int) -> str:
    """The number of pages as a kernel is told it at boot."""
    if nodes == 1:
        return str(pool.pages)
    return ",".join(f"{node}:{pages}" for node, pages in enumerate(pool.by_node(nodes)))
