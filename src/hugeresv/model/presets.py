"""The behaviours by name: real kernels as sets of switches, and `ideal`. `release` says which kernels have which.

A preset that is named by two numbers is the newest stable release of its series that was run; one that is named by
three is an older one that answers otherwise.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hugeresv.model.behaviour import (
    Behaviour,
    FaultRollback,
    GatherNode,
    MremapReach,
    NumaStat,
    ReservationTracking,
    ReserveRollback,
    ReserveUse,
    ShrinkFloor,
    ZapRestore,
)

# Of nodes and demotion before 6.1.192 nothing was run: what has the older rules is taken to have them all.
_NODES_TO_6_1: Mapping[str, Any] = {
    "gather_node": GatherNode.LOCAL_ANY,
    "shrink_floor": ShrinkFloor.TOTAL,
    "shrink_takes_surplus_page": True,
    "node_write_counts_surplus": True,
    "weighted_interleave": False,
    "preferred_many": False,
    "preferred_follows_cpuset": True,
    "cpuset_moves_pages": False,
    "cgroup_numa_stat": NumaStat.NONE,
    "fork_copies_cached": True,
    "demotion": False,
    "children_bind_mems": True,
    "mems_can_be_emptied": False,
    "gigantic_overcommit": False,
    "demote_node_wraps": True,
    "demote_feeds_surplus": True,
}

IDEAL = Behaviour("ideal", "no kernel: every known defect off")

# Where a kernel before 5.10 is silent, the calls around the ledger are today's: what these two model is its accounting.
WITH_PATCH = Behaviour(
    "2008",
    "the text of the patch of June 2008 (2.6.26-rc-mm)",
    close_keeps_quota=True,
    owner_always_consumes=True,
    shared_always_consumes=True,
    shared_needs_available=True,
    readonly_attach_is_private=True,
    noreserve_never_consumes=True,
    reserve_use=ReserveUse.VMA_HAS_RESERVES,
    fresh_page_keeps_promise=True,
    cow_skips_quota=True,
    cow_avoids_reserve=True,
    steal_at_owner_address=True,
    zap_restore=ZapRestore.NEVER,
    cut_for_mmap_is_enomem=True,
    mremap=MremapReach.NONE,
    dontneed=False,
    populate_advice=False,
    fallocate=False,
    shmat_reserves=True,
    min_size=False,
    reserve_rollback=ReserveRollback.PUT_ALL,
    fault_rollback=FaultRollback.PUT_IGNORED,
    shm_honours_memlock=True,
    memlock_is_64_kib=True,
    cgroup_rsvd=False,
    **_NODES_TO_6_1,
    races_counted_twice=True,
)
BEFORE_PATCH = replace(
    WITH_PATCH,
    name="count-in-vma",
    verified="the text of the patch of June 2008, its removed lines",
    reservation_tracking=ReservationTracking.COUNT_IN_VMA,
)
LINUX_5_10 = Behaviour(
    "5.10",
    "5.10.251 and 5.10.262, step by step in guests",
    minimum_refilled_early=True,
    reserve_use=ReserveUse.VMA_HAS_RESERVES,
    cow_avoids_reserve=True,
    steal_at_owner_address=True,
    zap_restore=ZapRestore.NEVER,
    surplus_takes_promised_page=True,
    cut_for_mmap_is_enomem=True,
    mremap=MremapReach.NONE,
    dontneed=False,
    populate_advice=False,
    reserve_rollback=ReserveRollback.PUT_ALL,
    fault_rollback=FaultRollback.PUT_IGNORED,
    shm_honours_memlock=True,
    memlock_is_64_kib=True,
    end_checked_first=True,
    hole_loses_promise=True,
    **_NODES_TO_6_1,
)
LINUX_6_1 = replace(
    LINUX_5_10,
    name="6.1",
    verified="6.1.192, step by step in a guest",
    cpuset_moves_pages=True,
    cgroup_numa_stat=NumaStat.STAYS,
    fork_copies_cached=False,
    children_bind_mems=False,
    preferred_many=True,
    preferred_follows_cpuset=False,
    demotion=True,
    cow_avoids_reserve=False,
    mremap=MremapReach.ONE_VMA,
    mremap_length_is_int=True,
    mremap_waits_for_itself=True,
    partial_mremap_drops_map=True,
    dontneed=True,
    populate_advice=True,
    populate_skips_holes=True,
    shm_honours_memlock=False,
    memlock_is_64_kib=False,
    end_checked_first=False,
    truncation_passes_faults=True,
)
LINUX_6_1_187 = replace(
    LINUX_6_1,
    name="6.1.187",
    verified="6.1.170 and 6.1.187, step by step in guests",
    cow_avoids_reserve=True,
)
LINUX_6_12_107 = replace(
    LINUX_6_1,
    name="6.12.107",
    verified="6.12.43 and 6.12.107, step by step in guests",
    zap_restore=ZapRestore.ALWAYS,
    surplus_blocks_restore=True,
    cut_for_mmap_is_enomem=False,
    populate_skips_holes=False,
    gather_node=GatherNode.LOWEST_ALLOWED,
    node_write_counts_surplus=False,
    node_surplus_wraps=True,
    weighted_interleave=True,
    demote_batch=True,
    demote_feeds_surplus=False,
)
LINUX_6_12_117 = replace(
    LINUX_6_12_107,
    name="6.12.117",
    verified="6.12.111 and 6.12.117, step by step in guests",
    zap_restore=ZapRestore.LAST_UNMAP,
    cgroup_numa_stat=NumaStat.MOVES,
)
LINUX_6_12 = replace(
    LINUX_6_12_117,
    name="6.12",
    verified="6.12.118, step by step in a guest",
    steal_at_owner_address=False,
    mremap_length_is_int=False,
)
LINUX_6_18 = Behaviour(
    "6.18",
    "6.18.44, step by step on the host",
    minimum_refilled_early=True,
    steal_at_owner_address=True,
    zap_restore=ZapRestore.ALWAYS,
    surplus_blocks_restore=True,
    surplus_takes_promised_page=True,
    mremap_length_is_int=True,
    mremap_waits_for_itself=True,
    partial_mremap_drops_map=True,
    failed_move_drops_map=True,
    reserve_rollback=ReserveRollback.PUT_THEN_USED,
    fault_rollback=FaultRollback.RESERVE_ONLY,
    shrink_takes_surplus_page=True,
    node_surplus_wraps=True,
    same_node_move_pins=True,
    cgroup_numa_stat=NumaStat.STAYS,
    mems_can_be_emptied=False,
    gigantic_overcommit=False,
    demote_batch=True,
    demote_node_wraps=True,
    truncation_passes_faults=True,
    hole_loses_promise=True,
)
LINUX_6_18_15 = replace(
    LINUX_6_18,
    name="6.18.15",
    verified="6.17.13, 6.18.5 and 6.18.15, step by step in guests",
    reserve_rollback=ReserveRollback.PUT_SUBPOOL_PART,
)
LINUX_7_3 = Behaviour(
    "7.3",
    "7.3.4, step by step in a guest",
    minimum_refilled_early=True,
    mremap_length_is_int=True,
    mremap_waits_for_itself=True,
    surplus_blocks_restore=True,
    surplus_takes_promised_page=True,
    partial_mremap_drops_map=True,
    dofork=False,
    fault_rollback=FaultRollback.RESERVE_ONLY,
    shrink_takes_surplus_page=True,
    node_surplus_wraps=True,
    demote_batch=True,
    demote_node_wraps=True,
    truncation_passes_faults=True,
    hole_loses_promise=True,
)

PRESETS: dict[str, Behaviour] = {
    behaviour.name: behaviour
    for behaviour in (
        BEFORE_PATCH, WITH_PATCH, LINUX_5_10, LINUX_6_1_187, LINUX_6_1, LINUX_6_12_107, LINUX_6_12_117, LINUX_6_12,
        LINUX_6_18_15, LINUX_6_18, LINUX_7_3, IDEAL,
    )
}  # fmt: skip
"""Every behaviour by its name, oldest kernel first."""
