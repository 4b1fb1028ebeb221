"""What status foretells, and the commands that it prints, on this host's kernel."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hugeresv.calls.abi import MAP_HUGETLB
from hugeresv.holders.finding import Finding
from hugeresv.holders.host import Selection, status_of_host
from hugeresv.kernels.host.kernel import HostKernel
from hugeresv.reports.holders import SORT_KEYS
from hugeresv.scenario.scenario import Pool
from tests.conftest import PAGE_SIZE_KB

PAGE = PAGE_SIZE_KB << 10


def warnings(code: str, about: str) -> list[Finding]:
    """What status has of a code now, about something."""
    found = status_of_host("/proc", "/sys", Selection(PAGE), SORT_KEYS["held"]).warnings
    return [each for each in found if each.code == code and about in each.text]


@contextmanager
def pool(host: HostKernel, pages: int) -> Iterator[None]:
    session = host.start(Pool(PAGE_SIZE_KB, pages))
    try:
        yield
    finally:
        session.close()


PARENT = f"""
import mmap, os, signal, sys
memory = mmap.mmap(-1, {8 * PAGE}, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | {MAP_HUGETLB})
memory[0] = 1
print("alone", flush=True)
sys.stdin.readline()
mine, childs = os.pipe()
child = os.fork()
if child == 0:
    os.read(mine, 1)
    memory[0] = 2
    os._exit(0)
print("forked", flush=True)
sys.stdin.readline()
os.write(childs, b"x")
_, how = os.waitpid(child, 0)
print(how, flush=True)
"""


def test_a_child_is_killed_as_foretold(host: HostKernel) -> None:
    """All free pages are promised; then a child's write to its parent's page is a SIGBUS, and status has said so.

    Catches: a consequence that the kernel does not have.
    """
    command = [sys.executable, "-c", PARENT]
    with pool(host, 8), subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdin
        assert parent.stdout
        try:
            assert parent.stdout.readline() == "alone\n"
            (note,) = warnings("fork-may-die", f"(PID {parent.pid}) forks")
            assert note.note
            print(file=parent.stdin, flush=True)
            assert parent.stdout.readline() == "forked\n"
            (warning,) = warnings("fork-may-die", f"(PID {parent.pid}) writes")
            assert not warning.note
            print(file=parent.stdin, flush=True)
            assert os.WTERMSIG(int(parent.stdout.readline())) == signal.SIGBUS
        finally:
            parent.kill()


def test_a_file_of_another_mount_namespace_is_removed_by_the_command(host: HostKernel, tmp_path: Path) -> None:
    """The command that status prints removes the file where it is. Catches: `rm` of a path that is not there."""
    place = tmp_path / "pod"
    place.mkdir()
    made = f"mount -t hugetlbfs none {place} && fallocate -l {2 * PAGE} {place}/podfile && echo made"
    command = ["unshare", "-m", "sh", "-c", f"{made} && exec sleep 600"]
    with pool(host, 8), subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as pod:
        assert pod.stdout
        try:
            if pod.stdout.readline() != "made\n":
                pytest.skip("hugetlbfs cannot be mounted in a namespace here")
            inside = Path(f"/proc/{pod.pid}/root{place}/podfile")
            (found,) = warnings("unused-file", str(place))
            if found.note:
                pytest.skip("not all processes of this host can be read")
            assert found.command == f"nsenter -t {pod.pid} -m rm {place}/podfile"
            assert inside.exists()
            subprocess.run(["sh", "-c", found.command], check=True)
            assert not inside.exists()
        finally:
            pod.kill()
