"""The answer beside what this host's kernel does: the same mapping, made and touched, and again after the remedies."""

import mmap
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hugeresv.calls.abi import MAP_HUGETLB, PR_SET_DUMPABLE
from hugeresv.errors import InputError
from hugeresv.fit.fit import Fit, fit_on_host
from hugeresv.fit.query import Query
from hugeresv.fit.situation import What
from hugeresv.kernels import syscalls
from hugeresv.kernels.host.cgroups import CgroupBase
from hugeresv.kernels.host.kernel import HostKernel
from tests.fit.reality import PAGE_BYTES, Attempt, Child
from tests.kernels.conftest import pool

WAYS = [(what, noreserve) for what in What for noreserve in (False, True)]
NOBODY = 65534


def ask(attempt: Attempt, child: Child) -> Fit:
    """What we say of a mapping that a child would make."""
    query = Query(
        attempt.pages * PAGE_BYTES,
        PAGE_BYTES,
        attempt.what,
        attempt.noreserve,
        mount=attempt.directory,
        pid=child.pid,
    )
    return fit_on_host("/proc", "/sys", query)


def said_and_done(
    attempt: Attempt, cgroup: str | None = None, user: int | None = None
) -> tuple[Fit, tuple[object, ...], tuple[object, ...]]:
    """The answer, in full and as call, outcome and page, and what then happens."""
    with Child(cgroup, user) as child:
        fit = ask(attempt, child)
        trial = fit.answer.trial
        return fit, (trial.call, trial.outcome, trial.page), child.attempt(attempt)


def must_agree(attempt: Attempt, cgroup: str | None = None, user: int | None = None) -> Fit:
    """The answer is what happens; and with every command that it names carried out, the mapping fits."""
    fit, said, done = said_and_done(attempt, cgroup, user)
    assert said == done
    for remedy in fit.remedies:
        subprocess.run(remedy.command, shell=True, check=True, stdout=subprocess.DEVNULL)  # noqa: S602 - as users do
    if fit.remedies:
        again, said, done = said_and_done(attempt, cgroup, user)
        assert said == done == ("touch", "ok", None), fit.remedies
        assert again.fits
    return fit


@contextmanager
def occupied(pages: int, cgroup: Path | None = None) -> Iterator[None]:
    """Somebody, in a cgroup, who has touched half of a mapping of `pages` pages."""
    ready, done = os.pipe()
    end, over = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(over)
        os.close(ready)
        try:
            if cgroup is not None:
                (cgroup / "cgroup.procs").write_text("0")
            held = mmap.mmap(-1, pages * PAGE_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_HUGETLB)
            for page in range(pages // 2):
                held[page * PAGE_BYTES] = 1
            os.write(done, b".")
            os.read(end, 1)
        finally:
            os._exit(0)
    os.close(done)
    os.close(end)
    try:
        assert os.read(ready, 1) == b"."
        yield
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
        subprocess.run(["umount", path], check=True)


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
    """A promise that is counted as free, a page off at the boundary, SIGBUS where it is ENOMEM or the other way."""
    with host.start(pool(12)), occupied(4):
        fit = must_agree(Attempt(what, pages, noreserve))
        assert fit.fits == (pages <= 8)


@pytest.mark.parametrize(("what", "noreserve"), WAYS)
@pytest.mark.parametrize("pages", [8, 9, 11, 12, 20])
def test_overcommit(host: HostKernel, what: What, noreserve: bool, pages: int) -> None:
    """Pages that memory must give: how many, and that they are named."""
    with host.start(pool(12, 3)), occupied(4):
        fit = must_agree(Attempt(what, pages, noreserve))
        assert fit.fits == (pages <= 11)
        if fit.fits:
            assert fit.answer.trial.surplus_pages == pages - 8
        else:
            assert fit.remedies[0].code == "overcommit"


@pytest.mark.parametrize(("what", "noreserve"), [way for way in WAYS if way[0] is not What.SYSV])
@pytest.mark.parametrize("pages", [4, 5, 6, 13])
def test_a_mount(host: HostKernel, tmp_path: Path, what: What, noreserve: bool, pages: int) -> None:
    """A size= that is not seen; a remount, which the kernel ignores; what is asked of the pool after that."""
    with host.start(pool(12)), mounted(tmp_path, f"size={5 * PAGE_BYTES}") as directory:
        fit = must_agree(Attempt(what, pages, noreserve, directory))
        assert [remedy.code for remedy in fit.remedies] == ["mount-size", "pool"][: (pages > 5) + (pages > 12)]


@pytest.mark.parametrize("pages", [6, 7, 14, 15])
@pytest.mark.parametrize("minimum", ["min_size=8M", "size=28M,min_size=8M"])
@pytest.mark.parametrize("what", [What.PRIVATE, What.SHARED])
def test_a_mount_with_a_minimum(host: HostKernel, tmp_path: Path, minimum: str, what: What, pages: int) -> None:
    """A minimum that is counted twice: as promised to others, though it is for the files on this mount."""
    with host.start(pool(12)), mounted(tmp_path, minimum) as directory, occupied(6):
        must_agree(Attempt(what, pages, directory=directory))


@pytest.mark.parametrize(("what", "noreserve"), WAYS)
@pytest.mark.parametrize("name", ["max", "rsvd.max"])
@pytest.mark.parametrize("above", [False, True])
@pytest.mark.parametrize("pages", [4, 5, 6])
def test_a_cgroup(
    host: HostKernel, cgroup: Path, what: What, noreserve: bool, name: str, above: bool, pages: int
) -> None:
    """ENOMEM for rsvd.max and SIGBUS for max, also of a cgroup above; NORESERVE, which is charged as it is touched."""
    with host.start(pool(12)):
        limit(cgroup.parent if above else cgroup, name, 5)
        fit = must_agree(Attempt(what, pages, noreserve), str(cgroup))
        assert fit.fits == (pages <= 5)


@pytest.mark.parametrize("name", ["max", "rsvd.max"])
@pytest.mark.parametrize("pages", [1, 4, 5, 6, 7])
def test_a_cgroup_that_others_are_in(host: HostKernel, cgroup: Path, name: str, pages: int) -> None:
    """Others' pages in use against max, all that they were promised against rsvd.max."""
    with host.start(pool(16)), occupied(4, cgroup):
        limit(cgroup, name, 8)
        fit = must_agree(Attempt(What.PRIVATE, pages), str(cgroup))
        assert fit.fits == (pages <= (6 if name == "max" else 4))


@pytest.mark.parametrize("name", ["max", "rsvd.max"])
def test_a_cgroup_that_may_have_nothing(host: HostKernel, cgroup: Path, name: str) -> None:
    """A limit of 0 that is taken for none."""
    with host.start(pool(4)):
        limit(cgroup, name, 0)
        assert not must_agree(Attempt(What.SHARED, 2), str(cgroup)).fits


@pytest.mark.parametrize("options", ["size=10M", "min_size=8M", "size=20M,min_size=8M", "size=0", "mode=700"])
@pytest.mark.parametrize("pages", [1, 3, 4, 5, 8, 9])
def test_a_mount_that_has_files(host: HostKernel, tmp_path: Path, options: str, pages: int) -> None:
    """Pages of a file that nobody maps, which count against the size, and against what the minimum still keeps."""
    with host.start(pool(10)), mounted(tmp_path, options) as directory:
        file = tmp_path / "file"
        with file.open("wb") as there:
            if options != "size=0":
                os.posix_fallocate(there.fileno(), 0, 2 * PAGE_BYTES)
        must_agree(Attempt(What.SHARED, pages, directory=directory))


RSVD, USAGE = "cgroup-rsvd-max", "cgroup-max"


@pytest.mark.parametrize(
    ("pages", "codes"),
    [
        (3, []),
        (4, [USAGE]),
        (5, [RSVD, RSVD, USAGE]),
        (9, [RSVD, RSVD, "mount-size", USAGE, USAGE]),
        (17, [RSVD, RSVD, "mount-size", "pool", USAGE, USAGE]),
    ],
)
def test_all_limits_at_once(host: HostKernel, cgroup: Path, tmp_path: Path, pages: int, codes: list[str]) -> None:
    """The second limit, that shows when the first is gone; all are named, in the order in which they are met."""
    with host.start(pool(16)), mounted(tmp_path, "size=16M") as directory:
        limit(cgroup, "rsvd.max", 4)
        limit(cgroup.parent, "rsvd.max", 4)
        limit(cgroup, "max", 3)
        limit(cgroup.parent, "max", 8)
        fit = must_agree(Attempt(What.SHARED, pages, directory=directory), str(cgroup))
        assert [remedy.code for remedy in fit.remedies] == codes


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
    """EPERM for a segment, which needs a group, and for nothing else."""
    with host.start(pool(6)):
        fit = must_agree(Attempt(what, 5, noreserve), user=NOBODY)
        assert fit.fits == (what is not What.SYSV)


def test_a_mount_that_is_not_his(host: HostKernel, tmp_path: Path) -> None:
    """EACCES that is taken for room."""
    for path in (tmp_path, *list(tmp_path.parents)[:3]):
        path.chmod(0o755)
    with host.start(pool(6)), mounted(tmp_path, "mode=755") as directory:
        fit = must_agree(Attempt(What.SHARED, 5, directory=directory), user=NOBODY)
        assert [remedy.code for remedy in fit.remedies] == ["mount-permission"]


def test_a_mount_that_only_the_process_sees(host: HostKernel, tmp_path: Path) -> None:
    """The directory below the mount, which we see in its place; a command that mounts where nobody looks."""
    with host.start(pool(6)), namespace_with_mount(tmp_path, "size=8M") as pid:
        query = Query(5 * PAGE_BYTES, mount=str(tmp_path), pid=pid)
        fit = fit_on_host("/proc", "/sys", query)
        assert [remedy.code for remedy in fit.remedies] == ["mount-size"]
        subprocess.run(fit.remedies[0].command, shell=True, check=True)  # noqa: S602 - as users do
        assert fit_on_host("/proc", "/sys", query).fits
        with pytest.raises(InputError, match="no directory on a hugetlbfs"):
            fit_on_host("/proc", "/sys", Query(PAGE_BYTES, mount=str(tmp_path)))


def test_who_is_not_root_asks_too(host: HostKernel, tmp_path: Path) -> None:
    """A traceback, or a refusal, for what everybody may read."""
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
        told = [fit_on_host("/proc", "/sys", Query(pages * PAGE_BYTES)).fits for pages in (6, 7)]
        there = [fit_on_host("/proc", "/sys", Query(pages * PAGE_BYTES, mount=directory)).fits for pages in (4, 5)]
        os.write(done, f"{told[0]} {told[1]} | {there[0]} {there[1]}".encode())
    finally:
        os._exit(0)
