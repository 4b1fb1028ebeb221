"""A stock kernel in QEMU, where it can be had."""

import mmap
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hugeresv.errors import UnavailableError
from hugeresv.kernels.guest.agent import agent_program
from hugeresv.kernels.guest.architecture import ARCHITECTURES
from hugeresv.kernels.guest.images import find_image
from hugeresv.kernels.guest.kernel import GuestKernel
from hugeresv.kernels.guest.options import Options
from hugeresv.kernels.protocol import PageState
from hugeresv.play.play import play
from hugeresv.scenario import operation as ops
from hugeresv.scenario.expectation import contradictions, expected
from hugeresv.scenario.scenario import Cgroup, Pool, Scenario
from hugeresv.search.fresh import going_on
from tests.kernels.conftest import must_answer, pool, settle
from tests.played import SCENARIOS, scenario_in


@pytest.fixture(scope="module")
def guest(guests: Callable[[str], GuestKernel]) -> GuestKernel:
    """One kernel for all of them."""
    return guests("6.1")


@pytest.mark.parametrize("name", ["split-middle", "fork", "shared-reuse", "overcommit"])
def test_scenarios_that_teach_are_true(guest: GuestKernel, name: str) -> None:
    """Every scenario at the top of scenarios/ is as expected in a guest, and leaks nothing.

    Catches: a call whose arguments the agent hands over wrongly; a process, file or segment that outlives the scenario.
    """
    results = list(play(scenario_in(SCENARIOS / f"{name}.scn"), guest, show=True))
    assert [str(found) for result in results for found in result.contradictions] == []
    assert results[-1].answer.counters.rsvd == 0


def test_pages_are_seen_where_they_are(guest: GuestKernel) -> None:
    """A picture has the pages that a mapping or its file has, each at its place.

    Catches: holes that are taken for pages, and a page of a file that only another process has mapped.
    """
    with guest.start(pool(8)) as session:
        settle(
            session,
            [
                ops.Mmap("p", "a", "private", pages=4),
                ops.Touch("p", "a", "write", page=3),
                ops.Munmap("p", "a", page=1, pages=1),
                ops.Memfd("f"),
                ops.Mmap("p", "s", "shared", pages=2, file="f"),
                ops.Mmap("q", "s", "shared", pages=2, file="f"),
                ops.Touch("q", "s", "write", page=1),
            ],
        )
        private, shared = session.view("p", "a"), session.view("p", "s")
    assert private is not None
    assert shared is not None
    hole, there, absent = PageState.HOLE, PageState.PRESENT, PageState.ABSENT
    assert private.runs == ((absent, 1), (hole, 1), (absent, 1), (there, 1))
    assert (shared.shared, shared.runs) == (True, ((absent, 1), (there, 1)))


def test_signals_cgroups_and_mounts(guest: GuestKernel) -> None:
    """A guest answers signals, charges of cgroups and statfs of mounts.

    Catches: an agent that dies of a SIGBUS, a limit that is not the cgroup's, a statfs of another mount.
    """
    with guest.start(pool(4), {"c": Cgroup(max_pages=1)}) as session:
        answer = session.apply(ops.Mount("m", size_pages=3))
        assert answer.statfs == {"m": (3, 3, 3)}
        settle(session, [ops.CgroupMove("p", "c"), ops.Mmap("p", "a", "private", pages=2)])
        must_answer(
            session,
            (ops.Touch("p", "a", "write", page=0), "ok 4/3/1/0"),
            (ops.Touch("p", "a", "write", page=1), "SIGBUS 4/3/1/0"),
            (ops.Touch("p", "a", "read", page=9), "SIGSEGV 4/3/1/0"),
        )
        answer = session.release()
    assert answer.counters == (4, 4, 0, 0)
    assert answer.cgroups == {"c": (0, 0)}


def test_every_start_is_a_fresh_kernel(guest: GuestKernel) -> None:
    """Each session begins with the pool of its scenario, free and unpromised.

    Catches: a guest that goes on where the scenario before has left it.
    """
    for _ in range(2):
        with guest.start(pool(4)) as session:
            must_answer(session, (ops.Mmap("p", "a", "private", pages=4), "ok 4/4/4/0"))


@pytest.mark.parametrize("name", ["split-middle", "split-left", "split-right", "split-mprotect"])
def test_a_machine_of_32_bits(guests: Callable[[str], GuestKernel], name: str) -> None:
    """Scenarios are true on a 32-bit kernel.

    Catches: numbers of system calls, or words, of the other machine; a mapping that finds no room in 3 GiB.
    """
    try:
        agent_program(ARCHITECTURES["i386"])
    except UnavailableError as error:
        pytest.skip(f"guests: {str(error).splitlines()[0]}")
    results = list(play(scenario_in(SCENARIOS / f"{name}.scn"), guests("6.1-i386"), show=True))
    assert [str(found) for result in results for found in result.contradictions] == []


def test_a_pool_that_does_not_fit(guest: GuestKernel) -> None:
    """A pool for which the guest's memory is too small is refused with the number of pages reached.

    Catches: a scenario that is run on a smaller pool than its own.
    """
    small = GuestKernel(guest.name.removeprefix("guest:"), Options(memory_bytes=256 << 20))
    with small, pytest.raises(UnavailableError, match="could get only"):
        small.start(pool(120))


def test_two_nodes(guest: GuestKernel) -> None:
    """A guest with two nodes has half of the pool on each.

    Catches: a pool that lies on the first node alone, in the guest that was booted and in its copies.
    """
    with (
        GuestKernel(guest.name.removeprefix("guest:"), Options(nodes=2)) as two,
        two.start(pool(6)) as session,
    ):
        node = "/sys/devices/system/node/node{}/hugepages/hugepages-2048kB/free_hugepages"
        assert session._readings._files.read(node.format(0), node.format(1)) == [3, 3]
        must_answer(session, (ops.Mmap("p", "a", "private", pages=6, populate=True), "ok 6/0/0/0"))


def test_a_guest_is_as_large_as_its_pool(guest: GuestKernel) -> None:
    """A guest with pages of 1 GiB has them from its boot on, and their memory is readable.

    Catches: pages of 1 GiB that are asked for when there are none in one piece any more; a read of memory above 4 GiB.
    """
    with guest.start(Pool(1 << 20, 2)) as session:
        must_answer(
            session,
            (ops.Mmap("p", "a", "private", pages=2), "ok 2/2/2/0"),
            (ops.Touch("p", "a", "write", page=1), "ok 2/1/1/0"),
            (ops.Touch("p", "a", "write", page=0), "ok 2/0/0/0"),
        )
        assert len(session.memory.segments) == 2


def test_its_memory_and_symbols_are_the_kernels(guest: GuestKernel) -> None:
    """The memory file holds the guest's vmcoreinfo, and its symbols are at their addresses.

    Catches: a file that is not the memory of this guest; a symbol of another name, or of another boot.
    """
    with guest.start(pool(1)) as session:
        memory = session.memory
        with memory.path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as content:
            assert len(content) == memory.size_bytes == sum(segment.size_bytes for segment in memory.segments)
            assert content.find(memory.vmcoreinfo) > 0
        told = dict(line.split("=", 1) for line in memory.vmcoreinfo.decode().splitlines())
        assert told["OSRELEASE"] == find_image("6.1").release
        symbols = session.kernel_symbols(["init_uts_ns", "no_such_symbol"])
    assert symbols == {"init_uts_ns": int(told["SYMBOL(init_uts_ns)"], 16)}


def test_the_emulator_dies_with_its_parent(guest: GuestKernel) -> None:
    """The emulator ends when the tool is killed. Catches: a guest that runs on when the tool is killed."""
    program = (
        "import sys, time; from hugeresv.kernels.guest.kernel import GuestKernel;"
        "from hugeresv.scenario.scenario import Pool; kernel = GuestKernel(sys.argv[1]);"
        "session = kernel.start(Pool(2048, 1)); print('started', flush=True); time.sleep(600)"
    )
    name = guest.name.removeprefix("guest:")
    with subprocess.Popen([sys.executable, "-c", program, name], stdout=subprocess.PIPE) as tool:
        assert tool.stdout is not None
        assert tool.stdout.readline() == b"started\n"
        emulators = _children(tool.pid)
        assert emulators
        os.kill(tool.pid, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while any(_runs(process) for process in emulators):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_campaign_that_is_killed_leaves_nothing(guest: GuestKernel, tmp_path: Path) -> None:
    """A fuzz campaign that is killed takes its workers and their guests along.

    Catches: workers that go on when the tool is killed, each with a guest.
    """
    command = [str(Path(sys.executable).parent / "hugeresv"), "fuzz", "6.1", guest.name, "--jobs", "2", "--time", "600"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path) as tool:
        deadline = time.monotonic() + 60
        while len(emulators := [each for worker in _children(tool.pid) for each in _children(worker)]) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        workers = _children(tool.pid)
        os.kill(tool.pid, signal.SIGKILL)
    while any(_runs(process) for process in [*workers, *emulators]):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert list(tmp_path.iterdir()) == []


def _children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def _runs(process: int) -> bool:
    """Whether it lives; one that nobody has waited for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_guest_goes_on_only_where_nothing_is_left_in_it(guest: GuestKernel) -> None:
    """A search's next scenario has the same guest, with a pool and cgroups of its own, unless something has leaked.

    Catches: counters, processes or cgroups that come from the scenario before, and a finding made on a used guest.
    """
    scenario = scenario_in(SCENARIOS / "behaviours" / "cgroup-rsvd.scn")
    leaks = scenario_in(SCENARIOS / "history" / "H71-mremap-of-a-part.scn")
    with going_on(guest):
        first = _played(guest, scenario)
        assert _played(guest, scenario) is first
        assert _played(guest, leaks) is first
        second = _played(guest, scenario)
        assert second is not first
        with going_on(guest, wanted=False):
            assert _played(guest, scenario) is not second


def _played(guest: GuestKernel, scenario: Scenario) -> object:
    """The emulator on which the scenario was answered as it expects."""
    with guest.start(scenario.pool, scenario.cgroups) as session:
        for step in scenario.steps:
            answer = session.apply(step.operation)
            assert contradictions(expected(step, guest.expectation_names), answer) == []
        session.release()
        return session._guest
