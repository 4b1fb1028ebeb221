"""How large a guest is made."""

import pytest

from hugeresv.errors import UnavailableError
from hugeresv.kernels.guest.hardware import GIB, hardware_for
from hugeresv.kernels.guest.options import Options
from hugeresv.scenario.scenario import Pool


def test_a_pool_fits_with_room_for_the_kernel() -> None:
    """The memory is a power of two with room for the pool and for the kernel.

    Catches: a guest whose pool takes all of its memory; one snapshot a scenario, because each has its own size.
    """
    assert hardware_for([Pool(2048, 0)]) == hardware_for([Pool(2048, 256)]) == (GIB, 1, "", 1)
    assert hardware_for([Pool(2048, 257)]).memory_bytes == 2 * GIB
    assert hardware_for([Pool(2048, 2000)]).memory_bytes == 8 * GIB


def test_pages_of_1_gib_are_made_at_boot() -> None:
    """Pages of 1 GiB are asked for on the kernel's command line.

    Catches: pages that no kernel finds any more once it runs.
    """
    assert hardware_for([Pool(1 << 20, 1)]) == (4 * GIB, 1, "nokaslr hugepagesz=1G hugepages=1", 1)
    assert hardware_for([Pool(1 << 20, 0)]) == (4 * GIB, 1, "nokaslr hugepagesz=1G hugepages=0", 1)


def test_memory_that_is_given_is_kept_to() -> None:
    """Memory that is given is what the guest has; a pool that it cannot hold is refused with the number to give.

    Catches: a guest with other memory than it was told; one that takes all of this machine for a pool mistyped.
    """
    assert hardware_for([Pool(2048, 600)], Options(2 * GIB)).memory_bytes == 2 * GIB
    with pytest.raises(UnavailableError, match=r"600 huge pages of 2M .* 1G of memory; .*memory=1712M"):
        hardware_for([Pool(2048, 600)], Options(GIB))
    with pytest.raises(UnavailableError, match="32G of memory"):
        hardware_for([Pool(2048, 100_000)])
