"""What is proven, and what is said where nothing is."""

from dataclasses import replace

import pytest

from hugeresv.holders.finding import Finding
from hugeresv.holders.warning import warnings_of
from hugeresv.ledger.observation import (
    Holder,
    Kind,
    MountUse,
    Observation,
    Pages,
    PoolUse,
    Suspect,
    Unreadable,
    exactly,
)
from hugeresv.ledger.reconcile import unexplained

POOL = PoolUse(2048, 10, 8, 3, 0, 0)
"""3 reserved pages and 2 used ones."""
UNREAD = Unreadable("the open files of PID 1 (init)", "Permission denied", settle="that takes CAP_SYS_PTRACE")
LEAK = Observation((POOL,), (Holder(2048, Kind.PRIVATE, "a", exactly(1), exactly(2)),))
"""2 of the reserved pages have no owner."""


def first(observation: Observation) -> Finding:
    """The first that is said of the ledger."""
    return warnings_of(observation, unexplained(observation))[0]


@pytest.mark.parametrize(
    ("doubt", "said"),
    [
        (replace(LEAK, unreadable=(UNREAD,)), "the open files of PID 1 (init) (that takes CAP_SYS_PTRACE)"),
        (replace(LEAK, hidden_files=1), "hugeresv could not see 1 file of huge pages that the kernel counts"),
        (replace(LEAK, steady=False), "look again"),
        (
            replace(LEAK, suspects=(Suspect("a thing", "It ends.", promises=True),)),
            "Possible causes: a thing. It ends.",
        ),
        (replace(LEAK, suspects=(Suspect("a thing", promises=True, most_pages=2),)), "a thing"),
        (replace(LEAK, holders=(replace(LEAK.holders[0], reserved=Pages(0, 1, 3)),)), "The ranges of holders marked ~"),
        (
            replace(LEAK, holders=(replace(LEAK.holders[0], seen_reserved=Pages(0, 1, 3)),)),
            "The ranges of holders marked ~",
        ),
    ],
)
def test_one_doubt_and_nothing_is_proven(doubt: Observation, said: str) -> None:
    """Each of what a verdict takes is taken away alone, and the warning says which.

    Catches: a leak that is called one without evidence, and a doubt that is not told.
    """
    found = first(doubt)
    assert (found.code, found.wrong) == ("rsvd-unexplained", False)
    assert found.text.startswith("2M pages: 2 reserved pages have no visible owner.")
    assert said in found.text


@pytest.mark.parametrize(
    "proven",
    [
        LEAK,
        replace(LEAK, unreadable=(UNREAD,), hidden_files=0),
        replace(LEAK, unreadable=(UNREAD._replace(hides=False),)),
        replace(LEAK, hidden_files=0, suspects=(Suspect("a file in flight", promises=True, in_file=True),)),
        replace(LEAK, suspects=(Suspect("a pinned page", pages=True, short=True),)),
        replace(LEAK, suspects=(Suspect("a page of 1 GiB", promises=True, page_size_kB=1 << 20),)),
    ],
)
def test_without_a_doubt_it_is_a_leak(proven: Observation) -> None:
    """What concerns other pages, or is ruled out by the number of files, is no doubt.

    Catches: a real leak that is never found on a host with a process that may not be read, or with VFIO devices.
    """
    found = first(proven)
    assert (found.code, found.wrong) == ("rsvd-leaked", True)
    assert found.command == "echo 12 > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"


def test_a_suspect_that_may_have_some_leaves_the_rest_proven() -> None:
    """Of 2 pages, one may be a suspect's.

    Catches: a leak of a thousand pages that a segment of one page excuses.
    """
    found = first(replace(LEAK, suspects=(Suspect("a segment", promises=True, most_pages=1),)))
    assert found.wrong
    assert "lost at least 1 of them" in found.text
    assert "Possible causes: a segment." in found.text


def test_used_pages_without_an_owner_are_lost_only_if_every_process_was_read() -> None:
    """A pinned page outlives its file, so that the number of files proves nothing of pages.

    Catches: pages called lost while an unread process may have them.
    """
    lost = replace(LEAK, holders=(Holder(2048, Kind.PRIVATE, "a", exactly(3), exactly(1)),))
    assert first(lost).code == "used-lost"
    for doubt in (
        replace(lost, unreadable=(UNREAD,), hidden_files=0),
        replace(lost, suspects=(Suspect("a device", pages=True),)),
    ):
        assert (first(doubt).code, first(doubt).wrong) == ("used-unexplained", False)


def test_signs_are_not_lost() -> None:
    """More than is counted is not `1 reserved page is not explained`.

    Catches: an absolute value that is printed.
    """
    more = replace(LEAK, holders=(Holder(2048, Kind.PRIVATE, "a", exactly(4), exactly(2)),))
    assert first(more).code == "rsvd-missing"
    assert "the holders add up to 1 reserved page more than the kernel counts" in first(more).text
    pinned = replace(more, suspects=(Suspect("a pipe", short=True),))
    assert (first(pinned).code, first(pinned).wrong) == ("rsvd-unexplained", False)
    holed = replace(more, holders=(replace(more.holders[0], kind=Kind.MEMFD, may_have_holes=True),))
    assert "Punching a hole in a file also removes its promises" in first(holed).text
    assert first(holed).note


def test_a_copy_is_not_of_one_moment() -> None:
    """More reserved than free is a bug in one look at a host, and nothing in files that were copied one by one.

    Catches: a bug found in files that were copied one after the other.
    """
    observation = Observation((replace(POOL, rsvd=9),), (Holder(2048, Kind.PRIVATE, "a", exactly(9), exactly(2)),))
    assert first(observation).code == "counter-wrapped"
    assert "it does not have" in first(observation).text
    codes = [each.code for each in warnings_of(replace(observation, copied=True), unexplained(observation))]
    assert "counter-wrapped" not in codes


def test_what_lingers_ends_without_a_restart() -> None:
    """A detached mount names what keeps it; a minimum that was restored too early says how it ends.

    Catches: advice to restart a host for what a process keeps.
    """
    keeper = "the working directory of PID 7 (sleep)"
    mount = MountUse("(detached)", 2048, None, None, None, place=5, keepers=(keeper,))
    file = Holder(2048, Kind.FILE, "(detached)/seg", exactly(3), exactly(2), place=5)
    found = first(Observation((POOL,), (file,), (mount,)))
    assert (found.code, found.wrong) == ("detached-mount", False)
    assert f"holds 5 pages. It lives on as {keeper}." in found.text
    minimum = Holder(2048, Kind.MOUNT_MINIMUM, "/m", exactly(3), exactly(0), seen_reserved=Pages(1, 1, 4))
    found = first(Observation((replace(POOL, free=10),), (minimum,)))
    assert (found.code, found.wrong) == ("minimum-restored", False)
    assert "2 pages of the minimum (min_size=) of /m are reserved again" in found.text
