"""Families of holders, sums, names: what a person sees in the place of a thousand rows."""

import pytest

from hugeresv.holders.grouping import GROUPINGS, families, sums
from hugeresv.holders.names import pattern_of, program_of, stable_name
from hugeresv.ledger.observation import Holder, HolderProcess, Kind, Pages, exactly


def holder(name: str, *pids: int, kind: Kind = Kind.FILE, reserved: int = 0, used: int = 1, user: str = "u") -> Holder:
    processes = tuple(HolderProcess(pid, f"/usr/bin/app{pid} x", user) for pid in pids)
    return Holder(2048, kind, name, exactly(reserved), exactly(used), processes=processes, cgroup="/c")


def test_files_of_a_family_are_one() -> None:
    """250 files of one program are one row. Catches: files of another folder, process or kind in the sum."""
    files = [holder(f"/mnt/rtemap_{number}") for number in range(250)]
    others = [
        holder("/mnt/2/rtemap_1"),
        holder("/mnt/rtemap_250", 7),
        holder("/mnt/rtemap_251", kind=Kind.MEMFD),
        holder("/mnt/rtemap_x"),
        holder("/mnt/qemu/1-a/m"),
        holder("/mnt/qemu/2-a/m"),
        holder("/mnt/qemu/3-a/m"),
    ]
    found = {each.name: each for each in families([*files, *others])}
    assert set(found) == {"/mnt/rtemap_* (250 files, 500M)", *(each.name for each in others)}
    assert found["/mnt/rtemap_* (250 files, 500M)"].used == (250, 250, 250)


def test_two_are_no_family() -> None:
    """Two files keep their names. Catches: a row that hides which of two files has the pages."""
    pair = [holder("/mnt/map_1", 5), holder("/mnt/map_2", 5)]
    assert families(pair) == pair


def test_bounds_of_a_family_are_the_sums_of_its_bounds() -> None:
    """The bounds of a family are the sums of its members' bounds.

    Catches: a family that is certain although its members are not.
    """
    member = Holder(2048, Kind.PRIVATE, "anonymous", Pages(0, 2, 3), Pages(1, 1, 4))
    (found,) = families([member] * 3)
    assert (found.name, found.reserved, found.used) == ("anonymous (3 mappings, 18M)", (0, 6, 9), (3, 3, 12))


def test_sums_count_what_is_shared_for_each_and_say_so() -> None:
    """A segment of two processes counts for both. Catches: pages that nobody has, or that are not called shared."""
    holders = [holder("/s", 1, 2, kind=Kind.SYSV, used=10), holder("/p", 1, reserved=3, used=2), holder("/left")]
    found = {each.key: each for each in sums(holders, "process")}
    assert [(key, each.used.best, each.shared_pages) for key, each in found.items()] == [
        ("1", 12, 10),
        ("2", 10, 10),
        ("", 1, 0),
    ]
    assert found["1"].detail == "app1"
    assert [(each.key, each.shared_pages) for each in sums(holders, "user")] == [("u", 0), ("", 0)]


def test_every_grouping_has_every_page_once_if_nothing_is_shared() -> None:
    """The sums of every grouping add up to all pages.

    Catches: a holder without process, user or cgroup that no sum has.
    """
    holders = [holder(f"/f{number}", number, reserved=1, used=2) for number in range(5)] + [holder("/x", used=7)]
    for by in GROUPINGS:
        assert sum(each.used.best for each in sums(holders, by)) == 17
        assert sum(each.reserved.best for each in sums(holders, by)) == 5


@pytest.mark.parametrize(
    ("command", "program"),
    [
        ("/usr/lib/postgresql/15/bin/postgres -D /srv", "postgres"),
        ("postgres: checkpointer", "postgres"),
        ("[kworker/0:1]", "[kworker/0:1]"),
        ("", ""),
    ],
)
def test_a_program_is_called_by_its_name(command: str, program: str) -> None:
    """A process is called by the last part of its program's path. Catches: `/usr/lib/p` for a name, or `0:1]`."""
    assert program_of(command) == program


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/dev/hugepages/qemu_back_mem.m0.r9CpIt", "/dev/hugepages/qemu_back_mem.m0.Ab3dEf"),
        ("/dev/hugepages/libvirt/qemu/1-web/qemu_back_mem.pc.ram.aaaaaa",
         "/dev/hugepages/libvirt/qemu/12-web/qemu_back_mem.pc.ram.bbbbbb"),
        ("segment 24 (key 0x0052e2c1)", "segment 32771 (key 0x0052e2c1)"),
        ("segment 3 (key 0x00000000)", "segment 4 (key 0x00000000)"),
        ("/dev/hugepages/rtemap_3", "/dev/hugepages/rtemap_1021"),
        ("/dev/hugepages/spdk_pid77map_0", "/dev/hugepages/spdk_pid4711map_5"),
    ],
)  # fmt: skip
def test_a_restart_keeps_the_name(one: str, other: str) -> None:
    """Names that differ by what changes at a restart alone are one name.

    Catches: a new time series at each start of a virtual machine.
    """
    assert stable_name(one) == stable_name(other)


def test_names_that_tell_things_apart_stay() -> None:
    """Names that tell two machines or databases apart stay different.

    Catches: two virtual machines or databases in one series.
    """
    names = [
        "/mnt/db1", "/mnt/db2", "segment 1 (key 0x0000000a)", "segment 1 (key 0x0000000b)", "guest-ram-1", "anonymous",
        "/h/libvirt/qemu/1-a/qemu_back_mem.pc.ram.aaaaaa", "/h/libvirt/qemu/1-b/qemu_back_mem.pc.ram.aaaaaa",
    ]  # fmt: skip
    assert len({stable_name(name) for name in names}) == len(names)
    assert pattern_of("/mnt/7/db1") == "/mnt/7/db*"
