"""What `hugeresv status` prints, of captured hosts and of hostile ones."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from hugeresv.cli.verbs import cli
from hugeresv.errors import InputError
from hugeresv.holders.host import Identity, Selection, Status, status_of_host
from hugeresv.holders.selection import existing
from hugeresv.holders.warning import warnings_of
from hugeresv.ledger.observation import (
    CgroupUse,
    Holder,
    HolderProcess,
    Kind,
    NodePool,
    Observation,
    Pages,
    PoolUse,
    Unreadable,
    exactly,
)
from hugeresv.ledger.reconcile import cgroup_rests, unexplained
from hugeresv.reports.holders import SORT_KEYS, Shown
from hugeresv.reports.screen import Screen
from hugeresv.reports.status import show_status
from hugeresv.reports.status_json import write_status
from tests.sources.trees import add_pool, add_process, make_host

HOSTILE = "/x\x1b[2J\nPOOL 2M \u202e\udcff"
POOL = PoolUse(2048, 10, 8, 3, 0, 0)


def status(observation: Observation) -> Status:
    """As of a host called h."""
    rest = unexplained(observation)
    warnings, rests = warnings_of(observation, rest), cgroup_rests(observation)
    return Status(Identity("h", "k", "b", "t"), observation, rest, warnings, cgroup_rests=rests)


def shown(observation: Observation, *, width: int = 100, in_bytes: bool = False) -> list[str]:
    """The lines that a person sees."""
    stream = io.StringIO()
    screen = Screen(stream, width, colour=False, unicode=True)
    show_status(screen, status(observation), Shown(in_bytes=in_bytes))
    return stream.getvalue().splitlines()


def codes(observation: Observation) -> list[str]:
    """The codes of its warnings; those about the ledger itself in capitals."""
    return [each.code.upper() if each.wrong else each.code for each in status(observation).warnings]


def held(kind: Kind = Kind.FILE, reserved: int = 3, used: int = 2, name: str = "/x", pid: int = 5) -> Holder:
    """A holder that one process uses."""
    return Holder(2048, kind, name, exactly(reserved), exactly(used), processes=(HolderProcess(pid, name, name),))


def run(root: Path, *arguments: str) -> tuple[int, str]:
    """The verb on a captured host: exit status and output."""
    result = CliRunner().invoke(
        cli, ["status", "--proc", f"{root}/proc", "--sys", f"{root}/sys", *arguments], standalone_mode=False
    )
    assert result.exception is None
    return result.return_value, result.output


def test_the_json_is_as_documented(tmp_path: Path) -> None:
    """The JSON has the keys that docs/status.md documents. Catches: a key renamed or left out: programs read this."""
    make_host(tmp_path, nr=10, free=9, resv=3)
    add_process(tmp_path, 7)
    code, output = run(tmp_path, "--json")
    document: dict[str, Any] = json.loads(output)
    assert code == 0
    assert list(document) == [
        "schema", "host", "kernel", "boot_id", "time", "pools", "holders", "unexplained", "steady",
        "assumed", "unreadable", "suspects", "mounts", "cgroups", "warnings", "notes",
    ]  # fmt: skip
    assert document["schema"] == "hugeresv-status/1"
    assert document["pools"] == [
        {
            "page_size_kB": 2048, "total": 10, "free": 9, "rsvd": 3, "surp": 0, "overcommit": 0, "available": 6,
            "nodes": [],
        }
    ]  # fmt: skip
    assert document["holders"] == [
        {
            "page_size_kB": 2048,
            "kind": "private",
            "name": "anonymous",
            "reserved_pages": 3,
            "used_pages": 1,
            "reserved_pages_min": 0,
            "reserved_pages_max": 3,
            "used_pages_min": 1,
            "used_pages_max": 1,
            "mappings": [{"pid": 7, "start": 0x7F0000000000, "end": 0x7F0000800000, "offset_pages": 0}],
            "processes": [
                {"pid": 7, "command": "sleep \x1b[2Jx\n", "user": document["holders"][0]["processes"][0]["user"]}
            ],
            "cgroup": "/some",
        }
    ]
    assert document["unexplained"] == [
        {
            "page_size_kB": 2048,
            "reserved_pages": 0,
            "used_pages": 0,
            "reserved_pages_certain": 0,
            "used_pages_certain": 0,
        }
    ]
    assert (document["steady"], document["assumed"], document["suspects"]) == (True, None, [])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", document["time"])


def test_no_name_moves_the_cursor_or_makes_a_line() -> None:
    """Names of files, commands, users and cgroups are escaped.

    Catches: a file, command, user or cgroup whose name clears the screen, adds a line, or turns the text around.
    """
    observation = Observation(
        (POOL,),
        (held(name=HOSTILE), replace(held(name=HOSTILE), processes=())),
        cgroups=(CgroupUse(HOSTILE, 2048, 3, None, 0, 0),),
        unreadable=(Unreadable(HOSTILE, "no", hides=False),),
    )
    for width in (40, 100, 300):
        lines = shown(observation, width=width)
        assert all(line.isprintable() for line in lines)
        assert not [line for line in lines if line.startswith("POOL")]
    stream = io.StringIO()
    write_status(stream, status(observation))
    assert stream.getvalue().isascii()
    assert json.loads(stream.getvalue())["holders"][0]["name"] == HOSTILE


def test_numbers_are_never_cut() -> None:
    """On a narrow terminal numbers are whole, bounds included.

    Catches: `600` for 60008: a narrow terminal may cost names, not pages.
    """
    observation = Observation((POOL,), (replace(held(reserved=30000), reserved=Pages(0, 30000, 123456)),))
    assert any("~30000 (0-123456)" in line for line in shown(observation, width=20))


def test_a_pipe_gets_whole_rows() -> None:
    """A program that reads a pipe gets every name. Catches: `/usr/lib/p+` at 80 columns."""
    name = "/very/long/" + "x" * 200
    stream = io.StringIO()
    screen = Screen(stream, 80, colour=False, unicode=False, cut=False)
    show_status(screen, status(Observation((POOL,), (held(name=name),))), Shown())
    assert any(name in line for line in stream.getvalue().splitlines())
    assert not any(name in line for line in shown(Observation((POOL,), (held(name=name),)), width=80))


def test_a_name_that_is_cut_keeps_its_end() -> None:
    """On a terminal of 80 columns. Catches: a family whose row does not say how many files it is."""
    files = [replace(held(name=f"/dev/hugepages/rtemap_{number}"), processes=()) for number in range(250)]
    row = next(line for line in shown(Observation((POOL,), tuple(files)), width=80) if "250 files" in line)
    assert "(250 files, 2500M)" in row
    assert len(row) <= 80


def test_a_page_size_that_is_not_used_is_not_shown() -> None:
    """A page size without pages is left out, unless there is no other.

    Catches: a row of zeros for 1G on every host; a host without any pool that is shown nothing.
    """
    empty = PoolUse(1 << 20, 0, 0, 0, 0, 0)
    sizes = [line.split()[0] for line in shown(Observation((POOL, empty), (held(),)))[:3] if line]
    assert sizes == ["SIZE", "2M"]
    assert [line.split()[0] for line in shown(Observation((empty,), ()))[:2]] == ["SIZE", "1G"]


def test_nodes_are_shown_where_there_are_several() -> None:
    """Several nodes have a table with each node's own numbers.

    Catches: nodes exchanged, or a table of one node that repeats the pool.
    """
    one, two = NodePool(0, 6, 5, 1), NodePool(1, 4, 3, 0)
    assert [line.split() for line in shown(Observation((replace(POOL, nodes=(one, two)),), (held(),)))[3:6]] == [
        ["NODE", "SIZE", "TOTAL", "FREE", "SURP"],
        ["0", "2M", "6", "5", "1"],
        ["1", "2M", "4", "3", "0"],
    ]
    assert not any("NODE" in line for line in shown(Observation((replace(POOL, nodes=(one,)),), (held(),))))


def test_cgroups_are_part_of_the_text() -> None:
    """A cgroup can still have the least that it and those above it leave. Catches: a parent's limit left out."""
    cgroups = (
        CgroupUse("/db", 2048, 9, 7, 2, 6),
        CgroupUse("/db/a", 2048, None, 6, 2, 2),
        CgroupUse("/x", 2048, 0, 0, 0, 0),
    )
    lines = shown(Observation((POOL,), (held(),), cgroups=cgroups))
    (head,) = [number for number, line in enumerate(lines) if line.endswith("CGROUP")]
    assert [line.split() for line in lines[head + 1 : head + 3]] == [
        ["2M", "9", "2", "7", "6", "1", "6", "/db"],
        ["2M", "-", "2", "6", "2", "1", "2", "/db/a"],
    ]
    assert lines[head + 3] == "1 other cgroup has no huge pages and may have none."


def test_bytes_are_exact() -> None:
    """`--bytes` shows pages times the page size. Catches: pages that are multiplied by kB, or not at all."""
    lines = shown(Observation((POOL,), (held(),)), in_bytes=True)
    assert lines[1].split() == ["2M", "20971520", "16777216", "6291456", "0", "0", "10485760"]
    assert lines[4].split()[:5] == ["2M", "file", "6291456", "4194304", "10485760"]


@pytest.mark.parametrize(
    ("observation", "expected"),
    [
        (Observation((POOL,), (held(),)), []),
        (Observation((POOL,), (held(reserved=1),)), ["RSVD-LEAKED"]),
        (Observation((POOL,), (held(reserved=4),)), ["RSVD-MISSING"]),
        (Observation((POOL,), (held(used=1),)), ["USED-LOST"]),
        (Observation((POOL,), (held(used=3),)), ["USED-MISSING"]),
        (
            Observation((POOL,), (held(reserved=1, used=1),), unreadable=(Unreadable("x", "y"),)),
            ["rsvd-unexplained", "used-unexplained"],
        ),
        (Observation((replace(POOL, rsvd=-1),), (held(reserved=-1),)), ["COUNTER-WRAPPED"]),
        (Observation((replace(POOL, free=3, total=5),), (held(),)), ["all-promised"]),
        (Observation((replace(POOL, surp=1),), (held(),)), ["overcommit-in-use"]),
        (Observation((POOL,), (replace(held(), processes=()),)), ["unused-file"]),
        (Observation((POOL,), (replace(held(), processes=()),), unreadable=(Unreadable("x", "y"),)), ["unused-file"]),
        (Observation((POOL,), (held(),), cgroups=(CgroupUse("/c", 2048, 2, 4, 0, 0),)), ["cgroup-limits"]),
        (Observation((POOL,), (held(),), cgroups=(CgroupUse("/c", 2048, 4, 4, 0, 0),)), []),
    ],
)
def test_what_is_wrong_is_said(observation: Observation, expected: list[str]) -> None:
    """Each situation has its warnings and no others, and counts as wrong where the ledger is.

    Catches: a warning that is missing, or that cries wolf; exit status 1 for what is not the ledger's.
    """
    assert codes(observation) == expected
    assert status(observation).wrong == any(code.isupper() for code in expected)


def test_sums_are_in_the_json(tmp_path: Path) -> None:
    """`--json --by user` has the sums beside the holders. Catches: a program that has to add up bounds by itself."""
    make_host(tmp_path, nr=10, free=9, resv=3)
    add_process(tmp_path, 7)
    document = json.loads(run(tmp_path, "--json", "--by", "process")[1])
    assert document["by"] == "process"
    assert document["sums"] == [
        {
            "page_size_kB": 2048, "key": "7", "detail": "sleep", "reserved_pages": 3, "used_pages": 1,
            "reserved_pages_min": 0, "reserved_pages_max": 3, "used_pages_min": 1, "used_pages_max": 1,
            "shared_pages": 0,
        }
    ]  # fmt: skip


def test_a_selection_leaves_the_rest_alone(tmp_path: Path) -> None:
    """Holders that were not selected are not shown, and their pages are explained all the same.

    Catches: holders that are not shown and then count as unexplained.
    """
    make_host(tmp_path, nr=10, free=8, resv=6)
    add_pool(tmp_path, 1 << 20)
    add_process(tmp_path, 7)
    add_process(tmp_path, 8, inode=78, cgroup="/some/pod")
    for arguments, pids in (
        (["--pid", "7"], [7]),
        (["--cgroup", "/some"], [7, 8]),
        (["--cgroup", "/some/pod/"], [8]),
        (["--size", "hugepages-2Mi"], [7, 8]),
        (["--size", "1G"], []),
        (["--sort", "pid"], [7, 8]),
    ):
        code, output = run(tmp_path, "--json", *arguments)
        document = json.loads(output)
        assert [holder["processes"][0]["pid"] for holder in document["holders"]] == pids, arguments
        assert all(row["reserved_pages"] == 0 for row in document["unexplained"])
        assert code == 0
    assert "No visible process or file holds huge pages." in run(tmp_path, "--size", "1G")[1]


def test_a_page_size_that_the_kernel_has_not(tmp_path: Path) -> None:
    """A page size that there is not is refused with those that there are.

    Catches: a slip of the finger that is answered with an empty table and exit status 0.
    """
    make_host(tmp_path)
    with pytest.raises(InputError, match="no huge pages of 3M; it has 2M"):
        status_of_host(f"{tmp_path}/proc", f"{tmp_path}/sys", Selection(3 << 20), SORT_KEYS["held"])


def test_what_is_wrong_with_another_page_size_is_not_said(tmp_path: Path) -> None:
    """With --size, only that size counts for warnings and exit status.

    Catches: exit status 1 for a pool that was not asked for.
    """
    make_host(tmp_path, resv=2**64 - 1)
    add_pool(tmp_path, 1 << 20)
    assert run(tmp_path)[0] == 1
    code, output = run(tmp_path, "--size", "1G")
    assert (code, "Warning" in output) == (0, False)


def test_columns_are_chosen(tmp_path: Path) -> None:
    """`-o`. Catches: with --no-headings anything else than that table, which a script takes for holders."""
    make_host(tmp_path, nr=10, free=9, resv=3)
    add_process(tmp_path, 7)
    assert "PIDS  RESERVED" in run(tmp_path, "-o", "pids,reserved")[1].splitlines()
    assert run(tmp_path, "-o", "pids,reserved", "--no-headings")[1].splitlines() == ["7  ~3 (0-3)"]
    assert run(tmp_path, "--by", "cgroup", "--no-headings")[1].splitlines() == ["2M  ~3 (0-3)  1  8M  -  /some"]


def test_plain_hugeresv_is_status(monkeypatch: pytest.MonkeyPatch) -> None:
    """`hugeresv` alone is `hugeresv status`. Catches: help in its place, at the first thing that is typed."""
    seen: list[tuple[object, ...]] = []

    def look(*arguments: object) -> Status:
        seen.append(arguments)
        return status(Observation((replace(POOL, free=10, rsvd=0),), ()))

    monkeypatch.setattr("hugeresv.cli.status.status_of_host", look)
    result = CliRunner().invoke(cli, [], standalone_mode=False)
    assert result.exception is None
    assert result.return_value == 0
    assert seen[0][:2] == ("/proc", "/sys")
    assert "No visible process or file holds huge pages." in result.output


@pytest.mark.parametrize("options", [["--size", "2M"], ["-o", "PIDS,RESERVED", "--no-headings"], ["--by", "user"]])
def test_without_a_verb_the_options_are_those_of_status(tmp_path: Path, options: list[str]) -> None:
    """`hugeresv -o …` is `hugeresv status -o …`. Catches: "No such option" for the first thing that is tried."""
    make_host(tmp_path, nr=10, free=9, resv=3)
    add_process(tmp_path, 7)
    roots = ["--proc", f"{tmp_path}/proc", "--sys", f"{tmp_path}/sys"]
    result = CliRunner().invoke(cli, [*options, *roots], standalone_mode=False)
    assert result.exception is None
    assert result.output == run(tmp_path, *options)[1]


def test_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    """A PID or cgroup that does not exist has no holders, and is no answer. Catches: exit status 0 for a slip."""
    make_host(tmp_path, nr=10, free=9, resv=3)
    add_process(tmp_path, 7)
    directory = tmp_path / "sys/fs/cgroup/hugetlb/empty"
    directory.mkdir(parents=True)
    (directory / "cgroup.procs").write_text("")
    roots = f"{tmp_path}/proc", f"{tmp_path}/sys"
    for selection, text in (
        (Selection(pid=10**30), f"there is no process {10**30}"),
        (Selection(cgroup="/so"), "there is no cgroup '/so'"),
    ):
        with pytest.raises(InputError, match=text):
            existing(selection, *roots)
    assert existing(Selection(pid=7, cgroup="some/"), *roots) == (None, 7, "/some")
    for spelling in ("/empty", "empty/", str(directory)):
        assert existing(Selection(cgroup=spelling), *roots).cgroup == "/empty"
    assert "No holder matches (1 other does not)." in run(tmp_path, "--cgroup", "/empty")[1]
