"""The pools in sysfs, with their NUMA nodes."""

import os
import re
from collections.abc import Sequence

from hugeresv.errors import InputError, UnavailableError
from hugeresv.ledger.observation import NodePool, PoolUse, Unreadable
from hugeresv.sources.pool_files import COUNTERS, NODE_COUNTERS, OVERCOMMIT, counters, directory
from hugeresv.sources.proc.files import read_number, reason
from hugeresv.units import format_bytes

_LARGEST_KB = 1 << 30


def read_pools(sys_root: str, unreadable: list[Unreadable] | None = None) -> tuple[PoolUse, ...]:
    """All page sizes, the smallest first. Pools that cannot be read are left out and added to `unreadable`.

    Raises UnavailableError where this kernel has no huge pages at all, where no pool can be read, and for any that
    cannot be read where there is no `unreadable`.
    """
    sizes = _sizes(f"{sys_root}/kernel/mm/hugepages")
    if not sizes:
        raise UnavailableError(f"no huge pages here: {sys_root}/kernel/mm/hugepages has no page size")
    pools = []
    problems: list[Unreadable] = []
    for size in sizes:
        try:
            pools.append(_pool(sys_root, size, problems))
        except OSError as error:
            problems.append(Unreadable(f"the pool of {size} kB pages", _where(error)))
    if problems and (unreadable is None or not pools):
        raise UnavailableError(f"cannot read {problems[0].what}: {problems[0].why}")
    if unreadable is not None:
        unreadable += problems
    return tuple(pools)


def pool_of_size(pools: Sequence[PoolUse], page_bytes: int) -> PoolUse:
    """The one of a page size. Raises InputError where there is none."""
    for pool in pools:
        if pool.page_size_kB << 10 == page_bytes:
            return pool
    sizes = ", ".join(format_bytes(pool.page_size_kB << 10) for pool in pools)
    raise InputError(f"this kernel has no huge pages of {format_bytes(page_bytes)}; it has {sizes}")


def _pool(sys_root: str, size: int, problems: list[Unreadable]) -> PoolUse:
    path = directory(size, f"{sys_root}/kernel/mm")
    read = counters(read_number(f"{path}/{name}") for name in COUNTERS)
    overcommit = read_number(f"{path}/{OVERCOMMIT}")
    return PoolUse(size, *read, overcommit, tuple(_nodes(sys_root, size, problems)))


def _nodes(sys_root: str, size: int, problems: list[Unreadable]) -> list[NodePool]:
    nodes = []
    base = f"{sys_root}/devices/system/node"
    for name in os.listdir(base) if os.path.isdir(base) else []:
        path = directory(size, f"{base}/{name}")
        if re.fullmatch(r"node[0-9]{1,4}", name) and os.path.isdir(path):
            try:
                read = [read_number(f"{path}/{counter}") for counter in NODE_COUNTERS]
            except OSError as error:
                problems.append(Unreadable(f"the {size} kB pages of {name}", _where(error), hides=False))
                continue
            nodes.append(NodePool(int(name[4:]), *read))
    return sorted(nodes)


def _where(error: OSError) -> str:
    """Why, with the file, which is not obvious here."""
    why = reason(error)
    return why if str(error.filename) in why else f"{error.filename}: {why}"


def _sizes(path: str) -> list[int]:
    """In kB. What is no power of two is no page size of any kernel."""
    names = os.listdir(path) if os.path.isdir(path) else []
    found = [int(name[1]) for each in names if (name := re.fullmatch(r"hugepages-([0-9]{1,10})kB", each))]
    return sorted(size for size in found if size.bit_count() == 1 and size <= _LARGEST_KB)
