"""Others who use the host's pool while a scenario runs on it."""

import mmap
from pathlib import Path

import pytest

from hugeresv.errors import UnavailableError
from hugeresv.kernels.host.kernel import HostKernel
from hugeresv.scenario.operation import Mmap, SetNrHugepages, Touch
from tests.conftest import SYSFS
from tests.kernels.conftest import must_answer, pool, settle

HUGE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40000  # MAP_HUGETLB


@pytest.mark.parametrize("file", ["nr_hugepages", "nr_overcommit_hugepages"])
def test_a_pool_that_is_resized_by_others_is_no_difference(host: HostKernel, file: str) -> None:
    """The counters before a step are those after the last. Catches: a difference of kernels that nobody can repeat."""
    with host.start(pool(4)) as session:
        settle(session, [Mmap("p", "a", "private", pages=2)])
        Path(SYSFS, file).write_text("7")
        with pytest.raises(UnavailableError, match=r"changed by another program.*(total 4 to 7|overcommit 0 to 7)"):
            session.apply(Touch("p", "a", "write"))
    with host.start(pool(4)) as session:
        must_answer(session, (Mmap("p", "a", "private", pages=1), "ok 4/4/1/0"))


def test_a_mapping_of_others_is_no_leak(host: HostKernel) -> None:
    """A change of the pool by others after a step is an error that has the numbers.

    Catches: promises of others that are called lost by the scenario when it has ended.
    """
    with host.start(pool(4)) as session:
        settle(session, [Mmap("p", "a", "private", pages=2)])
        with (
            mmap.mmap(-1, 2 << 20, HUGE),
            pytest.raises(UnavailableError, match="changed by another program after a step: rsvd 2 to 3"),
        ):
            session.release()


def test_what_a_step_does_to_the_pool_is_no_change_by_others(host: HostKernel) -> None:
    """A step may change the pool, and the session goes on.

    Catches: an operation of the scenario itself that is taken for somebody else's.
    """
    with host.start(pool(4)) as session:
        settle(session, [SetNrHugepages(6), Mmap("p", "a", "private", pages=5), SetNrHugepages(8)])
        assert session.release().counters == (8, 8, 0, 0)
