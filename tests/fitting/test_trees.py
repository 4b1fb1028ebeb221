"""Copies of other hosts' files: several nodes, cpusets and policies, both versions of cgroups, odd kernels."""

import json
from pathlib import Path
from typing import Any

import pytest

from hugeresv.errors import InputError, UnavailableError
from hugeresv.fitting.forecast import Forecast, forecast_on_host
from hugeresv.fitting.remedy import Remedy, remedies_of
from hugeresv.fitting.situation import Query, What
from hugeresv.reports.fit_json import write_fit
from hugeresv.units import Size
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


def fit(root: Path, pages: int, **asked: Any) -> Forecast:
    """The answer of that host."""
    asked.setdefault("pid", 7)
    return forecast_on_host(f"{root}/proc", f"{root}/sys", Query((Size(pages, is_pages=True),), **asked))


def codes(answer: Forecast) -> list[str]:
    """What stands in the way."""
    return [remedy.code for remedy in remedies_of(answer)]


def remedy_of(answer: Forecast) -> Remedy:
    """What to do about the one thing that does."""
    (remedy,) = remedies_of(answer)
    return remedy


@pytest.mark.parametrize(
    ("mems", "policy", "nodes", "pages"),
    [
        ("0-1", "default", frozenset(), 17),
        ("0-1", "interleave:0", frozenset(), 17),
        ("0-1", "prefer:0", frozenset(), 17),
        ("0-1", "prefer (many):0", frozenset(), 17),
        ("0-1", "weighted interleave:0-1", frozenset(), 17),
        ("0-1", "local", frozenset(), 17),
        ("0", "interleave:0-1", frozenset(), 8),
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
    """The nodes that a task may use by cpuset, policy and --node bound what it can have.

    Catches: free pages of a node that the task may not use; a policy that only prefers, taken for one that binds.
    """
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
    assert remedy_of(more).command == where


def test_a_task_that_may_use_some_nodes_grows_the_one_with_memory(tmp_path: Path) -> None:
    """The remedy of a bound task grows a node that it may use, the one with most memory.

    Catches: pages that sysctl would spread over nodes where the task cannot take them.
    """
    make_host(tmp_path, nr=30, free=9, resv=0)
    add_nodes(tmp_path, node0=3, node1=3, node2=3)
    add_task(tmp_path, mems="0-1")
    remedy = remedy_of(fit(tmp_path, 8))
    assert remedy.command == "echo 12 > /sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages"


def test_nodes_that_cannot_be_asked_for(tmp_path: Path) -> None:
    """A node that does not exist or is outside the cpuset is refused.

    Catches: a node that is not there, or not in the cpuset: no mapping can be bound so.
    """
    make_host(tmp_path)
    add_nodes(tmp_path, node0=4, node1=4)
    add_task(tmp_path, mems="0")
    for node in (1, 5):
        with pytest.raises(InputError, match=str(node)):
            fit(tmp_path, 1, nodes=frozenset({node}))


def test_limits_of_version_2_up_to_the_root(tmp_path: Path) -> None:
    """Limits of version 2 are read in each cgroup up to the root.

    Catches: a limit above the task's cgroup; a cgroup between that does not have the controller; a page that is not
    whole.
    """
    make_host(tmp_path, nr=20, free=20, resv=0)
    add_task(tmp_path)
    add_cgroup(tmp_path, "", {"cgroup.controllers": "hugetlb"})
    whole = {"hugetlb.2MB.max": "max", "hugetlb.2MB.current": "4194304", "hugetlb.2MB.rsvd.current": "8388608"}
    add_cgroup(tmp_path, "pod", {**whole, "hugetlb.2MB.rsvd.max": str(6 * PAGE_BYTES + 5)})
    add_cgroup(tmp_path, "pod/db", {})
    assert fit(tmp_path, 2).fits
    answer = fit(tmp_path, 3)
    assert (codes(answer), answer.trial.outcome) == (["cgroup-rsvd-max"], "ENOMEM")
    assert remedy_of(answer).command == f"echo {7 * PAGE_BYTES} > /sys/fs/cgroup/pod/hugetlb.2MB.rsvd.max"
    assert fit(tmp_path, 3, cgroup="/").fits
    assert not fit(tmp_path, 3, cgroup="pod").fits
    assert not fit(tmp_path, 3, cgroup=f"{tmp_path}/sys/fs/cgroup/pod/db").fits
    with pytest.raises(InputError, match="no cgroup"):
        fit(tmp_path, 3, cgroup="/po")


def test_limits_of_version_1(tmp_path: Path) -> None:
    """Limits of version 1 are read in the controller's own hierarchy.

    Catches: the controller's own hierarchy, its names, and its number for no limit.
    """
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
    assert (codes(answer), answer.trial.page) == (["cgroup-max"], 3)
    assert remedy_of(answer).command == f"echo {4 * PAGE_BYTES} > /sys/fs/cgroup/hugetlb/db/hugetlb.2MB.limit_in_bytes"


def test_what_is_not_told_is_said(tmp_path: Path) -> None:
    """What the files do not tell is named in a note.

    Catches: a cgroup out of sight, or a kernel without a name, behind an answer that sounds certain.
    """
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
    assert answer.situation.behaviour.name == behaviour
    assert any("was not tried" in note for note in answer.notes) == (release in {"5.15.0", "6.1.0-30-amd64"})
    (tmp_path / "proc/sys/kernel/version").write_text("#1 SMP PREEMPT_DYNAMIC Debian 6.1.187-3 (2026-04-02)\n")
    answer = fit(tmp_path, 1, pid=None)
    assert (answer.situation.behaviour.name == "6.1.187") == (release == "6.1.0-30-amd64")


def test_a_segment_needs_the_group(tmp_path: Path) -> None:
    """A segment needs vm.hugetlb_shm_group or the capability on the host.

    Catches: root of a container, whose capabilities do not count.
    """
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
    assert remedy_of(answer).command == "sysctl vm.hugetlb_shm_group=26"


def add_ipc(root: Path, *sizes: int, **limits: int) -> None:
    """The limits of the IPC namespace, and segments of these sizes in bytes."""
    for name, value in {"shmmax": 1 << 63, "shmall": 1 << 50, "shmmni": 4096, **limits}.items():
        (root / f"proc/sys/kernel/{name}").write_text(f"{value}\n")
    rows = "".join(f"0 {number} 1600 {size} 9 9 1 0\n" for number, size in enumerate(sizes))
    (root / "proc/sysvipc").mkdir(exist_ok=True)
    (root / "proc/sysvipc/shm").write_text(f"key shmid perms size cpid lpid nattch rss\n{rows}")


@pytest.mark.parametrize(
    ("limits", "outcome", "command"),
    [
        ({"shmmax": 3 * PAGE_BYTES - 1}, "EINVAL", f"sysctl kernel.shmmax={3 * PAGE_BYTES}"),
        ({"shmmax": 3 * PAGE_BYTES}, "ok", None),
        ({"shmall": 4 * 512 - 1}, "ENOSPC", f"sysctl kernel.shmall={4 * 512 + 1}"),
        ({"shmall": 4 * 512 + 1}, "ok", None),
        ({"shmmni": 2}, "ENOSPC", "sysctl kernel.shmmni=3"),
        ({"shmmni": 3}, "ok", None),
    ],
)
def test_the_limits_of_segments(tmp_path: Path, limits: dict[str, int], outcome: str, command: str | None) -> None:
    """shmget meets the size of one segment, the base pages of all, and their number, those that exist included.

    Catches: "Fits" where the next shmget fails; a limit that is off by one, or counts in other units.
    """
    make_host(tmp_path, nr=20, free=20, resv=0)
    add_ipc(tmp_path, PAGE_BYTES, 1, **limits)
    answer = fit(tmp_path, 3, pid=None, what=What.SYSV)
    assert (answer.trial.call, answer.trial.outcome) == ("touch" if command is None else "shmget", outcome)
    assert [remedy.command for remedy in remedies_of(answer)] == ([] if command is None else [command])
    assert fit(tmp_path, 3, pid=None, what=What.SHARED).fits


def test_a_segment_counts_the_size_that_was_asked_for(tmp_path: Path) -> None:
    """A segment of a byte takes a huge page, and a byte of shmmax.

    Catches: shmmax compared with the size that is rounded up, which the kernel does not do.
    """
    make_host(tmp_path, nr=20, free=20, resv=0)
    add_ipc(tmp_path, shmmax=1, shmall=2, shmmni=2)
    query = Query((Size(1), Size(1)), what=What.SYSV)
    assert forecast_on_host(f"{tmp_path}/proc", f"{tmp_path}/sys", query).fits


def test_limits_that_are_not_in_a_copy_are_named(tmp_path: Path) -> None:
    """A copy without the files of SysV limits says which limit is not considered.

    Catches: "Fits" that rests on limits nobody has read.
    """
    make_host(tmp_path, nr=20, free=20, resv=0)
    answer = fit(tmp_path, 1, pid=None, what=What.SYSV)
    assert answer.fits
    assert any("kernel.shmmni could not be read" in note for note in answer.notes)
    assert any("hugetlb_shm_group could not be read" in note for note in answer.notes)
    add_ipc(tmp_path, shmmni=1)
    (tmp_path / "proc/sysvipc/shm").unlink()
    answer = fit(tmp_path, 1, pid=None, what=What.SYSV)
    assert answer.fits
    assert any("the segments that exist could not be read" in note for note in answer.notes)


@pytest.mark.parametrize(
    ("release", "memlock", "outcome", "code"),
    [
        ("5.10.262", 2 * PAGE_BYTES, "ok", None),
        ("5.10.262", 2 * PAGE_BYTES - 1, "EPERM", "memlock"),
        ("5.10.262", None, "ok", None),
        ("5.15.0", 2 * PAGE_BYTES, "ok", None),
        ("5.16.0", 2 * PAGE_BYTES, "EPERM", "hugetlb-shm-group"),
        ("6.1.192", 2 * PAGE_BYTES, "EPERM", "hugetlb-shm-group"),
    ],
)
def test_a_segment_below_the_limit_of_locked_memory(
    tmp_path: Path, release: str, memlock: int | None, outcome: str, code: str | None
) -> None:
    """Who may not have such segments has them below RLIMIT_MEMLOCK up to 5.15, and not at all later.

    Catches: EPERM foretold on 5.10, where it works; a group that is let in for nothing; the rule of the closest kernel
    that was run (5.10) on one that has another (5.16). Measured in guests, but for 5.15 and 5.16 (83c1fd763b32).
    """
    make_host(tmp_path, nr=20, free=20, resv=0)
    add_task(tmp_path)
    add_ipc(tmp_path)
    (tmp_path / "proc/sys/kernel/osrelease").write_text(f"{release}\n")
    (tmp_path / "proc/sys/vm").mkdir()
    (tmp_path / "proc/sys/vm/hugetlb_shm_group").write_text("0\n")
    soft = "unlimited" if memlock is None else memlock
    (tmp_path / "proc/7/limits").write_text(f"Limit  Soft Limit\nMax locked memory     {soft}   unlimited   bytes\n")
    answer = fit(tmp_path, 2, what=What.SYSV)
    assert answer.trial.outcome == outcome
    assert codes(answer) == ([] if code is None else [code])
    if code == "memlock":
        assert remedy_of(answer).command == f"prlimit --pid 7 --memlock={2 * PAGE_BYTES}"
    assert any("from Linux 5.16" in note for note in answer.notes) == (release < "5.16")


@pytest.mark.parametrize("what", What)
def test_resource_limits(tmp_path: Path, what: What) -> None:
    """RLIMIT_AS stops any mapping, RLIMIT_DATA a private one, both with what the process has already.

    Catches: a limit that is not read, or that is held against the new mapping alone.
    """
    make_host(tmp_path, nr=20, free=20, resv=0)
    add_task(tmp_path)
    add_ipc(tmp_path)
    with (tmp_path / "proc/7/status").open("a") as status:
        status.write("VmSize:\t  4096 kB\nVmData:\t  2048 kB\n")
    limits = tmp_path / "proc/7/limits"
    call = "shmat" if what is What.SYSV else "mmap"
    limits.write_text(f"Max address space   {4 * PAGE_BYTES}   unlimited   bytes\n")
    assert fit(tmp_path, 2, what=what).fits
    answer = fit(tmp_path, 3, what=what)
    assert (answer.trial.call, answer.trial.outcome, codes(answer)) == (call, "ENOMEM", ["address-space"])
    assert remedy_of(answer).command == f"prlimit --pid 7 --as={5 * PAGE_BYTES}"
    limits.write_text(
        f"Max data size   {4 * PAGE_BYTES}   unlimited   bytes\nMax address space  unlimited  unlimited\n"
    )
    assert fit(tmp_path, 3, what=what).fits
    assert codes(fit(tmp_path, 4, what=what)) == (["data-size"] if what is What.PRIVATE else [])


def test_memory_max_counts_where_huge_pages_are_charged_to_it(tmp_path: Path) -> None:
    """memory.max of a cgroup or one above stops touches, if cgroup2 is mounted so; page cache is room, with a note.

    Catches: a limit that is not read, that counts though nothing is charged to it, or that is an ancestor's.
    """
    make_host(tmp_path, nr=20, free=20, resv=0)
    add_task(tmp_path)
    add_cgroup(tmp_path, "", {"cgroup.controllers": "memory hugetlb"})
    memory = {"memory.max": str(10 * PAGE_BYTES), "memory.current": str(7 * PAGE_BYTES)}
    add_cgroup(tmp_path, "pod", {**memory, "memory.stat": f"anon 9\nfile {2 * PAGE_BYTES}\nslab_reclaimable 0\n"})
    add_cgroup(tmp_path, "pod/db", {"memory.max": "max", "memory.current": "0"})
    assert fit(tmp_path, 6).fits
    line = "29 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate,memory_hugetlb_accounting\n"
    (tmp_path / "proc/7/mountinfo").write_text(line)
    assert fit(tmp_path, 3).fits
    assert not any("page cache" in note for note in fit(tmp_path, 3).notes)
    assert any("4M of its page cache" in note for note in fit(tmp_path, 5).notes)
    answer = fit(tmp_path, 6)
    assert (answer.trial.page, answer.trial.outcome, codes(answer)) == (5, "SIGBUS", ["memory-max"])
    assert remedy_of(answer).command == f"echo {11 * PAGE_BYTES} > /sys/fs/cgroup/pod/memory.max"
    (tmp_path / "proc/sys/kernel/osrelease").write_text("6.12.118\n")
    assert (fit(tmp_path, 6).trial.page, fit(tmp_path, 6).trial.outcome) == (5, "HANG")


def test_bound_after_mmap(tmp_path: Path) -> None:
    """mbind after mmap fails at a touch, the policy of the process at the call; the cpuset holds for both.

    Catches: pages that no policy of the mapping can reach, promised all the same.
    """
    make_host(tmp_path, nr=20, free=17, resv=0)
    add_nodes(tmp_path, node0=8, node1=9)
    add_task(tmp_path, mems="0-1")
    before = fit(tmp_path, 10, nodes=frozenset({1}))
    after = fit(tmp_path, 10, nodes=frozenset({1}), bind_after=True)
    assert (before.trial.call, codes(before)) == ("mmap", ["nodes"])
    assert (after.trial.page, after.trial.outcome, codes(after)) == (9, "SIGBUS", ["nodes"])
    assert remedy_of(before) == remedy_of(after)
    assert fit(tmp_path, 18, nodes=frozenset({1}), bind_after=True).trial.call == "mmap"


def test_memory_that_the_remedy_needs_is_compared_with_what_there_is(tmp_path: Path) -> None:
    """A remedy that needs more memory than is available comes with a note.

    Catches: `sysctl vm.nr_hugepages=…` that cannot succeed, without a word.
    """
    make_host(tmp_path, nr=20, free=20, resv=0)
    (tmp_path / "proc/meminfo").write_text("MemAvailable:    20480 kB\nHugepagesize:    2048 kB\n")
    assert not any("memory" in note for note in fit(tmp_path, 30, pid=None).notes)
    assert any("memory" in note for note in fit(tmp_path, 31, pid=None).notes)


def test_a_copy_does_not_tell_who_uses_a_mount(tmp_path: Path) -> None:
    """`--mount` with copied files is refused. Catches: the mount of this machine in place of the copied one's."""
    make_host(tmp_path)
    (tmp_path / "proc/self/mountinfo").write_text("31 1 0:39 / /huge rw - hugetlbfs none rw,pagesize=2M,size=4M\n")
    with pytest.raises(UnavailableError, match="copy"):
        fit(tmp_path, 1, pid=None, mount="/huge")


def test_pages_of_every_size(tmp_path: Path) -> None:
    """Each page size has its own pool, and one that does not exist is refused.

    Catches: 1 GiB pages counted in 2 MiB ones; a size that is not there.
    """
    make_host(tmp_path, nr=20, free=20, resv=0)
    large = tmp_path / "sys/kernel/mm/hugepages/hugepages-1048576kB"
    large.mkdir()
    for name in ("nr", "free", "resv", "surplus", "nr_overcommit"):
        (large / f"{name}_hugepages").write_text("0\n")
    remedy = remedy_of(fit(tmp_path, 2, pid=None, page_bytes=1 << 30))
    assert remedy.command == "echo 2 > /sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages"
    with pytest.raises(InputError, match="it has 2M, 1G"):
        fit(tmp_path, 1, pid=None, page_bytes=64 << 10)


def test_a_wrapped_counter(tmp_path: Path) -> None:
    """With a wrapped counter the free pages fit and one more does not, and the remedy is a plain number.

    Catches: 18446744073709551609 promised pages.
    """
    make_host(tmp_path, nr=10, free=10, resv=(1 << 64) - 7)
    assert fit(tmp_path, 10, pid=None).fits
    answer = fit(tmp_path, 11, pid=None)
    assert remedy_of(answer).command == "sysctl vm.nr_hugepages=11"
    assert "-7" in remedy_of(answer).text


def test_the_json_is_as_documented(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The JSON has the keys that docs/fit.md documents. Catches: a key renamed or left out: programs read this."""
    import sys

    make_host(tmp_path, nr=10, free=8, resv=3, nr_overcommit=2)
    add_task(tmp_path)
    write_fit(sys.stdout, fit(tmp_path, 9), 7, None)
    document = json.loads(capsys.readouterr().out)
    page = (Path(__file__).parents[2] / "docs/fit.md").read_text()
    for key in (*document, *document["request"], *document["limits"][0], *document["pool"]):
        assert f"`{key}`" in page
    assert document["schema"] == "hugeresv-fit/1"
    assert (document["fits"], document["outcome"], document["fits_after"]) == (False, "ENOMEM", True)
    assert document["limits"][0]["need_pages"] - document["limits"][0]["have_pages"] == 2


def test_whichever_cpu_it_runs_on(tmp_path: Path) -> None:
    """6.1 makes surplus pages for a promise on the node of the CPU, which a mapping bound later cannot reach.

    All pages of node 1 are used and node 0 has two; overcommit may add two. Catches: an answer for the lucky CPU; one
    for a CPU on which the process may not run.
    """
    make_host(tmp_path, nr=20, free=2, resv=0)
    add_nodes(tmp_path, node0=2, node1=0)
    add_task(tmp_path, mems="0-1")
    (tmp_path / "proc/sys/kernel/osrelease").write_text("6.1.192\n")
    (tmp_path / "sys/kernel/mm/hugepages/hugepages-2048kB/nr_overcommit_hugepages").write_text("2\n")
    for node in (0, 1):
        (tmp_path / f"sys/devices/system/node/node{node}/cpulist").write_text(f"{2 * node}-{2 * node + 1}\n")
    unlucky = fit(tmp_path, 4, nodes=frozenset({0}), bind_after=True)
    assert (unlucky.trial.page, unlucky.trial.outcome) == (2, "SIGBUS")
    assert "it fits if the program runs on a CPU of node 0 when it makes the call" in " ".join(unlucky.notes)
    with (tmp_path / "proc/7/status").open("a") as status:
        status.write("Cpus_allowed_list:\t1\n")
    assert fit(tmp_path, 4, nodes=frozenset({0}), bind_after=True).fits
