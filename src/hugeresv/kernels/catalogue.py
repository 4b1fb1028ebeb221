"""The switches of behaviours and who has which value, in the spelling of KERNEL names."""

from typing import NamedTuple

from hugeresv.kernels.grammar import spell_value, spelling, value_names
from hugeresv.model.behaviour import Behaviour, switches
from hugeresv.model.presets import IDEAL, PRESETS


class SwitchEntry(NamedTuple):
    """One switch. `values` has the behaviours by value; the texts are those of `model.behaviour.switch`."""

    name: str
    ideal: str
    values: dict[str, list[str]]
    differs: str
    since: str
    source: str
    verified: str


def switch_entries() -> list[SwitchEntry]:
    """Every switch, in the order of `Behaviour`."""
    return [_entry(switch.name, dict(switch.metadata)) for switch in switches()]


def settings(behaviour: Behaviour) -> dict[str, str]:
    """The value of every switch under a behaviour."""
    return {spelling(switch.name): spell_value(getattr(behaviour, switch.name)) for switch in switches()}


def _entry(key: str, texts: dict[str, str]) -> SwitchEntry:
    values: dict[str, list[str]] = {value: [] for value in value_names(key)}
    for behaviour in PRESETS.values():
        values[spell_value(getattr(behaviour, key))].append(behaviour.name)
    return SwitchEntry(spelling(key), spell_value(getattr(IDEAL, key)), values, **texts)
