"""Concurrent calls on the model: in the order that the scenario names, or in every order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from hugeresv.calls.call import Call, OfFile
from hugeresv.errors import UnavailableError
from hugeresv.kernels.model.calls import Returned, carry_out, task_of
from hugeresv.model.machine import Machine
from hugeresv.model.truncate import evict_if_unused
from hugeresv.outcome import Outcome
from hugeresv.scenario.decode import caller_of
from hugeresv.scenario.scenario import Together
from hugeresv.shell import installs

try:
    from hugeresv.together.orders import Interleavings, Order
    from hugeresv.together.schedule import Follow, check_reached, read_switch
except ModuleNotFoundError as error:  # pragma: no cover  a browser may have no greenlet
    raise UnavailableError(
        f"concurrent calls need {error.name}, which is not installed: {installs(error.name or 'greenlet')}"
    ) from None

MOST_RUNS = 100_000
"""After so many a scenario has to say which order it means."""


class Block(NamedTuple):
    """The calls of a block on a machine, with the names by which they are called."""

    machine: Machine
    tasks: tuple[str, ...]
    calls: tuple[Call, ...]
    fails: Mapping[int, int]

    def orders(self, *, preemptions: int | None = None, every: bool = False) -> Interleavings:
        """Their orders; see `Interleavings`."""
        bodies = [partial(_carry_out, call) for call in self.calls]
        return Interleavings(self.machine, bodies, preemptions=preemptions, every=every, fails=self.fails)

    def outcomes(self, run: Order) -> dict[str, Outcome]:
        """What each call answered; HANG where calls wait for each other."""
        answers = (Outcome.HANG if answer is None else _outcome(answer) for answer in run.answers)
        return dict(zip(self.tasks, answers, strict=True))


def block_of(together: Together, machine: Machine, calls: Sequence[Call]) -> Block:
    """The block, its processes there already: they come into being when they are named, before anything is called."""
    for call in calls:
        task_of(machine, call)
    fails = {number: step.fails for number, step in enumerate(together.steps) if step.fails is not None}
    return Block(machine, task_names(together), tuple(calls), fails)


def task_names(together: Together) -> tuple[str, ...]:
    """What each call is called: its process, else its operation, with a number where that is not enough."""
    names: list[str] = []
    for step in together.steps:
        name = caller_of(step) or step.operation.op
        others = sum(other.partition("/")[0] == name for other in names)
        names.append(f"{name}/{others + 1}" if others else name)
    return tuple(names)


def runs(block: Block, switch: Sequence[str] | None) -> list[Order]:
    """The run that `switch` says, or one of every order, a serial one first.

    UnavailableError: they are too many. InputError: a stop of `switch` is never reached.
    """
    if switch is not None:
        return [named_order(block, switch)]
    orders = block.orders()
    found: list[Order] = []
    for run in orders:
        found.append(run)
        if orders.runs > MOST_RUNS:
            raise UnavailableError(f"these calls have more than {MOST_RUNS} orders; choose one with switch=")
    return found


def named_order(block: Block, switch: Sequence[str]) -> Order:
    """The order that `switch` says. InputError: it names no call of the block, or one of its stops is never reached."""
    follow = Follow(read_switch(switch, block.tasks))
    run = block.orders().replay(follow)
    check_reached(follow, switch, block.tasks, run.steps)
    return run


def _carry_out(call: Call, machine: Machine) -> Returned:
    """Carry it out. It keeps the files that it names open until it returns: another call may close them meanwhile."""
    files = () if call.name == "close" else [machine.files[it.name] for it in call.words if isinstance(it, OfFile)]
    for inode in files:
        inode.handles += 1
    returned = carry_out(machine, call)
    for inode in files:
        inode.handles -= 1
        evict_if_unused(machine, inode)
    return returned


def _outcome(returned: Returned) -> Outcome:
    return returned[0] if isinstance(returned, tuple) else returned
