"""One scenario's time on a behaviour of the model."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from hugeresv.answer import Answer, CgroupUsage, Counters, NodeCounters, PoolAnswer
from hugeresv.calls.call import Call
from hugeresv.calls.names import Names
from hugeresv.calls.resolve import resolve
from hugeresv.errors import InputError
from hugeresv.kernels.model.calls import carry_out
from hugeresv.kernels.model.readings import cgroup_readings, statfs_readings
from hugeresv.kernels.model.view import StateRun, view
from hugeresv.kernels.named_session import NamedSession
from hugeresv.model.address_space import TASK_SIZE
from hugeresv.model.behaviour import Behaviour, NumaStat
from hugeresv.model.hstate import HState
from hugeresv.model.hugetlb_cgroup import HugetlbCgroup
from hugeresv.model.machine import Machine
from hugeresv.model.mount import close_file, umount
from hugeresv.model.shm import shmrm
from hugeresv.model.unmap import exit_process
from hugeresv.outcome import ENDINGS, HANG, OK, Outcome
from hugeresv.scenario.scenario import Cgroup, Pool, Together
from hugeresv.together.failures import failing

if TYPE_CHECKING:
    from hugeresv.kernels.model.at_once import Block
    from hugeresv.together.orders import Order


class ModelSession(NamedSession):
    """A machine whose processes, files, segments, mounts and cgroups are called as the scenario calls them."""

    def __init__(
        self, behaviour: Behaviour, pool: Pool, cgroups: Mapping[str, Cgroup] | None, pools: Sequence[Pool] = ()
    ) -> None:
        """A fresh machine with this pool and these cgroups. InputError for an impossible pool or an unknown parent."""
        try:
            nodes = range(max(len(each.nodes or (0,)) for each in (pool, *pools)))
            further = [HState(each.page_bytes, _on_nodes(each, nodes), each.nr_overcommit or 0) for each in pools]
            self.machine = Machine(
                behaviour, pool.page_bytes, _on_nodes(pool, nodes), pool.nr_overcommit or 0, further=further
            )
        except ValueError as error:
            raise InputError(str(error)) from error
        self._tells_nodes = any(each.nodes for each in (pool, *pools))
        self._is_plain = not (self._tells_nodes or pools)
        """One pool, of which no nodes are told apart."""
        sizes = [each.page_bytes for each in pools]
        self.names = Names(pool.page_bytes, cgroups, further_sizes=sizes, end_address=TASK_SIZE, mapped=self._mapped)
        self._has_cgroups = bool(cgroups)
        for name, cgroup in self.names.cgroups.items():
            parent = None if cgroup.parent is None else self.machine.cgroups[cgroup.parent]
            made = self.machine.cgroups[name] = HugetlbCgroup(parent, self.machine.hstates)
            for page_bytes, limits in self.names.limits(name):
                counters = made.counters[page_bytes.bit_length() - 1]
                counters.max_pages, counters.rsvd_max_pages = limits.max_pages, limits.rsvd_max_pages
        self._cgroups_made = len(self.machine.cgroups)
        self.during: Callable[[Call], AbstractContextManager[object]] | None = None
        """What lasts while a call is carried out, for whoever watches it."""
        self._begin_readings()

    def _begin_readings(self) -> None:
        self._cgroups = [cgroup_readings(hstate) for hstate in self.machine.hstates]
        self._statfs = statfs_readings()

    def _mapped(self, proc: str) -> Iterator[tuple[int, int]]:
        process = self.machine.processes.get(proc)
        return ((vma.vm_start, vma.vm_end) for vma in (process.mm.vmas if process is not None else ()))

    def _apply(self, call: Call, *, may_hang: bool) -> Answer:
        """Every call of a model returns, and says whether it would have."""
        if self.during is None:
            returned = carry_out(self.machine, call)
        else:
            with self.during(call):
                returned = carry_out(self.machine, call)
        outcome, value = returned if isinstance(returned, tuple) else (returned, 0)
        self._learn(call, outcome, value)
        if outcome is not OK and outcome in ENDINGS:
            self.over = True
        return self._answer(outcome)

    def _apply_failing(self, call: Call, fails: int) -> Answer:
        """An allocation of the model fails; one that is not reached fails nothing."""
        with failing(fails):
            return self._apply(call, may_hang=True)

    def _together(self, block: Together, calls: Sequence[Call]) -> Answer:
        """In every order that differs, or in the one that is named. The scenario goes on after the first of them."""
        from hugeresv.kernels.model.at_once import block_of, runs

        at_once = block_of(block, self.machine, calls)
        first, *others = runs(at_once, block.switch)
        also: list[Answer] = []
        for run in (*others, first):
            answer = self.answer_of(at_once, run)
            if answer not in also:
                also.append(answer)
        also.remove(answer)
        self.machine = first.machine
        for call, returned in zip(calls, first.answers, strict=True):
            if returned is not None:
                outcome, value = returned if isinstance(returned, tuple) else (returned, 0)
                self._learn(call, outcome, value)
        self.over = answer.outcome is HANG
        self.also = also
        same = all(other.outcomes == answer.outcomes for other in also)
        return answer if same else answer._replace(outcomes=None)

    def answer_of(self, block: Block, run: Order) -> Answer:
        """What concurrent calls answer in one order; the session's own machine stays as it is."""
        machine, self.machine = self.machine, run.machine
        try:
            outcomes = block.outcomes(run)
            return self._answer(HANG if HANG in outcomes.values() else OK)._replace(outcomes=outcomes)
        finally:
            self.machine = machine

    def every_ending(self, block: Together) -> list[tuple[Answer, ModelSession]]:
        """What calls at once may answer, and sessions that go on from there: one for each machine that differs."""
        from hugeresv.kernels.model.at_once import block_of, runs

        at_once = block_of(block, self.machine, [resolve(step.operation, self.names) for step in block.steps])
        found: dict[object, tuple[Answer, ModelSession]] = {}
        for run in runs(at_once, block.switch):
            outcomes = at_once.outcomes(run)
            kind = tuple(outcomes.values()), run.machine.key()
            if kind in found:
                continue
            other = copy.copy(self)
            found[kind] = other._go_on_after(block, run, outcomes), other  # noqa: SLF001  of the same class
        return list(found.values())

    def _go_on_after(self, block: Together, run: Order, outcomes: Mapping[str, Outcome]) -> Answer:
        """Take the machine of a run, with names and readings that no other session has."""
        self.machine, self.names = run.machine, self.names.copied(self._mapped)
        self._begin_readings()
        for step, returned in zip(block.steps, run.answers, strict=True):
            if returned is not None:
                outcome, value = returned if isinstance(returned, tuple) else (returned, 0)
                self._learn(resolve(step.operation, self.names), outcome, value)
        self.over = HANG in outcomes.values()
        return self._answer(HANG if self.over else OK)._replace(outcomes=outcomes)

    def _answer(self, outcome: Outcome) -> Answer:
        machine = self.machine
        h = machine.hstates[0]
        counters = Counters(h.nr_huge_pages, h.free_huge_pages, h.resv_huge_pages, h.surplus_huge_pages)
        cgroups = self._usage(0)
        mounts, shown = machine.mounts, self._statfs
        statfs = (shown.now(mounts) or None) if mounts or shown.number else None
        if self._is_plain:
            return Answer(outcome, counters, cgroups, statfs)
        numa_stat = self._numa_stat() if self._tells_nodes and self._has_cgroups else None
        pools = {
            each.page_bytes >> 10: PoolAnswer(_counters(each), self._nodes(each), self._usage(number))
            for number, each in enumerate(machine.hstates[1:], 1)
        }
        return Answer(outcome, counters, cgroups, statfs, self._nodes(h), pools or None, numa_stat=numa_stat)

    def _numa_stat(self) -> Mapping[str, tuple[int, ...]] | None:
        """A cgroup's pages by node, with those of the cgroups below."""
        machine = self.machine
        if machine.behaviour.cgroup_numa_stat is NumaStat.NONE or len(machine.cgroups) < self._cgroups_made:
            return None
        found = {cgroup: dict.fromkeys(machine.nodes, 0) for cgroup in machine.cgroups.values()}
        for cgroup in found:
            level: HugetlbCgroup | None = cgroup
            while level is not None:
                for nid, pages in cgroup.of(machine.hstate).by_node.items():
                    found[level][nid] += pages
                level = level.parent
        return {name: tuple(found[cgroup].values()) for name, cgroup in machine.cgroups.items()}

    def _usage(self, number: int) -> Mapping[str, CgroupUsage] | None:
        """What the cgroups have of a pool, by its place among the pools."""
        return self._cgroups[number].now(self.machine.cgroups) if self._has_cgroups else None

    def _nodes(self, h: HState) -> tuple[NodeCounters, ...] | None:
        """The counters of a pool's nodes, where nodes are told apart."""
        return _nodes(h) if self._tells_nodes else None

    def part(self, proc: str, mapping: str, first: int, end: int) -> tuple[StateRun, ...]:
        """Pages [first, end) of a mapping that there is, as its `view` has them."""
        binding = self.names.mapping(proc, mapping)
        skipped = first * binding.page_bytes
        reach = min(end * binding.page_bytes, binding.extent_bytes)
        return self._runs(proc, binding.start + skipped, reach - skipped, binding.page_bytes)

    def _runs(self, proc: str, start: int, extent_bytes: int, page_bytes: int) -> tuple[StateRun, ...]:
        """Page by page, everything known."""
        return view(self.machine.processes[proc].mm, start, extent_bytes, page_bytes.bit_length() - 1).runs

    def release(self) -> Answer:
        """End every process, close every file, remove every segment and unmount everything."""
        machine = self.machine
        for name in list(machine.processes):
            exit_process(machine, machine.processes.pop(name))
        for name in list(machine.files):
            close_file(machine, name)
        for name in list(machine.segments):
            shmrm(machine, name)
        for name in list(machine.mounts):
            umount(machine, name)
        self.names.clear()
        return self._answer(OK)

    def close(self) -> None:
        """Nothing is left of a model."""


def _on_nodes(pool: Pool, nodes: range) -> dict[int, int]:
    """A pool's pages at the start, node by node; where the scenario gives one number, as nr_hugepages spreads them."""
    if pool.nodes is not None:
        return {nid: pool.nodes[nid].nr if nid < len(pool.nodes) else 0 for nid in nodes}
    return {nid: len(range(nid, pool.pages, len(nodes))) for nid in nodes}


def _counters(hstate: HState) -> Counters:
    return Counters(hstate.nr_huge_pages, hstate.free_huge_pages, hstate.resv_huge_pages, hstate.surplus_huge_pages)


def _nodes(hstate: HState) -> tuple[NodeCounters, ...]:
    nodes = hstate.nodes.values()
    return tuple(NodeCounters(node.nr_huge_pages, node.free_huge_pages, node.surplus_huge_pages) for node in nodes)
