"""Situations without a kernel bug in which pages or promises live on: none is called one, and its cause is named."""

import contextlib
import errno
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hugeresv.holders.finding import Finding
from hugeresv.holders.warning import warnings_of
from hugeresv.kernels.host.kernel import HostKernel
from hugeresv.ledger.observation import Kind, Observation, exactly
from hugeresv.ledger.reconcile import unexplained
from hugeresv.scenario.operation import Exit, Ftruncate, Mmap, Mount, OpenFile, Touch
from hugeresv.sources.proc.empty_namespaces import EmptyNamespaces
from hugeresv.sources.proc.observe import observe_host
from hugeresv.sources.proc.pins import orphans
from hugeresv.sources.proc.processes import ProcessReader
from hugeresv.sources.proc.snapshot import ProcessRecord
from hugeresv.sources.proc.sysvipc import SegmentRecord
from tests.kernels.conftest import pool

HEAD = """
import ctypes, mmap, os, socket, sys, threading, time
PAGE, HUGETLB, MFD_HUGE_2MB = 2 << 20, 0x40000, 4 | 21 << 26
libc = ctypes.CDLL(None, use_errno=True)
def pages(count):
    return mmap.mmap(-1, count * PAGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | HUGETLB)
def memfd(count):
    descriptor = os.memfd_create("seg", MFD_HUGE_2MB)
    os.ftruncate(descriptor, count * PAGE)
    return descriptor
def segment():
    number = libc.shmget(0, ctypes.c_size_t(2 * PAGE), 0o5600)
    libc.shmat.restype, libc.shmdt.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    address = libc.shmat(number, None, 0)
    ctypes.memset(address, 1, 1)
    libc.shmdt(address)
def wait():
    print("ready", flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def running(program: str, *prefix: str) -> Iterator[subprocess.Popen[str]]:
    """A Python program that holds pages by the time it is ready, until its input ends."""
    words = [*prefix, sys.executable, "-c", HEAD + program]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process


def look() -> tuple[Observation, list[Finding], tuple[int, int]]:
    """A look, what is said of it, and the rest of the pool of 2 MiB pages."""
    seen = observe_host()
    rows = unexplained(seen)
    row = next(row for row in rows if row.page_size_kB == 2048)
    return seen, warnings_of(seen, rows), (row.reserved_pages, row.used_pages)


def test_a_program_that_maps_and_unmaps_in_a_loop(host: HostKernel) -> None:
    """No look at a pool that moves all the time gives a verdict, and each says that it moved, or explains everything.

    Catches: counters that come back to where they were and are taken for such as stood still.
    """
    loop = """
print("ready", flush=True)
while True:
    held = pages(5)
    for page in range(5): held[page * PAGE] = 1
    held.close()
"""
    with host.start(pool(8)), running(loop) as process:
        for _ in range(15):
            seen, said, rest = look()
            assert not [each for each in said if each.wrong], rest
            assert not seen.steady or rest == (0, 0)
        process.kill()


def test_a_detached_mount_names_what_keeps_it(host: HostKernel, tmp_path: Path) -> None:
    """Files of a hugetlbfs that was lazily unmounted are held by whoever is in it.

    Catches: pages called lost, and a command `rm` for a path that leads nowhere.
    """
    inside = f"""
place = {str(tmp_path)!r}.encode()
assert libc.mount(b"none", place, b"hugetlbfs", 0, None) == 0
os.chdir(place)
os.mkdir("deep")
descriptor = os.open("seg", os.O_CREAT | os.O_RDWR)
os.posix_fallocate(descriptor, 0, 3 * PAGE)
os.close(descriptor)
os.chdir("deep")
assert libc.umount2(place, 2) == 0
wait()
"""
    with host.start(pool(8)), running(inside) as process:
        seen, said, rest = look()
        assert rest == (0, 0)
        (file,) = [holder for holder in seen.holders if holder.place is not None]
        assert (file.name, file.used.best, [each.pid for each in file.processes]) == (
            "(detached)/seg", 3, [process.pid],
        )  # fmt: skip
        (finding,) = [each for each in said if each.code == "detached-mount"]
        assert f"the working directory of PID {process.pid} (" in finding.text
        assert not [each for each in said if each.wrong or each.code == "unused-file"]
        process.communicate()


IN_FLIGHT = """
one, other = socket.socketpair()
descriptor = memfd(3)
held = mmap.mmap(descriptor, 3 * PAGE)
held[0] = 1
held.close()
socket.send_fds(one, [b"x"], [descriptor])
os.close(descriptor)
wait()
"""
IN_A_PIPE = """
out, into = os.pipe()
held = pages(2)
held[0] = 1
class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
vector = Vector(ctypes.addressof(ctypes.c_char.from_buffer(held)), 4096)
libc.vmsplice.restype = ctypes.c_ssize_t
assert libc.vmsplice(into, ctypes.byref(vector), 1, 0) == 4096
libc.munmap(ctypes.c_void_p(vector.base), 2 * PAGE)
wait()
"""


IN_A_RING = """
ring = libc.syscall(425, 4, ctypes.create_string_buffer(120))
assert ring > 0
held = pages(2)
held[0] = 1
address = ctypes.addressof(ctypes.c_char.from_buffer(held))
assert libc.syscall(427, ring, 0, (ctypes.c_ulong * 2)(address, PAGE), 1) == 0
libc.munmap(ctypes.c_void_p(address), 2 * PAGE)
wait()
"""
REGISTERED = """
ring = libc.syscall(425, 4, ctypes.create_string_buffer(120))
assert ring > 0
descriptor = memfd(3)
held = mmap.mmap(descriptor, 3 * PAGE)
held[0] = 1
held.close()
assert libc.syscall(427, ring, 2, (ctypes.c_int * 1)(descriptor), 1) == 0
os.close(descriptor)
wait()
"""
A_PIPE_IN_FLIGHT = """
one, other = socket.socketpair()
""" + IN_A_PIPE.replace(
    "wait()",
    """
socket.send_fds(one, [b"x"], [out, into])
os.close(out)
os.close(into)
wait()""",
)
NOT_ACCEPTED = """
listening, sending = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
listening.bind(os.environb[b"PLACE"] + b"/socket")
listening.listen()
sending.connect(listening.getsockname())
""" + IN_A_PIPE.replace(
    "wait()",
    """
assert os.splice(out, sending.fileno(), 4096) == 4096
os.close(out)
os.close(into)
sending.close()
wait()""",
)
NOT_MOUNTED = """
context = libc.syscall(430, b"hugetlbfs", 0)
assert context > 0
assert libc.syscall(431, context, 1, b"min_size", b"4M", 0) == 0
assert libc.syscall(431, context, 6, None, None, 0) == 0
wait()
"""
A_MINIMUM = """
place = os.environb[b"PLACE"]
assert libc.mount(b"none", place, b"hugetlbfs", 0, b"min_size=6M") == 0
os.chdir(place)
assert libc.umount2(place, 2) == 0
wait()
"""


@pytest.mark.parametrize(
    ("program", "states", "cause"),
    [
        (IN_FLIGHT, (2, 1), "files in flight in a socket of "),
        (IN_A_PIPE, (-1, 1), "data in pipes or sockets of "),
        (A_PIPE_IN_FLIGHT, (-1, 1), "files in flight in a socket of "),
        (NOT_ACCEPTED, (-1, 1), "data in pipes or sockets of "),
        (IN_A_RING, (-1, 1), "1 buffer registered in an io_uring of "),
        (REGISTERED, (2, 1), "1 file registered in an io_uring of "),
        (NOT_MOUNTED, (2, 0), "a file system that "),
        (A_MINIMUM, (3, 0), "lives on as the working directory of "),
    ],
    ids=[
        "a file in flight",
        "a page in a pipe",
        "a page in a pipe in flight",
        "a page in a connection that nobody has accepted",
        "a registered buffer",
        "a registered file",
        "a file system that is not mounted",
        "a minimum of a detached mount",
    ],
)
def test_what_is_out_of_sight_is_named(
    host: HostKernel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    program: str,
    states: tuple[int, int],
    cause: str,
) -> None:
    """A rest that something else may hold is no leak, and what may hold it is named with its process, and once.

    Catches: pages that are called lost although they come back when the process ends; the two ends of a socket, both
    of which share memory with the kernel, told in the same words twice.
    """
    monkeypatch.setenv("PLACE", str(tmp_path))
    with host.start(pool(8)), running(program) as process:
        _, said, rest = look()
        assert rest == states
        named = [each for each in said if each.code in {"rsvd-unexplained", "used-unexplained"}]
        whose = f"PID {process.pid} ("
        # Where other programs have data in pipes, too, only some of them are named.
        seen = re.compile(rf"{re.escape(cause)}.*({re.escape(whose)}|and \d+ more)", re.DOTALL)
        assert any(seen.search(each.text) for each in named), said
        assert all(each.text.count(whose) < 3 for each in named)
        assert not [each for each in said if each.wrong and each.code != "counter-wrapped"]
        process.communicate()
        assert look()[2] == (0, 0)


OF_A_FILE_ITSELF = """
descriptor = memfd(6)
held = mmap.mmap(descriptor, 3 * PAGE)
for page in range(3): held[page * PAGE] = 1
held.close()
private = mmap.mmap(descriptor, 6 * PAGE, mmap.MAP_PRIVATE)
private[0] = 1
os.close(descriptor)
wait()
"""
OF_A_CHILD = """
place = os.environb[b"PLACE"]
assert libc.mount(b"none", place, b"hugetlbfs", 0, None) == 0
descriptor = os.open(place + b"/seg", os.O_CREAT | os.O_RDWR)
os.ftruncate(descriptor, 4 * PAGE)
child = os.fork()
private = mmap.mmap(descriptor, 4 * PAGE, mmap.MAP_PRIVATE)
private[0] = 1
if child == 0:
    wait()
    os._exit(0)
os.unlink(place + b"/seg")
os.close(descriptor)
assert libc.umount2(place, 2) == 0
os.waitpid(child, 0)
"""


@pytest.mark.parametrize(
    ("program", "held"),
    [
        (OF_A_FILE_ITSELF, {(Kind.PRIVATE, (5, 5), 1), (Kind.MEMFD, (0, 0), 3)}),
        (OF_A_CHILD, {(Kind.PRIVATE, (3, 6), 2), (Kind.FILE, (0, 3), 0)}),
    ],
    ids=["pages of a file that is mapped privately", "a child that has mapped the same file"],
)
def test_private_mappings_of_a_file(
    host: HostKernel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, held: set[object]
) -> None:
    """A private mapping keeps the pages of a file without a name, and a child may own a mapping of the same file.

    Catches: pages of the file itself that nobody is said to have, and are called lost; a child's promise taken for a
    copy of its parent's, and called leaked.
    """
    monkeypatch.setenv("PLACE", str(tmp_path))
    with host.start(pool(12)), running(program) as process:
        seen, said, rest = look()
        assert {(each.kind, (each.reserved.min, each.reserved.max), each.used.best) for each in seen.holders} == held
        most = sum(each.reserved.max - each.reserved.best for each in seen.holders)
        assert (0 <= rest[0] <= most, rest[1]) == (True, 0), said
        assert not [each for each in said if each.wrong]
        process.communicate()


def test_connections_without_a_process(tmp_path: Path) -> None:
    """TCP connections that were closed before all was delivered may have pages: they are named, with their number.

    Catches: pages that a program has sent without a copy before it ended, called lost while the other side is slow.
    """
    sockstat = tmp_path / "1/net/sockstat"
    sockstat.parent.mkdir(parents=True)
    for number, named in ((0, []), (2, ["data not yet delivered by 2 TCP connections that no process has open"])):
        sockstat.write_text(f"sockets: used 90\nTCP: inuse 3 orphan {number} tw 4 alloc 5 mem 6\nUDP: inuse 0 mem 0\n")
        assert [each.what for each in orphans(str(tmp_path)) if each.pages and each.short] == named


WITHOUT_A_PROCESS = """
place = os.environb[b"PLACE"]
own = [os.open(f"/proc/self/ns/{kind}", os.O_RDONLY) for kind in ("ipc", "mnt")]
assert libc.unshare(0x08020000) == 0
segment()
assert libc.mount(None, b"/", None, 0x44000, None) == 0
assert libc.mount(b"none", place, b"hugetlbfs", 0, b"min_size=8M") == 0
descriptor = os.open(place + b"/left", os.O_CREAT | os.O_RDWR)
os.posix_fallocate(descriptor, 0, 3 * PAGE)
os.close(descriptor)
kept = [os.open(f"/proc/self/ns/{kind}", os.O_RDONLY) for kind in ("ipc", "mnt")]
for descriptor, kind in zip(own, (0x08000000, 0x20000)):
    assert libc.setns(descriptor, kind) == 0
    os.close(descriptor)
"""
BY_A_DESCRIPTOR = WITHOUT_A_PROCESS + "wait()"
BY_A_MOUNT = f"""
assert libc.unshare(0x20000) == 0
assert libc.mount(None, b"/", None, 0x44000, None) == 0
{WITHOUT_A_PROCESS}
for descriptor, name in zip(kept, (b"/ipc", b"/mnt")):
    os.close(os.open(place + name, os.O_CREAT | os.O_WRONLY))
    assert libc.mount(b"/proc/self/fd/%d" % descriptor, place + name, None, 0x1000, None) == 0
    os.close(descriptor)
wait()
"""
BY_A_THREAD = """
place = os.environb[b"PLACE"]
def alone():
    assert libc.unshare(0x08020200) == 0
    segment()
    assert libc.mount(None, b"/", None, 0x44000, None) == 0
    assert libc.mount(b"none", place, b"hugetlbfs", 0, b"min_size=8M") == 0
    descriptor = os.open(place + b"/left", os.O_CREAT | os.O_RDWR)
    os.posix_fallocate(descriptor, 0, 3 * PAGE)
    os.close(descriptor)
    print("ready", flush=True)
    time.sleep(1000)
threading.Thread(target=alone, daemon=True).start()
sys.stdin.read()
os._exit(0)
"""


@pytest.mark.parametrize("program", [BY_A_DESCRIPTOR, BY_A_MOUNT, BY_A_THREAD], ids=["descriptor", "mount", "thread"])
def test_what_is_in_a_namespace_without_a_process_is_counted(
    host: HostKernel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    """Segments, files and minimums of namespaces that only a descriptor, a bind mount or a thread keeps are holders.

    The command that removes them enters the namespace, and does remove them. Catches: a namespace that is named as a
    possible cause and not looked into; a path that leads nowhere from here.
    """
    monkeypatch.setenv("PLACE", str(tmp_path))
    with host.start(pool(8)), running(program) as process:
        seen, said, rest = look()
        assert rest == (0, 0), said
        assert {(each.kind, each.reserved.best, each.used.best) for each in seen.holders} == {
            (Kind.SYSV, 1, 1), (Kind.FILE, 0, 3), (Kind.MOUNT_MINIMUM, 1, 0),
        }  # fmt: skip
        for command in _removals(seen):
            subprocess.run(["sh", "-c", command], check=True)
        assert [(each.kind, each.reserved.best) for each in look()[0].holders] == [(Kind.MOUNT_MINIMUM, 4)]
        process.communicate()


def test_thousands_of_namespaces_are_not_all_entered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user may keep as many as he likes: some are entered, the others are named.

    Catches: a thread for each of them.
    """
    entered: list[str] = []

    def read(path: str, *_: str) -> list[SegmentRecord]:
        entered.append(path)
        return []

    monkeypatch.setattr("hugeresv.sources.proc.empty_namespaces.read_segments_of", read)
    empty = EmptyNamespaces("/proc", ())
    for number in range(1000):
        empty.add_thread(f"ipc:[{number}]", f"/proc/7/task/{number}/ns/ipc", "PID 7 (x)")
    assert empty.segments() == []
    assert (len(entered), len(empty.suspects)) == (256, 744)


def _removals(seen: Observation) -> list[str]:
    """The commands for what no process uses, as if all processes could have been read and all numbers were sure."""
    sure = [replace(each, used=exactly(each.used.best), reserved=exactly(each.reserved.best)) for each in seen.holders]
    complete = replace(seen, holders=tuple(sure), unreadable=())
    return [each.command for each in warnings_of(complete, unexplained(complete)) if each.code == "unused-file"]


def test_a_promise_that_is_not_given_back_beside_surplus_pages(host: HostKernel) -> None:
    """6.9 and later leave a dropped page unpromised while the pool has surplus pages, as earlier ones always do.

    Catches: a decision of the kernel, which ends with the mapping, called promises that a bug has lost.
    """
    program = """
held = pages(3)
for page in range(2): held[page * PAGE] = 1
held.madvise(mmap.MADV_DONTNEED, 0, PAGE)
wait()
"""
    with host.start(pool(1, 2)), running(program) as process:
        _, said, rest = look()
        assert rest == (-1, 0)
        (finding,) = [each for each in said if each.code == "rsvd-unexplained"]
        assert "MADV_DONTNEED" in finding.text
        assert not [each for each in said if each.wrong]
        process.communicate()


def test_files_that_may_not_be_read_may_hold_pages(host: HostKernel) -> None:
    """Who may not see descriptors gives no verdict, though he may see mappings.

    Catches: EACCES taken for a descriptor that was closed meanwhile; root told to become root.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("setpriv is not installed")
    holder = "descriptor = memfd(6)\nheld = mmap.mmap(descriptor, 6 * PAGE)\nheld[0] = 1\nheld.close()\nwait()"
    without = [setpriv, "--bounding-set=-sys_ptrace", "--inh-caps=-all"]
    words = [*without, sys.executable, "-m", "hugeresv", "status"]
    with host.start(pool(8)), running(holder) as process:
        shown = subprocess.run(words, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "500"})
        assert shown.returncode == 0, shown.stdout
        assert "5 reserved pages have no visible owner." in shown.stdout
        assert "that takes CAP_SYS_PTRACE" in shown.stdout
        assert "run as root" not in shown.stdout
        process.communicate()


def test_a_segment_beside_a_process_that_may_not_be_read(host: HostKernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many files of huge pages as the kernel has were seen: the segment has all promises, whoever was not read.

    Catches: an estimate that the counters decide, because files were not counted where mappings explain everything.
    """
    program = """
libc.shmat.restype = ctypes.c_void_p
segment = libc.shmget(0, ctypes.c_size_t(4 * PAGE), 0o5600)
ctypes.memset(libc.shmat(segment, None, 0), 1, 1)
libc.shmctl(segment, 0, None)
wait()
"""
    with host.start(pool(8)), running("wait()") as stranger, running(program) as process:
        read, room = ProcessReader.read, ProcessReader.room

        def refuse(reader: ProcessReader, pid: int) -> ProcessRecord | None:
            if pid == stranger.pid:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            return read(reader, pid)

        monkeypatch.setattr(ProcessReader, "read", refuse)
        monkeypatch.setattr(ProcessReader, "room", lambda reader, pid: pid != stranger.pid and room(reader, pid))
        seen, _, rest = look()
        assert rest == (0, 0)
        assert seen.partial
        assert [(each.kind, each.reserved, each.used) for each in seen.holders] == [(Kind.SYSV, (3, 3, 3), (1, 1, 1))]
        process.communicate()
        stranger.communicate()


def test_a_thread_with_descriptors_of_its_own(host: HostKernel) -> None:
    """A file that only a thread has open, after unshare(CLONE_FILES), is explained or named as unseen.

    Catches: its pages called lost.
    """
    program = """
def alone():
    libc.unshare(0x400)
    descriptor = memfd(2)
    held = mmap.mmap(descriptor, 2 * PAGE)
    held.close()
    print("ready", flush=True)
    time.sleep(1000)
threading.Thread(target=alone, daemon=True).start()
sys.stdin.read()
os._exit(0)
"""
    with host.start(pool(8)), running(program) as process:
        seen, said, rest = look()
        assert rest == (0, 0)
        assert [(each.kind, each.reserved.best) for each in seen.holders] == [(Kind.MEMFD, 2)]
        assert not [each for each in said if each.wrong]
        process.communicate()


def test_a_minimum_that_was_restored_too_early(host: HostKernel) -> None:
    """The promise is the mount's, says the holder; no restart is asked for.

    Catches: 1 reserved page called leaked until the host restarts, which ends at umount.
    """
    with host.start(pool(4)) as session:
        for operation in (
            Mount("m", min_size_pages=1),
            OpenFile("f", mount="m"),
            Mmap("a", "p", "shared", pages=2, file="f"),
            Touch("a", "p", "write", page=0),
            Exit("a"),
            Ftruncate("b", "f", pages=1),
        ):
            session.apply(operation)
        seen, said, rest = look()
        assert rest == (0, 0)
        minimum = next(each for each in seen.holders if each.kind is Kind.MOUNT_MINIMUM)
        assert (minimum.reserved.best, minimum.assumed) == (1, True)
        (finding,) = [each for each in said if each.code == "minimum-restored"]
        assert "unmounted" in finding.remedy
        assert not [each for each in said if each.wrong]
