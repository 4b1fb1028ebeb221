"""The status of a host as Prometheus's metrics, all of them gauges.

Numbers are in pages, and beside them in bytes. No label tells a process from another of its program, names are those
that survive a restart, labels have bounded length, and what comes to the same labels is added up: the number of series
does not grow with processes.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

import hugeresv
from hugeresv.holders.grouping import add, sums
from hugeresv.holders.headroom import available_in, by_path, lineage_of
from hugeresv.holders.host import Status
from hugeresv.holders.names import program_of, stable_name
from hugeresv.ledger.observation import CgroupUse, Holder, MountUse, Observation, Pages, PoolUse, exactly
from hugeresv.reports.gauges import Labels, clean, gauge, in_pages_and_bytes, known, label_of_size

OTHERS = "(others)"
"""The name under which the holders that have no series of their own are added up, by page size and kind."""

_NEVER = float("-inf")

_Use = TypeVar("_Use", MountUse, CgroupUse)


class HostCollector(Collector):
    """Looks at a host whenever metrics are collected. Those who ask while it looks share the look after it."""

    def __init__(self, look: Callable[[], Status], most: int) -> None:
        """`look` raises HugeresvError if it cannot; the `most` largest holders, cgroups and mounts have series."""
        self._look = look
        self._most = most
        self._lock = threading.Lock()
        self._begun = _NEVER
        self._metrics: Sequence[Metric] = ()

    def collect(self) -> Iterable[Metric]:
        """What was seen in a look that began after the call."""
        asked = time.monotonic()
        with self._lock:
            if self._begun < asked:
                begun = time.monotonic()
                status = self._look()
                self._metrics = list(metrics_of(status, time.monotonic() - begun, self._most))
                self._begun = begun
            return self._metrics


def metrics_of(status: Status, look_seconds: float, most: int) -> Iterator[Metric]:
    """All metrics of a status that it has just taken `look_seconds` to find out."""
    seen = status.observation
    yield gauge("build_info", "Always 1; the version of hugeresv.", ("version",), [((hugeresv.__version__,), 1)])
    yield gauge("kernel_info", "Always 1; the kernel's release.", ("release",), [((status.identity.kernel,), 1)])
    yield gauge("observation_timestamp_seconds", "When the host was looked at.", (), [((), time.time())])
    yield gauge("observation_duration_seconds", "Seconds that took.", (), [((), look_seconds)])
    yield gauge("observation_partial", "1 if there may be holders that could not be seen.", (), [((), seen.partial)])
    yield gauge("unreadable", "Things that could not be read.", (), [((), len(seen.unreadable))])
    yield gauge("ledger_wrong", "1 if the kernel's accounting is wrong, as warnings say.", (), [((), status.wrong)])
    warnings = [((warning.code,), 1) for warning in status.warnings if not warning.note]
    yield gauge("warnings", "What `hugeresv status` warns of.", ("code",), warnings)
    yield from _pools(seen.pools)
    rest = [
        ((label_of_size(row.page_size_kB), state), pages)
        for row in status.unexplained
        for state, pages in (("reserved", row.reserved_pages), ("used", row.used_pages))
    ]
    yield from in_pages_and_bytes(
        "unexplained", "that counters have more than all holders", ("pagesize", "state"), rest
    )
    yield from _holders(seen.holders, most)
    yield from _sums(seen.holders, most)
    yield from _mounts(_largest(seen.mounts, most, lambda mount: mount.used_pages or 0))
    yield from _cgroups(seen, most)
    left_out = {name: max(0, len(all_) - most) for name, all_ in (("mounts", seen.mounts), ("cgroups", seen.cgroups))}
    omitted = [((name,), count) for name, count in left_out.items()]
    yield gauge("omitted", "Mounts and cgroups without a series; these are the smallest.", ("what",), omitted)


def _pools(pools: Sequence[PoolUse]) -> Iterator[Metric]:
    sizes = [((label_of_size(pool.page_size_kB),), pool.page_size_kB << 10) for pool in pools]
    yield gauge("page_size_bytes", "Bytes of a page.", ("pagesize",), sizes)
    states = [
        ((label_of_size(pool.page_size_kB), state), pages)
        for pool in pools
        for state, pages in (
            ("total", pool.total),
            ("free", pool.free),
            ("reserved", pool.rsvd),
            ("surplus", pool.surp),
            ("overcommit", pool.overcommit),
            ("available", pool.available),
        )
    ]
    text = "of a pool by the kernel's counters; a counter that has wrapped is negative"
    yield from in_pages_and_bytes("pool", text, ("pagesize", "state"), states)
    nodes = [
        ((label_of_size(pool.page_size_kB), str(node.node), state), pages)
        for pool in pools
        for node in pool.nodes
        for state, pages in (("total", node.total), ("free", node.free), ("surplus", node.surp))
    ]
    yield from in_pages_and_bytes("node_pool", "of a NUMA node's part of a pool", ("pagesize", "node", "state"), nodes)


class _Held(NamedTuple):
    """What all holders of the same labels have."""

    reserved: Pages
    used: Pages


_NOTHING = _Held(exactly(0), exactly(0))


def _holders(holders: Sequence[Holder], most: int) -> Iterator[Metric]:
    held: dict[Labels, _Held] = {}
    for holder in holders:
        labels = clean(_labels(holder))
        before = held.get(labels, _NOTHING)
        held[labels] = _Held(add((before.reserved, holder.reserved)), add((before.used, holder.used)))
    ranked = sorted(held, key=lambda labels: (-sum(each.best for each in held[labels]) * int(labels[0]), labels))
    own = set(ranked[:most])
    names = {labels: labels if labels in own else (*labels[:2], OTHERS, "", "") for labels in ranked}
    labelnames = ("pagesize", "kind", "name", "command", "cgroup")
    for state, text in (("reserved", "promised and not yet used"), ("used", "present")):
        pages: list[tuple[Labels, Pages]] = [(names[labels], getattr(held[labels], state)) for labels in ranked]
        best = [(labels, each.best) for labels, each in pages]
        yield from in_pages_and_bytes(f"holder_{state}", f"{text}; the best estimate", labelnames, best)
        for bound in ("min", "max"):
            values = [(labels, getattr(each, bound)) for labels, each in pages]
            yield gauge(f"holder_{state}_pages_{bound}", f"The {bound}imum of that estimate.", labelnames, values)


def _labels(holder: Holder) -> Labels:
    """The program alone stands for a command line, which has secrets and numbers in it."""
    program = program_of(holder.processes[0].command) if holder.processes else ""
    cgroup = stable_name(holder.cgroup or "")
    return label_of_size(holder.page_size_kB), holder.kind.value, stable_name(holder.name), program, cgroup


def _sums(holders: Sequence[Holder], most: int) -> Iterator[Metric]:
    """By cgroup, where a holder is in one, and by user, where it is with each who has it."""
    for by, text in (("cgroup", "by holders in a cgroup itself"), ("user", "by processes of a user")):
        found = sums(holders, by)
        keys = dict.fromkeys(stable_name(each.key) for each in found)
        own = set(list(keys)[:most])
        named = [(each, key if (key := stable_name(each.key)) in own else OTHERS) for each in found]
        for state, what in (("reserved", "promised and not yet used"), ("used", "present")):
            values = [((label_of_size(each.page_size_kB), key), getattr(each, state).best) for each, key in named]
            name = "cgroup_holder" if by == "cgroup" else by
            yield from in_pages_and_bytes(f"{name}_{state}", f"{what}, held {text}", ("pagesize", by), values)


def _mounts(mounts: Sequence[MountUse]) -> Iterator[Metric]:
    for field, text in (
        ("size", "that files on a mount may have at most (size=)"),
        ("min_size", "that are set aside for a mount (min_size=)"),
        ("used", "of a mount's size that are used or promised"),
    ):
        values = [((label_of_size(m.page_size_kB), m.path), getattr(m, f"{field}_pages")) for m in mounts]
        yield from in_pages_and_bytes(f"mount_{field}", text, ("pagesize", "mountpoint"), known(values))


def _cgroups(seen: Observation, most: int) -> Iterator[Metric]:
    cgroups = _largest(seen.cgroups, most, lambda cgroup: cgroup.usage_pages + (cgroup.rsvd_pages or 0))
    for field, text in (
        ("max", "that may be in use in a cgroup"),
        ("rsvd_max", "that may be reserved in a cgroup"),
        ("usage", "that are in use in a cgroup"),
        ("rsvd", "that were reserved in a cgroup, including those in use since then"),
    ):
        values = [((label_of_size(c.page_size_kB), stable_name(c.path)), getattr(c, f"{field}_pages")) for c in cgroups]
        yield from in_pages_and_bytes(f"cgroup_{field}", text, ("pagesize", "cgroup"), known(values))
    pools = {pool.page_size_kB: pool for pool in seen.pools}
    index = by_path(seen.cgroups)
    rooms = [
        (
            (label_of_size(c.page_size_kB), stable_name(c.path)),
            available_in(lineage_of(c, index), pools[c.page_size_kB]),
        )
        for c in cgroups
    ]
    text = "that a new mapping in a cgroup can reserve and then touch"
    yield from in_pages_and_bytes("cgroup_available", text, ("pagesize", "cgroup"), rooms)


def _largest(things: Sequence[_Use], most: int, pages: Callable[[_Use], int]) -> Sequence[_Use]:
    return sorted(things, key=pages, reverse=True)[:most]
