"""An order that is wrong, told: what each task did in each of its turns, and in a sentence what went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hugeresv.search.interleave.interleave import Orders, WrongOrder
from hugeresv.together.orders import Frame
from hugeresv.together.run import Told


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


def turns(found: Orders) -> list[Turn]:
    """The turns of a finding, in their order."""
    assert found.finding is not None
    frames = found.block.orders().film(found.finding.run)
    return [_turn(before, frame) for before, frame in zip([None, *frames], frames, strict=False)]


def _turn(before: Frame | None, frame: Frame) -> Turn:
    step = frame.step
    switched = before is not None and before.step.task != step.task
    preempts = before is not None and switched and before.step.task in step.could
    want = step.want
    how = "" if want.alone else " (read)"
    lock = f"{want.lock.name}{how}" if want.takes else f"without {want.lock.name}"
    return Turn(step.task, lock, tuple(map(spell_call, frame.told)), frame.counters, switched, preempts)


def spell_call(told: Told) -> str:
    """`region_chg 0 1 = 1`."""
    words = [told.function, *map(str, told.arguments)]
    return " ".join(words) + (f" = {told.value}" if told.value else "")


def explanation(found: Orders, shown: Sequence[Turn]) -> str:
    """What another task did between two steps of one that did not expect it."""
    finding = found.finding
    assert finding is not None
    if any(violation.name == "DEADLOCK" for violation in finding.violations):
        return "Each waits for a lock that another holds."
    at = next((at for at, turn in enumerate(shown) if turn.preempts), None)
    if at is None:
        return "The calls are wrong one after the other."
    stopped = shown[at - 1].task
    name = found.tasks[stopped]
    before = next((turn.calls[-1] for turn in reversed(shown[:at]) if turn.task == stopped and turn.calls), None)
    back = next((later for later in range(at, len(shown)) if shown[later].task == stopped), len(shown))
    others = sorted({found.tasks[turn.task] for turn in shown[at:back]})
    did = list(dict.fromkeys(call for turn in shown[at:back] for call in turn.calls))
    after = next((turn.calls[0] for turn in shown[back:] if turn.task == stopped and turn.calls), None)
    between = f"after its {before}" if before else "at its beginning"
    went_on = f", then went on with {after}" if after else ""
    return (
        f"{name} stopped {between}, at {shown[back].lock if back < len(shown) else 'its end'};"
        f" {' and '.join(others)} came in between with {', '.join(did) or 'nothing that counts'};"
        f" {name} had not seen that{went_on}."
    )


def as_scenario(finding: WrongOrder) -> str:
    """The block's first line as a scenario has it."""
    return f"together switch={','.join(finding.switch)}" if finding.switch else "together"
