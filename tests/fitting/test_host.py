"""The answer beside what this host's kernel does: the same mapping, made and touched, and again after the remedies."""

import mmap
import os
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from hugeresv.calls.abi import MAP_HUGETLB, PR_SET_DUMPABLE
from hugeresv.errors import InputError
from hugeresv.fitting.forecast import Forecast, forecast_on_host
from hugeresv.fitting.remedy import Remedy, remedies_of
from hugeresv.fitting.situation import Query, What
from hugeresv.kernels import syscalls
from hugeresv.kernels.host.cgroups import CgroupBase
from hugeresv.kernels.host.kernel import HostKernel
from hugeresv.units import Size
from tests.fitting.reality import LIBC, PAGE_BYTES, Attempt, Child
from tests.kernels.conftest import pool

WAYS = [(what, noreserve) for what in What for noreserve in (False, True)]
NOBODY = 65534


def mapping_of(number: int) -> tuple[Size]:
    """A mapping of so many pages."""
    return (Size(number, is_pages=True),)


def ask(attempt: Attempt, child: Child) -> Forecast:
    """What we say of a mapping that a child would make."""
    query = Query(
        mapping_of(attempt.pages),
        PAGE_BYTES,
        attempt.what,
        attempt.noreserve,
        mount=attempt.directory,
        pid=child.pid,
    )
    return forecast_on_host("/proc", "/sys", query)


def carry_out(remedies: list[Remedy]) -> None:
    """Do what is proposed."""
    for remedy in remedies:
        assert remedy.command is not None
        subprocess.run(remedy.command, shell=True, check=True, stdout=subprocess.DEVNULL)  # noqa: S602 - as users do


def codes(fit: Forecast) -> list[str]:
    """What stands in the way."""
    return [remedy.code for remedy in remedies_of(fit)]


def said_and_done(
    attempt: Attempt,
    cgroup: str | None = None,
    user: int | None = None,
    prepare: Callable[[], None] | None = None,
) -> tuple[Forecast, tuple[object, ...], tuple[object, ...]]:
    """The answer, in full and as call, outcome and page, and what then happens."""
    with Child(cgroup, user, prepare) as child:
        fit = ask(attempt, child)
        trial = fit.trial
        return fit, (trial.call, trial.outcome, trial.page), child.attempt(attempt)


def must_agree(attempt: Attempt, cgroup: str | None = None, user: int | None = None) -> Forecast:
    """The answer is what happens; and with every command that it names carried out, the mapping fits.

    A mount that is too small gets another one beside it, which is used then.
    """
    fit, said, done = said_and_done(attempt, cgroup, user)
    assert said == done
    remedies = remedies_of(fit)
    larger = next((remedy.command.split()[-1] for remedy in remedies if remedy.code == "mount-size"), None)  # type: ignore[union-attr]
    try:
        carry_out(remedies)
        if remedies:
            again, said, done = said_and_done(replace(attempt, directory=larger or attempt.directory), cgroup, user)
            assert said == done == ("touch", "ok", None), remedies
            assert again.fits
    finally:
        if larger is not None:
            unmount(larger)
    return fit


def must_agree_with_own(attempt: Attempt, prepare: Callable[[], None]) -> Forecast:
    """The same for limits of the process itself, which a command must raise while it lives."""
    fit, said, done = said_and_done(attempt, prepare=prepare)
    assert said == done
    if not fit.fits:
        with Child(prepare=prepare) as child:
            carry_out(remedies_of(ask(attempt, child)))
            assert ask(attempt, child).fits
            assert child.attempt(attempt) == ("touch", "ok", None)
    return fit


@contextmanager
def occupied(pages: int, cgroup: Path | None = None) -> Iterator[Callable[[], bool]]:
    """Somebody, in a cgroup, who has touched half of a mapping of `pages` pages.

    What it gives has the rest touched, too, and says whether that was survived.
    """
    ready, done = os.pipe()
    end, over = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(over)
        os.close(ready)
        signal.signal(signal.SIGBUS, signal.SIG_DFL)
        try:
            if cgroup is not None:
                (cgroup / "cgroup.procs").write_text("0")
            held = mmap.mmap(-1, pages * PAGE_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_HUGETLB)
            for page in range(pages // 2):
                held[page * PAGE_BYTES] = 1
            os.write(done, b".")
            while os.read(end, 1):
                for page in range(pages // 2, pages):
                    held[page * PAGE_BYTES] = 1
                os.write(done, b"+")
        finally:
            os._exit(0)
    os.close(done)
    os.close(end)
    try:
        assert os.read(ready, 1) == b"."
        yield lambda: os.write(over, b"+") == 1 and os.read(ready, 1) == b"+"
    finally:
        os.close(over)
        os.waitpid(pid, 0)
        os.close(ready)


@contextmanager
def mounted(path: Path, options: str) -> Iterator[str]:
    """A hugetlbfs at a path."""
    subprocess.run(["mount", "-t", "hugetlbfs", "-o", f"pagesize=2M,{options}", "none", path], check=True)
    try:
        yield str(path)
    finally:
        unmount(str(path))


def unmount(path: str) -> None:
    """Unmount, also while some other program looks at the files there: then the mount goes when that has looked."""
    if subprocess.run(["umount", path], check=False, stderr=subprocess.DEVNULL).returncode:
        subprocess.run(["umount", "--lazy", path], check=True)


@contextmanager
def namespace_with_mount(path: Path, options: str) -> Iterator[int]:
    """A process with a hugetlbfs that nobody else sees."""
    mount = f"mount -t hugetlbfs -o pagesize=2M,{options} none {path}"
    command = ["unshare", "-m", "sh", "-c", f"{mount} && echo mounted && exec sleep 60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"mounted\n"
        try:
            yield process.pid
        finally:
            process.kill()


@pytest.fixture
def cgroup(host_machine: None) -> Iterator[Path]:
    """A cgroup without limits that has another above it, likewise."""
    with CgroupBase() as base:
        above = Path(base.path()) / "above"
        above.mkdir()
        (above / "cgroup.subtree_control").write_text("+hugetlb")
        (above / "task").mkdir()
        yield above / "task"


def limit(cgroup: Path, name: str, pages: int) -> None:
    """Set hugetlb.2MB.NAME."""
    (cgroup / f"hugetlb.2MB.{name}").write_text(str(pages * PAGE_BYTES))


@pytest.mark.parametrize(("what", "noreserve"), WAYS)
@pytest.mark.parametrize("pages", [7, 8, 9, 20])
def test_the_pool(host: HostKernel, what: What, noreserve: bool, pages: int) -> None:
    """The forecast is what mmap and touches do on this host, at the boundary of the pool.

    Catches: a promise that is counted as free, a page off at the boundary, SIGBUS where it is ENOMEM or the other way.
    """
    with host.start(pool(12)), occupied(4):
        fit = must_agree(Attempt(what, pages, noreserve))
        assert fit.fits == (pages <= 8)


@pytest.mark.parametrize(("what", "noreserve"), WAYS)
@pytest.mark.parametrize("pages", [8, 9, 11, 12, 20])
def test_overcommit(host: HostKernel, what: What, noreserve: bool, pages: int) -> None:
    """With overcommit the forecast is what this host does.

    Catches: surplus pages that are not counted, or not named.
    """
    with host.start(pool(12, 3)), occupied(4):
        fit = must_agree(Attempt(what, pages, noreserve))
        assert fit.fits == (pages <= 11)
        if fit.fits:
            assert fit.trial.surplus_pages == pages - 8
        else:
            assert codes(fit) == ["overcommit"]


@pytest.mark.parametrize(("what", "noreserve"), [way for way in WAYS if way[0] is not What.SYSV])
@pytest.mark.parametrize("pages", [4, 5, 6, 13])
def test_a_mount(host: HostKernel, tmp_path: Path, what: What, noreserve: bool, pages: int) -> None:
    """On a mount with size= the forecast is what this host does, and names each limit.

    Catches: a size= that is not seen, or a pool forgotten after it.
    """
    with host.start(pool(12)), mounted(tmp_path, f"size={5 * PAGE_BYTES}") as directory:
        fit = must_agree(Attempt(what, pages, noreserve, directory))
        assert codes(fit) == ["mount-size", "pool"][: (pages > 5) + (pages > 12)]


@pytest.mark.parametrize("pages", [6, 7, 14, 15])
@pytest.mark.parametrize("minimum", ["min_size=8M", "size=28M,min_size=8M"])
@pytest.mark.parametrize("what", [What.PRIVATE, What.SHARED])
def test_a_mount_with_a_minimum(host: HostKernel, tmp_path: Path, minimum: str, what: What, pages: int) -> None:
    """On a mount with min_size= the forecast is what this host does.

    Catches: a minimum that is counted twice: as promised to others, though it is for the files on this mount.
    """
    with host.start(pool(12)), mounted(tmp_path, minimum) as directory, occupied(6):
        must_agree(Attempt(what, pages, directory=directory))


@pytest.mark.parametrize(("what", "noreserve"), WAYS)
@pytest.mark.parametrize("name", ["max", "rsvd.max"])
@pytest.mark.parametrize("above", [False, True])
@pytest.mark.parametrize("pages", [4, 5, 6])
def test_a_cgroup(
    host: HostKernel, cgroup: Path, what: What, noreserve: bool, name: str, above: bool, pages: int
) -> None:
    """In a cgroup the forecast is what this host does: ENOMEM by rsvd.max, SIGBUS by max, also of one above.

    Catches: NORESERVE charged at mmap.
    """
    with host.start(pool(12)):
        limit(cgroup.parent if above else cgroup, name, 5)
        fit = must_agree(Attempt(what, pages, noreserve), str(cgroup))
        assert fit.fits == (pages <= 5)


@pytest.mark.parametrize("name", ["max", "rsvd.max"])
@pytest.mark.parametrize("pages", [1, 4, 5, 6, 7])
def test_a_cgroup_that_others_are_in(host: HostKernel, cgroup: Path, name: str, pages: int) -> None:
    """Others in the cgroup count with their pages against max, with their promises against rsvd.max.

    Catches: one taken for the other.
    """
    with host.start(pool(16)), occupied(4, cgroup):
        limit(cgroup, name, 8)
        fit = must_agree(Attempt(What.PRIVATE, pages), str(cgroup))
        assert fit.fits == (pages <= (6 if name == "max" else 4))


@pytest.mark.parametrize(("number", "lost"), [(2, 0), (6, 4)])
def test_what_a_yes_costs_others(host: HostKernel, cgroup: Path, number: int, lost: int) -> None:
    """Where a mapping fits that takes what others in the cgroup were promised, the answer counts it, and they die.

    Catches: "Fits", without a word about who is killed for it; a cost where nobody is.
    """
    with host.start(pool(20)), occupied(8, cgroup) as touch_the_rest:
        limit(cgroup, "max", 10)
        with Child(str(cgroup)) as child:
            fit = ask(Attempt(What.PRIVATE, number), child)
            assert fit.fits
            assert len(fit.costs) == (lost > 0)
            assert all(f"{lost} of the 4 can no longer be touched" in cost for cost in fit.costs)
        with occupied(2 * number, cgroup):
            assert touch_the_rest() == (lost == 0)


@pytest.mark.parametrize("name", ["max", "rsvd.max"])
def test_a_cgroup_that_may_have_nothing(host: HostKernel, cgroup: Path, name: str) -> None:
    """In a cgroup with a limit of 0 nothing fits. Catches: a limit of 0 that is taken for none."""
    with host.start(pool(4)):
        limit(cgroup, name, 0)
        assert not must_agree(Attempt(What.SHARED, 2), str(cgroup)).fits


@pytest.mark.parametrize("options", ["size=10M", "min_size=8M", "size=20M,min_size=8M", "size=0", "mode=700"])
@pytest.mark.parametrize("pages", [1, 3, 4, 5, 8, 9])
def test_a_mount_that_has_files(host: HostKernel, tmp_path: Path, options: str, pages: int) -> None:
    """Files on the mount count against its size, and against what the minimum still promises.

    Catches: pages of a file that nobody maps.
    """
    with host.start(pool(10)), mounted(tmp_path, options) as directory:
        file = tmp_path / "file"
        with file.open("wb") as there:
            if options != "size=0":
                os.posix_fallocate(there.fileno(), 0, 2 * PAGE_BYTES)
        must_agree(Attempt(What.SHARED, pages, directory=directory))


RSVD, USAGE = "cgroup-rsvd-max", "cgroup-max"


@pytest.mark.parametrize(
    ("pages", "stops"),
    [
        (3, []),
        (4, [USAGE]),
        (5, [RSVD, RSVD, USAGE]),
        (9, [RSVD, RSVD, "mount-size", USAGE, USAGE]),
        (17, [RSVD, RSVD, "mount-size", "pool", USAGE, USAGE]),
    ],
)
def test_all_limits_at_once(host: HostKernel, cgroup: Path, tmp_path: Path, pages: int, stops: list[str]) -> None:
    """All limits that are too low are named in the order in which they are met, and with all remedies it fits.

    Catches: the second limit, which shows when the first is gone.
    """
    with host.start(pool(16)), mounted(tmp_path, "size=16M") as directory:
        limit(cgroup, "rsvd.max", 4)
        limit(cgroup.parent, "rsvd.max", 4)
        limit(cgroup, "max", 3)
        limit(cgroup.parent, "max", 8)
        fit = must_agree(Attempt(What.SHARED, pages, directory=directory), str(cgroup))
        assert codes(fit) == stops


@pytest.fixture
def shm_group(host_machine: None) -> Iterator[None]:
    """Puts vm.hugetlb_shm_group back."""
    path = Path("/proc/sys/vm/hugetlb_shm_group")
    group = path.read_text()
    yield
    path.write_text(group)


@pytest.mark.usefixtures("shm_group")
@pytest.mark.parametrize(("what", "noreserve"), WAYS)
def test_an_ordinary_user(host: HostKernel, what: What, noreserve: bool) -> None:
    """An ordinary user is refused a segment, which needs a group, and nothing else.

    Catches: EPERM foretold for a mapping.
    """
    with host.start(pool(6)):
        fit = must_agree(Attempt(what, 5, noreserve), user=NOBODY)
        assert fit.fits == (what is not What.SYSV)


def test_a_mount_that_is_not_his(host: HostKernel, tmp_path: Path) -> None:
    """A mount that the user may not write is EACCES. Catches: EACCES that is taken for room."""
    for path in (tmp_path, *list(tmp_path.parents)[:3]):
        path.chmod(0o755)
    with host.start(pool(6)), mounted(tmp_path, "mode=755") as directory:
        fit = must_agree(Attempt(What.SHARED, 5, directory=directory), user=NOBODY)
        assert codes(fit) == ["mount-permission"]


def test_a_mount_that_only_the_process_sees(host: HostKernel, tmp_path: Path) -> None:
    """A mount of the process's own namespace is found there, and its remedy works there.

    Catches: the directory below it, which we see in its place.
    """
    with host.start(pool(6)), namespace_with_mount(tmp_path, "size=8M") as pid:
        fit = forecast_on_host("/proc", "/sys", Query(mapping_of(5), mount=str(tmp_path), pid=pid))
        assert codes(fit) == ["mount-size"]
        carry_out(remedies_of(fit))
        larger = f"{tmp_path}-10M"
        assert forecast_on_host("/proc", "/sys", Query(mapping_of(5), mount=larger, pid=pid)).fits
        for directory in (str(tmp_path), larger):
            with pytest.raises(InputError, match="not a directory on a hugetlbfs"):
                forecast_on_host("/proc", "/sys", Query(mapping_of(1), mount=directory))


def test_who_is_not_root_asks_too(host: HostKernel, tmp_path: Path) -> None:
    """Without root the forecast is the same. Catches: a traceback, or a refusal, for what everybody may read."""
    for path in (tmp_path, *list(tmp_path.parents)[:3]):
        path.chmod(0o755)
    with host.start(pool(6)), mounted(tmp_path, "mode=777,size=8M") as directory:
        answers, done = os.pipe()
        pid = os.fork()
        if pid == 0:
            _ask_as_nobody(done, directory)
        os.close(done)
        with os.fdopen(answers) as output:
            assert output.read() == "True False | True False"
        os.waitpid(pid, 0)


def _ask_as_nobody(done: int, directory: str) -> None:
    """Write down what nobody is told of mappings that just fit, and of those with a page more."""
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    syscalls.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
    try:
        told = [forecast_on_host("/proc", "/sys", Query(mapping_of(number))).fits for number in (6, 7)]
        there = [
            forecast_on_host("/proc", "/sys", Query(mapping_of(number), mount=directory)).fits for number in (4, 5)
        ]
        os.write(done, f"{told[0]} {told[1]} | {there[0]} {there[1]}".encode())
    finally:
        os._exit(0)


CLONE_NEWIPC = 0x08000000


@pytest.mark.parametrize(
    ("name", "value", "fits"),
    [
        ("shmmax", 3 * PAGE_BYTES - 1, False),
        ("shmmax", 3 * PAGE_BYTES, True),
        ("shmall", 3 * PAGE_BYTES // 4096 - 1, False),
        ("shmall", 3 * PAGE_BYTES // 4096, True),
        ("shmmni", 0, False),
        ("shmmni", 1, True),
    ],
)
def test_limits_of_an_ipc_namespace(host: HostKernel, name: str, value: int, fits: bool) -> None:
    """shmget meets the limits of the process's own IPC namespace, at the limit and one beyond.

    Catches: the limits of the namespace of who asks; a segment that is one too many, "Fits" all the same.
    """

    def prepare() -> None:
        assert LIBC.unshare(CLONE_NEWIPC) == 0
        Path(f"/proc/sys/kernel/{name}").write_text(str(value))

    with host.start(pool(6)):
        fit = must_agree_with_own(Attempt(What.SYSV, 3), prepare)
        assert codes(fit) == ([] if fits else [name])
        assert must_agree_with_own(Attempt(What.SHARED, 3), prepare).fits


@pytest.mark.parametrize(("limit", "field"), [(resource.RLIMIT_AS, "VmSize"), (resource.RLIMIT_DATA, "VmData")])
@pytest.mark.parametrize("what", What)
@pytest.mark.parametrize("room", [3 * PAGE_BYTES - 4096, 3 * PAGE_BYTES])
def test_resource_limits_of_a_process(host: HostKernel, limit: int, field: str, what: What, room: int) -> None:
    """RLIMIT_AS and, for private mappings, RLIMIT_DATA stop the call, at the limit and a base page beyond.

    Catches: a limit that is not read; what the process has already left out of the sum.
    """

    def prepare() -> None:
        status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        soft = (int(status[field].split()[0]) << 10) + room
        resource.setrlimit(limit, (soft, resource.RLIM_INFINITY))

    with host.start(pool(6)):
        fit = must_agree_with_own(Attempt(what, 3), prepare)
        stopped = room < 3 * PAGE_BYTES and (limit == resource.RLIMIT_AS or what is What.PRIVATE)
        assert fit.fits == (not stopped)
