"""What is not tried on the host's kernel, because it would not get over it."""

import pytest

from hugeresv.errors import UnsupportedError
from hugeresv.kernels.host.kernel import HostKernel
from hugeresv.scenario.operation import Fallocate, OpenFile
from tests.kernels.conftest import pool


def test_a_range_that_ends_at_the_largest_offset_is_not_allocated(host: HostKernel) -> None:
    """fallocate up to the largest offset is refused before it reaches the kernel.

    Catches: the crash of 6.18.44, which takes the whole pool for it.
    """
    with host.start(pool(0)) as session:
        session.apply(OpenFile("f"))
        with pytest.raises(UnsupportedError, match="largest file offset"):
            session.apply(Fallocate("p", "f", mode="alloc", offset_bytes=(1 << 63) - 2, length_bytes=1))
