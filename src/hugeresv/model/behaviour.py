"""What differs between kernels: named switches, each of which restores one rule that a kernel had.

A `Behaviour` is a value. Every switch is read where its rule is and never adjusts a counter to a wanted result. The
defaults are the rules of `ideal`, the ledger with every known defect off; `presets` names the real kernels.
"""

from dataclasses import Field, dataclass, field, fields
from enum import StrEnum
from typing import Any


class ReservationTracking(StrEnum):
    """Where a private mapping remembers what is left of its reservation."""

    COUNT_IN_VMA = "count-in-vma"
    """A count in vm_private_data, which every copy of the VMA copies too."""
    RESV_MAP = "resv-map"
    """A reference-counted map of the offsets that have consumed theirs."""


class ReserveUse(StrEnum):
    """What decides whether a page taken for a fault uses up a reservation."""

    VMA_HAS_RESERVES = "vma-has-reserves"
    """The VMA's kind: NORESERVE, shared, owner; a subpool's reserve does not reach a private NORESERVE page."""
    GLOBAL_CHARGE = "global-charge"
    """Only whether a global reservation backs the page."""


class ZapRestore(StrEnum):
    """When unmapping an owner's private page makes its offset reserved again."""

    NEVER = "never"
    ALWAYS = "always"
    """Also while another process still maps the page, which then is promised twice."""
    LAST_UNMAP = "last-unmap"


class NumaStat(StrEnum):
    """What a cgroup's numa_stat has of a page that moves to another node."""

    NONE = "none"
    """There is no such file."""
    STAYS = "stays"
    """It is counted on the node where it was charged, and taken off that where it is freed."""
    MOVES = "moves"


class MremapReach(StrEnum):
    """What mremap(2) moves of huge page mappings."""

    NONE = "none"
    ONE_VMA = "one-vma"
    """A range within one VMA; that it is mapped is checked before the target is, and the rest of it after the target is
    unmapped (6.1.192 and 6.12.117, mm/mremap.c, mremap)."""
    MANY_VMAS = "many-vmas"
    """Also a range over several VMAs, when the length stays; checked before the target is unmapped. A length beyond the
    address space is EINVAL, whatever is mapped (check_mremap_params)."""


class ReserveRollback(StrEnum):
    """How a reservation that the pool refused gives back what it took from the subpool."""

    PUT_ALL = "put-all"
    """put(chg), its answer ignored: pages that had to come from the pool refill the minimum."""
    PUT_SUBPOOL_PART = "put-subpool-part"
    """put(chg - gbl), its answer unreserved; the mount's usage keeps gbl."""
    PUT_THEN_USED = "put-then-used"
    """put(chg - gbl), its answer unreserved, then usage - gbl: put sees a usage that is too high."""
    EXACT = "exact"
    """Usage and minimum as they were before."""


class ErrorRestore(StrEnum):
    """What becomes of a promise when the page that used it up is not used after all."""

    NEVER = "never"
    PROMISE_ONLY = "promise-only"
    """It is a promise again; where there was none, the file's map keeps the offset all the same."""
    EXACT = "exact"


class FaultRollback(StrEnum):
    """How a fault that got no page gives back what it took from the subpool."""

    PUT_IGNORED = "put-ignored"
    """put(1), its answer ignored."""
    RESERVE_ONLY = "reserve-only"
    """put(1) only where a reserve of the subpool was taken; otherwise the mount's usage keeps the page."""
    EXACT = "exact"
    """Usage and minimum as they were before."""


class GatherNode(StrEnum):
    """On which node surplus pages are made for a promise."""

    LOCAL_ANY = "local-any"
    """On that of the CPU, whatever the task's policy is."""
    LOWEST_ALLOWED = "lowest-allowed"
    """On the first of the nodes of the task's cpuset and BIND policy, whatever the CPU's is."""
    LOCAL_ALLOWED = "local-allowed"
    """On the one of these that is nearest to the CPU."""


class ShrinkFloor(StrEnum):
    """Below how many persistent pages a write to nr_hugepages does not free."""

    TOTAL = "total"
    """The pages in use or promised, surplus pages in use included."""
    PERSISTENT = "persistent"
    """Of these as many as are not surplus."""


SOURCE = "the text of the patch"
"""How most rules of kernels are known that are too old to boot here."""


def switch(default: bool | StrEnum, *, differs: str, since: str, source: str, verified: str) -> Any:
    """A field of `Behaviour` with what a reader needs to judge it.

    `differs` says what another value than the default does; `since` which releases have which value; `source` the
    commit and the function; `verified` how it was established.
    """
    return field(
        default=default,
        kw_only=True,
        metadata={"differs": differs, "since": since, "source": source, "verified": verified},
    )


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A named set of switches. `verified` says against which release the whole set was checked, and how."""

    name: str
    verified: str

    reservation_tracking: ReservationTracking = switch(
        ReservationTracking.RESV_MAP,
        differs="count-in-vma: a split copies the count, and each piece credits all of it when it goes",
        since="count-in-vma before 2.6.27, resv-map from 2.6.27",
        source="84afd99b8398 (hugetlb_vm_op_open, hugetlb_vm_op_close)",
        verified="the patch's own description; resv-map on 5.10, 6.1, 6.12, 6.18, 7.3",
    )
    close_keeps_quota: bool = switch(
        False,
        differs="reservations that a private mapping has not used go back to the pool at munmap, but not to its mount",
        since="in the 2008 patch, not in 3.0; the release that ended it is unknown",
        source="the text of the 2008 patch (hugetlb_vm_op_close without hugetlb_put_quota)",
        verified=SOURCE,
    )
    owner_always_consumes: bool = switch(
        False,
        differs="an owner's fault uses a reservation even if its offset has consumed its own already",
        since="2.6.27 to 4.7",
        source="67961f9db8c4 ends it (vma_needs_reservation; decrement_hugepage_resv_vma in 2.6.27)",
        verified="the text of the 2008 patch, which drops the test of the count",
    )
    shared_always_consumes: bool = switch(
        False,
        differs="a fault of a shared mapping uses a reservation even if a truncation has removed it",
        since="to 4.2",
        source="d85f69b0b533 and its series end it (vma_has_reserves; decrement_hugepage_resv_vma in 2.6.27)",
        verified="the text of the 2008 patch",
    )
    shared_needs_available: bool = switch(
        False,
        differs="a shared mapping gets no page if all free pages are promised, even if one is promised to it",
        since="2.6.26-rc-mm, before 2.6.27",
        source="'Fix a hugepage reservation check for MAP_SHARED' ends it (vma_has_private_reserves)",
        verified="the text of the 2008 patch, and of the patch that ends it",
    )
    readonly_attach_is_private: bool = switch(
        False,
        differs="a segment attached read-only counts as a private mapping: it is reserved again, and never credited",
        since="2.6.27 to 2.6.29",
        source="f83a275dbc5c ends it (VM_SHARED for VM_MAYSHARE; shm_close does not call hugetlb_vm_op_close)",
        verified="the text of the patch that ends it, with the numbers of its reporter",
    )
    noreserve_never_consumes: bool = switch(
        False,
        differs="a page that a NORESERVE mapping adds to a file uses no reservation, even if the offset has one",
        since="2.6.27 to 3.11",
        source="af0ed73e699b ends it (decrement_hugepage_resv_vma)",
        verified=SOURCE,
    )
    noreserve_takes_promised: bool = switch(
        False,
        differs="a shared NORESERVE mapping takes pages that are promised to others",
        since="2.6.27 to 3.11",
        source="'add VM_NORESERVE check in vma_has_reserves()' ends it",
        verified="the text of the patch that ends it, with its numbers",
    )
    reserve_use: ReserveUse = switch(
        ReserveUse.GLOBAL_CHARGE,
        differs="vma-has-reserves: a private NORESERVE page of a mount's minimum does not reduce the reservations",
        since="vma-has-reserves to 6.14, global-charge from 6.15",
        source="'clean up map/global resv accounting when allocate' (alloc_hugetlb_folio)",
        verified="5.10, 6.1, 6.12 against 6.18, 7.3",
    )
    fresh_page_keeps_promise: bool = switch(
        False,
        differs="a surplus page allocated for a fault uses no reservation, even if the fault has one",
        since="to 4.3",
        source="a88c76954804 ends it (alloc_huge_page)",
        verified=SOURCE,
    )
    owner_copy_guaranteed: bool = switch(
        True,
        differs="off: an owner that finds no page for its copy fails, instead of taking its children's page",
        since="from 2.6.27",
        source="04f2cbe35699 (hugetlb_cow, unmap_ref_private)",
        verified=SOURCE,
    )
    cow_skips_quota: bool = switch(
        False,
        differs="an owner's copy counts against its mount only if its map has no reservation for the offset",
        since="to 3.11",
        source="'fix subpool accounting handling' ends it (alloc_huge_page)",
        verified=SOURCE,
    )
    cow_avoids_reserve: bool = switch(
        False,
        differs="an owner's copy takes a page of its mount's minimum, but is not subtracted from the reservations",
        since="2.6.27 to 6.13, among them 6.1.187; not in 6.1.192, 6.12.15",
        source="58db7c5fbe7d ends it (alloc_hugetlb_folio, avoid_reserve)",
        verified=SOURCE,
    )
    steal_at_owner_address: bool = switch(
        False,
        differs="an owner that moved since the fork looks for the child's page at the wrong address, for ever",
        since="2.6.27 to 6.1.192, 6.12.117, 6.18.44, without effect before 5.16; not 6.12.118, 7.3.4",
        source="04f2cbe35699; 'unmap the page where the other VMA maps it' ends it (unmap_ref_private)",
        verified="6.1.192, 6.12.117, 6.18.44 against 6.12.118, 7.3.4",
    )
    zap_restore: ZapRestore = switch(
        ZapRestore.LAST_UNMAP,
        differs="never: MADV_DONTNEED and truncation lose an owner's guarantee; always: promised twice after a fork",
        since="never to 6.8, always 6.9 to 6.18.44 and 6.12.107, last-unmap in 6.12.110 and 7.x",
        source="df7a6d1f6405; 'only adjust reservation during unmapping if mapcount is 0' (__unmap_hugepage_range)",
        verified="5.10, 6.1, 6.12.118, 6.18.44, 7.3.4",
    )
    surplus_blocks_restore: bool = switch(
        False,
        differs="while there is surplus, MADV_DONTNEED and truncation of an owner's page lose its guarantee",
        since="from 6.9, where unmapping restores at all; open",
        source="df7a6d1f6405 (__unmap_hugepage_range)",
        verified="6.18.44",
    )
    surplus_takes_promised_page: bool = switch(
        False,
        differs="while there is surplus, a page that refills a mount's minimum leaves the pool, and a promise with it",
        since="from 4.1, open",
        source="1c5ecae3a93f (free_huge_folio, free_huge_page before 6.3)",
        verified="6.18.44",
    )
    cut_for_mmap_is_enomem: bool = switch(
        False,
        differs="mmap over a part of a huge page is ENOMEM, where munmap of that part is EINVAL",
        since="to 6.11",
        source="'avoid zeroing vma tree in mmap_region()' ends it (mmap_region)",
        verified="5.10.262, 6.1.192 against 6.12.118, 6.18.44, 7.3.4",
    )
    mremap: MremapReach = switch(
        MremapReach.MANY_VMAS,
        differs=(
            "none: moving huge pages is EINVAL; one-vma: a range beyond the VMA is EFAULT, and the target is unmapped"
        ),
        since="none to 5.15, one-vma from 5.16, many-vmas from 6.17",
        source="550a7d60bd5e (5.16); mm/mremap.c remap_move (6.17)",
        verified="none on 5.10; many-vmas on 6.18",
    )
    mremap_length_is_int: bool = switch(
        False,
        differs="a move of 4 GiB or more may return a shorter length: ENOMEM, and the pages are dropped",
        since="5.16 to 6.1.192, 6.12.117, 6.18.44 and 7.3-rc7; not in 6.12.118",
        source="550a7d60bd5e; 'fix mremap move length truncation' ends it (move_hugetlb_page_tables)",
        verified="6.12.117, 6.18.44 against 6.12.118; the source of 6.1.192",
    )
    mremap_waits_for_itself: bool = switch(
        False,
        differs="a move of a shared mapping never returns where a page of it goes to a whole GiB of the new mapping",
        since="6.1.192 to 7.3.4; open",
        source="move_hugetlb_page_tables holds i_mmap_rwsem for writing, huge_pmd_share waits for it (mm/hugetlb.c)",
        verified="6.1.192, 6.12.118, 6.18.15, 7.3.4; the source of 6.12.117",
    )
    failed_move_drops_map: bool = switch(
        False,
        differs="a move that fails takes map and ownership from the mapping, whose promises are withdrawn",
        since="6.16 to 6.18; not in 7.3",
        source="fixup_hugetlb_reservations (copy_vma_and_data)",
        verified="6.18.44 against 6.1.192 and 7.3.4, with a page of 1 GiB",
    )
    partial_mremap_drops_map: bool = switch(
        False,
        differs="moving a part of an owner's VMA takes map and ownership from the rest, whose reserve leaks",
        since="5.16 to 7.3.4, open",
        source="550a7d60bd5e (clear_vma_resv_huge_pages)",
        verified="6.1, 6.12, 6.18, 7.3",
    )
    end_checked_first: bool = switch(
        False,
        differs="a fault beyond the end of a file is SIGBUS, though fallocate has put a page there",
        since="5.7 to 6.0",
        source="87bf91d39bb5, undone by 188a39725ad7 (hugetlb_no_page)",
        verified="5.10 against 6.1, 6.12, 7.3",
    )
    memlock_is_64_kib: bool = switch(
        False,
        differs="RLIMIT_MEMLOCK of a process starts at 64 KiB, not at 8 MiB, which is four pages of 2 MiB",
        since="to 5.15 (32 KiB before 2.6.31)",
        source="9dcc38e2813e ends it (MLOCK_LIMIT)",
        verified="5.10.262 against 6.1.192, 6.12.118, 6.18.15, 7.3.4",
    )
    dontneed: bool = switch(
        True,
        differs="off: MADV_DONTNEED of a huge page mapping is EINVAL, MADV_DONTNEED_LOCKED of anything",
        since="from 5.18",
        source="90e7e7f5ef3f (madvise_dontneed_free_valid_vma), 9457056ac426 (madvise_behavior_valid)",
        verified="5.10 against 6.1, 6.12, 6.18, 7.3",
    )
    dontneed_rounds_up: bool = switch(
        False,
        differs="MADV_DONTNEED drops the whole huge page in which its range ends",
        since="5.18 to 6.0",
        source="8ebe0a5eaaeb ends it (madvise_dontneed_free_valid_vma)",
        verified=SOURCE,
    )
    dofork: bool = switch(
        True,
        differs="off: MADV_DOFORK of a huge page mapping is EINVAL, MADV_DONTFORK is not",
        since="off in 7.3.4, on in 6.18.44",
        source="none found; only its answers are known",
        verified="5.10.262, 6.1.192, 6.12.118, 6.18.44 against 7.3.4",
    )
    populate_advice: bool = switch(
        True,
        differs="off: MADV_POPULATE_READ and MADV_POPULATE_WRITE are EINVAL",
        since="from 5.14",
        source="4ca9b3859dac (madvise_behavior_valid)",
        verified="the source of 5.10.262 against 6.1.192",
    )
    populate_skips_holes: bool = switch(
        False,
        differs="MADV_POPULATE_READ and MADV_POPULATE_WRITE go on behind a hole, and answer ENOMEM at the end",
        since="5.14 to 6.8",
        source="631426ba1d45 ends it (do_madvise, madvise_populate)",
        verified="6.1.192 against 6.12.118, 6.18.15 and 7.3.4",
    )
    fallocate: bool = switch(
        True,
        differs="off: fallocate(2) is EOPNOTSUPP, MADV_REMOVE EINVAL",
        since="from 4.3",
        source="70c3547e36f5, 'madvise allow remove operation for hugetlbfs' (hugetlbfs_fallocate, madvise_remove)",
        verified="the text of the patches",
    )
    punch_unmaps_too_much: bool = switch(
        False,
        differs="punching a hole unmaps more than the hole from a private mapping that begins after the hole's start",
        since="4.3 and 4.4",
        source="9aacdd354d19 ends it (hugetlb_vmdelete_list); which shared mappings come before it is not modelled",
        verified=SOURCE,
    )
    shmat_reserves: bool = switch(
        False,
        differs=(
            "attaching a segment reserves pages that it does not promise (SHM_NORESERVE, or after a hole was punched)"
        ),
        since="to 6.7; not in 5.10.262, 6.1.192",
        source="e656c7a9e596 ends it (hugetlbfs_file_mmap)",
        verified=SOURCE,
    )
    min_size: bool = switch(
        True,
        differs="off: mounting with min_size= is EINVAL",
        since="from 4.1",
        source="1c5ecae3a93f and its series (hugetlbfs_parse_options)",
        verified="on: docs/kernel/mounts.md#e17; off: the release that its commit came with",
    )
    reserve_rollback: ReserveRollback = switch(
        ReserveRollback.EXACT,
        differs="a refused mmap on a mount with limits leaves the mount's usage or minimum wrong",
        since="put-all to 6.14, put-subpool-part 6.15 to 6.18.15, put-then-used 6.18.44, exact 7.3.4",
        source="a833a693a490, 1d3f9bb4c8af, 'fix subpool minimum reservation rollback' (hugetlb_reserve_pages)",
        verified="5.10, 6.1, 6.12, 6.18.44, 7.3.4",
    )
    fault_rollback: FaultRollback = switch(
        FaultRollback.EXACT,
        differs="a fault that finds no page leaves the mount's usage or minimum wrong",
        since="put-ignored to 6.14, reserve-only 6.15 to 7.3.4, open",
        source="a833a693a490 (alloc_hugetlb_folio)",
        verified="5.10, 6.1, 6.12, 6.18.44, 7.3.4",
    )
    shared_quota_at_fault: bool = switch(
        False,
        differs="a shared mapping counts against its mount when each page is touched, not when it is promised",
        since="to 2.6.23",
        source="'Enforce quotas during reservation for shared mappings' ends it (hugetlb_reserve_pages)",
        verified=SOURCE,
    )
    private_page_keeps_quota: bool = switch(
        False,
        differs="a private page counts against its mount when it is faulted in, not when copied, and is never credited",
        since="to 2.6.23",
        source="c79fb75e5a51 ends it (free_huge_page, hugetlb_cow)",
        verified=SOURCE,
    )
    shm_honours_memlock: bool = switch(
        False,
        differs=(
            "a process without CAP_IPC_LOCK and the group may have SysV segments of huge pages below RLIMIT_MEMLOCK"
        ),
        since="to 5.15",
        source="83c1fd763b32 ends it (hugetlb_file_setup, user_shm_lock)",
        verified="5.10.262 against 6.1, 6.12, 6.18, 7.3",
    )
    cgroup_rsvd: bool = switch(
        True,
        differs="off: no cgroup is charged for reservations",
        since="from 5.7",
        source="e9fe92ae0cd2 and its series (hugetlb_cgroup_charge_cgroup_rsvd)",
        verified="on: docs/kernel/cgroups.md#c01; off: the release that its commit came with",
    )
    gather_node: GatherNode = switch(
        GatherNode.LOCAL_ALLOWED,
        differs="surplus pages for a mapping are made on another node; with BIND the mapping may not use that node",
        since="local-any to 6.11, lowest-allowed 6.12, local-allowed in 6.18.15 and 7.3.4",
        source="mm/hugetlb.c (gather_surplus_pages) of 6.1.192, 6.12.117 and 7.3.4",
        verified="6.1.192, 6.12.118, 6.18.15, 7.3.4",
    )
    shrink_floor: ShrinkFloor = switch(
        ShrinkFloor.PERSISTENT,
        differs="total: a shrink keeps one free page too many, as surplus, for each surplus page in use",
        since="total to 6.12.118, persistent in 6.18.15 and 7.3.4",
        source="mm/hugetlb.c (set_max_huge_pages) of 6.1.192, 6.12.117 and 7.3.4",
        verified="6.1.192, 6.12.118, 6.18.15, 7.3.4",
    )
    shrink_takes_surplus_page: bool = switch(
        False,
        differs=(
            "a shrink frees a page of a node whose pages are all surplus: the node then has more surplus than pages"
        ),
        since="every kernel that was run, open",
        source="mm/hugetlb.c (set_max_huge_pages, remove_pool_hugetlb_folio)",
        verified="6.1.192, 6.12.118, 6.18.15, 7.3.4",
    )
    node_write_counts_surplus: bool = switch(
        False,
        differs="a write to a node's nr_hugepages adds all surplus pages to the request, and makes that many too many",
        since="to 6.1.192; not in 6.12.118",
        source="mm/hugetlb.c (set_max_huge_pages)",
        verified="6.1.192 against 6.12.118, 6.18.15, 7.3.4",
    )
    node_surplus_wraps: bool = switch(
        False,
        differs="a write to nr_hugepages of a node with more surplus than pages makes huge pages of all its memory",
        since="from 6.12.118, open; not in 6.1.192",
        source="mm/hugetlb.c (set_max_huge_pages): the node's persistent pages are an unsigned int",
        verified="6.12.118, 6.18.15, 7.3.4 against 6.1.192",
    )
    cpuset_moves_pages: bool = switch(
        True,
        differs="off: pages stay where they are when the nodes of their cgroup change",
        since="from 5.15",
        source="ee9707e8593d (cpuset_css_alloc sets CS_MEMORY_MIGRATE in cgroup v2)",
        verified="5.10.262 against 6.1.192, 6.12.118, 6.18.15, 7.3.4",
    )
    children_bind_mems: bool = switch(
        False,
        differs="a write to cpuset.mems that leaves out a node of a child's is EBUSY",
        since="to 5.16",
        source="1f1562fcd04a ends it (validate_change)",
        verified="5.10.262 against 6.1.192, 6.12.118, 6.18.15, 7.3.4",
    )
    mems_can_be_emptied: bool = switch(
        True,
        differs="off: a write of nothing to cpuset.mems of a cgroup that has processes is ENOSPC",
        since="in 7.3.4; not to 6.18.15",
        source="kernel/cgroup/cpuset.c (validate_change)",
        verified="6.1.192, 6.12.118, 6.18.15 against 7.3.4",
    )
    same_node_move_pins: bool = switch(
        False,
        differs="a page that moves within its node, and gets a fresh page there, can never be moved again",
        since="in 6.18.15, not in 6.12.118 and 7.3.4; a fix was posted in July 2026",
        source="ba23f58de896 (move_hugetlb_state returns before it sets HPG_migratable)",
        verified="6.18.15 against 6.12.118 and 7.3.4; not on 6.18.44, whose host has one node and cannot show it",
    )
    cgroup_numa_stat: NumaStat = switch(
        NumaStat.MOVES,
        differs="stays: in hugetlb's numa_stat of a cgroup a page that moves stays on its old node; none: no such file",
        since="none to 5.16, stays 5.17 to 6.18.15, moves in 6.12.117 and 7.3.4",
        source="f47761999052 adds the file; hugetlb_cgroup_migrate (mm/hugetlb_cgroup.c)",
        verified="5.10.262, 6.1.192, 6.12.118, 6.18.15 and 7.3.4; not on 6.18.44, whose host has one node",
    )
    fork_copies_cached: bool = switch(
        False,
        differs="a child maps a file's pages that its parent maps, and has not touched them: they do not move alone",
        since="to 5.19",
        source="bcd51a3c679d ends it (copy_page_range, vma_needs_copy)",
        verified="5.10.262 against 6.1.192, 6.12.118, 7.3.4",
    )
    preferred_follows_cpuset: bool = switch(
        False,
        differs="a preferred node is replaced when the cpuset changes, as those of other policies, and stays replaced",
        since="to 5.13",
        source="269fbe72cded ends it (mpol_rebind_preferred)",
        verified="5.10.262 against 6.1.192, 6.12.118, 6.18.15 and 7.3.4",
    )
    preferred_many: bool = switch(
        True,
        differs="off: the policy MPOL_PREFERRED_MANY is EINVAL",
        since="from 5.15",
        source="b27abaccf8e8 (mpol_new, policy_nodemask)",
        verified="5.10.262 against 6.1.192, 6.12.118, 6.18.15, 7.3.4",
    )
    weighted_interleave: bool = switch(
        True,
        differs="off: the policy MPOL_WEIGHTED_INTERLEAVE is EINVAL",
        since="from 6.9",
        source="fa3bea4e1f82 (mempolicy_set_node_perms, weighted_interleave_nid)",
        verified="6.12.118, 6.18.15, 7.3.4 against 6.1.192",
    )
    gigantic_overcommit: bool = switch(
        True,
        differs="off: a write to nr_overcommit_hugepages of gigantic pages is EINVAL, and there is no surplus of them",
        since="on in 7.3.4, off in 6.18.15",
        source="mm/hugetlb.c (nr_overcommit_hugepages_store)",
        verified="6.1.192, 6.12.118, 6.18.15 against 7.3.4",
    )
    demotion: bool = switch(
        True,
        differs="off: pages of one size are not demoted to a smaller one",
        since="from 5.16",
        source="79dfc695525f (demote_store)",
        verified="5.10.262 against 6.1.192, 6.12.118, 6.18.15, 7.3.4",
    )
    demote_batch: bool = switch(
        False,
        differs="a write to demote of more pages than are not promised takes promised pages",
        since="6.12.118 to 7.3.4, open; not in 6.1.192",
        source="mm/hugetlb.c (demote_store, demote_pool_hugetlb_folio)",
        verified="6.12.118, 6.18.15, 7.3.4 against 6.1.192",
    )
    demote_node_wraps: bool = switch(
        False,
        differs=(
            "demote of a node compares the node's free pages with the promises of all nodes: it takes "
            "promised pages, or none"
        ),
        since="5.16 to 7.3.4, open",
        source="79dfc695525f (demote_store)",
        verified="6.1.192, 6.12.118, 6.18.15, 7.3.4",
    )
    demote_feeds_surplus: bool = switch(
        False,
        differs="pages that a demotion makes replace surplus pages of their size on their node",
        since="to 6.1.192; not in 6.12.118",
        source="mm/hugetlb.c (demote_free_huge_page)",
        verified="6.1.192 against 6.12.118, 6.18.15, 7.3.4",
    )
    races_counted_twice: bool = switch(
        False,
        differs="mmap and a fault of one page of a file, at once, both count it as promised",
        since="to 4.1",
        source="33039678c8da ends it (alloc_huge_page, hugetlb_reserve_pages)",
        verified="the source of 3.0.27, whose region_add has no answer",
    )
    surplus_promised_late: bool = switch(
        False,
        differs="surplus pages of an mmap are in the pool before they are promised: a fault may take them first",
        since="2.6.24 and 2.6.25",
        source="ac09b3a15154 ends it (gather_surplus_pages)",
        verified="the source of 2.6.24",
    )
    surplus_freed_unlocked: bool = switch(
        False,
        differs=(
            "promises are withdrawn before their surplus pages are freed, with hugetlb_lock released after each page"
        ),
        since="3.15 to 4.9",
        source="7848a4bf51b3; e5bbc8a6c992 ends it (return_unused_surplus_pages)",
        verified="the text of the patch that ends it; 3.0.27 keeps the lock",
    )
    fresh_promise_unlocked: bool = switch(
        False,
        differs="a fault that gets a surplus page takes its promise off resv_huge_pages without hugetlb_lock",
        since="4.4 to 6.0",
        source="12df140f0bdf ends it (alloc_huge_page)",
        verified="the source of 4.19",
    )
    truncation_passes_faults: bool = switch(
        False,
        differs="a fault that has read the file's size goes on during a truncation: its promise is withdrawn twice",
        since="to 5.6, and again from 6.1, open; not in 5.7 to 6.0, where a fault holds i_mmap_rwsem",
        source="87bf91d39bb5, undone with the VMA lock of 6.1 (remove_inode_hugepages, hugetlb_no_page)",
        verified="6.1.192, 6.12.118, 6.18.15, 7.3.4: calls at once in guests",
    )
    race_keeps_rsvd: bool = switch(
        False,
        differs="if mmap and a fault of one page of a file cross, the fault's cgroup stays charged for a reservation",
        since="5.7 to 5.9",
        source="79aa925bf239 ends it (alloc_huge_page)",
        verified=SOURCE,
    )
    rsvd_of_second_cgroup: bool = switch(
        False,
        differs="if a task changes its cgroup during a fault, the new one is uncharged what the old one was charged",
        since="5.7 to 7.1.4, 6.18.39, 6.12.100",
        source="CVE-2026-72213 ends it (alloc_hugetlb_folio has one variable for both cgroups)",
        verified=SOURCE,
    )
    private_fault_mutex: bool = switch(
        False,
        differs="a private fault has a mutex of its own: it maps a page of the file while a hole is punched there",
        since="4.3 to 5.1",
        source="1b426bac66e6 ends it (hugetlb_fault_mutex_hash)",
        verified=SOURCE,
    )
    steal_walks_unlocked: bool = switch(
        False,
        differs="the owner looks for who shares its page without the lock of the file's mappings: it misses a newcomer",
        since="2.6.27 to 2.6.32",
        source="4eb2b1dcd598 ends it (unmap_ref_private)",
        verified=SOURCE,
    )
    overcommit_set_unlocked: bool = switch(
        False,
        differs="a write to nr_overcommit_hugepages is made without hugetlb_lock",
        since="2.6.24",
        source="a3d0c6aa1bb3 ends it (hugetlb_overcommit_handler)",
        verified=SOURCE,
    )
    surplus_read_unlocked: bool = switch(
        False,
        differs="unmapping looks whether there is surplus without hugetlb_lock, before it promises an offset again",
        since="6.9 to 6.16",
        source="21cc2b5c5062 ends it (__unmap_hugepage_range)",
        verified=SOURCE,
    )
    rsvd_uncharged_unlocked: bool = switch(
        False,
        differs="if mmap and a fault of one page of a file cross, the page's cgroup is cleared without hugetlb_lock",
        since="5.10 to 6.8",
        source="b76b46902c2d ends it (alloc_hugetlb_folio, hugetlb_cgroup_uncharge_folio_rsvd)",
        verified=SOURCE,
    )
    moving_page_is_persistent: bool = switch(
        False,
        differs="a write to nr_hugepages while a page moves: the pool has more surplus pages than pages afterwards",
        since="always",
        source="mm/hugetlb.c (alloc_migrate_hugetlb_folio, move_hugetlb_state, set_max_huge_pages) of 6.12.117",
        verified="5.10.262, 6.1.192, 6.12.118, 6.18.15, 7.3.4, each with two CPUs",
    )
    error_restore: ErrorRestore = switch(
        ErrorRestore.EXACT,
        differs="if an allocated page cannot be added to its file, the file's map or the pool becomes wrong",
        since="never to 3.11, promise-only 3.12 to 5.13",
        source="07443a85ad90, 846be08578ed (hugetlb_no_page, restore_reserve_on_error)",
        verified=SOURCE,
    )
    restore_puts_subpool: bool = switch(
        False,
        differs="a page that becomes a promise again is also given back to its mount: the usage is too low",
        since="4.1 to 5.1",
        source="0919e1b69ab4 ends it (free_huge_page)",
        verified=SOURCE,
    )
    mmap_without_region: bool = switch(
        False,
        differs="a shared mmap that gets no memory for its region promises nothing, and answers ok",
        since="5.7 to 5.10",
        source="7fc2513aa237 ends it (hugetlb_reserve_pages)",
        verified=SOURCE,
    )
    restore_without_region: bool = switch(
        False,
        differs="unmapping an owner's page promises its offset again even if the map cannot be changed: one too many",
        since="6.9",
        source="8daf9c702ee7 ends it (__unmap_hugepage_range)",
        verified=SOURCE,
    )
    hole_loses_promise: bool = switch(
        False,
        differs="a hole stays in the map if its region cannot be cut; its promise stays only if the pool has room",
        since="from 4.3, open; da56388c4397 reports it",
        source="hugetlb_fix_reserve_counts (mm/hugetlb.c), remove_inode_single_folio (fs/hugetlbfs/inode.c), 6.12.107",
        verified="6.12.107, in a guest with fault injection",
    )
    minimum_refilled_early: bool = switch(
        False,
        differs="a mount with min_size= alone refills its minimum at once, even if pages in use satisfy it",
        since="from 4.1, open; a fix was posted in July 2026",
        source="1c5ecae3a93f (hugepage_subpool_put_pages: used_hpages is only kept where there is a maximum)",
        verified="5.10.262, 6.1.192, 6.12.118, 6.18.44, 7.3.4",
    )
    failed_mount_keeps_minimum: bool = switch(
        False,
        differs="a mount that fails after its minimum was promised leaves it promised",
        since="4.1 to 6.12.109",
        source="CVE-2026-90283 ends it (hugetlbfs_fill_super)",
        verified="the source of 6.12.107",
    )


def switches() -> tuple[Field[Any], ...]:
    """The fields of `Behaviour` that are switches, in order."""
    return tuple(f for f in fields(Behaviour) if f.metadata)
