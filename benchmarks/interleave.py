"""Orders a second of concurrent calls, invariants checked after each, and how many the reduction leaves of all.

A fault of a page that nobody has promised, and mmap of it (H33), on `ideal` and with the old rule. On one core.
"""

import time
from collections.abc import Iterator

from hugeresv.calls.resolve import resolve
from hugeresv.invariants.check import check
from hugeresv.kernels.grammar import parse_behaviour
from hugeresv.kernels.model.at_once import Block, block_of
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.scenario.scenario import Together
from hugeresv.scenario.scn_format import parse_scn

SCENARIO = """
pool 2M nr=4
  memfd f
a mmap x 1 shared file=f noreserve
together
a touch x 0
b mmap y 1 shared file=f
apart
"""
WAYS: dict[str, dict[str, bool | int]] = {
    "every order": {"every": True},
    "at most 1 preemption": {"preemptions": 1},
    "at most 2 preemptions": {"preemptions": 2},
    "reduced": {},
}


def blocks(name: str) -> Iterator[Block]:
    """The block of the scenario on a behaviour."""
    scenario = parse_scn(SCENARIO, "interleave.scn")
    with ModelKernel(parse_behaviour(name)).start(scenario.pool) as session:
        for step in scenario.steps:
            if isinstance(step.operation, Together):
                calls = [resolve(each.operation, session.names) for each in step.operation.steps]
                yield block_of(step.operation, session.machine, calls)
            else:
                session.apply(step.operation)


def main() -> None:
    """Measure and print."""
    for name in ("ideal", "ideal,races-counted-twice=on"):
        (block,) = blocks(name)
        print(f"{name:36}{'orders':>10}{'of all':>10}{'wrong':>8}{'orders/s':>12}{'steps/s':>12}")
        every = 0
        for way, how in WAYS.items():
            begin = time.process_time()
            orders = block.orders(**how)  # type: ignore[arg-type]
            wrong = sum(bool(check(run.machine)) for run in orders)
            seconds = time.process_time() - begin
            every = every or orders.runs
            share = f"1/{every / orders.runs:.0f}"
            rates = f"{orders.runs / seconds:12,.0f}{orders.steps / seconds:12,.0f}"
            print(f"  {way:34}{orders.runs:10,}{share:>10}{wrong:8,}{rates}")


if __name__ == "__main__":
    main()
