"""`run --json`: one line of JSON a step."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TextIO

from hugeresv.answer import CgroupUsage, PoolAnswer
from hugeresv.play.play import Result, StepResult
from hugeresv.scenario.scenario import Scenario


class JsonRows:
    """Writes the steps of scenarios, each as soon as it is done, and nothing else."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._head = ""
        self._first_kb = 0

    def scenario(self, file: str, identifier: str, scenario: Scenario) -> None:
        """The steps that follow are this scenario's."""
        self._first_kb = scenario.pool.page_size_kB
        self._head = f'{{"file": {json.dumps(file)}, "id": {json.dumps(identifier)}, "step": '

    def result(self, result: Result) -> None:
        """A row for a step, without `cgroups`, `statfs`, `nodes`, `pools` or `report` where the answer has none.

        `chances` is there for calls at once on a real kernel: what they answered, and in how many runs.
        `audit` is there, possibly empty, where the step was audited: the invariants that do not hold.
        """
        if not isinstance(result, StepResult):
            return
        outcome, (total, free, rsvd, surp), cgroups, statfs, nodes, pools, report, outcomes, numa = result.answer
        tables = ""
        if cgroups is not None:
            tables = f', "cgroups": {json.dumps(_usage(cgroups, numa))}'
        if statfs is not None:
            tables += f', "statfs": {json.dumps({name: pages._asdict() for name, pages in statfs.items()})}'
        if nodes is not None:
            tables += f', "nodes": {json.dumps(nodes)}'
        if pools is not None:
            every = {self._first_kb: PoolAnswer(result.answer.counters, nodes, cgroups), **pools}
            tables += f', "pools": {json.dumps({str(size): _pool(pool) for size, pool in every.items()})}'
        if report is not None:
            tables += f', "report": {json.dumps(report.line)}'
        if outcomes is not None:
            tables += f', "outcomes": {json.dumps(outcomes)}'
        if result.chances is not None:
            tables += f', "chances": {json.dumps(result.chances)}'
        if result.seen is not None:
            tables += f', "audit": {json.dumps([asdict(violation) for violation in result.seen.violations])}'
        self._stream.write(
            f'{self._head}{result.number}, "outcome": "{outcome}", '
            f'"total": {total}, "free": {free}, "rsvd": {rsvd}, "surp": {surp}{tables}}}\n'
        )
        self._stream.flush()

    def unfinished(self, file: str, identifier: str) -> None:
        """Standard error has it."""

    def untrue(self, behaviour: str) -> None:
        """Rows have the violations."""

    def causes(self, verdicts: object) -> None:
        """Rows say what is wrong, not why."""

    def total(self) -> None:
        """Nothing more is said."""


def _pool(pool: PoolAnswer) -> dict[str, object]:
    shown: dict[str, object] = pool.counters._asdict()
    if pool.nodes is not None:
        shown["nodes"] = pool.nodes
    if pool.cgroups is not None:
        shown["cgroups"] = _usage(pool.cgroups)
    return shown


def _usage(
    cgroups: Mapping[str, CgroupUsage], numa_stat: Mapping[str, tuple[int, ...]] | None = None
) -> dict[str, dict[str, object]]:
    by_node = {name: {"numa": pages} for name, pages in (numa_stat or {}).items()}
    return {name: {**pages._asdict(), **by_node.get(name, {})} for name, pages in cgroups.items()}
