"""Copies of other hosts' files: several nodes, cpusets and policies, both versions of cgroups, odd kernels."""

import json
from pathlib import Path
from typing import Any

import pytest

from hugeresv.errors import InputError, UnavailableError
from hugeresv.fit.fit import Fit, fit_on_host
from hugeresv.fit.query import Query
from hugeresv.fit.situation import What
from hugeresv.reports.fit_json import write_fit
from tests.sources.trees import make_host

PAGE_BYTES = 2 << 20
STATUS = "Name:\tdb\nUid:\t26\t26\t26\t26\nGid:\t26\t26\t26\t26\nGroups:\t26 1001 \nCapEff:\t0000000000000000\n"


def add_nodes(root: Path, **free: int) -> None:
    """NUMA nodes `node0=…` with as many free pages, ten pages each; the last has the most free memory."""
    for position, (name, pages) in enumerate(free.items()):
        node = root / "sys/devices/system/node" / name
        pool = node / "hugepages/hugepages-2048kB"
        pool.mkdir(parents=True)
        for counter, value in (("nr", 10), ("free", pages), ("surplus", 0)):
            (pool / f"{counter}_hugepages").write_text(f"{value}\n")
        (node / "meminfo").write_text(f"\nNode 0 MemTotal: 9 kB\nNode 0 MemFree:        {position} kB\n")


def add_task(root: Path, *, mems: str = "0", policy: str = "default", cgroup: str = "0::/pod/db\n") -> None:
    """Process 7 of user 26."""
    process = root / "proc/7"
    process.mkdir()
    (process / "status").write_text(f"{STATUS}Mems_allowed:\t1\nMems_allowed_list:\t{mems}\n")
    (process / "cgroup").write_text(cgroup)
    (process / "numa_maps").write_text(f"55d0 {policy} file=/usr/bin/db mapped=2 N0=2 kernelpagesize_kB=4\n")
    (process / "uid_map").write_text("         0          0 4294967295\n")


def add_cgroup(root: Path, path: str, files: dict[str, str]) -> None:
    """A cgroup's directory, with the file that every one has."""
    directory = root / "sys/fs/cgroup" / path
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in {"cgroup.procs": "", **files}.items():
        (directory / name).write_text(text)


def fit(root: Path, pages: int, **asked: Any) -> Fit:
    """The answer of that host."""
    asked.setdefault("pid", 7)
    return fit_on_host(f"{root}/proc", f"{root}/sys", Query(pages * PAGE_BYTES, **asked))


def codes(answer: Fit) -> list[str]:
    """What stands in the way."""
    return [remedy.code for remedy in answer.remedies]


@pytest.mark.parametrize(
    ("mems", "policy", "nodes", "pages"),
    [
        ("0-1", "default", frozenset(), 17),
        ("0-1", "interleave:0", frozenset(), 17),
        ("0-1", "prefer:0", frozenset(), 17),
        ("0", "default", frozenset(), 8),
        ("1", "default", frozenset(), 9),
        ("0-1", "bind:0", frozenset(), 8),
        ("0-1", "bind=static:1", frozenset(), 9),
        ("0-1", "bind:0-1", frozenset(), 17),
        ("0-1", "bind:0", frozenset({1}), 9),
        ("0-3", "default", frozenset({0, 1}), 17),
    ],
)
def test_nodes(tmp_path: Path, mems: str, policy: str, nodes: frozenset[int], pages: int) -> None:
    """Free pages of a node that the task may not use; a policy that only prefers, taken for one that binds."""
    make_host(tmp_path, nr=20, free=17, resv=0)
    add_nodes(tmp_path, node0=8, node1=9)
    add_task(tmp_path, mems=mems, policy=policy)
    assert fit(tmp_path, pages, nodes=nodes).fits
    more = fit(tmp_path, pages + 1, nodes=nodes)
    assert codes(more) == (["pool"] if pages == 17 else ["nodes"])
    where = "sysctl vm.nr_hugepages=21"
    if pages != 17:
        node = pages - 8
        where = f"echo 11 > /sys/devices/system/node/node{node}/hugepages/hugepages-2048kB/nr_hugepages"
    assert more.remedies[0].command == where


def test_a_task_that_may_use_some_nodes_grows_the_one_with_memory(tmp_path: Path) -> None:
    """Pages that sysctl would spread over nodes where the task cannot take them."""
    make_host(tmp_path, nr=30, free=9, resv=0)
    add_nodes(tmp_path, node0=3, node1=3, node2=3)
    add_task(tmp_path, mems="0-1")
    (remedy,) = fit(tmp_path, 8).remedies
    assert remedy.command == "echo 12 > /sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages"


def test_nodes_that_cannot_be_asked_for(tmp_path: Path) -> None:
    """A node that is not there, or not in the cpuset: no mapping can be bound so."""
    make_host(tmp_path)
    add_nodes(tmp_path, node0=4, node1=4)
    add_task(tmp_path, mems="0")
    for node in (1, 5):
        with pytest.raises(InputError, match=str(node)):
            fit(tmp_path, 1, nodes=frozenset({node}))


def test_limits_of_version_2_up_to_the_root(tmp_path: Path) -> None:
    """A limit above the task's cgroup; a cgroup between that does not have the controller; a page that is not whole."""
    make_host(tmp_path, nr=20, free=20, resv=0)
    add_task(tmp_path)
    add_cgroup(tmp_path, "", {"cgroup.controllers": "hugetlb"})
    whole = {"hugetlb.2MB.max": "max", "hugetlb.2MB.current": "4194304", "hugetlb.2MB.rsvd.current": "8388608"}
    add_cgroup(tmp_path, "pod", {**whole, "hugetlb.2MB.rsvd.max": str(6 * PAGE_BYTES + 5)})
    add_cgroup(tmp_path, "pod/db", {})
    assert fit(tmp_path, 2).fits
    answer = fit(tmp_path, 3)
    assert (codes(answer), answer.answer.trial.outcome) == (["cgroup-rsvd-max"], "ENOMEM")
    assert answer.remedies[0].command == f"echo {7 * PAGE_BYTES} > /sys/fs/cgroup/pod/hugetlb.2MB.rsvd.max"
    assert fit(tmp_path, 3, cgroup="/").fits
    assert not fit(tmp_path, 3, cgroup="pod").fits
    assert not fit(tmp_path, 3, cgroup=f"{tmp_path}/sys/fs/cgroup/pod/db").fits
    with pytest.raises(InputError, match="no cgroup"):
        fit(tmp_path, 3, cgroup="/po")


def test_limits_of_version_1(tmp_path: Path) -> None:
    """The controller's own hierarchy, its names, and its number for no limit."""
    make_host(tmp_path, nr=20, free=20, resv=0)
    add_task(tmp_path, cgroup="5:hugetlb:/db\n0::/other\n")
    add_cgroup(tmp_path, "unified/other", {})
    files = {
        "hugetlb.2MB.limit_in_bytes": str(3 * PAGE_BYTES),
        "hugetlb.2MB.usage_in_bytes": "0",
        "hugetlb.2MB.rsvd.limit_in_bytes": "9223372036852678656",
        "hugetlb.2MB.rsvd.usage_in_bytes": "0",
    }
    add_cgroup(tmp_path, "hugetlb/db", files)
    answer = fit(tmp_path, 4)
    assert (codes(answer), answer.answer.trial.page) == (["cgroup-max"], 3)
    assert answer.remedies[0].command == f"echo {4 * PAGE_BYTES} > /sys/fs/cgroup/hugetlb/db/hugetlb.2MB.limit_in_bytes"


def test_what_is_not_told_is_said(tmp_path: Path) -> None:
    """A cgroup out of sight, or a kernel without a name, behind an answer that sounds certain."""
    make_host(tmp_path, nr=20, free=20, resv=0)
    add_task(tmp_path)
    add_cgroup(tmp_path, "", {"cgroup.controllers": "hugetlb"})
    notes = fit(tmp_path, 1).notes
    assert any("/pod/db" in note for note in notes)
    assert any("release" in note for note in notes)
    assert any("cgroup" in note for note in fit(tmp_path, 1, pid=None).notes)


@pytest.mark.parametrize(
    ("release", "behaviour"),
    [
        ("6.18.44-generic", "6.18"),
        ("6.12.115+deb13-amd64", "6.12.117"),
        ("6.1.0-30-amd64", "6.1"),
        ("5.15.0", "5.10"),
    ],
)
def test_the_rules_are_those_of_the_closest_release(tmp_path: Path, release: str, behaviour: str) -> None:
    """The rules are the closest preset's; a note says so where that very kernel was not tried.

    Catches: a release that is read in two numbers; rules of another kernel without a word.
    """
    make_host(tmp_path)
    (tmp_path / "proc/sys/kernel/osrelease").write_text(f"{release}\n")
    answer = fit(tmp_path, 1, pid=None)
    assert answer.host.behaviour.name == behaviour
    assert any("was not tried" in note for note in answer.notes) == (release in {"5.15.0", "6.1.0-30-amd64"})
    (tmp_path / "proc/sys/kernel/version").write_text("#1 SMP PREEMPT_DYNAMIC Debian 6.1.187-3 (2026-04-02)\n")
    answer = fit(tmp_path, 1, pid=None)
    assert (answer.host.behaviour.name == "6.1.187") == (release == "6.1.0-30-amd64")


def test_a_segment_needs_the_group(tmp_path: Path) -> None:
    """vm.hugetlb_shm_group, and root of a container, whose capabilities do not count."""
    make_host(tmp_path, nr=20, free=20, resv=0)
    add_task(tmp_path)
    group = tmp_path / "proc/sys/vm/hugetlb_shm_group"
    group.parent.mkdir()
    status, users = (tmp_path / "proc/7" / name for name in ("status", "uid_map"))
    for gid, capabilities, mapped, fits in (
        ("0", "0", "0 0 4294967295", False),
        ("1001", "0", "0 0 4294967295", True),
        ("0", "4000", "0 0 4294967295", True),
        ("0", "4000", "0 100000 65536", False),
    ):
        group.write_text(f"{gid}\n")
        status.write_text(STATUS.replace("CapEff:\t0000000000000000", f"CapEff:\t{capabilities}"))
        users.write_text(f"{mapped}\n")
        answer = fit(tmp_path, 1, what=What.SYSV)
        assert answer.fits == fits
        assert codes(answer) == ([] if fits else ["hugetlb-shm-group"])
        assert fit(tmp_path, 1, what=What.SHARED).fits
    assert answer.remedies[0].command == "sysctl vm.hugetlb_shm_group=26"


def test_memory_that_the_remedy_needs_is_compared_with_what_there_is(tmp_path: Path) -> None:
    """`sysctl vm.nr_hugepages=…` that cannot succeed, without a word."""
    make_host(tmp_path, nr=20, free=20, resv=0)
    (tmp_path / "proc/meminfo").write_text("MemAvailable:    20480 kB\nHugepagesize:    2048 kB\n")
    assert not any("memory" in note for note in fit(tmp_path, 30, pid=None).notes)
    assert any("memory" in note for note in fit(tmp_path, 31, pid=None).notes)


def test_a_copy_does_not_tell_who_uses_a_mount(tmp_path: Path) -> None:
    """The mount of this machine in place of the copied one's."""
    make_host(tmp_path)
    (tmp_path / "proc/self/mountinfo").write_text("31 1 0:39 / /huge rw - hugetlbfs none rw,pagesize=2M,size=4M\n")
    with pytest.raises(UnavailableError, match="copy"):
        fit(tmp_path, 1, pid=None, mount="/huge")


def test_pages_of_every_size(tmp_path: Path) -> None:
    """1 GiB pages counted in 2 MiB ones; a size that is not there."""
    make_host(tmp_path, nr=20, free=20, resv=0)
    large = tmp_path / "sys/kernel/mm/hugepages/hugepages-1048576kB"
    large.mkdir()
    for name in ("nr", "free", "resv", "surplus", "nr_overcommit"):
        (large / f"{name}_hugepages").write_text("0\n")
    (remedy,) = fit(tmp_path, 513, pid=None, page_bytes=1 << 30).remedies
    assert remedy.command == "echo 2 > /sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages"
    with pytest.raises(InputError, match="it has 2M, 1G"):
        fit(tmp_path, 1, pid=None, page_bytes=64 << 10)


def test_a_wrapped_counter(tmp_path: Path) -> None:
    """18446744073709551609 promised pages."""
    make_host(tmp_path, nr=10, free=10, resv=(1 << 64) - 7)
    assert fit(tmp_path, 10, pid=None).fits
    answer = fit(tmp_path, 11, pid=None)
    assert answer.remedies[0].command == "sysctl vm.nr_hugepages=11"
    assert "-7" in answer.remedies[0].text


def test_the_json_is_as_documented(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A key renamed or left out: programs read this."""
    import sys

    make_host(tmp_path, nr=10, free=8, resv=3, nr_overcommit=2)
    add_task(tmp_path)
    write_fit(sys.stdout, fit(tmp_path, 9))
    document = json.loads(capsys.readouterr().out)
    page = (Path(__file__).parents[2] / "docs/fit.md").read_text()
    for key in (*document, *document["request"], *document["limits"][0], *document["pool"]):
        assert f"`{key}`" in page
    assert document["schema"] == "hugeresv-fit/1"
    assert (document["fits"], document["outcome"], document["fits_after"]) == (False, "ENOMEM", True)
    assert document["limits"][0]["need_pages"] - document["limits"][0]["have_pages"] == 2
