"""QEMU, with a memfd or a file of huge pages for the guest: shared or private, reserved, used at once, or neither."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hugeresv.kernels.host.kernel import HostKernel
from tests.kernels.conftest import pool
from tests.software.program import Count, counted, fits, holders_of, names_of, running

PAGES = 32
GREETING = '{"QMP"'
RESERVE_AND_PREALLOC = [("on", "off"), ("on", "on"), ("off", "off")]
"""QEMU refuses to take pages at once that it does not reserve."""


def qemu(backend: str, settings: str) -> list[str]:
    """A machine that is stopped before its first instruction, so that nothing but QEMU touches its memory."""
    program = shutil.which("qemu-system-x86_64")
    if program is None:
        pytest.skip("needs QEMU (Debian: apt-get install qemu-system-x86)")
    memory = f"memory-backend-{backend},id=ram,size={2 * PAGES}M,{settings}"
    machine = ["-machine", "q35,memory-backend=ram", "-m", f"{2 * PAGES}M", "-accel", "tcg", "-object", memory]
    return [program, *machine, "-nodefaults", "-display", "none", "-S", "-qmp", "stdio"]


@pytest.fixture
def mount(host_machine: None, tmp_path: Path) -> Iterator[Path]:
    """A hugetlbfs."""
    subprocess.run(["mount", "-t", "hugetlbfs", "-o", "pagesize=2M", "none", tmp_path], check=True)
    yield tmp_path
    subprocess.run(["umount", tmp_path], check=True)


@pytest.mark.parametrize("backend", ["memfd", "file"])
@pytest.mark.parametrize("share", ["on", "off"])
@pytest.mark.parametrize(("reserve", "prealloc"), RESERVE_AND_PREALLOC)
def test_the_memory_of_a_guest(
    host: HostKernel, cgroup: Path, mount: Path, backend: str, share: str, reserve: str, prealloc: str
) -> None:
    """Reserved, used, or neither, as QEMU was told; the holder is the file if it is shared, else the private mapping.

    Catches: a mapping with MAP_NORESERVE that is taken for a promise of its size, where RSVD is 0.
    """
    where = "hugetlb=on,hugetlbsize=2M" if backend == "memfd" else f"mem-path={mount}"
    command = qemu(backend, f"{where},share={share},reserve={reserve},prealloc={prealloc}")
    with host.start(pool(PAGES)), running(command, GREETING, cgroup) as guest:
        assert guest.ready, guest.said
        expected = Count(0, PAGES) if prealloc == "on" else Count(PAGES if reserve == "on" else 0, 0)
        assert counted() == expected
        holders = holders_of(guest)
        if share == "off":  # the file that is mapped privately is told apart, and has nothing itself
            holders = [each for each in holders if each["reserved_pages_max"] or each["used_pages_max"]]
        assert len(holders) == (expected != (0, 0) or share == "on")
        for holder in holders:
            assert holder["kind"] == (backend if share == "on" else "private")
            assert ("memory-backend-memfd" if backend == "memfd" else str(mount)) in holder["name"]
            assert names_of(holder) == {("qemu-system-x86_64", "root")}


@pytest.mark.parametrize("missing", [0, 1])
@pytest.mark.parametrize("prealloc", ["on", "off"])
def test_a_pool_for_a_guest(host: HostKernel, cgroup: Path, prealloc: str, missing: int) -> None:
    """A guest starts in a pool that has its pages, and not in one that has one fewer, as fit foretells.

    Catches: pages that are reserved and touched at once counted twice.
    """
    command = qemu("memfd", f"hugetlb=on,hugetlbsize=2M,share=on,prealloc={prealloc}")
    with host.start(pool(PAGES - missing)):
        foretold = fits(f"{PAGES}p", "--shared", "--cgroup", str(cgroup))
        with running(command, GREETING, cgroup) as guest:
            assert guest.ready == foretold == (not missing), guest.said
            assert guest.ready or "Cannot allocate memory" in guest.said
