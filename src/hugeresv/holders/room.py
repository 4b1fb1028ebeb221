"""Why a mapping may find no page although the ledger is right: full pools, files left behind."""

import re
from collections.abc import Iterator, Sequence

from hugeresv.holders.cgroup_room import cgroup_warnings
from hugeresv.holders.finding import Finding, grow, sized
from hugeresv.holders.grouping import alike
from hugeresv.holders.names import pattern_of, program_of
from hugeresv.ledger.observation import Holder, Kind, MountUse, Observation, PoolUse
from hugeresv.ledger.reconcile import holders_of
from hugeresv.plain import agree, are, count_of
from hugeresv.shell import entry, quoted
from hugeresv.units import format_bytes

_MOST_NAMED = 5
"""Files that a command names one by one where no pattern is safe."""


def room_warnings(observation: Observation) -> Iterator[Finding]:
    """All of them, with those of cgroups; and notes on what is full as it may be meant."""
    for pool in observation.pools:
        holders = holders_of(observation, pool)
        yield from _full(pool)
        yield from _forked(pool, holders)
        yield from _overcommit(pool)
        left = _left_behind(pool, holders, observation.mounts)
        yield from left if observation.all_users_seen else map(_doubted, left)
    yield from cgroup_warnings(observation)


def _full(pool: PoolUse) -> Iterator[Finding]:
    """A pool that is sized exactly is full whenever its program runs."""
    if not pool.total or pool.rsvd < pool.free:
        return
    if pool.free == 0:
        why = f"all {pool.total} pages are in use" if pool.total > 1 else "its page is in use"
    else:
        why = f"all {pool.free} free pages are promised" if pool.free > 1 else "the free page is promised"
    surplus = max(0, pool.overcommit - pool.surp)
    but = f", but for {count_of(surplus, 'page')} that overcommit may add if memory has them" if surplus else ""
    code = "all-promised" if pool.free else "all-used"
    yield Finding(code, f"{sized(pool)}: no page is left for a new mapping{but}: {why}.", note=True)


def _forked(pool: PoolUse, holders: Sequence[Holder]) -> Iterator[Finding]:
    """A copy of a private page is taken from what is not promised (hugetlb_wp); there is none.

    Where it is the owner who writes, it takes the page from its children, whose next touch fails (unmap_ref_private).
    """
    private = [holder for holder in holders if holder.kind is Kind.PRIVATE and holder.used.best]
    if not private or not pool.total or pool.available:
        return
    shared = [holder for holder in private if len(holder.processes) > 1]
    names = sorted({_process(holder) for holder in shared or private if holder.processes})
    whose = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    who = f"If a child of {whose}" if shared else f"If {whose} forks, and the child"
    text = (
        f"{sized(pool)}: no page is left to copy one for a forked child. {who} writes to its parent's private huge "
        "pages, it is killed by SIGBUS; the same if it touches a page to which its parent has written since the fork."
    )
    remedy = (
        "Let the program exclude this memory from its children: madvise(MADV_DONTFORK), or posix_spawn instead of "
        "fork. Or add pages, which take ordinary memory:"
    )
    yield Finding("fork-may-die", text, note=not shared, remedy=remedy, command=grow(pool, 1))


def _process(holder: Holder) -> str:
    first = holder.processes[0]
    return f"{program_of(first.command)} (PID {first.pid})"


def _overcommit(pool: PoolUse) -> Iterator[Finding]:
    if pool.surp:
        surplus = f"{pool.surp} of {count_of(pool.total, 'page')} {are(pool.surp)} surplus"
        back = agree(pool.surp, "it goes", "they go") + " back to the kernel when freed"
        yield Finding(
            "overcommit-in-use",
            f"{sized(pool)}: {surplus}, above the configured number: {back} and may not be found again.",
            note=True,
            remedy="To keep what there is, at the cost of that much ordinary memory for as long as the host runs:",
            command=grow(pool, 0),
        )


def _left_behind(pool: PoolUse, holders: Sequence[Holder], mounts: Sequence[MountUse]) -> Iterator[Finding]:
    """Files that hold pages or promises and that no process uses, a family at a time."""
    detached = {mount.place for mount in mounts if mount.keepers}
    unused = [each for each in holders if not each.processes and _may_be_left(each) and each.place not in detached]
    for family in alike(unused):
        first = family[0]
        held = sum(holder.used.best + holder.reserved.best for holder in family)
        size = f"{count_of(held, 'page')} ({format_bytes(held * pool.page_size_kB << 10)})"
        about = "" if all(holder.certain for holder in family) else "about "
        if first.kind is Kind.SYSV:
            hold = agree(len(family), "it holds", "they hold")
            yield Finding(
                "unused-file",
                f"{sized(pool)}: no process has attached {_names(family)}: {hold} {about}{size}.",
                remedy=f"If no program will attach {_it(family)} again, remove {_it(family)}; the content is lost:",
                command=f"{entry(first.inside, 'ipc')}ipcrm " + " ".join(f"-m {_segment(each)}" for each in family),
            )
            continue
        mount = next((each for each in mounts if each.place is not None and each.place == first.place), None)
        inside = mount.inside if mount is not None else None
        where = "" if inside is None else f", in the mount namespace {_of(inside)}"
        used = [holder.name for holder in holders if holder.processes and holder.place == first.place]
        hold = agree(len(family), "holds", "hold")
        yield Finding(
            "unused-file",
            f"{sized(pool)}: no process uses {_names(family)}{where}, which {hold} {about}{size}.",
            remedy=f"If no program will open {_it(family)} again, remove {_it(family)}; the content is lost:",
            command=_remove([holder.name for holder in family], used, inside),
        )


def _doubted(finding: Finding) -> Finding:
    """The same where not all processes could be read: not a command to paste without knowing the host."""
    remedy = "Not all processes could be read. Where you know that no program needs this, remove it."
    return finding._replace(
        note=True, text=finding.text.replace("no process", "no visible process"), remedy=remedy, command=""
    )


def _may_be_left(holder: Holder) -> bool:
    """A segment without a process may be of ordinary pages; a file is of huge pages, whatever it has of them."""
    if holder.kind is Kind.SYSV:
        return bool(holder.used.min + holder.reserved.min)
    return holder.kind is Kind.FILE and bool(holder.used.best + holder.reserved.best)


def _names(family: Sequence[Holder]) -> str:
    if len(family) == 1:
        return family[0].name
    noun = "segment" if family[0].kind is Kind.SYSV else "file"
    return f"{pattern_of(family[0].name)} ({count_of(len(family), noun)})"


def _it(family: Sequence[Holder]) -> str:
    return agree(len(family), "it", "them")


def _segment(holder: Holder) -> str:
    found = re.match(r"segment (\d+)", holder.name)
    return found[1] if found else "ID"


def _remove(names: Sequence[str], used: Sequence[str], inside: int | str | None) -> str:
    """The command for files of one folder, some of whose neighbours may be in use."""
    folder, _, _ = names[0].rpartition("/")
    pattern = pattern_of(names[0]).rpartition("/")[2]
    glob = "*".join(quoted(part) if part else "" for part in pattern.split("*"))
    place = f"{quoted(folder)}/{glob}"
    in_namespace = entry(inside, "mount")
    if len(names) <= _MOST_NAMED:
        return f"{in_namespace}rm {' '.join(quoted(name) for name in names)}"
    command = f"rm {place}"
    others = re.compile(".*".join(map(re.escape, f"{folder}/{pattern}".split("*"))), re.DOTALL)
    if any(others.fullmatch(name) for name in used):
        # 1: not in use; 127: there is no fuser, and nothing is known
        command = f'for file in {place}; do fuser -s "$file"; [ $? != 1 ] || rm "$file"; done'
    return f"{in_namespace}sh -c {quoted(command)}" if in_namespace else command


def _of(inside: int | str) -> str:
    return inside if isinstance(inside, str) else f"of PID {inside}"
