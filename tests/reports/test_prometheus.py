"""Metrics are read back with the official parser: what it finds is what Prometheus would store."""

import re
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from hugeresv.errors import InputError
from hugeresv.holders.host import Identity, Status
from hugeresv.holders.warning import warnings_of
from hugeresv.ledger.observation import (
    CgroupUse,
    Holder,
    HolderProcess,
    Kind,
    MountUse,
    NodePool,
    Observation,
    Pages,
    PoolUse,
    Unreadable,
    exactly,
)
from hugeresv.ledger.reconcile import unexplained
from hugeresv.reports.prometheus import OTHERS, HostCollector
from hugeresv.reports.prometheus_server import parse_address

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]

HOSTILE = [
    'x"} 1\nhugeresv_pool_pages{pagesize="1',
    "\\",
    'a\\"b\\n',
    "\x1b[2J\x00\r\x85\u2028\u202e",
    "\udcff\udc80",
    "\\n" * 2000,
    "é" * 4096,
]


def status(observation: Observation) -> Status:
    rest = unexplained(observation)
    return Status(Identity("h", "6.18", "b", "t"), observation, rest, warnings_of(observation, rest))


def exported(observation: Observation, most: int = 50) -> Series:
    """All series, of which no two are the same."""
    text = generate_latest(HostCollector(lambda: status(observation), most)).decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    keys = [(sample.name, frozenset(sample.labels.items())) for sample in samples]
    assert [key for key, count in Counter(keys).items() if count > 1] == []
    assert len(samples) == sum(not line.startswith("#") for line in text.splitlines())
    return {key: sample.value for key, sample in zip(keys, samples, strict=True)}


def value(series: Series, metric: str, **labels: str) -> float:
    return series[f"hugeresv_{metric}", frozenset(labels.items())]


def labels_of(series: Series, metric: str) -> list[dict[str, str]]:
    return [dict(labels) for name, labels in series if name == f"hugeresv_{metric}"]


def total(series: Series, metric: str, **labels: str) -> float:
    """The sum over all series that have these labels."""
    wanted = set(labels.items())
    return sum(each for (name, has), each in series.items() if name == f"hugeresv_{metric}" and wanted <= has)


def holder(name: str, reserved: int = 1, used: int = 0, *, pid: int = 5, size_kB: int = 2048) -> Holder:
    processes = (HolderProcess(pid, "/usr/bin/db: --password x", "root"),)
    return Holder(size_kB, Kind.FILE, name, exactly(reserved), exactly(used), (), processes, "/pod")


def pool(size_kB: int = 2048) -> PoolUse:
    return PoolUse(size_kB, 100, 60, 40, 3, 7, (NodePool(0, 90, 50, 3), NodePool(1, 10, 10, 0)))


def test_every_counter_is_where_it_belongs() -> None:
    """Every counter is exported once, under its own name, unit and labels.

    Catches: two that are exchanged, a page size in kB, a limit that is shown where there is none.
    """
    series = exported(
        Observation(
            (pool(),),
            (holder("/f", reserved=30, used=35),),
            (MountUse("/mnt", 2048, 20, None, 5),),
            (CgroupUse("/pod", 2048, 11, None, 12, 13),),
            (Unreadable("x", "y", hides=False),),
        )
    )
    states = {"total": 100, "free": 60, "reserved": 40, "surplus": 3, "overcommit": 7, "available": 24}
    for state, pages in states.items():
        assert value(series, "pool_pages", pagesize="2097152", state=state) == pages
    for node, state, pages in (("0", "total", 90), ("0", "surplus", 3), ("1", "free", 10)):
        assert value(series, "node_pool_pages", pagesize="2097152", node=node, state=state) == pages
    assert value(series, "page_size_bytes", pagesize="2097152") == 2 << 20
    assert value(series, "unexplained_pages", pagesize="2097152", state="reserved") == 10
    assert value(series, "unexplained_pages", pagesize="2097152", state="used") == 5
    whose = {"pagesize": "2097152", "kind": "file", "name": "/f", "command": "db", "cgroup": "/pod"}
    assert value(series, "holder_reserved_pages", **whose) == 30
    assert value(series, "holder_used_pages", **whose) == 35
    assert value(series, "mount_size_pages", pagesize="2097152", mountpoint="/mnt") == 20
    assert value(series, "mount_used_pages", pagesize="2097152", mountpoint="/mnt") == 5
    assert labels_of(series, "mount_min_size_pages") == []
    for name, pages in (("max", 11), ("usage", 12), ("rsvd", 13)):
        assert value(series, f"cgroup_{name}_pages", pagesize="2097152", cgroup="/pod") == pages
    assert labels_of(series, "cgroup_rsvd_max_pages") == []
    assert value(series, "kernel_info", release="6.18") == 1
    assert (value(series, "unreadable"), value(series, "observation_partial")) == (1, 0)
    assert value(series, "cgroup_available_pages", pagesize="2097152", cgroup="/pod") == 0
    for name in ("cgroup_holder", "user"):
        key = {"cgroup_holder": {"cgroup": "/pod"}, "user": {"user": "root"}}[name]
        assert value(series, f"{name}_reserved_pages", pagesize="2097152", **key) == 30
        assert value(series, f"{name}_used_pages", pagesize="2097152", **key) == 35
    assert value(series, "ledger_wrong") == 1
    assert value(series, "warnings", code="rsvd-leaked") == 1


def test_bytes_are_beside_pages() -> None:
    """Every metric in pages is there in bytes, too. Catches: a page size in kB, a metric that has no bytes."""
    uses = (MountUse("/mnt", 2048, 20, 2, 5),), (CgroupUse("/pod", 2048, 11, 12, 13, 14),)
    series = exported(Observation((pool(), pool(1 << 20)), (holder("/f"), holder("/g", size_kB=1 << 20)), *uses))
    in_pages = {key: pages for key, pages in series.items() if key[0].endswith("_pages")}
    in_bytes = {key: size for key, size in series.items() if re.fullmatch(r"hugeresv_(?!page_size).*_bytes", key[0])}
    assert in_bytes == {
        (name.removesuffix("pages") + "bytes", labels): pages * int(dict(labels)["pagesize"])
        for (name, labels), pages in in_pages.items()
    }


def test_an_estimate_has_its_bounds() -> None:
    """A holder that is only known within bounds exports the estimate and both bounds.

    Catches: a graph that shows a guess as a fact; bounds that are exchanged.
    """
    guess = replace(holder("/f"), reserved=Pages(1, 2, 5), used=Pages(3, 4, 7))
    series = exported(Observation((pool(),), (guess, guess)))
    for state, bounds in (("reserved", (2, 4, 10)), ("used", (6, 8, 14))):
        (labels,) = labels_of(series, f"holder_{state}_pages")
        names = (f"holder_{state}_pages{suffix}" for suffix in ("_min", "", "_max"))
        assert tuple(value(series, name, **labels) for name in names) == bounds


def test_a_restart_goes_on_in_the_same_series() -> None:
    """A program that is started again goes on in its series.

    Catches: new series at each start of a virtual machine, in whose graphs nothing is comparable.
    """
    files = [
        ("/h/qemu_back_mem.m0.r9CpIt", "/machine.slice/machine-qemu\\x2d7\\x2dweb.scope/libvirt/emulator"),
        ("/h/qemu_back_mem.m0.x3dQQa", "/machine.slice/machine-qemu\\x2d8\\x2dweb.scope/libvirt/emulator"),
    ]
    seen = [
        exported(
            Observation((pool(),), (replace(holder(name), cgroup=cgroup),), (), (CgroupUse(cgroup, 2048, 1, 1, 1, 1),))
        )
        for name, cgroup in files
    ]
    assert set(seen[0]) == set(seen[1])


def test_the_page_lists_what_is_exported() -> None:
    """docs/export.md lists every metric, and no other.

    Catches: a metric that nobody hears of, or that an alert waits for in vain.
    """
    text = generate_latest(HostCollector(lambda: status(Observation((pool(),), ())), 50)).decode()
    page = (Path(__file__).parents[2] / "docs" / "export.md").read_text()
    assert set(re.findall(r"hugeresv_\w+", page)) == set(re.findall(r"^# TYPE (\w+) gauge$", text, re.MULTILINE))


def test_hostile_names_stay_within_their_labels() -> None:
    """Names with quotes, line feeds and odd bytes stay inside their labels.

    Catches: a file name that ends its label and adds a series, a byte that is no UTF-8, a name of 4 kB.
    """
    holders = [holder(name, reserved=1, pid=pid) for pid, name in enumerate(HOSTILE)]
    holders += [
        replace(each, cgroup=each.name, processes=(HolderProcess(1, each.name.replace(" ", "_"), "u"),))
        for each in holders
    ]
    mounts = tuple(MountUse(name, 2048, 1, 1, 1) for name in HOSTILE)
    cgroups = tuple(CgroupUse(name, 2048, 1, 1, 1, 1) for name in HOSTILE)
    plain = exported(Observation((pool(),), (holder("/f"),)))
    series = exported(Observation((pool(),), tuple(holders), mounts, cgroups))
    assert {name for name, _ in plain} <= {name for name, _ in series}
    assert total(series, "pool_pages") == total(plain, "pool_pages")
    assert total(series, "holder_reserved_pages") == 2 * len(HOSTILE)
    assert len(labels_of(series, "mount_size_pages")) == len(labels_of(series, "cgroup_max_pages")) == len(HOSTILE)
    for _, labels in series:
        assert all(text.isprintable() and len(text) <= 256 for _, text in labels)


@pytest.mark.parametrize("most", [0, 1, 7, 1000])
def test_sums_hold_however_few_have_series_of_their_own(most: int) -> None:
    """Sums over holders are the same whatever --holders is.

    Catches: holders that are cut off: then sums over them are no longer what the kernel counts.
    """
    sizes = (2048, 1 << 20)
    holders = [
        holder(f"/f{number}", reserved=number, used=30 - number + (size == 2048), pid=number, size_kB=size)
        for size in sizes
        for number in range(30)
    ]
    holders += [replace(each, kind=Kind.MEMFD) for each in holders]
    seen = Observation(tuple(pool(size) for size in sizes), tuple(holders))
    series = exported(seen, most)
    for row in seen.pools:
        size = str(row.page_size_kB << 10)
        for state, counted in (("reserved", row.rsvd), ("used", row.total - row.free)):
            unexplained_pages = value(series, "unexplained_pages", pagesize=size, state=state)
            assert total(series, f"holder_{state}_pages", pagesize=size) + unexplained_pages == counted
    named = [labels for labels in labels_of(series, "holder_used_pages") if labels["name"] != OTHERS]
    assert len(named) == min(most, len(holders))
    if most == 7:
        assert {labels["pagesize"] for labels in named} == {str(1 << 30)}  # of 30 pages; the smaller are 31


def test_processes_of_a_program_are_one_series() -> None:
    """All processes of a program are one series, without their arguments.

    Catches: a series for each process ever started, and passwords from command lines in a database.
    """
    seen = Observation((pool(),), tuple(holder("anonymous", pid=pid) for pid in range(20)))
    series = exported(seen)
    assert total(series, "holder_reserved_pages", name="anonymous", command="db") == 20
    assert len(labels_of(series, "holder_reserved_pages")) == 1


def test_the_smallest_cgroups_and_mounts_are_left_out_and_counted() -> None:
    """Beyond --holders the smallest cgroups and mounts have no series, and their number is exported.

    Catches: a node with thousands of cgroups, each of which is limited and none of which uses a page.
    """
    cgroups = tuple(CgroupUse(f"/c{number}", 2048, 0, 0, number, None) for number in range(100))
    mounts = tuple(MountUse(f"/m{number}", 2048, 200, None, number) for number in range(4))
    series = exported(Observation((pool(),), (), mounts, cgroups), most=3)
    assert {labels["cgroup"] for labels in labels_of(series, "cgroup_usage_pages")} == {"/c99", "/c98", "/c97"}
    assert {labels["mountpoint"] for labels in labels_of(series, "mount_used_pages")} == {"/m1", "/m2", "/m3"}
    assert (value(series, "omitted", what="cgroups"), value(series, "omitted", what="mounts")) == (97, 1)


def test_a_wrapped_counter_is_negative() -> None:
    """A counter that has wrapped is exported as a negative number. Catches: 18446744073709551609 in a graph."""
    series = exported(Observation((replace(pool(), rsvd=-7),), (replace(holder("/f"), reserved=Pages(0, 0, 9)),)))
    assert value(series, "pool_pages", pagesize="2097152", state="reserved") == -7
    assert value(series, "unexplained_pages", pagesize="2097152", state="reserved") == -7


def test_scrapes_that_come_during_a_look_share_the_next() -> None:
    """Scrapes that come while the host is read share one look, which begins after them.

    Catches: a look for each of many impatient clients, one after the other; or an answer from before the question.
    """
    looking, finish = threading.Event(), threading.Event()
    looks: list[int] = []

    def look() -> Status:
        looks.append(len(looks) + 1)
        looking.set()
        assert finish.wait(10)
        return status(Observation((replace(pool(), surp=len(looks)),), ()))

    collector = HostCollector(look, 50)
    answers: list[float] = []
    asking = threading.Barrier(8)

    def scrape() -> None:
        asking.wait(10)
        answers.append(surplus(collector.collect()))

    first = threading.Thread(target=collector.collect)
    first.start()
    assert looking.wait(10)
    later = [threading.Thread(target=scrape) for _ in range(7)]
    for thread in later:
        thread.start()
    asking.wait(10)
    threading.Event().wait(0.2)  # until all seven wait for the first look's end
    finish.set()
    for thread in (first, *later):
        thread.join(10)
    assert looks == [1, 2]
    assert answers == [2] * 7
    assert surplus(collector.collect()) == 3


def surplus(metrics: Iterable[Metric]) -> float:
    """Of the one pool there is."""
    (pools,) = [metric for metric in metrics if metric.name == "hugeresv_pool_pages"]
    return next(float(sample.value) for sample in pools.samples if sample.labels["state"] == "surplus")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("9879", ("127.0.0.1", 9879)),
        ("0.0.0.0:1", ("0.0.0.0", 1)),  # noqa: S104 - all interfaces, where the user says so
        ("localhost:0", ("localhost", 0)),
        ("[::1]:80", ("::1", 80)),
    ],
)
def test_addresses(text: str, place: tuple[str, int]) -> None:
    """An address may be left out, which means loopback; IPv6 is in brackets.

    Catches: all interfaces by default, or an IPv6 address that is cut at its first colon.
    """
    assert parse_address(text) == place


@pytest.mark.parametrize("text", ["", ":9879", "x", "::1:80", "1.2.3.4", "1:65536", "1:-1", "[::1]", "1:٣"])
def test_addresses_that_are_none(text: str) -> None:
    """A wrong address is an error, `:PORT` too.

    Catches: `:PORT`, which means all interfaces to some and loopback to others; a traceback.
    """
    with pytest.raises(InputError):
        parse_address(text)


@pytest.mark.parametrize(("length", "label"), [(256, "n" * 256), (257, "n" * 255 + "+")])
def test_a_label_has_a_longest_length(length: int, label: str) -> None:
    """A name of more than 256 characters is cut, and says so. Catches: labels as long as a path may be."""
    series = exported(Observation((PoolUse(2048, 10, 9, 1, 0, 0),), (holder("n" * length),)))
    assert {labels["name"] for labels in labels_of(series, "holder_reserved_pages")} == {label}
