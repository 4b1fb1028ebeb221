"""The calls about pools, nodes and policies as the model's transitions: what their words mean there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from hugeresv.calls import abi
from hugeresv.model import cpuset, migrate
from hugeresv.model.demote import demote, set_demote_size
from hugeresv.model.mbind import mbind, set_mempolicy
from hugeresv.model.resize import set_max_huge_pages, set_nr_overcommit
from hugeresv.model.unsigned import unsigned
from hugeresv.outcome import Outcome

if TYPE_CHECKING:
    from hugeresv.calls.call import Call
    from hugeresv.model.hstate import HState
    from hugeresv.model.machine import Machine
    from hugeresv.model.process import Process
    from hugeresv.words import PolicyMode

_MODE: Mapping[int, PolicyMode] = {number: mode for mode, number in abi.POLICY.items()}  # type: ignore[misc]


def pool_of(machine: Machine, page_bytes: int) -> HState:
    """The pool of a page size that the scenario has."""
    hstate = machine.hstate_of(page_bytes)
    assert hstate is not None
    return hstate


def flagged_pool(machine: Machine, flags: int) -> HState:
    """The pool of the page size in the flags of mmap(2), shmget(2) or memfd_create(2)."""
    shift = flags >> abi.HUGE_SHIFT & 63
    return pool_of(machine, 1 << shift) if shift else machine.hstate


def _set_nr_hugepages(m: Machine, _task: None, call: Call) -> Outcome:
    count, page_bytes, node = call.words
    if node is not None and node not in m.nodes:
        return Outcome.ENOENT
    return set_max_huge_pages(m, pool_of(m, page_bytes), count, node=node)


def _set_nr_hugepages_mempolicy(m: Machine, task: Process, call: Call) -> Outcome:
    count, page_bytes = call.words
    return set_max_huge_pages(m, pool_of(m, page_bytes), count, task=task)


def _set_nr_overcommit(m: Machine, _task: None, call: Call) -> Outcome:
    count, page_bytes = call.words
    return set_nr_overcommit(m, pool_of(m, page_bytes), count)


def _set_mempolicy(m: Machine, task: Process, call: Call) -> Outcome:
    mode, mask, _ = call.words
    return set_mempolicy(m, task, _MODE[mode], abi.nodes_of(mask))


def _mbind(m: Machine, task: Process, call: Call) -> Outcome:
    address, length, mode, mask, _, flags = call.words
    return mbind(
        m,
        task,
        unsigned(address),
        unsigned(length),
        _MODE[mode],
        abi.nodes_of(mask),
        move=bool(flags & abi.MPOL_MF_MOVE),
        move_all=bool(flags & abi.MPOL_MF_MOVE_ALL),
        strict=bool(flags & abi.MPOL_MF_STRICT),
    )


def _set_cpu(m: Machine, task: Process, call: Call) -> Outcome:
    """A node without a CPU is no node here."""
    if call.words[0] not in m.nodes:
        return Outcome.EINVAL
    task.node = call.words[0]
    return Outcome.OK


def _cpuset_set(m: Machine, _task: None, call: Call) -> Outcome:
    cgroup, mems = call.words
    return cpuset.set_mems(m, m.cgroups[cgroup.name], mems)


def _cgroup_move(m: Machine, task: Process, call: Call) -> Outcome:
    return cpuset.move_to(m, task, m.cgroups[call.words[0].name])


def _move_pages(m: Machine, task: Process, call: Call) -> Outcome:
    address, node, flags = call.words
    return migrate.move_page(m, task, address, node, move_all=flags == abi.MPOL_MF_MOVE_ALL)


def _migrate_pages(m: Machine, task: Process, call: Call) -> Outcome:
    target, _, *masks = call.words
    old, new = (abi.nodes_of(mask) for mask in masks)
    return migrate.migrate_pages(m, task, m.processes[target.name], old, new)


def _demote(m: Machine, _task: None, call: Call) -> Outcome:
    count, page_bytes, node = call.words
    if node is not None and node not in m.nodes:
        return Outcome.ENOENT
    return demote(m, pool_of(m, page_bytes), count, node=node)


def _set_demote_size(m: Machine, _task: None, call: Call) -> Outcome:
    demoted_to, page_bytes = call.words
    return set_demote_size(m, pool_of(m, page_bytes), demoted_to)


POOL_CALLS: Mapping[str, Callable[[Machine, Any, Call], Outcome]] = {
    "set_nr_hugepages": _set_nr_hugepages,
    "set_nr_hugepages_mempolicy": _set_nr_hugepages_mempolicy,
    "set_nr_overcommit": _set_nr_overcommit,
    "set_mempolicy": _set_mempolicy,
    "mbind": _mbind,
    "set_cpu": _set_cpu,
    "cpuset_set": _cpuset_set,
    "cgroup_move": _cgroup_move,
    "move_pages": _move_pages,
    "migrate_pages": _migrate_pages,
    "demote": _demote,
    "set_demote_size": _set_demote_size,
}
"""Those by their names."""
