"""Guests whose memory is read, where they can be had, and drgn."""

from collections.abc import Callable

import pytest

from hugeresv.auditing.steps import auditor
from hugeresv.kernels.guest.kernel import GuestKernel
from hugeresv.play.insight import Seer

KERNELS = ("6.1", "6.12")


@pytest.fixture(scope="module", params=KERNELS)
def guest(request: pytest.FixtureRequest, guests: Callable[[str], GuestKernel]) -> GuestKernel:
    """One kernel after the other: 6.1 counts a page cache in huge pages and 6.12 in base pages, to name one thing."""
    pytest.importorskip("drgn")
    return guests(request.param)


@pytest.fixture(scope="module")
def seer(guest: GuestKernel) -> Seer:
    """Insight into this guest's sessions, by one reader for all of them."""
    return auditor(guest)
