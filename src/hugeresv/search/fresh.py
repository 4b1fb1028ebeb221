"""How a search treats guests: whether they go on from scenario to scenario, and how long they are waited for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager

from hugeresv.kernels.guest.kernel import GuestKernel
from hugeresv.kernels.protocol import Kernel

SHORTEN_SECONDS = 300.0
"""How long one finding is shortened at most: a call that hangs takes seconds each time."""

SHORTEN_HANG_SECONDS = 3.0
"""So long a call may take while a scenario is shortened in which one hangs."""


def going_on(*kernels: Kernel, wanted: bool = True) -> AbstractContextManager[None]:
    """In this block a guest in which nothing is left of a scenario has the next one, too, if `wanted`.

    It saves what a fresh guest takes: being restored, and being translated anew by the emulator.
    """
    return _treated(kernels, lambda guest: (wanted, guest.longest_seconds))


def impatient(seconds: float, *kernels: Kernel) -> AbstractContextManager[None]:
    """In this block a call in a guest that takes longer hangs: so does one that is only slow."""
    return _treated(kernels, lambda guest: (guest.keeps_guests, min(seconds, guest.longest_seconds)))


@contextmanager
def _treated(kernels: Iterable[Kernel], how: Callable[[GuestKernel], tuple[bool, float]]) -> Iterator[None]:
    """In this block guests are kept, and waited for, as `how` says."""
    guests = [kernel for kernel in kernels if isinstance(kernel, GuestKernel)]
    before = [(guest.keeps_guests, guest.longest_seconds) for guest in guests]
    for guest in guests:
        guest.keeps_guests, guest.longest_seconds = how(guest)
    try:
        yield
    finally:
        for guest, treatment in zip(guests, before, strict=True):
            guest.keeps_guests, guest.longest_seconds = treatment
