"""A cgroup for the programs, and who may make segments of huge pages."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hugeresv.errors import UnavailableError
from hugeresv.kernels.host.cgroups import CgroupBase


@pytest.fixture
def cgroup(host_machine: None) -> Iterator[Path]:
    """One without limits."""
    with CgroupBase() as base:
        try:
            path = Path(base.path(), "software")
        except UnavailableError as error:
            pytest.skip(str(error))
        path.mkdir()
        yield path


@pytest.fixture
def shm_group(host_machine: None) -> Iterator[Path]:
    """vm.hugetlb_shm_group, which is put back."""
    path = Path("/proc/sys/vm/hugetlb_shm_group")
    group = path.read_text()
    yield path
    path.write_text(group)
