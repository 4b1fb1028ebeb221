"""Whether a difference comes again, and how often: a race is rare, and an emulator can fail, too.

Guests of one boot begin with the same memory, and may all fail by what is wrong in it: in doubt they are booted anew.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import NamedTuple

from hugeresv.errors import HugeresvError
from hugeresv.kernels.guest.kernel import GuestKernel
from hugeresv.kernels.guest.report import functions_of_reports
from hugeresv.kernels.protocol import Kernel
from hugeresv.play.play import play
from hugeresv.scenario.scenario import Scenario
from hugeresv.search.fresh import going_on, impatient
from hugeresv.search.kinds import DifferenceKind, kind_of
from hugeresv.search.lockstep import Divergence

MOST = 5
"""Runs that are made to see a difference again."""

HANG_SECONDS = 20.0
"""A call that has hung once has so long to return."""

_OF_HUGETLB = re.compile(
    r"^(?!.*(?:khugepaged|do_huge_p|zap_huge_p|huge_zero)).*huge|hstate|subpool|resv|reserv|hpage|file_region"
    r"|^region_(?:add|chg|del|count|abort)|unmap_ref_private|pool_surplus|demote_|pmd_share|allowed_mems_nr"
)
"""Names of its functions, and not those of transparent huge pages."""

_GRAVE = (DifferenceKind.CRASH, DifferenceKind.HANG, DifferenceKind.REPORT)


Look = Callable[[], Divergence | None]
"""Where the two kernels first differ; None if they do not."""


class Sightings(NamedTuple):
    """In how many runs a difference was seen, and of how many."""

    seen: int
    runs: int

    def and_one(self, *, seen: bool) -> Sightings:
        """After one more run."""
        return Sightings(self.seen + seen, self.runs + 1)


ONCE = Sightings(1, 1)


class Confirmation(NamedTuple):
    """What became of a difference. `divergence`: as it was seen last, None where it is not confirmed."""

    divergence: Divergence | None
    sightings: Sightings
    why_not: str = ""


def confirm(found: Divergence, scenario: Scenario, base: Kernel, kernel: Kernel, look: Look) -> Confirmation:
    """See whether `look` shows a difference again, which the scenario has shown once as `found`, on fresh guests.

    One that is a crash, a hang or a report must also come again after a new boot, in one run of a few, unless the
    kernel's log names a function of hugetlb; and the base, where it is a real kernel, must not print the same.
    """
    longest = HANG_SECONDS if kind_of(found) is DifferenceKind.HANG else math.inf
    with going_on(base, kernel, wanted=False), impatient(longest, base, kernel):
        again = _looked(look)
        sightings = ONCE.and_one(seen=again is not None)
        real = base.real or kernel.real
        if again is not None and not (real and _is_doubtful(again)):
            return Confirmation(again, sightings)
        if not real:
            return Confirmation(None, sightings, "not seen again")
        for guest in (base, kernel):
            if isinstance(guest, GuestKernel):
                guest.close()
        seen_before, again = again is not None, None
        while again is None and sightings.runs <= MOST:
            again = _looked(look)
            sightings = sightings.and_one(seen=again is not None)
    if again is None:
        return Confirmation(None, sightings, "not seen after a new boot" if seen_before else "not seen again")
    if _is_doubtful(again) and _base_prints(again, scenario, base):
        return Confirmation(None, sightings, f"{base.name} prints the same against itself")
    return Confirmation(again, sightings)


def _looked(look: Look) -> Divergence | None:
    """What a look shows; nothing where the scenario cannot be carried out."""
    try:
        return look()
    except HugeresvError:
        return None


def _is_doubtful(divergence: Divergence) -> bool:
    """Whether it may be the fault of what is not hugetlb: no answer differs, and no function of hugetlb is named."""
    if kind_of(divergence) not in _GRAVE:
        return False
    reports = [answer.report for answer in (divergence.left, divergence.right) if answer.report is not None]
    named = (name for report in reports for name in functions_of_reports(report.log))
    return not any(_OF_HUGETLB.search(name) for name in named)


def _base_prints(divergence: Divergence, scenario: Scenario, base: Kernel) -> bool:
    """Whether a real base prints in one of as many runs what the kernel has printed."""
    report = divergence.right.report
    if report is None or not base.real:
        return False
    lines = (
        result.answer.report.line
        for _ in range(MOST)
        for result in play(scenario, base)
        if result.answer.report is not None
    )
    return report.line in lines
