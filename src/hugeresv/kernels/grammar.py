"""How a kernel is named: `KERNEL := BEHAVIOUR[,switch=value...] | host | guest:NAME[,option=value...]`.

A guest's options are those of `guest.options`; NAME may be the path of a kernel.

A behaviour may be given with other values for some of its switches: `6.18,zap-restore=never`. The kernel's own name is
the canonical spelling of what was given: switches in their order, with hyphens, those that change nothing left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NoReturn, cast

from hugeresv.errors import InputError
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.kernels.protocol import Kernel
from hugeresv.model.behaviour import Behaviour, switches
from hugeresv.model.presets import PRESETS
from hugeresv.scenario.format_error import did_you_mean

if TYPE_CHECKING:
    from hugeresv.kernels.guest.kernel import GuestKernel
    from hugeresv.kernels.host.kernel import HostKernel

HOST = "host"
GUEST = "guest:"
DEFAULT = "ideal"

_BOOLS = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}


def parse_kernel(text: str) -> ModelKernel | HostKernel | GuestKernel:
    """The kernel that `text` names.

    Raises InputError for a name, switch or value that does not exist, UnavailableError for a kernel that is not here.
    """
    name, comma, assignments = text.partition(",")
    if name in PRESETS:
        return ModelKernel(parse_behaviour(text))
    if name != HOST and not (name.startswith(GUEST) and name != GUEST):
        _unknown(name, text)
    if name != HOST:
        from hugeresv.kernels.guest.kernel import GuestKernel
        from hugeresv.kernels.guest.options import parse_options

        return GuestKernel(name.removeprefix(GUEST), parse_options(assignments, text))
    if comma:
        raise InputError(f"{text!r}: {name} is a real kernel, which has no switches to set; found {assignments!r}")
    from hugeresv.kernels.host.kernel import HostKernel

    return HostKernel()


def is_real(text: str) -> bool:
    """Whether `text` names a kernel that runs somewhere, and not a model."""
    return text == HOST or text.startswith(GUEST)


def known_kernels() -> tuple[str, ...]:
    """The kernels that have a name of their own."""
    return (*PRESETS, HOST)


@contextmanager
def open_kernel(text: str) -> Iterator[Kernel]:
    """The kernel that `text` names, which gives back afterwards what it took of this machine. Raises likewise."""
    with closing(parse_kernel(text)) as kernel:
        yield kernel


def parse_behaviour(text: str) -> Behaviour:
    """A preset, with the switches that follow it set. Raises InputError."""
    name, *assignments = text.split(",")
    if name == HOST or name.startswith(GUEST):
        raise InputError(f"{text!r}: {name} is a real kernel; only a behaviour will do here: {', '.join(PRESETS)}")
    if name not in PRESETS:
        _unknown(name, text)
    preset = PRESETS[name]
    given: dict[str, bool | StrEnum] = {}
    for assignment in assignments:
        key, value = _parse_switch(assignment, text)
        if key in given:
            raise InputError(f"{text!r}: switch {spelling(key)!r} is given twice")
        given[key] = value
    changed = {key: given[key] for key in _switch_names() if key in given and given[key] != getattr(preset, key)}
    if not changed:
        return preset
    spelled = [f"{spelling(key)}={spell_value(value)}" for key, value in changed.items()]
    values: dict[str, Any] = {
        "name": ",".join([name, *spelled]),
        "verified": f"no kernel: {name} with switches set",
        **changed,
    }
    return replace(preset, **values)


def spelling(key: str) -> str:
    """A switch or a value as it is written: with hyphens."""
    return key.replace("_", "-")


def spell_value(value: bool | StrEnum) -> str:
    """A switch's value as it is written."""
    if isinstance(value, StrEnum):
        return value.value
    return "on" if value else "off"


def value_names(key: str) -> tuple[str, ...]:
    """What a switch may be set to, as it is written."""
    default = _default(key)
    return tuple(type(default)) if isinstance(default, StrEnum) else ("on", "off")


def _parse_switch(assignment: str, text: str) -> tuple[str, bool | StrEnum]:
    written, equals, value = (part.strip() for part in assignment.partition("="))
    if not written:
        raise InputError(f"{text!r}: expected switch=value after the comma")
    key, known = written.replace("-", "_"), _switch_names()
    if key not in known:
        spelled = [spelling(name) for name in known]
        near = did_you_mean(spelling(written), spelled)
        raise InputError(f"{text!r}: unknown switch {written!r}{near}; switches: {', '.join(spelled)}")
    values = value_names(key)
    if not equals:
        raise InputError(f"{text!r}: switch {written!r} has no value; write {spelling(key)}={'|'.join(values)}")
    default = _default(key)
    if isinstance(default, StrEnum) and spelling(value) in values:
        return key, type(default)(spelling(value))
    if isinstance(default, bool) and value in _BOOLS:
        return key, _BOOLS[value]
    near = did_you_mean(value, values)
    raise InputError(f"{text!r}: switch {written!r} cannot be {value!r}{near}; values: {', '.join(values)}")


def _switch_names() -> list[str]:
    return [switch.name for switch in switches()]


def _default(key: str) -> bool | StrEnum:
    return cast(bool | StrEnum, next(switch.default for switch in switches() if switch.name == key))


def _unknown(name: str, text: str) -> NoReturn:
    known = known_kernels()
    raise InputError(
        f"{text!r}: unknown kernel {name!r}{did_you_mean(name, known)}; kernels: {', '.join(known)}, {GUEST}NAME;"
        " a behaviour may be followed by switches, as in 6.18,zap-restore=never"
    )
