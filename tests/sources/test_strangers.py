"""Names, lengths and depths that a process without privileges chooses."""

import mmap
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hugeresv.ledger.observation import Unreadable
from hugeresv.sources.proc.cgroups import own_cgroup, read_cgroups
from hugeresv.sources.proc.files import MalformedError, number, read_bytes, read_lines
from hugeresv.sources.proc.maps import parse_maps
from hugeresv.sources.proc.mountinfo import MountInfo, read_mountinfo
from hugeresv.sources.proc.mounts import read_mount
from hugeresv.sources.proc.observe import observe_host
from hugeresv.sources.proc.page_walks import PageWalks
from hugeresv.sources.proc.processes import ProcessReader
from tests.sources.trees import add_process, make_host

LINE_ENDS = ["\x0b", "\x0c", "\r", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
"""What Python takes for the end of a line, beside a newline."""


@pytest.mark.parametrize("end", LINE_ENDS)
def test_a_cgroup_does_not_pass_for_another(end: str) -> None:
    """Only a newline ends a line of /proc/PID/cgroup. Catches: a cgroup that is shown as `/victim`."""
    assert own_cgroup(f"0::/mine{end}9:hugetlb:/victim\n") == f"/mine{end}9:hugetlb:/victim"


@pytest.mark.parametrize("end", LINE_ENDS)
def test_a_mount_point_has_any_name(tmp_path: Path, end: str) -> None:
    """mountinfo escapes blanks, newlines and backslashes only. Catches: a name that ends `status`."""
    mountinfo = tmp_path / "mountinfo"
    mountinfo.write_bytes(f"3 2 0:9 / /a{end}b rw - hugetlbfs none rw,pagesize=2M\n".encode())
    (point,) = read_mountinfo(str(mountinfo), "hugetlbfs")
    assert point.path == f"/a{end}b"


@pytest.mark.parametrize("end", LINE_ENDS)
def test_a_process_may_not_be_named_like_a_field(tmp_path: Path, end: str) -> None:
    """/proc/PID/status escapes a newline in the name only. Catches: a name that makes a field of its own."""
    make_host(tmp_path)
    add_process(tmp_path, 7)
    (tmp_path / "proc/7/maps").unlink()
    (tmp_path / "proc/7/maps").symlink_to("maps")  # which cannot be read
    (tmp_path / "proc/7/status").write_text(f"Name:\tx{end}VmSize:\t4096 kB\nKthread:\t1\n")
    seen = observe_host(f"{tmp_path}/proc", f"{tmp_path}/sys")
    assert [each.what for each in seen.unreadable if "PID 7" in each.what] == []


def test_a_backslash_in_the_name_of_a_file_is_one() -> None:
    r"""maps escapes newlines and nothing else. Catches: `\040` in a name that is shown as a blank."""
    (mapping,) = parse_maps([b"1000-2000 rw-s 00000000 00:11 9    /dev/hugepages/a\\040\\012b"], {0x1000})
    assert mapping.name == "/dev/hugepages/a\\040\nb"


def test_an_endless_command_line_is_cut(tmp_path: Path) -> None:
    """A process may have gigabytes of arguments. Catches: reading them all."""
    make_host(tmp_path)
    add_process(tmp_path, 7)
    with (tmp_path / "proc/7/cmdline").open("wb") as file:
        file.write(b"sleep\0")
        file.truncate(1 << 40)
    (holder,) = observe_host(f"{tmp_path}/proc", f"{tmp_path}/sys").holders
    assert holder.processes[0].command == "sleep"


def test_a_file_without_an_end_is_not_read_whole(tmp_path: Path) -> None:
    """A file or line beyond the limit is an OSError.

    Catches: memory for a file of any length, or for a line of any length.
    """
    endless = tmp_path / "endless"
    with endless.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(OSError, match="bytes"):
        read_bytes(str(endless))
    with pytest.raises(OSError, match="bytes"):
        list(read_lines(str(endless)))


@contextmanager
def nested(top: Path, depth: int, files: dict[str, str]) -> Iterator[None]:
    """`depth` directories in each other, with files in the innermost."""
    descriptor = os.open(top, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=descriptor)
        inner = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = inner
    for name, content in files.items():
        file = os.open(name, os.O_WRONLY | os.O_CREAT, dir_fd=descriptor)
        os.write(file, content.encode())
        os.close(file)
    os.close(descriptor)
    yield
    subprocess.run(["rm", "-r", top / "d"], check=True)  # pytest's own way to remove them is recursive


@pytest.mark.parametrize(("depth", "found"), [(1200, 1), (2500, 0)])
def test_cgroups_may_be_nested_to_any_depth(tmp_path: Path, depth: int, found: int) -> None:
    """Cgroups at any depth are read, or said to be unread.

    Catches: recursion, and silence about a path that is too long for the kernel.
    """
    directory = tmp_path / "fs/cgroup"
    directory.mkdir(parents=True)
    (directory / "cgroup.controllers").write_text("hugetlb\n")
    unreadable: list[Unreadable] = []
    with nested(directory, depth, {"hugetlb.2MB.max": "max", "hugetlb.2MB.current": "2097152"}):
        uses = list(read_cgroups(str(tmp_path), [2048], unreadable))
    assert [use.path for use in uses] == ["/d" * depth] * found
    assert [each.why for each in unreadable] == ["File name too long"] * (1 - found)


@pytest.mark.parametrize(("depth", "found"), [(1200, 1), (2500, 0)])
def test_directories_on_a_mount_may_be_nested_to_any_depth(tmp_path: Path, depth: int, found: int) -> None:
    """Files at any depth of a mount are read, or said to be unread.

    Catches: recursion; and silence about files that lie too deep.
    """
    device = tmp_path.stat().st_dev
    point = MountInfo(str(tmp_path), device, "hugetlbfs", "none", {"pagesize": "2M"})
    unreadable: list[Unreadable] = []
    with nested(tmp_path, depth, {"f": "x"}):
        mount = read_mount("", point, 2 << 20, unreadable)
    assert [name for name, _ in mount.files] == ["d/" * depth + "f"] * found
    assert [each.hides for each in unreadable] == [True] * (1 - found)


@pytest.mark.parametrize("text", ["", " 1", "+1", "1_000", "٣", "0x10", "1.0", "9" * 21, str(1 << 64), "-1"])
def test_a_number_is_as_the_kernel_writes_it(text: str) -> None:
    """A number is decimal digits as the kernel writes them, and anything else is malformed.

    Catches: everything else that Python's int() takes.
    """
    with pytest.raises(MalformedError, match="free is "):
        number(text, "free")
    assert number(b"18446744073709551615", "free") == (1 << 64) - 1


def test_a_mapping_ends_where_a_file_can_end() -> None:
    """An offset in a file of huge pages is an loff_t: bytes beyond 2**63 are in no mapping of one.

    Catches: a traceback of the ledger, which knows no such page.
    """
    line = b"1000000-1200000 rw-s %08x 00:10 5 /memfd:a (deleted)"
    last_page = (1 << 63) - (1 << 21)
    [mapping] = parse_maps([line % last_page], {0x1000000})
    assert mapping.offset == last_page
    for beyond in (last_page + 1, (1 << 64) - 1):
        with pytest.raises(MalformedError, match="a mapping"):
            parse_maps([line % beyond], {0x1000000})


HUGE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000 | 0x40000  # MAP_NORESERVE, MAP_HUGETLB


@pytest.mark.skipif(not Path("/sys/kernel/mm/hugepages/hugepages-2048kB").is_dir(), reason="needs huge pages of 2 MiB")
@pytest.mark.parametrize(("memory_bytes", "known"), [(1 << 30, True), (1 << 38, False)])
def test_page_tables_of_endless_mappings_are_not_walked(
    monkeypatch: pytest.MonkeyPatch, memory_bytes: int, known: bool
) -> None:
    """NORESERVE mappings take nothing from a pool, and one page table walk of 110 TiB takes seconds.

    A mapping that is larger than memory cannot have been promised its pages; of others this is then not known. No page
    is present in either. Catches: smaps or pagemap of all that a process maps, however much it is.
    """
    monkeypatch.setattr("hugeresv.sources.proc.processes.read_details", None)
    monkeypatch.setattr("hugeresv.sources.proc.processes.anonymous_pages", None)
    kept = [mmap.mmap(-1, 1 << 37, HUGE, mmap.PROT_READ) for _ in range(8)]
    reader = ProcessReader("/proc", {}, (), 2048, PageWalks(memory_bytes), live=True)
    record = reader.read(os.getpid())
    assert record is not None
    reader.read_flags(record)
    reader.read_pages(record)
    for each in kept:
        each.close()
    starts = [mapping.start for mapping in record.mappings if mapping.end - mapping.start == 1 << 37]
    assert len(starts) == 8
    assert [record.anonymous[start] for start in starts] == [[]] * 8
    assert record.noreserve == (frozenset(starts) if known else None)
    assert list(reader.not_walked) == ([] if known else [os.getpid()])
