"""Whether it fits; if not, what stops it, and the smallest changes after which it does, tried on the model in turn."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from hugeresv.fit.limit import Limit, alone, limits_of, without_limits
from hugeresv.fit.situation import Refusal, Request, Situation
from hugeresv.fit.trial import Trial, attempt
from hugeresv.model.behaviour import Behaviour


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What stopped a trial: a limit, which must be higher by `missing` pages, or a refusal (`missing` 0).

    `situation` is the one in which it did: everything that stopped the mapping earlier has been changed in it.
    `by_nodes`: pages on the nodes that the task must not use would have been enough.
    """

    limit: Limit | Refusal
    trial: Trial
    missing: int
    situation: Situation
    by_nodes: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The first trial, what stands in the way, in the order in which it is met, and the trial without it.

    `changed` is `trial` where it fits. Where the changed one does not fit either, nothing stands in the way but the
    end of the address space.
    """

    trial: Trial
    obstacles: tuple[Obstacle, ...]
    changed: Trial


def answer(request: Request, situation: Situation, behaviour: Behaviour) -> Answer:
    """Try, and try again without what stopped it, until it fits or nothing can make it."""

    def tried(changed: Situation) -> Trial:
        return attempt(request, changed, behaviour)

    first = trial = tried(situation)
    obstacles: list[Obstacle] = []
    possible = first.fits or tried(without_limits(situation, request.pages)).fits
    while possible and not trial.fits:
        if situation.refusal is not None:
            obstacles.append(Obstacle(situation.refusal, trial, 0, situation))
            situation = replace(situation, refusal=None)
        else:
            limit = _culprit(request.pages, situation, trial, tried)
            missing = _smallest_raise(request.pages, situation, limit, tried)
            anywhere = replace(alone(limit, situation, request.pages), free_elsewhere=0)
            obstacles.append(Obstacle(limit, trial, missing, situation, tried(anywhere).fits))
            situation = limit.raised(situation, missing)
        trial = tried(situation)
    return Answer(first, tuple(obstacles), trial)


def _culprit(pages: int, situation: Situation, trial: Trial, tried: Callable[[Situation], Trial]) -> Limit:
    """The first limit that also by itself stops the mapping where it was stopped."""
    return next(limit for limit in limits_of(situation) if tried(alone(limit, situation, pages)).reach == trial.reach)


def _smallest_raise(pages: int, situation: Situation, limit: Limit, tried: Callable[[Situation], Trial]) -> int:
    """By how many pages the limit must be higher to stop the mapping no more."""
    by_itself = alone(limit, situation, pages)
    low, high = 0, limit.most(situation, pages)
    while high - low > 1:
        middle = (low + high) // 2
        if tried(limit.raised(by_itself, middle)).fits:
            high = middle
        else:
            low = middle
    return high
