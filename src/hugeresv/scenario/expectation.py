"""What a step must answer on one kernel, and where an answer contradicts it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, NamedTuple, TypeVar

from hugeresv.answer import Answer, CgroupUsage, Counters
from hugeresv.outcome import Outcome
from hugeresv.scenario.scenario import CgroupPages, Expectation, PoolPages, Scenario, StatfsPages, Step

_KINDS = {"cgroups": "a cgroup", "statfs": "a mount", "pools": "a pool"}
_Keys = TypeVar("_Keys", Expectation, CgroupPages, StatfsPages, PoolPages)


class Contradiction(NamedTuple):
    """One thing that was not as expected. `found` is None for a cgroup or mount that is not there."""

    key: str
    """As `.scn` spells it: `outcome`, `rsvd`, `web.usage`; the bare name of what is not there."""
    expected: str | int
    found: str | int | None

    def __str__(self) -> str:
        """One clause for a person: `rsvd is 6, expected 7`."""
        found = "not there" if self.found is None else str(self.found)
        return f"{self.key} is {found}, expected {self.expected}"


def expected(step: Step, names: Sequence[str]) -> Expectation:
    """What `step` must answer on a kernel that is known by `names`: `expect`, single keys overridden by `expect_on`.

    Where several names have the same key, the last name's holds. The counters of a cgroup or a mount are keys as well:
    an override of `web.usage` leaves `web.rsvd` and other cgroups as they are.
    """
    merged = step.expect or Expectation()
    for name in names:
        if step.expect_on and name in step.expect_on:
            merged = _overridden(merged, step.expect_on[name])
    return merged


def observed(answer: Answer) -> Expectation:
    """The expectation that `answer`, and nothing else, fulfils."""
    statfs = {name: StatfsPages(*pages) for name, pages in (answer.statfs or {}).items()}
    pools = {
        str(size): PoolPages(*pool.counters, pool.nodes, _usage(pool.cgroups))
        for size, pool in (answer.pools or {}).items()
    }
    return Expectation(
        answer.outcome,
        *answer.counters,
        cgroups=_usage(answer.cgroups, answer.numa_stat),
        statfs=statfs or None,
        nodes=answer.nodes,
        pools=pools or None,
    )


def _usage(
    cgroups: Mapping[str, CgroupUsage] | None, numa_stat: Mapping[str, tuple[int, ...]] | None = None
) -> Mapping[str, CgroupPages] | None:
    by_node = numa_stat or {}
    return {name: CgroupPages(*pages, by_node.get(name)) for name, pages in (cgroups or {}).items()} or None


def contradictions(expectation: Expectation, answer: Answer) -> list[Contradiction]:
    """Where `answer` is not what was expected. A cgroup or mount that the answer does not have is a contradiction.

    `numa` is none where the answer does not have it: there are kernels that do not tell. A kernel may say that a call
    hangs which is expected to.
    """
    found = observed(answer)
    if expectation.outcome is answer.outcome is Outcome.HANG:
        answer = answer._replace(report=None)
    if (size := expectation.page_size_kB) is not None:
        found = replace(found, page_size_kB=size, **_counters_of(found, size))
    return [*_differing(expectation, found), *reported(answer)]


def reported(answer: Answer) -> list[Contradiction]:
    """What the kernel says against itself, which no scenario expects."""
    if answer.report is not None:
        return [Contradiction("the kernel's log", "no report", answer.report.line)]
    return []


def leaks_for(scenario: Scenario, names: Sequence[str]) -> int:
    """Reservations that a kernel known by `names` still counts when everything of the scenario is gone, in pages."""
    if isinstance(scenario.leaks_rsvd, int):
        return scenario.leaks_rsvd
    by_kernel = scenario.leaks_rsvd or {}
    return next((by_kernel[name] for name in reversed(names) if name in by_kernel), 0)


def _counters_of(found: Expectation, size_kb: int) -> dict[str, Any]:
    """The counters of a further pool, to stand in place of the first one's; nothing where that is the one meant."""
    pool = (found.pools or {}).get(str(size_kb))
    return {} if pool is None else {name: getattr(pool, name) for name in (*Counters._fields, "nodes")}


def _overridden(base: _Keys, over: _Keys) -> _Keys:
    """`base` with every key that `over` gives, in tables down to single counters."""
    given: dict[str, Any] = {}
    for field in fields(over):
        if (value := getattr(over, field.name)) is not None:
            is_table = isinstance(value, Mapping)
            given[field.name] = _merged(getattr(base, field.name) or {}, value) if is_table else value
    return replace(base, **given)


def _merged(base: Mapping[str, _Keys], over: Mapping[str, _Keys]) -> dict[str, _Keys]:
    added = {name: _overridden(base[name], keys) if name in base else keys for name, keys in over.items()}
    return {**base, **added}


def _differing(wanted: _Keys, found: _Keys, prefix: str = "") -> Iterator[Contradiction]:
    """Single keys first, then those of cgroups, mounts and pools, whose names come before theirs."""
    tables = []
    for field in fields(wanted):
        want, got = getattr(wanted, field.name), getattr(found, field.name)
        if isinstance(want, Mapping):
            tables.append((want, got or {}, _KINDS[field.name]))
        elif want is not None and want != got and not (got is None and field.name == "numa"):
            yield Contradiction(prefix + field.name, _shown(want), _shown(got))
    for table, there, kind in tables:
        yield from _differing_by_name(table, there, kind, prefix)


def _shown(counted: Any) -> Any:
    """A value as `.scn` spells it."""
    if isinstance(counted, tuple):
        return ",".join("/".join(map(str, node)) if isinstance(node, tuple) else str(node) for node in counted)
    return counted


def _differing_by_name(
    wanted: Mapping[str, _Keys], found: Mapping[str, _Keys], kind: str, prefix: str
) -> Iterator[Contradiction]:
    for name, keys in wanted.items():
        if name in found:
            yield from _differing(keys, found[name], f"{prefix}{name}.")
        else:
            yield Contradiction(prefix + name, kind, None)
