"""status, fit, export and audit inside guests of several kernels, over every kind of holder: they say what is."""

import json
import re
from typing import Any

import pytest

from tests.guests import need_guest
from tests.inside.guest import run_inside
from tests.inside.init import HOLDERS, MINIMUM

KERNELS = ("5.10", "6.1", "6.12", "7.x")
"""Without PROCMAP_QUERY (before 6.11) and with it; the newest that there is."""

Found = dict[str, Any]


@pytest.fixture(scope="module", params=KERNELS)
def found(request: pytest.FixtureRequest, guests: None) -> Found:
    """What was found inside one kernel's guest."""
    need_guest(request.param)
    return run_inside(request.param)


def status_of(found: Found) -> Found:
    assert (found["status"]["status"], found["status"]["err"]) == (0, "")
    told: Found = json.loads(found["status"]["out"])
    return told


def numbers(holder: Found) -> list[tuple[int, int]]:
    """Reserved and used pages as estimated, at least, and at most."""
    return [(holder[f"reserved_pages{end}"], holder[f"used_pages{end}"]) for end in ("", "_min", "_max")]


def test_every_holder_has_what_it_has(found: Found) -> None:
    """Each process's reserved and used pages are the ones it made, and certain.

    Catches: a fallback of an older kernel that reads something else, or leaves an estimate where the counters decide.
    """
    holders = status_of(found)["holders"]
    for name, pid in found["pids"].items():
        (holder,) = (each for each in holders if pid in [process["pid"] for process in each["processes"]])
        _, reserved, used = HOLDERS[name]
        assert numbers(holder) == [(reserved, used)] * 3, name


def test_what_no_process_holds_is_found(found: Found) -> None:
    """A file, a segment and a mount's minimum that no process holds are found, the file and segment with a warning.

    Catches: pages that stay unexplained because nobody has them mapped.
    """
    told = status_of(found)
    left = {each["kind"]: numbers(each)[0] for each in told["holders"] if not each["processes"]}
    assert left == {"file": (0, 2), "sysv": (1, 1), "mount-minimum": (MINIMUM, 0)}
    assert [warning["code"] for warning in told["warnings"]] == ["unused-file", "unused-file"]


def test_the_holders_add_up_to_the_counters(found: Found) -> None:
    """The holders add up to the counters: nothing is unexplained, and nothing is called a bug.

    Catches: a holder counted twice, or missed.
    """
    told, counters = status_of(found), found["counters"]
    rsvd = sum(reserved for _, reserved, _ in HOLDERS.values()) + MINIMUM
    used = sum(used for _, _, used in HOLDERS.values())
    assert (counters["resv"], counters["nr"] - counters["free"]) == (rsvd, used)
    assert {(rest["reserved_pages"], rest["used_pages"]) for rest in told["unexplained"]} == {(0, 0)}
    assert told["unreadable"] == []


def test_fit_says_what_mmap_does(found: Found) -> None:
    """As many pages as are available fit, and one more does not.

    Catches: an answer that is one page too large or too small.
    """
    assert [(told["status"], really) for told, really in found["fit"]] == [(0, True), (1, False)]


def test_export_has_the_same_counters(found: Found) -> None:
    """The exporter has the counters of the guest and reports no wrong ledger.

    Catches: counters of another host or of another moment.
    """
    assert found["export"]["status"] == 0
    text = found["export"]["out"]
    exported = re.findall(r'^hugeresv_pool_pages{pagesize="2097152",state="(\w+)"} (\S+)$', text, re.MULTILINE)
    pool = {state: float(pages) for state, pages in exported}
    counters = found["counters"]
    assert (pool["total"], pool["free"], pool["reserved"]) == (counters["nr"], counters["free"], counters["resv"])
    assert re.findall(r"^hugeresv_ledger_wrong (\S+)$", text, re.MULTILINE) == ["0.0"]


def test_the_kernels_own_memory_says_the_same(found: Found) -> None:
    """`audit` through /proc/kcore finds a true ledger, with what the holders have as promises.

    Catches: a layout of another kernel, read as this one's.
    """
    assert (found["audit"]["status"], found["audit"]["err"]) == (0, "")
    audit = json.loads(found["audit"]["out"])
    (size,) = (each for each in audit["page_sizes"] if each["page_size_kB"] == 2048)
    assert size["resv"] == size["promised"] == found["counters"]["resv"]


@pytest.fixture(scope="module")
def on_two_nodes(guests: None) -> Found:
    """What was found inside a guest with two nodes, whose kernel takes surplus pages from the CPU's node."""
    need_guest("6.1")
    return run_inside("6.1", "two_nodes")


def test_status_has_a_table_of_nodes(on_two_nodes: Found) -> None:
    """Of eight pages, five on node 0 and three on node 1, one of node 1 is in use, and one more is promised.

    Catches: numbers of one node in the other's row; a promise that is shown on a node.
    """
    found = on_two_nodes["nodes"]
    (pool,) = (each for each in json.loads(found["status"]["out"])["pools"] if each["page_size_kB"] == 2048)
    assert (pool["total"], pool["free"], pool["rsvd"]) == (8, 7, 1)
    rows = [line.split() for line in found["text"]["out"].partition("NODE")[2].splitlines()[1:3]]
    assert rows == [["0", "2M", "5", "5", "0"], ["1", "2M", "3", "2", "0"]]


def test_fit_says_what_a_kernel_with_two_nodes_does(on_two_nodes: Found) -> None:
    """Under each policy, by --node, --bind-after and --pid, fit names the call and the page at which it ends, or none.

    Catches: a node's free pages, or the surplus pages that overcommit makes on it, counted as another node's.
    """
    answers = []
    for each in on_two_nodes["situations"]:
        fit, touched, wanted = each["fit"], each["really"], each["drawn"]["wanted"]
        told = wanted if fit["fits"] else fit["page"]
        assert (told, fit["call"] == "mmap") == (touched, touched is None), each
        answers.append((fit["fits"], fit["call"]))
    assert set(answers) == {(True, "touch"), (False, "mmap"), (False, "touch")}
