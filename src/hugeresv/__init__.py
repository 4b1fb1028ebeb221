r"""Linux huge page reservations as a ledger that runs: who holds what, will it fit, and is the kernel's count true.

    import hugeresv

    run = hugeresv.run("6.18", "pool 2M nr=1\np mmap a 1 private\np touch a 0\np fork q\np exit")
    assert run[-1].rsvd == -1

docs/api.md tells what there is; nothing of it is loaded before it is used. `hugeresv.lab` has a shorter notation for
tests. The command line is `hugeresv.cli`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hugeresv.api import Run, RunStep, audit, check, compare, explore, fit, fuzz, interleave, parse, run, status
    from hugeresv.errors import HugeresvError, InputError, UnavailableError
    from hugeresv.kernels.protocol import Kernel
    from hugeresv.outcome import Outcome
    from hugeresv.scenario.scenario import Scenario

__version__ = "0.2.0"

__all__ = [
    "HugeresvError",
    "InputError",
    "Kernel",
    "Outcome",
    "Run",
    "RunStep",
    "Scenario",
    "UnavailableError",
    "audit",
    "check",
    "compare",
    "explore",
    "fit",
    "fuzz",
    "interleave",
    "parse",
    "run",
    "status",
]

_ELSEWHERE = {
    "HugeresvError": "errors",
    "InputError": "errors",
    "Kernel": "kernels.protocol",
    "Outcome": "outcome",
    "Scenario": "scenario.scenario",
    "UnavailableError": "errors",
}


def __getattr__(name: str) -> Any:
    """What is public, loaded when it is first asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_ELSEWHERE.get(name, 'api')}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
