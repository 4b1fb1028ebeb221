"""The status of a host as Prometheus's metrics, all of them gauges.

Numbers are in pages. `pagesize` is in bytes; multiply by hugeresv_page_size_bytes to have bytes. No label tells a
process from another of its program, labels have bounded length, and what comes to the same labels is added up: the
number of series does not grow with processes.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

import hugeresv
from hugeresv.ledger.observation import CgroupUse, Holder, MountUse, Pool
from hugeresv.reports.listing import one_line
from hugeresv.status.host import Status

OTHERS = "(others)"
"""The name under which the holders that have no series of their own are added up, by page size and kind."""

_LONGEST_LABEL = 256
_NEVER = float("-inf")

_Labels = tuple[str, ...]
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
    yield _gauge("build_info", "Always 1; the version of hugeresv.", ("version",), [((hugeresv.__version__,), 1)])
    yield _gauge("kernel_info", "Always 1; the kernel's release.", ("release",), [((status.identity.kernel,), 1)])
    yield _gauge("observation_timestamp_seconds", "When the host was looked at.", (), [((), time.time())])
    yield _gauge("observation_duration_seconds", "How long that took.", (), [((), look_seconds)])
    yield _gauge("observation_partial", "1 if there may be holders that could not be seen.", (), [((), seen.partial)])
    yield _gauge("unreadable", "Things that could not be read.", (), [((), len(seen.unreadable))])
    yield _gauge("ledger_wrong", "1 if the kernel's accounting is wrong, as warnings say.", (), [((), status.wrong)])
    warnings = [((warning.code,), 1) for warning in status.warnings]
    yield _gauge("warnings", "What `hugeresv status` warns of.", ("code",), warnings)
    yield from _pools(seen.pools)
    rest = [
        ((_bytes(row.page_size_kB), state), pages)
        for row in status.unexplained
        for state, pages in (("reserved", row.reserved_pages), ("used", row.used_pages))
    ]
    yield _gauge("unexplained_pages", "What counters have more than all holders.", ("pagesize", "state"), rest)
    yield from _holders(seen.holders, most)
    yield from _mounts(_largest(seen.mounts, most, lambda mount: mount.used_pages or 0))
    yield from _cgroups(_largest(seen.cgroups, most, lambda cgroup: cgroup.usage_pages + (cgroup.rsvd_pages or 0)))
    left_out = {name: max(0, len(all_) - most) for name, all_ in (("mounts", seen.mounts), ("cgroups", seen.cgroups))}
    omitted = [((name,), count) for name, count in left_out.items()]
    yield _gauge("omitted", "Mounts and cgroups that have no series, the smallest.", ("what",), omitted)


def _pools(pools: Sequence[Pool]) -> Iterator[Metric]:
    sizes = [((_bytes(pool.page_size_kB),), pool.page_size_kB << 10) for pool in pools]
    yield _gauge("page_size_bytes", "Bytes of a page.", ("pagesize",), sizes)
    states = [
        ((_bytes(pool.page_size_kB), state), pages)
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
    yield _gauge("pool_pages", "The kernel's counters; a wrapped one is negative.", ("pagesize", "state"), states)
    nodes = [
        ((_bytes(pool.page_size_kB), str(node.node), state), pages)
        for pool in pools
        for node in pool.nodes
        for state, pages in (("total", node.total), ("free", node.free), ("surplus", node.surp))
    ]
    yield _gauge("node_pool_pages", "The same by NUMA node.", ("pagesize", "node", "state"), nodes)


class _Held(NamedTuple):
    """What all holders of the same labels have, in pages."""

    reserved: int
    used: int


def _holders(holders: Sequence[Holder], most: int) -> Iterator[Metric]:
    sums: dict[_Labels, _Held] = {}
    for holder in holders:
        labels = _clean(_labels(holder))
        before = sums.get(labels, _Held(0, 0))
        sums[labels] = _Held(before.reserved + holder.reserved.best, before.used + holder.used.best)
    ranked = sorted(sums, key=lambda labels: (-sum(sums[labels]) * int(labels[0]), labels))
    own = set(ranked[:most])
    names = {labels: labels if labels in own else (*labels[:2], OTHERS, "", "") for labels in ranked}
    for state, text in (("reserved", "promised and not taken"), ("used", "present")):
        values = [(names[labels], getattr(sums[labels], state)) for labels in ranked]
        labelnames = ("pagesize", "kind", "name", "command", "cgroup")
        yield _gauge(f"holder_{state}_pages", f"Pages {text}; the best estimate.", labelnames, values)


def _labels(holder: Holder) -> _Labels:
    """The program alone stands for a command line, which has secrets and numbers in it."""
    command = holder.processes[0].command if holder.processes else ""
    program = command.partition(" ")[0].rpartition("/")[2].rstrip(":")
    return _bytes(holder.page_size_kB), holder.kind.value, holder.name, program, holder.cgroup or ""


def _mounts(mounts: Sequence[MountUse]) -> Iterator[Metric]:
    for field, text in (
        ("size_pages", "The most that files on a mount may have, by its size=."),
        ("min_size_pages", "What is set aside for a mount, by its min_size=."),
        ("used_pages", "What of a mount's size is used or promised."),
    ):
        values = [((_bytes(m.page_size_kB), m.path), getattr(m, field)) for m in mounts]
        yield _gauge(f"mount_{field}", text, ("pagesize", "mountpoint"), _known(values))


def _cgroups(cgroups: Sequence[CgroupUse]) -> Iterator[Metric]:
    for field, text in (
        ("max_pages", "The limit of a cgroup's used pages."),
        ("rsvd_max_pages", "The limit of a cgroup's reserved pages."),
        ("usage_pages", "Pages charged to a cgroup."),
        ("rsvd_pages", "Pages charged to a cgroup as reserved, which stay so when used."),
    ):
        values = [((_bytes(c.page_size_kB), c.path), getattr(c, field)) for c in cgroups]
        yield _gauge(f"cgroup_{field}", text, ("pagesize", "cgroup"), _known(values))


def _gauge(name: str, text: str, labelnames: _Labels, values: Iterable[tuple[_Labels, float]]) -> Metric:
    """A metric, the values of equal labels added up."""
    sums: dict[_Labels, float] = {}
    for labels, value in values:
        cleaned = _clean(labels)
        sums[cleaned] = sums.get(cleaned, 0) + value
    family = GaugeMetricFamily(f"hugeresv_{name}", text, labels=labelnames)
    for labels, value in sums.items():
        family.add_metric(labels, value)
    return family


def _known(values: Iterable[tuple[_Labels, int | None]]) -> list[tuple[_Labels, float]]:
    """Without those that there are not: no limit is no series."""
    return [(labels, value) for labels, value in values if value is not None]


def _largest(things: Sequence[_Use], most: int, pages: Callable[[_Use], int]) -> Sequence[_Use]:
    return sorted(things, key=pages, reverse=True)[:most]


def _clean(labels: _Labels) -> _Labels:
    """Names that strangers chose, as text that is valid UTF-8, printable, and not too long."""
    shown = (one_line(label) for label in labels)
    return tuple(f"{text[: _LONGEST_LABEL - 1]}+" if len(text) > _LONGEST_LABEL else text for text in shown)


def _bytes(page_size_kB: int) -> str:
    return str(page_size_kB << 10)
