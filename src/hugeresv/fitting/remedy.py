"""What stopped a mapping, in words, and the command that makes room."""

from dataclasses import dataclass, replace

from hugeresv.fitting.forecast import Forecast, Obstacle
from hugeresv.fitting.limits import CgroupLimit, MemoryLimit, MountLimit, OfCall, PoolLimit
from hugeresv.fitting.nodes import spell_nodes
from hugeresv.fitting.situation import CallLimit, Refusal, Situation
from hugeresv.plain import count_of
from hugeresv.shell import quoted
from hugeresv.units import format_bytes


@dataclass(frozen=True, slots=True)
class Remedy:
    """`code` names the limit for programs; `have` and `need` are its value in `unit`, None for a refusal.

    `command` changes nothing but the limit: it destroys no file and ends no process. None: nothing on this host helps.
    """

    code: str
    text: str
    have: int | None
    need: int | None
    unit: str | None
    command: str | None


def remedies_of(forecast: Forecast) -> list[Remedy]:
    """Those of its obstacles, in their order."""
    return [_beyond(forecast, obstacle) or _remedy(obstacle) for obstacle in forecast.obstacles]


def _beyond(forecast: Forecast, obstacle: Obstacle) -> Remedy | None:
    """That the pool cannot grow so far, whatever memory is made free."""
    if not (forecast.beyond_memory and isinstance(obstacle.limit, PoolLimit)):
        return None
    remedy = _pool(obstacle)
    room = forecast.situation.growable_pages or 0
    page_bytes = forecast.situation.page_bytes
    text = (
        f"{remedy.text.removesuffix('. Grow the pool')}. The pool would have to grow by {pages_of(forecast.grow)} "
        f"({format_bytes(forecast.grow * page_bytes)}); if all memory were free, there would be room for {room} "
        f"({format_bytes(room * page_bytes)})"
    )
    return replace(remedy, text=text, command=None)


def _remedy(obstacle: Obstacle) -> Remedy:
    limit = obstacle.limit
    if isinstance(limit, Refusal):
        return Remedy(limit.code, f"{limit.text}. Allow it", None, None, None, limit.command)
    if isinstance(limit, CgroupLimit):
        return _cgroup(limit, obstacle)
    if isinstance(limit, MountLimit):
        return _mount(obstacle)
    if isinstance(limit, MemoryLimit):
        return _memory(limit, obstacle)
    if isinstance(limit, OfCall):
        return _call(obstacle.situation.calls[limit.position], obstacle)
    return _pool(obstacle)


def pages_of(number: int) -> str:
    """A number of pages for people."""
    return count_of(number, "page")


def _cgroup(limit: CgroupLimit, obstacle: Obstacle) -> Remedy:
    situation, need = obstacle.situation, obstacle.need
    room, counted = situation.cgroups[limit.level], limit.counted(situation)
    file = room.rsvd_max_file if limit.rsvd else room.max_file
    does, has = ("reserve", "reserved") if limit.rsvd else ("use", "in use")
    name = file.rpartition("/")[2]
    text = (
        f"cgroup {room.use.path} may {does} {pages_of(obstacle.have)} ({name}), has {counted} {has}, needs {need}. "
        "Raise the limit"
    )
    command = f"echo {need * situation.page_bytes} > {quoted(file)}"
    code = "cgroup-rsvd-max" if limit.rsvd else "cgroup-max"
    return Remedy(code, text, obstacle.have, need, "pages", command)


def _memory(limit: MemoryLimit, obstacle: Obstacle) -> Remedy:
    situation = obstacle.situation
    room = situation.memory[limit.level]
    more = (obstacle.need - obstacle.have) * situation.page_bytes
    text = (
        f"cgroup {room.path} may have {format_bytes(room.max_bytes)} of memory (memory.max), to which huge pages are "
        f"charged, and can be charged for {pages_of(max(0, room.at_most))} more at most. Raise the limit"
    )
    command = f"echo {room.max_bytes + more} > {quoted(room.file)}"
    return Remedy("memory-max", text, room.max_bytes, room.max_bytes + more, "bytes", command)


def _mount(obstacle: Obstacle) -> Remedy:
    situation, need = obstacle.situation, obstacle.need
    room = situation.mount
    assert room is not None
    size = format_bytes((need - room.used_pages) * situation.page_bytes)
    another = f"{room.path.rstrip('/')}-{size}"
    text = (
        f"the mount at {room.path} has room for {pages_of(obstacle.have)} "
        f"(size={format_bytes(obstacle.have * situation.page_bytes)}), {room.used_pages} of them taken, needs {need}. "
        "The kernel ignores size= on a remount, and a new mount in its place would lose the files. Mount another one, "
        f"and use {another}"
    )
    options = ",".join([f"pagesize={format_bytes(situation.page_bytes)}", f"size={size}", *room.options])
    path, entry = quoted(another), room.entry
    command = f"{entry}mkdir -p {path} && {entry}mount -t hugetlbfs -o {quoted(options)} none {path}"
    return Remedy("mount-size", text, obstacle.have, need, "pages", command)


def _call(limit: CallLimit, obstacle: Obstacle) -> Remedy:
    have, need = obstacle.have, obstacle.need
    command = limit.command.format(need * limit.factor)
    if limit.unit_bytes is None:
        text = f"{limit.name} is {have}, and {count_of(limit.used, 'segment')} exist. Raise it"
        return Remedy(limit.code, text, have, need, "segments", command)
    amounts = [format_bytes(number * limit.unit_bytes) for number in (have, limit.used, need)]
    used = f", {amounts[1]} of it used" if limit.used else ""
    text = f"{limit.name} is {amounts[0]}{used}, needs to be {amounts[2]}. Raise it"
    return Remedy(limit.code, text, have * limit.unit_bytes, need * limit.unit_bytes, "bytes", command)


def _pool(obstacle: Obstacle) -> Remedy:
    situation, grow = obstacle.situation, obstacle.need
    pool = situation.pool
    size = f"hugepages-{pool.page_size_kB}kB/nr_hugepages"
    have = situation.persistent
    if situation.growing_node is not None:
        node, have = situation.growing_node
        command = f"echo {have + grow} > /sys/devices/system/node/node{node}/hugepages/{size}"
    elif situation.is_default_size:
        command = f"sysctl vm.nr_hugepages={have + grow}"
    else:
        command = f"echo {have + grow} > /sys/kernel/mm/hugepages/{size}"
    code, text = _nodes(situation) if obstacle.by_nodes else _why(situation)
    return Remedy(code, f"{text}. Grow the pool", have + obstacle.have, have + grow, "pages", command)


def _nodes(situation: Situation) -> tuple[str, str]:
    """That free pages are where the task must not take them."""
    reachable = situation.pool.free - situation.free_elsewhere
    needed = pages_of(situation.request.total)
    where = spell_nodes(situation.nodes)
    return "nodes", f"{needed} needed on NUMA node {where}, {reachable} free there ({_counters(situation)})"


def _why(situation: Situation) -> tuple[str, str]:
    """Which of the pool's rules it is, and the numbers."""
    pool = situation.pool
    promised_here = situation.mount.min_left_pages if situation.mount is not None else 0
    available = max(0, pool.available + min(promised_here, max(0, pool.rsvd)))
    code, why = ("overcommit" if pool.overcommit else "pool"), ""
    if situation.most_surplus < pool.overcommit:
        left = max(0, situation.most_surplus - pool.surp)
        available -= max(0, pool.overcommit - pool.surp) - left
        code, why = "memory", f"; free memory has room for only {left} of those that overcommit allows"
    if pool.rsvd < 0:
        why += "; a negative number of promised pages is a bug of the kernel"
    if promised_here:
        why += f"; {promised_here} are promised to this mount"
    needed = pages_of(situation.request.total)
    return code, f"{needed} needed, {max(0, available)} available ({_counters(situation)}{why})"


def _counters(situation: Situation) -> str:
    pool = situation.pool
    surplus = f", surplus {pool.surp}" if pool.surp else ""
    return f"pool {pool.total}{surplus}, free {pool.free}, promised {pool.rsvd}, overcommit {pool.overcommit}"
