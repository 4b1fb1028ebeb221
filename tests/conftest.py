"""Settings of Hypothesis for all tests; the host's kernel and guests for those that need them."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import settings

from hugeresv.errors import UnavailableError
from hugeresv.kernels.guest.kernel import GuestKernel
from hugeresv.kernels.host.kernel import HostKernel
from hugeresv.kernels.host.lock import WAIT_VARIABLE
from hugeresv.scenario.scenario import Pool
from tests.guests import need_guest

# On top of what Hypothesis chooses by itself, which is fixed seeds where CI is set. No example has a time limit.
settings.register_profile("untimed", settings.get_profile(settings.get_current_profile_name()), deadline=None)
settings.load_profile("untimed")

signal.signal(signal.SIGINT, signal.default_int_handler)
"""A shell's background job has it ignored, and so have the processes that tests start, and then send it to."""

os.environ.setdefault(WAIT_VARIABLE, "300")
"""Seconds after which a test that needs the host's pool is skipped because others use it: fewer than it may take."""

PAGE_SIZE_KB = 2048
SYSFS = f"/sys/kernel/mm/hugepages/hugepages-{PAGE_SIZE_KB}kB"
MOST_PAGES = 64
"""No test on the host needs a larger pool."""


SLOW = (
    "invariants/test_ideal.py",
    "invariants/test_histories.py",
    "model/test_copy.py",
    "model/test_key_futures.py",
    "mutation/test_places.py::test_a_few_faults_are_noticed",
    "rules/test_pages.py",
    "rules/test_same_model.py",
    "search/test_fuzz.py",
    "test_benchmarks.py",
)
"""Searches and comparisons that take seconds of a core each."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the host's pool or a guest, or takes long: `dev.py test --fast` leaves it out.

    Under xdist the first share a worker, because one at a time has the pool, and so do the tests of one guest's kernel,
    which then boots once.
    """
    for item in items:
        if item.nodeid.removeprefix("tests/").startswith(SLOW):
            item.add_marker("slow")
        if isinstance(item, pytest.Function):
            if "host_machine" in item.fixturenames:
                item.add_marker("host")
                item.add_marker(pytest.mark.xdist_group("host"))
            if "browser" in item.fixturenames:
                item.add_marker(pytest.mark.xdist_group("browser"))
            if "guests" in item.fixturenames:
                kernel = item.callspec.params.get("guest", "6.1") if hasattr(item, "callspec") else "6.1"
                item.add_marker("guest")
                item.add_marker(pytest.mark.xdist_group(f"guest {kernel}"))


def _why_not() -> str | None:
    if os.geteuid() != 0:
        return "needs root"
    if not Path(SYSFS).is_dir():
        return f"needs huge pages of {PAGE_SIZE_KB} kB"
    if not os.access(f"{SYSFS}/nr_hugepages", os.W_OK):
        return "needs a writable /sys"
    return None


@pytest.fixture(scope="session")
def host_machine() -> None:
    """What every test needs that uses the host's pool itself or through a process of its own."""
    reason = _why_not()
    if reason is not None:
        pytest.skip(f"the host's huge page pool: {reason}")


@pytest.fixture(scope="module")
def host(host_machine: None) -> Iterator[HostKernel]:
    """The host's kernel, its pool taken for as long as a module's tests run.

    They are skipped where others use the pool, or where memory is too short for it: see `taken_by_others`.
    """
    with HostKernel() as kernel:
        try:
            kernel.start(Pool(PAGE_SIZE_KB, MOST_PAGES)).close()
        except UnavailableError as error:
            if taken_by_others(str(error)):
                pytest.skip(str(error))
            raise
        yield kernel


@pytest.fixture(scope="session")
def guests() -> Iterator[Callable[[str], GuestKernel]]:
    """Stock kernels in guests, by name. Each boots once; who asks for one that cannot be had here is skipped."""
    with ExitStack() as opened:
        kernels: dict[str, GuestKernel] = {}

        def guest_of(name: str) -> GuestKernel:
            need_guest(name)
            if name not in kernels:
                kernels[name] = opened.enter_context(GuestKernel(name))
            return kernels[name]

        yield guest_of


def taken_by_others(said: str) -> bool:
    """Whether the host's pool cannot be had for a reason that is not ours, as the kernel's own counters show it."""
    names = ("nr", "free", "resv", "surplus")
    total, free, resv, surplus = (int(Path(SYSFS, f"{name}_hugepages").read_text()) for name in names)
    return "(lock " in said or "could get only" in said or (total, resv, surplus) != (free, 0, 0)
