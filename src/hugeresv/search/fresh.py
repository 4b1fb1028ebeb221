"""Guests that go on from scenario to scenario while a search runs, and fresh ones for what it finds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hugeresv.kernels.guest.kernel import GuestKernel
from hugeresv.kernels.protocol import Kernel


@contextmanager
def going_on(*kernels: Kernel, wanted: bool = True) -> Iterator[None]:
    """In this block a guest in which nothing is left of a scenario has the next one, too, if `wanted`.

    It saves what a fresh guest takes: being restored, and being translated anew by the emulator.
    """
    guests = [kernel for kernel in kernels if isinstance(kernel, GuestKernel)]
    before = [guest.keeps_guests for guest in guests]
    for guest in guests:
        guest.keeps_guests = wanted
    try:
        yield
    finally:
        for guest, kept in zip(guests, before, strict=True):
            guest.keeps_guests = kept
