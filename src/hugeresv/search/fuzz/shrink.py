"""Making a scenario shorter while it still shows the same kind of thing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace

from hugeresv.scenario.operation import Operation
from hugeresv.scenario.scenario import NodePages, Scenario, Step, Together

Shows = Callable[[Scenario], bool]
"""Whether a scenario still shows it. A scenario that cannot be carried out does not."""

FEWEST_CALLS = 2
"""Of a block of concurrent calls."""


def shrink(scenario: Scenario, shows: Shows) -> Scenario:
    """A scenario that shows it and of which no single step can be left out, with simple arguments and a small pool."""
    while True:
        shorter = _simplify(_drop_steps(scenario, shows), shows)
        if shorter == scenario:
            return scenario
        scenario = shorter


def _drop_steps(scenario: Scenario, shows: Shows) -> Scenario:
    """Leave out runs of steps, long runs first, from the end."""
    length = len(scenario.steps) // 2
    while length:
        end = len(scenario.steps)
        while end > 0:
            start = max(0, end - length)
            candidate = replace(scenario, steps=scenario.steps[:start] + scenario.steps[end:])
            if candidate.steps and shows(candidate):
                scenario = candidate
            end = start
        length //= 2
    return scenario


def _simplify(scenario: Scenario, shows: Shows) -> Scenario:
    """Take the first simpler spelling of pool, cgroups and each step that still shows it."""
    for candidate in _simpler_setups(scenario):
        if shows(candidate):
            scenario = candidate
    for index, step in enumerate(scenario.steps):
        simpler = _simpler_blocks if isinstance(step.operation, Together) else _simpler_operations
        for operation in simpler(step.operation):
            steps = (*scenario.steps[:index], Step(operation, hangs=step.hangs), *scenario.steps[index + 1 :])
            if shows(replace(scenario, steps=steps)):
                scenario = replace(scenario, steps=steps)
                break
    return scenario


def _simpler_setups(scenario: Scenario) -> Iterator[Scenario]:
    """No cgroups, no overcommit, ever smaller pools; each on top of what was accepted is the caller's next round."""
    if scenario.cgroups is not None:
        yield replace(scenario, cgroups=None)
    if scenario.pools is not None:
        yield replace(scenario, pools=None)
    if scenario.pool.nr_overcommit is not None:
        yield replace(scenario, pool=replace(scenario.pool, nr_overcommit=None))
    by_node = scenario.pool.nodes
    if by_node is None:
        for pages in range(scenario.pool.pages):
            yield replace(scenario, pool=replace(scenario.pool, nr_hugepages=pages))
        return
    for at, node in enumerate(by_node):
        for pages in range(node.nr):
            nodes = (*by_node[:at], NodePages(pages), *by_node[at + 1 :])
            yield replace(scenario, pool=replace(scenario.pool, nodes=nodes))


def _simpler_blocks(block: Operation) -> Iterator[Operation]:
    """The concurrent calls without one of them where two are left, or with one of them simpler."""
    assert isinstance(block, Together)
    for number, step in enumerate(block.steps):
        before, after = block.steps[:number], block.steps[number + 1 :]
        if len(block.steps) > FEWEST_CALLS:
            yield replace(block, steps=before + after)
        for operation in _simpler_operations(step.operation):
            yield replace(block, steps=(*before, replace(step, operation=operation), *after))


def _simpler_operations(operation: Operation) -> Iterator[Operation]:
    """The operation with one optional argument left out, or one number made smaller."""
    for field in fields(operation):
        value = getattr(operation, field.name)
        if isinstance(value, int) and not isinstance(value, bool):
            for smaller in range(min(value, 8)):
                yield replace(operation, **{field.name: smaller})
        elif value is not None and field.default is None:
            yield replace(operation, **{field.name: None})
