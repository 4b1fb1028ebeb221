"""An order that is wrong, told: what each task did in each of its turns, and in a sentence what went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hugeresv.search.interleave.interleave import Orders, WrongOrder
from hugeresv.together.orders import Frame
from hugeresv.together.run import Told, Want


class Turn(NamedTuple):
    """What a task did from one of its locks to the next."""

    task: int
    lock: str
    calls: tuple[str, ...]
    counters: tuple[int, int, int, int]
    switched: bool
    """Whether another task had gone on before."""
    preempts: bool
    """Whether that one could have gone on."""
    waits: bool = False
    """Whether it waits for the lock for ever, and nothing comes of it."""
    held: tuple[tuple[str, ...], ...] = ()
    """The locks that each task holds when the turn begins, with the one that its own task has got for it."""


class Crossing(NamedTuple):
    """Where others came in between, as indices of turns: the last one before, their first, and the first one after."""

    stopped: int
    others: int
    back: int
    """As many as there are turns, where the one that was stopped never goes on."""
    acts: int | None
    """The turn in which it first does something again, by what it knew before."""


def crossing(shown: Sequence[Turn]) -> Crossing | None:
    """The first preemption of an order; None: there is none."""
    others = next((at for at, turn in enumerate(shown) if turn.preempts), None)
    if others is None:
        return None
    task = shown[others - 1].task
    back = next((later for later in range(others, len(shown)) if shown[later].task == task), len(shown))
    acts = next((later for later in range(back, len(shown)) if shown[later].task == task and shown[later].calls), None)
    return Crossing(others - 1, others, back, acts)


def turns(found: Orders) -> list[Turn]:
    """The turns of a finding, in their order."""
    assert found.finding is not None
    run = found.finding.run
    frames = found.block.orders().film(run)
    shown = [_turn(before, frame) for before, frame in zip([None, *frames], frames, strict=False)]
    held = tuple(tuple(lock.name for lock in each) for each in run.holding)
    return shown + [
        Turn(task, _spell_want(want), (), frames[-1].counters, switched=True, preempts=False, waits=True, held=held)
        for task, want in run.waiting
    ]


def _turn(before: Frame | None, frame: Frame) -> Turn:
    step = frame.step
    switched = before is not None and before.step.task != step.task
    preempts = before is not None and switched and before.step.task in step.could
    calls = tuple(map(spell_call, frame.told))
    held = [[lock.name for lock in each] for each in before.held] if before else [[] for _ in frame.held]
    if step.want.takes:
        held[step.task].append(step.want.lock.name)
    locks = tuple(map(tuple, held))
    return Turn(step.task, _spell_want(step.want), calls, frame.counters, switched, preempts, held=locks)


def _spell_want(want: Want) -> str:
    """`mmap_lock (read)`."""
    how = "" if want.alone else " (read)"
    return f"{want.lock.name}{how}" if want.takes else f"without {want.lock.name}"


def spell_call(told: Told) -> str:
    """`region_chg 0 1 = 1`."""
    words = [told.function, *map(str, told.arguments)]
    return " ".join(words) + (f" = {told.value}" if told.value else "")


def explanation(found: Orders, shown: Sequence[Turn]) -> str:
    """What another task did between two steps of one that did not expect it."""
    finding = found.finding
    assert finding is not None
    if any(violation.name == "DEADLOCK" for violation in finding.violations):
        return "; ".join(_wait(found, task, want) for task, want in finding.run.waiting) + "."
    found_at = crossing(shown)
    if found_at is None:
        return "No call was interrupted: the calls give this one after the other, in this order."
    _, at, back, acts = found_at
    stopped = shown[at - 1].task
    name = found.tasks[stopped]
    before = next((turn.calls[-1] for turn in reversed(shown[:at]) if turn.task == stopped and turn.calls), None)
    others = sorted({found.tasks[turn.task] for turn in shown[at:back]})
    did = list(dict.fromkeys(call for turn in shown[at:back] for call in turn.calls))
    after = shown[acts].calls[0] if acts is not None else None
    where = f"after {before}" if before else "at its beginning"
    waited = f", before it took {shown[back].lock}" if back < len(shown) and not shown[back].waits else ""
    went_on = f"Then {name} went on with {after}." if after else f"Then {name} went on."
    ran = ", ".join(did) or "the whole call"
    return f"{name} was interrupted {where}{waited}. {' and '.join(others)} ran: {ran}. {went_on}"


def _wait(found: Orders, task: int, want: Want) -> str:
    """Which lock a task waits for, and who holds it."""
    assert found.finding is not None
    holding = found.finding.run.holding
    holders = [found.tasks[other] for other, held in enumerate(holding) if any(want.lock.meets(lock) for lock in held)]
    return f"{found.tasks[task]} waits for {_spell_want(want)}, which {' and '.join(holders)} holds"


def as_scenario(finding: WrongOrder) -> str:
    """The block's first line as a scenario has it."""
    return f"together switch={','.join(finding.switch)}" if finding.switch else "together"
