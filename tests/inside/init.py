"""Process 1 of a guest: makes a holder of every kind, asks hugeresv who holds the pages, and prints what it says.

It runs with the Python and the hugeresv of whoever started the guest. The result is one line of JSON on the second
serial port: the processes, the counters, and for each command its exit status and output.
"""

import ctypes
import io
import json
import os
import signal
import sys
import termios
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from hugeresv.calls import abi
from hugeresv.calls.numbers import number_of
from hugeresv.kernels import syscalls

PAGE = 2 << 20
POOL = "/sys/kernel/mm/hugepages/hugepages-2048kB"
HUGE = abi.huge_flag(PAGE)
ANONYMOUS = abi.MAP_PRIVATE | abi.MAP_ANONYMOUS | abi.MAP_HUGETLB | HUGE
RW = abi.PROT_READ | abi.PROT_WRITE
PAGES = 64
RB_AUTOBOOT = 0x1234567
"""With `-no-reboot` the emulator ends then."""


def call(name: str, *words: int) -> int:
    return syscalls.syscall(number_of(name, "x86_64"), *words)


def touch(start: int, *pages: int) -> None:
    for page in pages:
        ctypes.memset(start + page * PAGE, 1, 1)


def private(pages: int, *touched: int, flags: int = 0) -> int:
    start = syscalls.mmap(None, pages * PAGE, RW, ANONYMOUS | flags, -1, 0)
    touch(start, *touched)
    return start


def shared(file: int, pages: int, *touched: int) -> int:
    start = syscalls.mmap(None, pages * PAGE, RW, abi.MAP_SHARED, file, 0)
    touch(start, *touched)
    return start


def forked() -> None:
    """The owner has both pages and the child a copy of one."""
    start = private(2, 0, 1)
    if os.fork() == 0:
        touch(start, 0)
        signal.pause()


def mapped_file() -> None:
    file = os.open("/mnt/huge/mapped", os.O_RDWR | os.O_CREAT)
    shared(file, 5, 0, 1)
    os.close(file)


def open_memfd() -> None:
    """Nothing maps it any more; the descriptor keeps it."""
    file = os.memfd_create("guest", abi.MFD_HUGETLB | HUGE)
    os.ftruncate(file, 3 * PAGE)
    syscalls.munmap(shared(file, 3, 0), 3 * PAGE)


def segment(*, attached: bool) -> None:
    identifier = call("shmget", 0, 2 * PAGE, abi.IPC_CREAT | abi.SHM_HUGETLB | HUGE | 0o600)
    start = call("shmat", identifier, 0, 0)
    touch(start, 0)
    if not attached:
        call("shmdt", start)


def left_file() -> None:
    file = os.open("/mnt/huge/left", os.O_RDWR | os.O_CREAT)
    os.posix_fallocate(file, 0, 2 * PAGE)
    os.close(file)


HOLDERS: dict[str, tuple[Callable[[], Any], int, int]] = {
    "private": (lambda: private(4, 0), 3, 1),
    "noreserve": (lambda: private(3, 0, 1, flags=abi.MAP_NORESERVE), 0, 2),
    "forked": (forked, 0, 3),
    "mapped file": (mapped_file, 3, 2),
    "open memfd": (open_memfd, 2, 1),
    "attached segment": (lambda: segment(attached=True), 1, 1),
    "left segment": (lambda: segment(attached=False), 1, 1),
    "left file": (left_file, 0, 2),
}
"""What a process does, and how many pages are reserved and used by it then; it goes on living."""

MINIMUM = 4
"""Pages of a mount's min_size=, which nothing uses."""


def start(name: str, action: Callable[[], Any]) -> int:
    """A process of its own that does it and stays; its ID."""
    ready, done = os.pipe()
    pid = os.fork()
    if pid == 0:
        Path("/proc/self/comm").write_text(name[:15])
        action()
        os.write(done, b".")
        os.close(done)
        signal.pause()
    os.close(done)
    if os.read(ready, 1) != b".":
        raise RuntimeError(f"{name} has ended")
    os.close(ready)
    return pid


def hugeresv(*arguments: str) -> dict[str, Any]:
    """A command of hugeresv: its exit status and output."""
    from hugeresv.cli.main import main

    printed, err = io.BytesIO(), io.StringIO()
    out = io.TextIOWrapper(printed, "utf-8", write_through=True)
    sys.argv = ["hugeresv", *arguments]
    status: Any = 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            status = end.code or 0
    return {"status": status, "out": printed.getvalue().decode(), "err": err.getvalue()}


def counters() -> dict[str, int]:
    return {name: int(Path(f"{POOL}/{name}_hugepages").read_text()) for name in ("nr", "free", "resv", "surplus")}


def fits(pages: int) -> bool:
    """Whether mmap of so many pages really succeeds now."""
    try:
        syscalls.munmap(private(pages), pages * PAGE)
    except OSError:
        return False
    return True


def mount_all() -> None:
    for what, where, options in (
        (b"proc", b"/proc", b""), (b"sysfs", b"/sys", b""), (b"devtmpfs", b"/dev", b""), (b"tmpfs", b"/mnt", b""),
        (b"tmpfs", b"/tmp", b""),
    ):  # fmt: skip
        Path(where.decode()).mkdir(exist_ok=True)
        syscalls.mount(what, where, what, 0, options)


def look() -> dict[str, Any]:
    mount_all()
    Path(f"{POOL}/nr_hugepages").write_text(str(PAGES))
    for name, limit in (("huge", ""), ("minimum", f",min_size={MINIMUM * PAGE}")):
        Path("/mnt", name).mkdir()
        syscalls.mount(b"none", f"/mnt/{name}".encode(), b"hugetlbfs", 0, f"pagesize={PAGE}{limit}".encode())
    pids = {name: start(name, action) for name, (action, _, _) in HOLDERS.items()}
    for name in ("left segment", "left file"):
        os.kill(pids.pop(name), signal.SIGKILL)
    os.wait()
    os.wait()
    now = counters()
    available = now["free"] - now["resv"]
    return {
        "pids": pids,
        "counters": now,
        "status": hugeresv("status", "--json"),
        "text": hugeresv("status"),
        "export": hugeresv("export"),
        "audit": hugeresv("audit", "--json"),
        "fit": [(hugeresv("fit", f"{pages}p", "--json"), fits(pages)) for pages in (available, available + 1)],
    }


def report(look: Callable[[], dict[str, Any]]) -> None:
    """Print what it finds, and end the guest."""
    os.environ |= {"LANG": "C.UTF-8", "PATH": "/"}
    try:
        found = look()
    except BaseException:  # noqa: BLE001  whatever it is, the test is to see it
        found = {"traceback": traceback.format_exc()}
    with Path("/dev/ttyS1").open("w") as port:
        port.write(json.dumps(found) + "\n")
        port.flush()
        termios.tcdrain(port)
    syscalls.LIBC.reboot(RB_AUTOBOOT)


def main() -> None:
    report(look)
