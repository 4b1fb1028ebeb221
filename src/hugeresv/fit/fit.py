"""The whole answer to a query."""

from dataclasses import dataclass

from hugeresv.fit.answer import Answer, answer
from hugeresv.fit.host import Host, read_host
from hugeresv.fit.limit import PoolLimit
from hugeresv.fit.query import Query
from hugeresv.fit.remedy import Remedy, remedy_of
from hugeresv.fit.situation import Request


@dataclass(frozen=True, slots=True)
class Fit:
    """Everything that is reported. `remedies` are those of the answer's obstacles, in their order."""

    query: Query
    host: Host
    answer: Answer
    remedies: tuple[Remedy, ...]

    @property
    def fits(self) -> bool:
        """Whether it would fit now."""
        return self.answer.trial.fits

    @property
    def request(self) -> Request:
        """What was tried."""
        return self.host.request

    @property
    def page_bytes(self) -> int:
        """The page size."""
        return self.host.situation.page_bytes

    @property
    def notes(self) -> tuple[str, ...]:
        """What the answer takes for granted, and what its remedies do."""
        if not self.memory_short:
            return self.host.notes
        room = self.host.situation.memory_pages
        return (*self.host.notes, f"the pool must grow by {self.grow} pages, and free memory has room for only {room}")

    @property
    def grow(self) -> int:
        """By how many pages the pool must grow for it to fit."""
        return sum(each.missing for each in self.answer.obstacles if isinstance(each.limit, PoolLimit))

    @property
    def memory_short(self) -> bool:
        """Whether free memory has no room for that."""
        room = self.host.situation.memory_pages
        return room is not None and self.grow > room


def fit_on_host(proc_root: str, sys_root: str, query: Query) -> Fit:
    """Would it fit? InputError for a query that names what is not there; UnavailableError where it cannot be known."""
    host = read_host(proc_root, sys_root, query)
    found = answer(host.request, host.situation, host.behaviour)
    return Fit(query, host, found, tuple(remedy_of(obstacle, host) for obstacle in found.obstacles))
