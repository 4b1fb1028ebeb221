"""The pools in sysfs, with their NUMA nodes."""

import os
import re
from collections.abc import Sequence

from hugeresv.errors import InputError, UnavailableError
from hugeresv.ledger.observation import NodePool, Pool
from hugeresv.model.unsigned import signed
from hugeresv.sources.proc.files import read_number
from hugeresv.units import format_bytes


def read_pools(sys_root: str) -> tuple[Pool, ...]:
    """All page sizes, the smallest first. Raises UnavailableError where this kernel has no huge pages at all."""
    sizes = _sizes(f"{sys_root}/kernel/mm/hugepages")
    if not sizes:
        raise UnavailableError(f"no huge pages here: {sys_root}/kernel/mm/hugepages has no page size")
    return tuple(_pool(sys_root, size) for size in sizes)


def pool_of_size(pools: Sequence[Pool], page_bytes: int) -> Pool:
    """The one of a page size. Raises InputError where there is none."""
    for pool in pools:
        if pool.page_size_kB << 10 == page_bytes:
            return pool
    sizes = ", ".join(format_bytes(pool.page_size_kB << 10) for pool in pools)
    raise InputError(f"this kernel has no huge pages of {format_bytes(page_bytes)}; it has {sizes}")


def _pool(sys_root: str, size: int) -> Pool:
    path = f"{sys_root}/kernel/mm/hugepages/hugepages-{size}kB"
    names = ("nr", "free", "resv", "surplus", "nr_overcommit")
    total, free, resv, surplus, overcommit = (read_number(f"{path}/{name}_hugepages") for name in names)
    return Pool(size, total, free, signed(resv), surplus, overcommit, tuple(_nodes(sys_root, size)))


def _nodes(sys_root: str, size: int) -> list[NodePool]:
    nodes = []
    base = f"{sys_root}/devices/system/node"
    for name in os.listdir(base) if os.path.isdir(base) else []:
        path = f"{base}/{name}/hugepages/hugepages-{size}kB"
        if re.fullmatch(r"node\d+", name) and os.path.isdir(path):
            counters = (read_number(f"{path}/{counter}_hugepages") for counter in ("nr", "free", "surplus"))
            nodes.append(NodePool(int(name[4:]), *counters))
    return sorted(nodes)


def _sizes(path: str) -> list[int]:
    names = os.listdir(path) if os.path.isdir(path) else []
    return sorted(int(found[1]) for name in names if (found := re.fullmatch(r"hugepages-(\d+)kB", name)))
