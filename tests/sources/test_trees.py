"""Captured trees: what is concluded where no link leads anywhere and no kernel can be asked."""

import os
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from hugeresv.errors import UnavailableError
from hugeresv.ledger.observation import Kind
from hugeresv.ledger.reconcile import unexplained
from hugeresv.sources.proc.cgroups import own_cgroup, read_cgroups
from hugeresv.sources.proc.files import unescape
from hugeresv.sources.proc.maps import parse_maps
from hugeresv.sources.proc.mountinfo import parse_mountinfo
from hugeresv.sources.proc.observe import PoolCounters, observe_host, watch
from hugeresv.sources.proc.read import read_snapshot
from hugeresv.sources.proc.segments import resident_pages
from hugeresv.sources.proc.snapshot import Snapshot
from hugeresv.sources.proc.sysvipc import parse_segments
from tests.sources.trees import add_process, make_host


def test_a_private_mapping_is_promised_what_it_does_not_have(tmp_path: Path) -> None:
    """A private mapping may be promised all pages that it does not have, and no more.

    Catches: a promise of 0, or of its whole length, where pagemap cannot be read.
    """
    make_host(tmp_path)
    add_process(tmp_path, 7)
    seen = observe_host(f"{tmp_path}/proc", f"{tmp_path}/sys")
    (holder,) = seen.holders
    assert (holder.kind, holder.reserved, holder.used) == (Kind.PRIVATE, (0, 3, 3), (1, 1, 1))
    assert holder.cgroup == "/some"
    assert holder.processes[0].command == "sleep \x1b[2Jx\n"
    assert unexplained(seen)[0][:3] == (2048, 0, 1)


def test_noreserve_is_promised_nothing(tmp_path: Path) -> None:
    """A mapping with the flag `nr` in smaps is promised nothing. Catches: a flag that is not read."""
    make_host(tmp_path)
    add_process(tmp_path, 7, flags=" nr")
    (holder,) = observe_host(f"{tmp_path}/proc", f"{tmp_path}/sys").holders
    assert holder.reserved == (0, 0, 0)


def test_a_process_that_vanishes_is_none(tmp_path: Path) -> None:
    """A process whose files are gone is no holder, and one without huge pages is not looked at further.

    Catches: an error that ends the whole look.
    """
    make_host(tmp_path)
    add_process(tmp_path, 7)
    (tmp_path / "proc/8").mkdir()
    (tmp_path / "proc/9").mkdir()
    (tmp_path / "proc/9/maps").write_text("400000-401000 r-xp 00000000 fe:01 1234 /bin/memfd:x\n")
    seen = observe_host(f"{tmp_path}/proc", f"{tmp_path}/sys")
    assert len(seen.holders) == 1
    assert [each.what for each in seen.unreadable] == [
        "open files, files on mounts, and SysV segments of other namespaces"
    ]


@pytest.mark.parametrize(
    ("counted", "looks", "steady"),
    [
        ([0], 1, True),
        ([3, 3], 2, True),
        ([3, 5, 5], 3, True),
        ([3, 5, 0], 3, True),
        ([3, 2, 3, 4, 5, 6], 6, False),
    ],
)
def test_a_rest_is_believed_when_two_looks_agree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counted: list[int], looks: int, steady: bool
) -> None:
    """Two looks in a row with the same counters and the same rest end it, and so does one that explains them.

    Catches: a verdict from a single look, from two that differ, a look too many, and one that never ends.
    """
    make_host(tmp_path, free=10)
    made: list[bool] = []

    def look(proc_root: str, sys_root: str, *, thorough: bool, enough: object) -> Snapshot:
        (tmp_path / "sys/kernel/mm/hugepages/hugepages-2048kB/resv_hugepages").write_text(f"{counted[len(made)]}\n")
        made.append(thorough)
        snapshot = read_snapshot(proc_root, sys_root, thorough=thorough)
        return replace(snapshot, unreadable=())

    monkeypatch.setattr("hugeresv.sources.proc.observe.read_snapshot", look)
    monkeypatch.setattr("hugeresv.sources.proc.observe.is_live", lambda _: True)
    monkeypatch.setattr("hugeresv.sources.proc.observe.watch", lambda _: nullcontext(PoolCounters()))
    seen = observe_host(f"{tmp_path}/proc", f"{tmp_path}/sys")
    assert (len(made), seen.steady) == (looks, steady)
    assert made == [False, *[True] * (looks - 1)]


def test_a_counter_that_moved_between_two_readings_is_noticed(tmp_path: Path) -> None:
    """A counter that moved and came back during a look is noticed.

    Catches: readings of two moments that pass for one.
    """
    make_host(tmp_path, resv=3)
    counter = tmp_path / "sys/kernel/mm/hugepages/hugepages-2048kB/resv_hugepages"
    with watch(f"{tmp_path}/sys") as counters:
        for text in ("8\n", "3\n"):
            before = counters.pools
            (tmp_path / "new").write_text(text)
            (tmp_path / "new").rename(counter)
            for _ in range(1000):
                if counters.pools == before:
                    time.sleep(0.01)
        assert counters.moved


def test_a_wrapped_counter_is_negative(tmp_path: Path) -> None:
    """A wrapped counter is negative, and makes no page available.

    Catches: 18446744073709551613 pages, and as many available.
    """
    make_host(tmp_path, resv=2**64 - 3)
    (pool,) = observe_host(f"{tmp_path}/proc", f"{tmp_path}/sys").pools
    assert (pool.rsvd, pool.available) == (-3, 8)


def test_no_huge_pages_is_said(tmp_path: Path) -> None:
    """Without hugetlb in /sys, the error says that there are no huge pages.

    Catches: a traceback on a kernel without hugetlb.
    """
    with pytest.raises(UnavailableError, match="no huge pages here"):
        observe_host(f"{tmp_path}/proc", f"{tmp_path}/sys")


def test_a_mount_of_another_host_has_no_files_here(tmp_path: Path) -> None:
    """Of a mount in a captured tree the limits are read, and no files of this machine.

    Catches: files of this machine under a path that the tree names.
    """
    make_host(tmp_path)
    place = str(tmp_path).encode().replace(b" ", b"\\040").decode()
    line = f"30 20 0:42 / {place} rw shared:1 - hugetlbfs none rw,pagesize=2M,size=20971520,min_size=4194304\n"
    (tmp_path / "proc/self/mountinfo").write_text(line)
    seen = observe_host(f"{tmp_path}/proc", f"{tmp_path}/sys")
    assert [(mount.size_pages, mount.min_size_pages, mount.used_pages) for mount in seen.mounts] == [(10, 2, None)]
    assert [(holder.kind, holder.reserved.best) for holder in seen.holders] == [(Kind.MOUNT_MINIMUM, 2)]
    assert seen.partial


def test_names_are_unescaped_as_the_kernel_escapes_them() -> None:
    """Octal escapes of the kernel become their bytes, once; other backslashes stay.

    Catches: a path that opens no file.
    """
    assert unescape("/a\\040b\\012c\\134040") == "/a b\nc\\040"
    assert unescape("/plain\\9") == "/plain\\9"
    assert unescape("/\udcff\\040") == "/\udcff "


def test_a_mapping_of_segment_0_is_one() -> None:
    """A mapping with inode 0 and the name of a segment is a segment's. Catches: inode 0 taken for no file."""
    maps = [b"1000-2000 rw-s 00000000 00:11 0      /SYSV00000000 (deleted)", b"2000-3000 rw-p 00000000 00:00 0 [heap]"]
    (mapping,) = parse_maps(maps, {0x1000})
    assert (mapping.inode, mapping.device, mapping.shared) == (0, os.makedev(0, 17), True)


@pytest.mark.parametrize("whole", [False, True])
def test_a_part_of_a_mount_shows_the_files_in_it_alone(tmp_path: Path, whole: bool) -> None:
    """What is outside the directory that is bind-mounted is said to be unread, unless all of it is mounted, too.

    Catches: pages of a file out there for which other processes are blamed.
    """
    make_host(tmp_path)
    part = "30 20 0:42 /sub /mnt/x rw - hugetlbfs none rw,pagesize=2M\n"
    all_of_it = "31 20 0:42 / /mnt/y rw - hugetlbfs none rw,pagesize=2M\n"
    (tmp_path / "proc/self/mountinfo").write_text(part + (all_of_it if whole else ""))
    found = observe_host(f"{tmp_path}/proc", f"{tmp_path}/sys")
    assert [mount.path for mount in found.mounts] == ["/mnt/y" if whole else "/mnt/x"]
    outside = [each.what for each in found.unreadable if "outside" in each.what]
    assert outside == ([] if whole else ["the files outside /sub of the hugetlbfs on /mnt/x"])


def test_a_mountinfo_with_a_dash_in_a_name() -> None:
    """The separator of mountinfo is a field `-` of its own. Catches: a dash in a name taken for it."""
    lines = [b"1 2 0:9 / /a-b rw - hugetlbfs none rw,pagesize=1024M", b"3 4 0:8 / /t rw - tmpfs t rw"]
    (point,) = parse_mountinfo(lines, "hugetlbfs")
    assert point == ("/a-b", os.makedev(0, 9), "hugetlbfs", "none", {"rw": "", "pagesize": "1024M"}, "/")


@pytest.mark.parametrize(
    ("rss", "pages"), [(0, (0, 0)), (2 << 20, (1, 1)), (2 << 30, (2, 2)), (1000, None), (5 << 30, None)]
)
def test_resident_bytes_of_a_segment(rss: int, pages: tuple[int, int] | None) -> None:
    """The resident bytes of a segment are read as 6.18 and as kernels before 6.7 show them; others are unknown.

    Catches: a number that fits neither, taken for pages.
    """
    head = "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid rss swap\n"
    (segment,) = parse_segments(f"{head} -1 5 600 6291456 1 1 0 0 0 0 0 {rss} 0\n", "")
    assert (segment.id, segment.key, segment.attached) == (5, 0xFFFFFFFF, 0)
    found = resident_pages(segment, 2 << 20)
    assert pages == (found and (found.min, found.max))


def test_the_cgroup_that_pays() -> None:
    """The cgroup of version 1's hugetlb hierarchy goes before that of version 2, and a path may have colons.

    Catches: a path cut at its colon.
    """
    assert own_cgroup("9:name=systemd:/s\n3:cpu,hugetlb:/a:b\n0::/c\n") == "/a:b"
    assert own_cgroup("9:name=systemd:/s\n0::/c\n") == "/c"
    assert own_cgroup("9:name=systemd:/s\n") is None


def test_cgroups_of_version_2(tmp_path: Path) -> None:
    """Limits in bytes and `max` are read, and cgroups that have nothing are left out. Catches: `max` taken for 0."""
    for name, limit, current in (("a", "4194304", "2097152"), ("b", "max", "0")):
        directory = tmp_path / "fs/cgroup" / name
        directory.mkdir(parents=True)
        (directory / "hugetlb.2MB.max").write_text(f"{limit}\n")
        (directory / "hugetlb.2MB.rsvd.max").write_text("max\n")
        (directory / "hugetlb.2MB.current").write_text(f"{current}\n")
        (directory / "hugetlb.2MB.rsvd.current").write_text(f"{current}\n")
    (tmp_path / "fs/cgroup/cgroup.controllers").write_text("hugetlb\n")
    (use,) = read_cgroups(str(tmp_path), [2048, 1 << 20], [])
    assert (use.path, use.max_pages, use.rsvd_max_pages, use.usage_pages, use.rsvd_pages) == ("/a", 2, None, 1, 1)
