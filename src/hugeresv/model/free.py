"""A page goes back: free_huge_folio. mm/hugetlb.c, 6.18."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hugeresv.model.hugetlb_cgroup import counts_by_node
from hugeresv.model.reserve import subpool_put

if TYPE_CHECKING:
    from hugeresv.model.behaviour import Behaviour
    from hugeresv.model.folio import Folio
    from hugeresv.model.machine import Machine


def private_page_counts(behaviour: Behaviour) -> bool:
    """Whether a private page, as a shared one, counts against its mount for as long as it lives."""
    return not behaviour.private_page_keeps_quota


def free_huge_folio(machine: Machine, folio: Folio) -> None:
    """The last user of `folio` is gone.

    It becomes a promise again if it carries the restore mark (its subpool then counts it as used still), or if its
    subpool keeps it for its minimum. A page that backs a promise must stay in the pool, surplus or not.
    """
    hstate = folio.hstate
    subpool = None if folio.anon and not private_page_counts(machine.behaviour) else folio.subpool
    promised = folio.restore_reserve or subpool_put(hstate, subpool, 1) == 0
    if folio.restore_reserve and machine.behaviour.restore_puts_subpool:
        subpool_put(hstate, subpool, 1)
    if folio.cgroup is not None:
        folio.cgroup.uncharge_usage(hstate, 1)
        if counts_by_node(machine.behaviour):
            folio.cgroup.count_on(hstate, folio.nid, -1)
    if folio.cgroup_rsvd is not None:
        folio.cgroup_rsvd.uncharge_rsvd(hstate, 1)
    hstate.put_page(folio.nid, promised=promised, stays=promised and not machine.behaviour.surplus_takes_promised_page)
