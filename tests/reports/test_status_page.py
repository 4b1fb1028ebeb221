"""The picture of a host: areas as large as what they stand for, and every number that the table has."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hugeresv.holders.host import Identity, Status
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
    exactly,
)
from hugeresv.ledger.reconcile import cgroup_rests, unexplained
from hugeresv.reports.html.status import status_page
from hugeresv.reports.html.treemap import Box, divided

POOL = PoolUse(2048, 100, 30, 20, 0, 0, (NodePool(0, 60, 10, 0), NodePool(1, 40, 20, 0)))
EVIL = "/dev/x</title><script>alert(1)</script>\u202e\udcff"


NONE = exactly(0)


def holder(name: str, used: Pages, reserved: Pages = NONE) -> Holder:
    return Holder(2048, Kind.FILE, name, reserved, used, processes=(HolderProcess(7, name, "u"),))


def page(*holders: Holder, pool: PoolUse = POOL, unselected: int = 0) -> str:
    observation = Observation((pool,), holders, cgroups=(CgroupUse("/a", 2048, 80, None, 50, 60),))
    rest = unexplained(observation)
    warnings, rests = warnings_of(observation, rest), cgroup_rests(observation)
    kept = replace(observation, holders=holders[unselected:])
    return status_page(Status(Identity("h", "k", "b", "t"), kept, rest, warnings, unselected, rests))


def areas(text: str) -> list[tuple[str, float]]:
    """What each area says it is, and its share of all areas; a point is left free around each."""
    found = re.findall(r'<title>(.*?)</title>\s*<rect class="tone-\d" .*?width="([\d.]+)" height="([\d.]+)"', text)
    sizes = [(title, (float(width) + 2) * (float(height) + 2)) for title, width, height in found]
    return [(title, size / sum(size for _, size in sizes)) for title, size in sizes]


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=40), st.integers(1, 2000), st.integers(1, 2000))
def test_a_box_is_divided_among_sizes(sizes: list[int], width: int, height: int) -> None:
    """Each has its share, none lies outside or on another. Catches: a row that is laid twice, or beyond the edge."""
    sizes.sort(reverse=True)
    boxes = divided(Box(0, 0, width, height), sizes)
    for size, box in zip(sizes, boxes, strict=True):
        assert box.width * box.height == pytest.approx(width * height * size / sum(sizes))
        assert box.x >= -1e-6
        assert box.y >= -1e-6
        assert box.x + box.width <= width * (1 + 1e-9)
        assert box.y + box.height <= height * (1 + 1e-9)
    corners = [(box.x, box.y, box.x + box.width, box.y + box.height) for box in boxes]
    for number, (left, top, right, bottom) in enumerate(corners):
        for other_left, other_top, other_right, other_bottom in corners[:number]:
            across = min(right, other_right) - max(left, other_left)
            down = min(bottom, other_bottom) - max(top, other_top)
            assert min(across, down) < width * height * 1e-6


def test_every_page_of_the_pool_has_its_share() -> None:
    """Of 100 pages 70 are used, 20 promised, 10 free. Catches: an area that stands for another's pages."""
    found = areas(page(holder("/dev/a", exactly(40), exactly(20)), holder("/dev/b", Pages(10, 20, 30))))
    expected = {
        "a: 40 pages; PID 7": 0.4,
        "b: about 20 pages; PID 7": 0.2,
        "unaccounted for: 10 pages": 0.1,
        "a: 20 pages; PID 7": 0.2,
        "free: 10 pages": 0.1,
    }
    assert {title for title, _ in found} == set(expected)
    for title, share in found:
        assert share == pytest.approx(expected[title], abs=0.01)


def test_what_was_not_asked_for_is_others() -> None:
    """What was not selected is drawn as other holders, not as free or unaccounted for.

    Catches: a picture of one process on which the whole rest of the host is free, or a leak.
    """
    text = page(holder("/dev/a", exactly(40), exactly(20)), holder("/dev/b", exactly(30)), unselected=1)
    assert "other holders, not selected: 40 pages" in text
    assert "unaccounted for:" not in text.split("</svg>")[0]


def test_a_wrapped_counter_is_printed_as_the_kernel_does() -> None:
    """A wrapped counter is printed as the kernel prints it, and the areas still add up.

    Catches: an area for a negative number of pages.
    """
    text = page(holder("/dev/a", exactly(70)), pool=PoolUse(2048, 100, 30, -1, 0, 0))
    assert "18446744073709551615" in text
    assert sum(share for _, share in areas(text)) == pytest.approx(1)


def test_names_are_text() -> None:
    """Of files and programs. Catches: markup of a stranger in a ticket, and text that runs backwards."""
    text = page(holder(EVIL, exactly(70)))
    assert "<script" not in text
    assert "\u202e" not in text
    assert r"\u202e\udcff" in text
    text.encode()
