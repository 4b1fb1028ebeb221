"""The host is as it was, whatever became of the tool."""

import mmap
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest

from hugeresv.errors import UnavailableError
from hugeresv.kernels.host.kernel import HostKernel
from hugeresv.kernels.host.lock import VARIABLE, WAIT_VARIABLE, held, lock_path, wait_seconds
from hugeresv.kernels.host.pool import HugePool
from hugeresv.scenario.operation import Mmap, Touch
from hugeresv.scenario.scenario import Cgroup, Pool
from hugeresv.sources.proc.slab import count_inodes
from tests.conftest import PAGE_SIZE_KB, SYSFS, taken_by_others
from tests.kernels.conftest import pool, settle

TOOL = """
import signal
import sys
from hugeresv.kernels.host.kernel import HostKernel
from hugeresv.scenario import operation as ops
from hugeresv.scenario.scenario import Cgroup, Pool

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job has it ignored
kernel = HostKernel()
while True:
    session = kernel.start(Pool(2048, 9, 3), {"g": Cgroup(max_pages=8), "h": Cgroup(parent="g")})
    for operation in [
        ops.CgroupMove("p", "h"),
        ops.Mmap("p", "a", "private", pages=4),
        ops.Touch("p", "a", "write", 1),
        ops.Fork("p", "c"),
        ops.Touch("c", "a", "write", 1),
        ops.Mremap("p", "a", 0, 1, new_pages=1, move_to="m"),
        ops.Mount("m", size_pages=4, min_size_pages=2),
        ops.OpenFile("f", "m"),
        ops.Mmap("q", "b", "shared", pages=2, file="f"),
        ops.Touch("q", "b", "write", 1),
        ops.Shmget("q", "s", pages=2),
        ops.Shmat("q", "s", "s"),
        ops.Touch("q", "s", "write", 0),
        ops.SetNrHugepages(2),
    ]:
        session.apply(operation)
    print("took everything", flush=True)
    {then}
"""
"""Takes everything there is to take, and leaves what a kernel may leak (a partial mremap) for the guardian to undo."""

PATIENCE_SECONDS = 20


def traces() -> dict[str, object]:
    """Everything that a session of this test's own lock may leave on the host, and that nobody else touches."""
    commands = [_text(path / "cmdline") for path in Path("/proc").glob("[0-9]*")]
    roots = [Path("/sys/fs/cgroup"), *Path("/sys/fs/cgroup").iterdir()]
    return {
        "counters": {path.name: path.read_text() for path in Path(SYSFS).glob("*_hugepages")},
        "guardians": [command for command in commands if lock_path() in command],
        "mounts": re.findall(r" - hugetlbfs hugeresv .*", Path("/proc/self/mountinfo").read_text()),
        "cgroups": [str(path) for root in roots for path in root.glob("hugeresv-*")],
        "controllers": ["hugetlb" in _text(root / "cgroup.subtree_control") for root in roots],
        "lock": _text(Path(lock_path())),
    }


def _text(path: Path) -> str:
    """What a file says that may be gone already."""
    try:
        return path.read_text()
    except OSError:
        return ""


def wait_for(before: dict[str, object]) -> None:
    """Wait until nothing is left, and show what is if that takes too long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while traces() != before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert traces() == before


@pytest.fixture
def before(host_machine: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dict[str, object]]:
    """How the host is before a test, which holds the machine's lock and gives the tool one of its own."""
    deadline = time.monotonic() + wait_seconds()
    with ExitStack() as debts:
        try:
            debts.enter_context(held(lock_path(), f"process {os.getpid()}, a test", lambda: _wait_before(deadline)))
            pages = HugePool(PAGE_SIZE_KB)
            debts.callback(pages.close)
            debts.callback(pages.restore, pages.save())
        except UnavailableError as error:
            if not taken_by_others(str(error)):
                raise
            pytest.skip(str(error))
        monkeypatch.setenv(VARIABLE, str(tmp_path / "lock"))
        (tmp_path / "lock").touch()
        yield traces()


def _wait_before(deadline: float) -> bool:
    time.sleep(0.1)
    return time.monotonic() < deadline


def tool(then: str) -> "subprocess.Popen[str]":
    """A tool that takes everything and then does something, in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", TOOL.replace("{then}", then)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


def wait_until_it_took_everything(process: "subprocess.Popen[str]") -> None:
    """Read what the tool prints."""
    assert process.stdout is not None
    assert process.stdout.readline() == "took everything\n"


@cache
def seconds_to_take_everything() -> float:
    """How long a tool takes on this machine from its start to the middle of its second scenario."""
    began = time.monotonic()
    with tool(then="session.close()") as process:
        wait_until_it_took_everything(process)
        wait_until_it_took_everything(process)
        seconds = time.monotonic() - began
        process.kill()
    return seconds


@pytest.mark.parametrize("part", [0.05, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95])
def test_sigkill_at_any_moment(before: dict[str, object], part: float) -> None:
    """The host is as it was when the tool is killed, from before the lock is taken to the middle of a scenario.

    Catches: a debt that is paid only if the tool says goodbye.
    """
    moment = part * seconds_to_take_everything()
    wait_for(before)
    with tool(then="session.close()") as process:
        time.sleep(moment)
        process.kill()
    wait_for(before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_whole_process_group(before: dict[str, object], number: int) -> None:
    """A signal to the whole process group ends the tool, and the guardian puts the pool back.

    Catches: a guardian that Ctrl-C ends with the tool.
    """
    with tool(then="while True: session.view('q', 'b')") as process:
        wait_until_it_took_everything(process)
        os.killpg(process.pid, number)
    wait_for(before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_guardian(before: dict[str, object], number: int) -> None:
    """The guardian ignores signals and ends when the tool does.

    Catches: a pool given back under a tool that still uses it.
    """
    with tool(then="input()") as process:
        wait_until_it_took_everything(process)
        guardian = re.search(r"guarded by process (\d+)", Path(lock_path()).read_text())
        assert guardian is not None
        os.kill(int(guardian[1]), number)
        process.kill()
    wait_for(before)


def test_sigkill_while_a_child_of_the_tool_lives_on(before: dict[str, object]) -> None:
    """The pool is given back when the tool is killed, though a forked child lives on.

    Catches: a guardian that waits for copies of the tool's descriptors.
    """
    then = "import os, time; pid = os.fork(); print(pid, flush=True) if pid else None; time.sleep(1000)"
    with tool(then) as process:
        wait_until_it_took_everything(process)
        assert process.stdout is not None
        child = int(process.stdout.readline())
        try:
            process.kill()
            process.wait()
            wait_for(before)
        finally:
            os.kill(child, signal.SIGKILL)


def test_an_exception_in_the_tool(before: dict[str, object]) -> None:
    """After an exception everything is put back before anybody sees it.

    Catches: a pool that stays borrowed until the process ends.
    """

    def fail() -> None:
        with HostKernel() as kernel, kernel.start(pool(5, 2), {"g": Cgroup()}) as session:
            settle(session, [Mmap("p", "a", "private", pages=6), Touch("p", "a", "write", 0)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert traces() == before


def test_a_kernel_that_nobody_closes(before: dict[str, object]) -> None:
    """A tool that ends without closing has put everything back when it is gone.

    Catches: a next one that finds the lock taken.
    """
    with tool(then="sys.exit(7)") as process:
        wait_until_it_took_everything(process)
    assert process.returncode == 7
    assert traces() == before


def test_one_at_a_time(before: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    """The second is told at once by whom the pool is in use: the tool to end, and its guardian.

    Catches: two scenarios on one pool, or a second command that waits though nobody has asked it to.
    """
    monkeypatch.delenv(WAIT_VARIABLE)
    told = rf"in use by process {os.getpid()}, guarded by process \d+ .*{WAIT_VARIABLE}"
    with HostKernel() as first, HostKernel() as second:
        first.start(pool(1))
        with pytest.raises(UnavailableError, match=told):
            second.start(pool(1))
    with HostKernel() as third:
        third.start(pool(1)).close()
    assert traces() == before


def test_who_is_asked_to_wait_waits(before: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    """With HUGERESV_LOCK_WAIT a tool begins when the lock is free.

    Catches: a wait that ends in an error, or that does not see that the lock is free.
    """
    monkeypatch.setenv(WAIT_VARIABLE, "60")
    with held(lock_path(), "a test"):
        process = tool(then="break")
        _wait_for_a_guardian()
        assert process.poll() is None
    with process:
        wait_until_it_took_everything(process)
    wait_for(before)


def test_who_waits_and_is_killed_leaves_nobody_waiting(
    before: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guardian of a tool that is killed while it waits for the lock ends before the lock is free.

    Catches: guardians that queue up behind a lock for tools that are gone.
    """
    monkeypatch.setenv(WAIT_VARIABLE, "600")
    with held(lock_path(), "a test"), tool(then="break") as process:
        _wait_for_a_guardian()
        process.kill()
        process.wait()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while traces()["guardians"] and time.monotonic() < deadline:
            time.sleep(0.02)
        assert traces()["guardians"] == []
    wait_for(before)


def _wait_for_a_guardian() -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not traces()["guardians"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_number_of_seconds(before: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    """HUGERESV_LOCK_WAIT is a number. Catches: a traceback, or a wait of another length than was asked for."""
    monkeypatch.setenv(WAIT_VARIABLE, "a minute")
    with HostKernel() as kernel, pytest.raises(UnavailableError, match="HUGERESV_LOCK_WAIT=a minute: expected"):
        kernel.start(pool(1))


def test_a_pool_in_use_is_refused_as_it_is(before: dict[str, object]) -> None:
    """A pool with another process's promises is refused and not changed.

    Catches: a pool borrowed from somebody who uses it.
    """
    holder = "import mmap, sys; m = mmap.mmap(-1, 4 << 20, flags=0x40022); print(flush=True); sys.stdin.read()"
    pages = HugePool(PAGE_SIZE_KB)
    pages.set_nr(3)
    with subprocess.Popen([sys.executable, "-c", holder], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        taken = traces()
        with HostKernel() as kernel, pytest.raises(UnavailableError, match=r"in use: 0 of 3 pages .* 2 more reserved"):
            kernel.start(pool(8))
        assert traces() == taken
        process.communicate()
    pages.set_nr(0)
    pages.close()
    assert traces() == before


def test_an_idle_pool_is_borrowed_and_given_back(before: dict[str, object]) -> None:
    """A pool that is configured and free is borrowed, and its size and overcommit limit come back.

    Catches: a pool of 0 pages left behind.
    """
    pages = HugePool(PAGE_SIZE_KB)
    pages.set_nr(3)
    pages.set_nr_overcommit(2)
    configured = traces()
    with HostKernel() as kernel:
        kernel.start(pool(7, 1)).close()
        assert pages.counters() == (7, 7, 0, 0)
        assert pages.nr_overcommit() == 1
    assert traces() == configured
    pages.set_nr(0)
    pages.set_nr_overcommit(0)
    pages.close()
    assert traces() == before


def test_only_root_may(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without root the error says so before a guardian is started.

    Catches: an error of the guardian, which could not say it better.
    """
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with HostKernel() as kernel, pytest.raises(UnavailableError, match="run as root"):
        kernel.start(pool(1))


def test_a_page_size_that_this_kernel_does_not_have(before: dict[str, object]) -> None:
    """A page size that the kernel does not have is refused, in kB as the scenario has it.

    Catches: an OSError of a path in /sys.
    """
    with HostKernel() as kernel, pytest.raises(UnavailableError, match="no huge pages of 4 kB"):
        kernel.start(Pool(4, 1))
    assert traces() == before


def test_fewer_pages_than_asked_for(before: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    """A pool that comes out smaller than asked for is refused.

    Catches: a scenario run on it, whose answers would be wrong.
    """
    monkeypatch.setattr(HugePool, "set_nr", lambda _self, _pages: None)
    with HostKernel() as kernel, pytest.raises(UnavailableError, match="could get only 0 of 4 huge pages"):
        kernel.start(pool(4))
    assert traces() == before


def test_promises_of_others_are_not_healed_away(host_machine: None) -> None:
    """Who maps pages of a pool while it is borrowed keeps the promise. Catches: a counter that wraps when he unmaps."""
    if count_inodes("/sys") is None:
        pytest.skip("this kernel does not count the files of huge pages")
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40000  # MAP_HUGETLB
    with ExitStack() as kept:
        with HostKernel() as kernel:
            _start_or_skip(kernel)
            mapping = kept.enter_context(mmap.mmap(-1, 2 << 20, flags))
        assert Path(SYSFS, "resv_hugepages").read_text() == "1\n"
        mapping.close()
        Path(SYSFS, "nr_hugepages").write_text("0")
    assert Path(SYSFS, "resv_hugepages").read_text() == "0\n"
    assert Path(SYSFS, "nr_hugepages").read_text() == "0\n"


def _start_or_skip(kernel: HostKernel) -> None:
    try:
        kernel.start(pool(4))
    except UnavailableError as error:
        if taken_by_others(str(error)):
            pytest.skip(str(error))
        raise
