"""What a cgroup was charged for and has no holder: walked upwards from the holders, against the plain description."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from hugeresv.ledger.observation import CgroupUse, Holder, Kind, Observation, Pages
from hugeresv.ledger.reconcile import cgroup_rests

PATHS = ("/", "/a", "/a/b", "/a/bc", "/a/b/c", "/b")
BOUNDS = st.builds(lambda low, more: Pages(low, low, low + more), st.integers(0, 3), st.integers(0, 3))
HOLDERS = st.builds(
    lambda size, reserved, used, cgroups: Holder(size, Kind.FILE, "x", reserved, used, cgroups=tuple(cgroups)),
    st.sampled_from((4, 8)),
    BOUNDS,
    BOUNDS,
    st.lists(st.sampled_from(PATHS), unique=True, max_size=3),
)
USES = [CgroupUse(path, size, None, None, 7, rsvd) for path in PATHS for size, rsvd in ((4, 9), (8, None))]


def below(path: str, cgroups: Iterable[str]) -> bool:
    """Whether all are the cgroup or in it."""
    return all(path in {"/", each} or each.startswith(f"{path}/") for each in cgroups)


@given(st.lists(HOLDERS, max_size=4))
def test_rests_are_what_the_definition_says(holders: list[Holder]) -> None:
    """At least what holders that may be in it leave, at most what those that are leave. Catches: `/a/bc` in `/a/b`."""
    for use, rest in zip(USES, cgroup_rests(Observation((), tuple(holders), cgroups=tuple(USES))), strict=True):
        known = [each for each in holders if each.page_size_kB == use.page_size_kB and each.cgroups]
        inside = [each for each in known if below(use.path, each.cgroups)]
        perhaps = [each for each in known if any(below(use.path, [cgroup]) for cgroup in each.cgroups)]
        least = use.usage_pages - sum(each.used.max for each in perhaps)
        assert rest.usage == (least, use.usage_pages - sum(each.used.min for each in inside))
        assert (rest.rsvd is None) == (use.rsvd_pages is None)
        if rest.rsvd is not None:
            assert rest.rsvd == (
                9 - sum(each.used.max + each.reserved.max for each in perhaps),
                9 - sum(each.used.min + each.reserved.min for each in inside),
            )
