"""PostgreSQL, whose shared memory is in huge pages: one anonymous mapping of all its processes, or a SysV segment."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from hugeresv.kernels.host.kernel import HostKernel
from tests.kernels.conftest import pool
from tests.software.program import NOBODY, as_nobody, fits, holders_of, names_of, running

READY = "database system is ready to accept connections"
SETTINGS = {
    "fsync": "off",
    "listen_addresses": "",
    "max_connections": "10",
    "shared_buffers": "16MB",
}
SHMGET = """
#define _GNU_SOURCE
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>
int shmget(key_t key, size_t size, int flags) { return syscall(SYS_shmget, key, size, flags | SHM_HUGETLB); }
"""
"""PostgreSQL asks for ordinary pages with shared_memory_type=sysv; administrators preload what hugectl(8) does here."""

Postgres = Callable[..., list[str]]
"""The command that starts a server, with more settings."""


def directory_of_programs() -> Path | None:
    """That of the newest server: Debian keeps it out of PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    first = shutil.which("postgres")
    return Path(first).resolve().parent if first else found[-1].parent if found else None


@pytest.fixture(scope="module")
def home(host_machine: None) -> Iterator[Path]:
    """A directory of nobody's, with a cluster in `cluster`."""
    programs = directory_of_programs()
    if programs is None or shutil.which("setpriv") is None:
        pytest.skip("needs PostgreSQL (Debian: apt-get install postgresql) and setpriv")
    with TemporaryDirectory() as name:  # pytest's are root's alone
        home = Path(name)
        shutil.chown(home, NOBODY, NOBODY)
        initdb = [str(programs / "initdb"), "-D", str(home / "cluster"), "-A", "trust", "--no-locale", "--no-sync"]
        subprocess.run(as_nobody(*initdb), check=True, stdout=subprocess.DEVNULL, cwd=home)
        yield home


@pytest.fixture
def postgres(home: Path) -> Postgres:
    """Starts a server of the cluster."""

    def command(**settings: str) -> list[str]:
        every = {**SETTINGS, "unix_socket_directories": str(home), **settings}
        options = [word for name, setting in every.items() for word in ("-c", f"{name}={setting}")]
        return as_nobody(f"{directory_of_programs()}/postgres", "-D", str(home / "cluster"), *options)

    return command


def pages_needed(command: list[str]) -> int:
    """What PostgreSQL itself says (since version 15)."""
    asked = [*command, "-C", "shared_memory_size_in_huge_pages"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False, cwd="/")
    if done.returncode:
        pytest.skip(f"this PostgreSQL does not say how many huge pages it needs: {done.stderr}")
    return int(done.stdout)


@pytest.mark.parametrize("missing", [0, 1])
def test_an_anonymous_mapping(host: HostKernel, cgroup: Path, postgres: Postgres, missing: int) -> None:
    """With as many pages as PostgreSQL needs it starts, and is the one holder; with one fewer it does not: fit says so.

    Catches: a boundary that is a page off; processes that share a mapping counted one by one; the wrong owner.
    """
    command = postgres(huge_pages="on", shared_memory_type="mmap")
    number = pages_needed(command)
    with host.start(pool(number - missing)):
        foretold = fits(f"{number}p", "--shared", "--cgroup", str(cgroup))
        with running(command, READY, cgroup) as server:
            assert server.ready == foretold == (not missing), server.said
            if missing:
                assert "could not map anonymous shared memory: Cannot allocate memory" in server.said
                return
            (holder,) = holders_of(server)
            assert holder["kind"] == "shared-anonymous"
            assert holder["reserved_pages"] + holder["used_pages"] == number
            assert server.pid in {process["pid"] for process in holder["processes"]}
            assert names_of(holder) == {("postgres", "nobody")}


@pytest.mark.parametrize(("missing", "allowed"), [(0, True), (1, True), (0, False)])
def test_a_segment(
    host: HostKernel, cgroup: Path, postgres: Postgres, home: Path, shm_group: Path, missing: int, allowed: bool
) -> None:
    """The same of a SysV segment, for which the user must be in vm.hugetlb_shm_group.

    Catches: an estimate that the counters decide, left as one: nothing but RSVD shows that a segment has promises.
    """
    if shutil.which("cc") is None:
        pytest.skip("needs cc, for a shmget with SHM_HUGETLB")
    library = home / "shmget.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-xc", "-", "-o", library], input=SHMGET, text=True, check=True)
    command = postgres(huge_pages="off", shared_memory_type="sysv")
    number = pages_needed(command)
    shm_group.write_text(str(NOBODY if allowed else 0))
    with host.start(pool(number - missing)):
        with running(as_nobody("sh", "-c", "echo here; exec sleep 60"), "here", cgroup) as like:
            foretold = fits(f"{number}p", "--sysv", "--pid", str(like.pid))
        with running(["env", f"LD_PRELOAD={library}", *command], READY, cgroup) as server:
            assert server.ready == foretold == (allowed and not missing), server.said
            if not server.ready:
                why = "Cannot allocate memory" if allowed else "Operation not permitted"
                assert f"could not create shared memory segment: {why}" in server.said
                return
            (holder,) = holders_of(server)
            assert holder["kind"] == "sysv"
            assert holder["reserved_pages"] + holder["used_pages"] == number
            assert names_of(holder) == {("postgres", "nobody")}
