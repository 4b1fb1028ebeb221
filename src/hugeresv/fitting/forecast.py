"""Whether it fits; if not, what stops it, and the smallest changes after which it does, tried on the model in turn."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from hugeresv.fitting.limits import CgroupLimit, Limit, PoolLimit, alone, limits_of, without_limits
from hugeresv.fitting.situation import Query, Refusal, Situation
from hugeresv.fitting.trial import Trial, attempt
from hugeresv.plain import count_of


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What stopped a trial: a limit, which must be `need` instead of `have`, or a refusal (both 0).

    `situation` is the one in which it did: everything that stopped the mapping earlier has been changed in it.
    `by_nodes`: pages on the nodes that the task must not use would have been enough.
    """

    limit: Limit | Refusal
    trial: Trial
    situation: Situation
    have: int = 0
    need: int = 0
    by_nodes: bool = False


@dataclass(frozen=True, slots=True)
class Forecast:
    """The first trial, what stands in the way, in the order in which it is met, and the trial without it.

    `changed` is `trial` where it fits. Where the changed one does not fit either, nothing on this host makes it.
    """

    situation: Situation
    trial: Trial
    obstacles: tuple[Obstacle, ...]
    changed: Trial

    @property
    def fits(self) -> bool:
        """Whether it would fit now."""
        return self.trial.fits

    @property
    def grow(self) -> int:
        """By how many pages the pool must grow for it to fit."""
        return max((each.need for each in self.obstacles if isinstance(each.limit, PoolLimit)), default=0)

    @property
    def memory_short(self) -> bool:
        """Whether free memory has no room for that."""
        room = self.situation.memory_pages
        return room is not None and self.grow > room

    @property
    def beyond_memory(self) -> bool:
        """Whether not even all of this host's memory has."""
        room = self.situation.growable_pages
        return room is not None and self.grow > room

    @property
    def possible(self) -> bool:
        """Whether it fits after all changes."""
        return self.changed.fits and not self.beyond_memory

    @property
    def notes(self) -> tuple[str, ...]:
        """What the answer takes for granted, and what its remedies take."""
        if not self.memory_short or self.beyond_memory:
            return self.situation.notes
        room = self.situation.memory_pages
        return (
            *self.situation.notes,
            f"the pool must grow by {count_of(self.grow, 'page')}, and free memory has room for only {room}",
        )

    @property
    def costs(self) -> tuple[str, ...]:
        """What others lose if it is done now."""
        return tuple(_cgroup_costs(self.situation)) if self.fits else ()


def forecast(situation: Situation) -> Forecast:
    """Try, and try again without what stopped it, until it fits or nothing can make it.

    Pages added to one node make it no better where the call is bound to one and the mapping to another.
    """
    situation = _on_the_worst_cpu(situation)
    first = trial = attempt(situation)
    obstacles: list[Obstacle] = []
    changed = situation
    possible = first.fits or attempt(without_limits(situation)).fits
    while possible and not trial.fits:
        obstacle = _obstacle(changed, trial)
        if any((each.limit, each.trial.stop) == (obstacle.limit, trial.stop) for each in obstacles):
            break
        obstacles.append(obstacle)
        if isinstance(obstacle.limit, Refusal):
            changed = replace(changed, refusal=None)
        else:
            changed = obstacle.limit.at(changed, obstacle.need)
        trial = attempt(changed)
    return Forecast(situation, first, tuple(obstacles), trial)


def _on_the_worst_cpu(situation: Situation) -> Situation:
    """Where the surplus pages that are made for promises are on the node of the CPU, which program and policy may miss.

    On which CPU the program will make the call is not known. A note says where another one would do.
    """
    if len(situation.cpus) < 2 or situation.most_surplus <= situation.pool.surp:
        return situation
    on = {nid: replace(situation, cpus=(nid,)) for nid in situation.cpus}
    fits = {nid: attempt(each).fits for nid, each in on.items()}
    if len(set(fits.values())) == 1:
        return situation
    worst = min(fits, key=fits.__getitem__)
    lucky = ", ".join(str(nid) for nid in fits if fits[nid])
    note = f"it fits if the program runs on a CPU of node {lucky} when it makes the call: surplus pages are made there"
    return replace(on[worst], notes=(*situation.notes, note))


def forecast_on_host(proc_root: str, sys_root: str, query: Query) -> Forecast:
    """Would it fit? InputError for a query that names what is not there; UnavailableError where it cannot be known."""
    from hugeresv.fitting.host import read_situation  # a forecast of given numbers needs no host

    return forecast(read_situation(proc_root, sys_root, query))


def _obstacle(situation: Situation, trial: Trial) -> Obstacle:
    """What stopped a trial."""
    refusal = situation.refusal
    if refusal is not None and (trial.call, trial.outcome) == (refusal.call, refusal.outcome):
        return Obstacle(refusal, trial, situation)
    limit = next(limit for limit in limits_of(situation) if attempt(alone(limit, situation)).stop == trial.stop)
    by_itself = alone(limit, situation)
    have = limit.value(situation) or 0
    need = _smallest(by_itself, limit, have)
    anywhere = attempt(by_itself.anywhere).fits
    return Obstacle(limit, trial, situation, have, need, anywhere and situation.free_elsewhere > 0)


def _smallest(situation: Situation, limit: Limit, have: int) -> int:
    """The smallest value with which the limit stops the mapping no more."""
    low, high = have, max(have + 1, limit.enough(situation))
    while high - low > 1:
        middle = (low + high) // 2
        if attempt(limit.at(situation, middle)).fits:
            high = middle
        else:
            low = middle
    return high


def _cgroup_costs(situation: Situation) -> Iterator[str]:
    """Pages that others in a cgroup were promised, and that its `max` lets nobody touch once these are in use.

    What is reserved and not in use is promised to somebody at least.
    """
    pages = situation.request.total
    for level, room in enumerate(situation.cgroups):
        use = room.use
        limit = CgroupLimit(level, rsvd=False).value(situation)
        if limit is None or use.rsvd_pages is None:
            continue
        promised = max(0, use.rsvd_pages - use.usage_pages)
        lost = min(promised, use.usage_pages + pages + promised - limit)
        if lost > max(0, use.usage_pages + promised - limit):
            yield (
                f"cgroup {use.path} may use {count_of(limit, 'page')} (max), uses {use.usage_pages}, and its members "
                f"were promised {promised} more. With these {pages} in use, {lost} of the {promised} can no longer be "
                "touched: a process that touches one of them is killed by SIGBUS"
            )
