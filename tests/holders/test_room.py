"""Warnings and notes about pools, files that were left, and cgroups: which there are, and that their commands work."""

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from hugeresv.holders.finding import Finding
from hugeresv.holders.room import room_warnings
from hugeresv.ledger.observation import (
    CgroupUse,
    Holder,
    HolderProcess,
    Kind,
    MountUse,
    Observation,
    Pages,
    PoolUse,
    Unreadable,
    exactly,
)
from hugeresv.sources.proc.cgroups import read_cgroups

POOL = PoolUse(2048, 60, 50, 10, 0, 0)
FULL = PoolUse(2048, 60, 40, 40, 0, 0)
V2, V1 = "/sys/fs/cgroup/db/hugetlb.2MB{}.max", "/sys/fs/cgroup/hugetlb/db/hugetlb.2MB{}.limit_in_bytes"

V1_NAMES = ("limit_in_bytes", "rsvd.limit_in_bytes", "usage_in_bytes")


def holder(name: str = "/mnt/x", *pids: int, kind: Kind = Kind.FILE, reserved: int = 0, used: int = 1) -> Holder:
    processes = tuple(HolderProcess(pid, "/usr/bin/java -Xmx1g", "u") for pid in pids)
    return Holder(2048, kind, name, exactly(reserved), exactly(used), processes=processes, place=42)


def found(
    pool: PoolUse, *holders: Holder, cgroups: Sequence[CgroupUse] = (), mounts: Sequence[MountUse] = ()
) -> list[Finding]:
    return list(room_warnings(Observation((pool,), holders, tuple(mounts), tuple(cgroups))))


def codes(findings: Sequence[Finding]) -> list[str]:
    """Notes in brackets."""
    return [f"({each.code})" if each.note else each.code for each in findings]


@pytest.mark.parametrize(
    ("pool", "expected", "text"),
    [
        (POOL, [], ""),
        (FULL, ["(all-promised)"], "2M pages: no page is left for a new mapping: all 40 free pages are promised."),
        (replace(FULL, free=1, rsvd=1), ["(all-promised)"], "the free page is promised"),
        (replace(FULL, free=0, rsvd=0), ["(all-used)"], "all 60 pages are in use"),
        (replace(FULL, total=1, free=0, rsvd=0), ["(all-used)"], "its page is in use"),
        (replace(FULL, overcommit=1), ["(all-promised)"], "but for 1 page that overcommit may add if memory has them"),
        (replace(POOL, total=0, free=0, rsvd=0), [], ""),
    ],
)
def test_a_full_pool_is_no_alarm(pool: PoolUse, expected: list[str], text: str) -> None:
    """A database whose pool has exactly its size is healthy. Catches: a warning for ever; `all 1 free pages`."""
    findings = found(pool)
    assert codes(findings) == expected
    assert text in "".join(each.text for each in findings)


def test_a_child_that_writes_dies_where_nothing_is_left() -> None:
    """Seen on 6.18 (cases/fork: a child's write and, after the parent's, its read are SIGBUS). Catches: silence."""
    heap = holder("anonymous", 5, kind=Kind.PRIVATE, reserved=40, used=20)
    forked = holder("anonymous", 5, 6, kind=Kind.PRIVATE, reserved=40, used=20)
    assert codes(found(FULL, heap)) == ["(all-promised)", "(fork-may-die)"]
    (_, warning) = found(FULL, forked)
    assert codes([warning]) == ["fork-may-die"]
    assert "killed by SIGBUS" in warning.text
    assert "If a child of java (PID 5) writes" in warning.text
    assert warning.command == "echo 61 > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
    for pool, other in (
        (FULL, holder("/s", 5, 6, kind=Kind.SYSV, used=20)),
        (FULL, replace(forked, used=exactly(0))),
        (POOL, forked),
        (replace(FULL, overcommit=1), forked),
    ):
        assert "fork-may-die" not in "".join(codes(found(pool, other)))


def test_files_of_a_family_are_one_warning() -> None:
    """250 files left by one program. Catches: 250 warnings with two lines each."""
    files = [holder(f"/dev/hugepages/rtemap_{number}") for number in range(250)]
    (warning,) = found(POOL, *files, holder("/dev/hugepages/other_1", 7))
    assert warning.code == "unused-file"
    assert "/dev/hugepages/rtemap_* (250 files), which hold 250 pages (500M)" in warning.text
    assert warning.command == "rm /dev/hugepages/rtemap_*"
    assert "the content is lost" in warning.remedy


@pytest.mark.parametrize("count", [1, 3, 9])
@pytest.mark.parametrize("folder", ["plain", "with blank", "a'b*[c]"])
@pytest.mark.parametrize("neighbour", [False, True])
def test_the_command_removes_those_files_and_no_others(
    tmp_path: Path, count: int, folder: str, neighbour: bool
) -> None:
    """It is run here. Catches: a pattern that takes a file in use along, a path that the shell takes apart."""
    place = tmp_path / folder
    place.mkdir()
    left = [place / f"m p_{number}" for number in range(count)]
    kept = [place / "m px", place / "other"] + ([place / "m p_99"] if neighbour else [])
    for file in (*left, *kept):
        file.touch()
    (tmp_path / "bin").mkdir()
    fuser = tmp_path / "bin/fuser"
    fuser.write_text('#!/bin/sh\ncase "$2" in *_99) exit 0;; *) exit 1;; esac\n')
    fuser.chmod(0o755)
    used = [holder(str(file), 7) for file in kept]
    (warning,) = found(POOL, *(holder(str(file)) for file in left), *used)
    subprocess.run(["sh", "-c", f'PATH="$PWD/bin:$PATH"; {warning.command}'], cwd=tmp_path, check=True)
    assert sorted(place.iterdir()) == sorted(kept)


def test_where_fuser_is_not_installed_the_command_removes_nothing(tmp_path: Path) -> None:
    """Not every system has what tells files in use from others. Catches: files of a live program removed."""
    files = [tmp_path / f"rtemap_{number}" for number in range(10)]
    for file in files:
        file.touch()
    (warning,) = found(POOL, holder(str(files[0]), 7), *(holder(str(file)) for file in files[1:]))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/rm").symlink_to("/bin/rm")
    shell, path = ["/bin/sh", "-c", warning.command], {"PATH": f"{tmp_path}/bin"}
    done = subprocess.run(shell, env=path, check=True, stderr=subprocess.PIPE, text=True)
    assert "fuser" in done.stderr
    assert all(file.exists() for file in files)


def test_a_path_of_another_namespace_is_removed_there() -> None:
    """The same path on the host is another file or none. Catches: `rm` of a stranger's file."""
    mount = MountUse("/mnt/x", 2048, None, None, None, place=42, inside=77)
    for count, command in (
        (1, "nsenter -t 77 -m rm /mnt/x/pod0"),
        (9, "nsenter -t 77 -m sh -c 'rm /mnt/x/pod*'"),
    ):
        (warning,) = found(POOL, *(holder(f"/mnt/x/pod{number}") for number in range(count)), mounts=[mount])
        assert warning.command == command
        assert "in the mount namespace of PID 77" in warning.text
    segment = replace(holder("segment 4 (key 0x00000000)", kind=Kind.SYSV), inside=78)
    assert [each.command for each in found(POOL, segment)] == ["nsenter -t 78 -i ipcrm -m 4"]
    assert [each.command for each in found(POOL, replace(segment, inside=None))] == ["ipcrm -m 4"]


def test_what_may_be_in_use_is_not_to_be_removed() -> None:
    """A file that an unread process may use has a note without a command.

    Catches: advice to remove what an unreadable process maps, or what may be of ordinary pages.
    """
    file = holder("/mnt/x")
    partial = Observation((POOL,), (file,), unreadable=(Unreadable("x", "y"),))
    (note,) = room_warnings(partial)
    assert (note.note, note.command) == (True, "")
    assert "no visible process uses /mnt/x" in note.text
    assert found(POOL, replace(file, kind=Kind.SYSV, used=Pages(0, 1, 1))) == []
    (about,) = found(POOL, replace(file, used=Pages(0, 64, 64)))
    assert "holds about 64 pages (128M)" in about.text
    detached = MountUse("/mnt", 2048, None, None, None, place=42, keepers=("the working directory of PID 7",))
    assert found(POOL, file, mounts=[detached]) == []


def cgroup(files: str | None, most: int | None, rsvd_most: int | None, usage: int, rsvd: int | None) -> CgroupUse:
    rsvd_file = files and rsvd is not None and files.format(".rsvd")
    return CgroupUse("/db", 2048, most, rsvd_most, usage, rsvd, rsvd_file or None, files and files.format(""))


@pytest.mark.parametrize(
    ("use", "expected", "command"),
    [
        (cgroup(V2, 8, None, 2, 8), ["cgroup-limits"], f"echo {8 << 21} > /sys/fs/cgroup/db/hugetlb.2MB.rsvd.max"),
        (cgroup(V1, 8, 9, 2, 8), ["cgroup-limits"], f"echo {8 << 21} > {V1.format('.rsvd')}"),
        (cgroup(V1, 8, None, 2, None), ["cgroup-limits"], ""),
        (cgroup(V2, 8, 30, 2, 9), ["cgroup-overpromised"], f"echo {9 << 21} > /sys/fs/cgroup/db/hugetlb.2MB.max"),
        (cgroup(V1, 8, None, 2, 9), ["cgroup-overpromised"], f"echo {9 << 21} > {V1.format('')}"),
        (cgroup(V2, 8, 8, 8, 8), ["(cgroup-full)"], ""),
        (cgroup(V2, 8, 7, 2, 3), [], ""),
        (cgroup(V2, 0, None, 0, 0), [], ""),
        (cgroup(V2, None, 8, 2, 3), [], ""),
    ],
)  # fmt: skip
def test_limits_of_cgroups(use: CgroupUse, expected: list[str], command: str) -> None:
    """The file of the hierarchy is named. Catches: a file that is not there; an alarm on a cgroup that is full."""
    findings = [each for each in found(POOL, cgroups=[use]) if each.code != "cgroup-unaccounted"]
    assert codes(findings) == expected
    assert [each.command for each in findings if each.command] == ([command] if command else [])
    for each in findings:
        assert each.note or "killed by SIGBUS" in each.text
    if use.rsvd_pages is None:
        remedy = findings[0].remedy
        assert "the file for it, which Linux 5.7 and later have, is missing" in remedy
        assert f"raise its limit, {V1.format('')}" in remedy


def test_cgroups_in_each_other_with_one_limit_are_one_warning() -> None:
    """A pod and its container. Catches: the same line for each level."""
    outer = cgroup(V2, 8, None, 0, 0)
    inner = replace(outer, path="/db/c1")
    stricter = replace(outer, path="/db/c1/x", max_pages=4)
    assert [each.text.split(",")[0] for each in found(POOL, cgroups=[outer, inner, stricter])] == [
        "cgroup /db",
        "cgroup /db/c1/x",
    ]


def test_what_a_cgroup_was_charged_for_and_has_not_is_said() -> None:
    """Root's cgroup with 27 pages where 9 are held. Catches: a limit that is used up by nothing that shows."""
    (note,) = found(POOL, cgroups=[cgroup(V2, None, 30, 0, 18)])
    assert (note.code, note.note) == ("cgroup-unaccounted", True)
    assert "18 pages charged to it" in note.text
    partial = Observation((POOL,), (), (), (cgroup(V2, None, 30, 0, 18),), (Unreadable("x", "y"),))
    assert list(room_warnings(partial)) == []


@pytest.mark.parametrize(("root", "names"), [("", ("max", "rsvd.max", "current")), ("/hugetlb", V1_NAMES)])
def test_the_files_of_limits_are_those_of_the_tree(tmp_path: Path, root: str, names: Sequence[str]) -> None:
    """They are named as the host names them. Catches: the two exchanged; a path below the folder of a copy."""
    directory = tmp_path / f"sys/fs/cgroup{root}/db"
    directory.mkdir(parents=True)
    if not root:
        (tmp_path / "sys/fs/cgroup/cgroup.controllers").write_text("")
    for name in names:
        (directory / f"hugetlb.2MB.{name}").write_text(f"{2 << 20}\n")
    (use,) = read_cgroups(f"{tmp_path}/sys", [2048], [])
    place = f"/sys/fs/cgroup{root}/db/hugetlb.2MB"
    assert (use.limit_file, use.rsvd_limit_file) == (f"{place}.{names[0]}", f"{place}.{names[1]}")


def test_many_cgroups_have_one_warning(tmp_path: Path) -> None:
    """A node with a hundred pods; the command is run here. Catches: a hundred warnings, a file that is left out."""
    pods = []
    for number in range(100):
        directory = tmp_path / f"pod {number}"
        directory.mkdir()
        (directory / "hugetlb.2MB.max").write_text(f"{number}\n")
        files = (str(directory / f"hugetlb.2MB.{name}") for name in ("rsvd.max", "max"))
        pods.append(CgroupUse(f"/pod {number}", 2048, 8 + number, None, 0, 0, *files))
    (warning,) = found(POOL, cgroups=pods)
    assert warning.text.startswith("100 cgroups may reserve more 2M pages than they may use")
    subprocess.run(["sh", "-c", warning.command], check=True)
    assert [Path(pod.rsvd_limit_file or "").read_text() for pod in pods] == [f"{number}\n" for number in range(100)]
    full = [replace(pod, rsvd_max_pages=pod.max_pages, rsvd_pages=pod.max_pages) for pod in pods]
    assert codes(found(POOL, cgroups=full)) == ["(cgroup-full)", "(cgroup-unaccounted)"]
    old = [replace(pod, rsvd_limit_file=None) for pod in pods]
    assert [each.command for each in found(POOL, cgroups=old)] == [""]
