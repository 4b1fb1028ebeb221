"""Small trees in the form of /proc and /sys, as a copy of another host's files is."""

from pathlib import Path

POOL = {"nr": 10, "free": 8, "resv": 3, "surplus": 0, "nr_overcommit": 0}

_FORKED = 0x400040
"""Flags of a process that has not called execve since it was forked."""


def make_host(root: Path, **counters: int) -> None:
    """A host with a pool of 2 MiB pages and no process."""
    add_pool(root, 2048, **{**POOL, **counters})
    kernel = root / "proc/sys/kernel"
    (kernel / "random").mkdir(parents=True)
    (kernel / "random/boot_id").write_text("another boot\n")
    (kernel / "hostname").write_text("elsewhere\n")
    (root / "proc/meminfo").write_text("MemTotal: 1 kB\nHugepagesize:    2048 kB\n")
    (root / "proc/self").mkdir()
    (root / "proc/self/mountinfo").write_text("")


def add_pool(root: Path, page_size_kB: int, **counters: int) -> None:
    """A pool of a page size, empty but for `counters`."""
    pool = root / f"sys/kernel/mm/hugepages/hugepages-{page_size_kB}kB"
    pool.mkdir(parents=True)
    for name in POOL:
        (pool / f"{name}_hugepages").write_text(f"{counters.get(name, 0)}\n")


def add_process(
    root: Path,
    pid: int,
    *,
    name: bytes = b"/anon_hugepage (deleted)",
    pages: int = 4,
    present: int = 1,
    flags: str = "",
    inode: int = 77,
    cgroup: str = "/some",
) -> None:
    """A process with one private mapping of huge pages, as maps and smaps show it."""
    process = root / "proc" / str(pid)
    process.mkdir()
    start = 0x7F0000000000
    head = b"%x-%x rw-p 00000000 00:10 %d %s\n" % (start, start + pages * (2 << 20), inode, name)
    stack = b"7fff00000000-7fff00001000 rw-p 00000000 00:00 0 [stack]\n"
    detail = f"KernelPageSize: 2048 kB\nShared_Hugetlb: 0 kB\nPrivate_Hugetlb: {present * 2048} kB\n"
    detail += f"VmFlags: rd wr mr mw me de ht{flags}\n"
    (process / "maps").write_bytes(head + stack)
    (process / "smaps").write_bytes(head + detail.encode() + stack + b"KernelPageSize: 4 kB\nVmFlags: rd wr\n")
    (process / "stat").write_text(f"{pid} (a) b) S 1 {pid} {pid} 0 -1 {_FORKED} " + "0 " * 12 + "100 0\n")
    (process / "cmdline").write_bytes(b"sleep\0\x1b[2Jx\n\0")
    (process / "cgroup").write_text(f"1:name=systemd:/x\n0::{cgroup}\n")


def add_node(root: Path, node: int, page_size_kB: int = 2048, **counters: int) -> None:
    """A NUMA node's part of a pool."""
    pool = root / f"sys/devices/system/node/node{node}/hugepages/hugepages-{page_size_kB}kB"
    pool.mkdir(parents=True)
    for name in ("nr", "free", "surplus"):
        (pool / f"{name}_hugepages").write_text(f"{counters.get(name, 0)}\n")
