"""Which lock protects what, as data: each rule with its source and the releases that have it.

Three properties follow. L1: whoever uses something holds a lock that its rule names. L2: two tasks that use the same
thing, one of them writing, have a lock in common. Where a rule is kept and L2 broken all the same, the rule is wrong.
L3: who holds a spin lock asks neither for memory nor for a lock that sleeps.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hugeresv.model.behaviour import Behaviour
from hugeresv.model.locks import LockOf


@dataclass(frozen=True, slots=True)
class Held:
    """A lock that must be held: alone, or at least with other readers. `own`: that of the thing itself."""

    name: str
    alone: bool = True
    own: bool = True

    def met(self, held: LockOf, *, alone: bool, thing: object) -> bool:
        """Whether a task that holds this lock, alone or not, meets the need for `thing`."""
        return held.name == self.name and (alone or not self.alone) and (not self.own or held.owner in (None, thing))


@dataclass(frozen=True, slots=True)
class LockRule:
    """`fields` of a class may be used by who holds all locks of one of the groups in `needs`; `text` says so.

    `reads`: why it may be read without any of them, where it may.
    """

    cls: str
    fields: tuple[str, ...]
    needs: tuple[tuple[Held, ...], ...]
    text: str
    since: str
    until: str
    source: str
    reads: str = ""
    readers: tuple[tuple[Held, ...], ...] = ()
    """Groups of locks that are enough for reading."""

    def kept(self, held: Sequence[tuple[LockOf, bool]], thing: object, *, written: bool) -> bool:
        """Whether the locks that a task holds allow it to use `thing`."""
        return any(
            all(any(need.met(lock, alone=alone, thing=thing) for lock, alone in held) for need in group)
            for group in (self.needs if written else self.needs + self.readers)
        )


SEED = LockRule(
    "RegionMap",
    ("regions",),
    (
        (Held("mmap_lock", own=False),),
        (Held("mmap_lock", alone=False, own=False), Held("hugetlb_fault_mutex", own=False)),
    ),
    "mmap_sem for writing, or mmap_sem for reading and hugetlb_instantiation_mutex",
    since="2.6.27",
    until="3.14",
    source="84afd99b8398, the comment above struct file_region (mm/hugetlb.c)",
)
"""The rule of the patch of June 2008."""

GUARDS = (
    SEED,
    LockRule(
        "RegionMap",
        ("regions",),
        ((Held("resv_map->lock"),),),
        "resv_map->lock",
        since="3.15",
        until="",
        source="7b24d8616be3 (struct resv_map)",
    ),
    LockRule(
        "HState",
        ("nr_huge_pages", "free_huge_pages", "resv_huge_pages", "surplus_huge_pages", "nr_overcommit_huge_pages"),
        ((Held("hugetlb_lock"),),),
        "hugetlb_lock",
        since="2.6.24",
        until="",
        source="the comment above hugetlb_lock (mm/hugetlb.c): it protects the counters, the free lists and surplus",
    ),
    LockRule(
        "Subpool",
        ("used_hpages", "rsv_hpages"),
        ((Held("subpool->lock"),),),
        "the subpool's lock",
        since="3.4",
        until="",
        source="90481622d758 (struct hugepage_subpool)",
        reads="unlock_or_release_subpool looks whether it is free after the lock is released (from 5.13)",
    ),
    LockRule(
        "Inode",
        ("i_size",),
        ((Held("i_rwsem"),),),
        "i_rwsem",
        since="2.6.26",
        until="",
        source="i_size_write (include/linux/fs.h)",
        reads="i_size_read: a fault asks for the size as it is at that moment",
    ),
    LockRule(
        "Inode",
        ("page_cache",),
        ((Held("hugetlb_fault_mutex"), Held("i_pages")),),
        "the fault mutex of the page and, for writing, the lock of the page cache's tree",
        since="2.6.26",
        until="",
        source="the comment above hugetlb_fault_mutex_table; remove_inode_hugepages (fs/hugetlbfs/inode.c); xa_lock "
        "(mm/filemap.c, tree_lock before 4.17)",
        reads="a truncation looks up the pages of a range first, and takes the mutex of each",
        readers=((Held("hugetlb_fault_mutex"),),),
    ),
    LockRule(
        "Inode",
        ("i_mmap",),
        ((Held("i_mmap_rwsem"),),),
        "i_mmap_rwsem (i_mmap_lock, i_mmap_mutex before 3.19)",
        since="2.6.26",
        until="",
        source="vma_interval_tree_foreach (mm/hugetlb.c, unmap_ref_private)",
    ),
    LockRule(
        "PageTable",
        ("tables",),
        ((Held("page_table_lock"),),),
        "the page table's lock",
        since="2.6.26",
        until="",
        source="huge_pte_lock (include/linux/hugetlb.h); a walk over a range takes it for each entry (hugetlb_walk)",
    ),
    LockRule(
        "AddressSpace",
        ("vmas",),
        ((Held("mmap_lock"),),),
        "mmap_lock (mmap_sem before 5.8), with others for reading",
        since="2.6.26",
        until="",
        source="Documentation/mm/process_addrs.rst; since 6.7 a fault may hold its VMA's own lock instead",
        readers=((Held("mmap_lock", alone=False),),),
    ),
    LockRule(
        "CgroupCounters",
        ("usage", "rsvd"),
        ((Held("page_counter"),),),
        "a step of the page counter",
        since="3.19",
        until="",
        source="page_counter_try_charge, page_counter_uncharge (mm/page_counter.c): atomic operations, no lock",
        reads="page_counter_set_max compares with the usage at that moment, and once more afterwards",
    ),
    LockRule(
        "Process",
        ("cgroup",),
        ((Held("css_set_lock"),),),
        "css_set_lock",
        since="3.1",
        until="",
        source="css_set_move_task (kernel/cgroup/cgroup.c)",
        reads="task_css under RCU: a charge goes to the cgroup of that moment (hugetlb_cgroup_charge_cgroup)",
    ),
)
"""Every rule, those of the same thing oldest first."""

SPIN_LOCKS = ("hugetlb_lock", "resv_map->lock", "subpool->lock", "page_table_lock", "css_set_lock", "i_pages")
"""Whoever holds one of them must not sleep (spinlock_t in mm/hugetlb.c, include/linux/hugetlb.h and mm_types.h)."""

NO_LOCKS = ("page_counter",)
"""Names of steps that nothing interrupts, which a spin lock does not forbid."""

LOCKS_SINCE = {"resv_map->lock": "3.15"}
"""Locks that older kernels do not have."""

_AS_OF_2008 = ("count-in-vma", "2008")


def guards_of(behaviour: Behaviour) -> dict[tuple[str, str], LockRule]:
    """The rule of every field, by its class, in a kernel's release: 2.6.27 for the behaviours of 2008, else today's."""
    old = is_of_2008(behaviour)
    found: dict[tuple[str, str], LockRule] = {}
    for guard in GUARDS:
        if old and guard.since == "3.15":
            continue
        found.update(((guard.cls, field), guard) for field in guard.fields)
    return found


def is_of_2008(behaviour: Behaviour) -> bool:
    """Whether a behaviour, with switches or without, is one of the kernels of 2008."""
    return behaviour.name.partition(",")[0] in _AS_OF_2008


def missing_locks(behaviour: Behaviour) -> frozenset[str]:
    """The locks of the model that a kernel does not have."""
    return frozenset(LOCKS_SINCE) if is_of_2008(behaviour) else frozenset()
