"""Guests whose memory is read, where there are QEMU, a C compiler, the kernel in the cache, and drgn."""

import shutil
from collections.abc import Iterator

import pytest

from hugeresv.audit.steps import auditor
from hugeresv.kernels.guest.images import images
from hugeresv.kernels.guest.kernel import GuestKernel
from hugeresv.kernels.insight import Seer

KERNELS = ("6.1", "6.12")


def _why_not(name: str) -> str | None:
    for program in ("qemu-system-x86_64", "cc"):
        if shutil.which(program) is None:
            return f"needs {program}"
    return None if any(image.name == name for image in images()) else f"needs kernel {name} in the cache"


@pytest.fixture(scope="module", params=KERNELS)
def guest(request: pytest.FixtureRequest) -> Iterator[GuestKernel]:
    """One kernel after the other: 6.1 counts a page cache in huge pages and 6.12 in base pages, to name one thing."""
    pytest.importorskip("drgn")
    reason = _why_not(request.param)
    if reason is not None:
        pytest.skip(f"guests: {reason}")
    with GuestKernel(request.param) as kernel:
        yield kernel


@pytest.fixture(scope="module")
def seer(guest: GuestKernel) -> Seer:
    """Insight into this guest's sessions, by one reader for all of them."""
    return auditor(guest)
