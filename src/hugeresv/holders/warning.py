"""What is wrong with the ledger, in plain words and with the remedy; and what is not, but looks like it."""

from collections.abc import Iterator, Sequence

from hugeresv.holders.finding import Finding, grow, sized
from hugeresv.holders.lingering import lingering
from hugeresv.holders.room import room_warnings
from hugeresv.holders.verdict import Rest, Verdict, verdict_of
from hugeresv.ledger.observation import Holder, Observation, PoolUse
from hugeresv.ledger.reconcile import Unexplained, holders_of
from hugeresv.plain import agree, count_of


def warnings_of(observation: Observation, rest: Sequence[Unexplained]) -> list[Finding]:
    """All warnings, the ledger's own first, and notes."""
    warnings: list[Finding] = []
    for pool, row in zip(observation.pools, rest, strict=True):
        holders = holders_of(observation, pool)
        warnings += _wrapped(observation, pool)
        reserved = [*_reserved_rest(observation, pool, holders, row)]
        warnings += reserved
        warnings += _used_rest(observation, pool, holders, row, reserved)
    warnings += lingering(observation)
    warnings += room_warnings(observation)
    return warnings


def _wrapped(observation: Observation, pool: PoolUse) -> Iterator[Finding]:
    """A negative counter proves itself; one that is greater than another only if both are of one moment."""
    if pool.rsvd < 0:
        yield Finding(
            "counter-wrapped",
            f"{sized(pool)}: {count_of(pool.rsvd, 'page', 'is')} counted as reserved (the kernel prints "
            f"{pool.rsvd % (1 << 64)}). A kernel bug has miscounted: new mappings are promised pages that are not "
            "there, or are refused.",
            wrong=True,
            remedy=(
                "It may correct itself when children of a holder end, or when pinned pages are "
                "released. Otherwise restart the host."
            ),
        )
    elif pool.rsvd > pool.free and observation.steady and not observation.copied:
        short = pool.rsvd - pool.free
        yield Finding(
            "counter-wrapped",
            f"{sized(pool)}: {count_of(pool.rsvd, 'page', 'is')} counted as reserved, with {pool.free} free. The "
            f"kernel has promised {count_of(short, 'page')} that it does not have: the process that "
            "touches the last ones is killed by "
            "SIGBUS.",
            wrong=True,
            remedy="Add pages; that takes ordinary memory.",
            command=grow(pool, short),
        )


def _reserved_rest(
    observation: Observation, pool: PoolUse, holders: Sequence[Holder], row: Unexplained
) -> Iterator[Finding]:
    pages = row.reserved_pages
    if pages == pool.rsvd < 0:
        return  # the holders have none, and what is wrong with the counter is said
    if pages > 0:
        verdict = verdict_of(observation, holders, row, Rest.PROMISES)
        head = f"{sized(pool)}: {count_of(pages, 'reserved page', 'has')} no visible owner."
    elif pages < 0:
        verdict = verdict_of(observation, holders, row, Rest.SHORT)
        head = f"{sized(pool)}: the holders add up to {count_of(-pages, 'reserved page')} more than the kernel counts."
    else:
        return
    proven = verdict.proven_pages
    if not proven:
        found = _unproven("rsvd-unexplained", head, verdict.explanations, observation)
        punched = pages < 0 and not row.certain_reserved_pages and observation.steady
        yield found._replace(note=punched)
    elif pages > 0:
        yield _lost("rsvd-leaked", head, verdict, pages, _evidence(observation), pool)
    else:
        bug = "A kernel bug has lost promises: the process that touches the last reserved pages is killed by SIGBUS."
        text = " ".join([head, bug, *verdict.explanations])
        yield Finding("rsvd-missing", text, wrong=True, remedy="Stop a holder that still has pages to touch.")


def _used_rest(
    observation: Observation, pool: PoolUse, holders: Sequence[Holder], row: Unexplained, before: Sequence[Finding]
) -> Iterator[Finding]:
    """`before`: what is said of the reserved pages; the same is not explained twice."""
    pages = row.used_pages
    if pages > 0:
        verdict = verdict_of(observation, holders, row, Rest.PAGES)
        head = f"{sized(pool)}: {count_of(pages, 'used page', 'has')} no visible owner."
    elif pages < 0:
        verdict = verdict_of(observation, holders, row, Rest.OVERUSED)
        head = f"{sized(pool)}: the holders add up to {count_of(-pages, 'used page')} more than the kernel counts."
    else:
        return
    proven = verdict.proven_pages
    if not proven:
        said = any(" ".join(verdict.explanations) in each.text for each in before)
        explanations = [f"The same may explain {agree(abs(pages), 'it', 'them')}."] if said else verdict.explanations
        yield _unproven("used-unexplained", head, explanations, observation)
    elif pages > 0:
        yield _lost("used-lost", head, verdict, pages, _evidence(observation), pool)
    else:
        bug = "A kernel bug counts as free what is in use."
        yield Finding("used-missing", " ".join([head, bug, *verdict.explanations]), wrong=True)


def _unproven(code: str, head: str, explanations: Sequence[str], observation: Observation) -> Finding:
    """The kernel's own memory settles what more reading of /proc cannot."""
    settled = (
        ["`hugeresv audit` settles it: it reads the kernel's memory."]
        if observation.steady and not observation.partial
        else []
    )
    return Finding(code, " ".join([head, *explanations, *settled]))


def _lost(code: str, head: str, verdict: Verdict, pages: int, evidence: str, pool: PoolUse) -> Finding:
    proven = verdict.proven_pages
    them = agree(proven, "it", "them")
    which = them if proven == pages else f"at least {proven} of them"
    text = (
        f"{head} {evidence}, so that a kernel bug has lost {which}: no mapping can have {them} until the host restarts."
    )
    return Finding(
        code,
        " ".join([text, *verdict.explanations]),
        wrong=True,
        remedy=f"Make up for {them}; that takes as much other memory.",
        command=grow(pool, proven),
    )


def _evidence(observation: Observation) -> str:
    if observation.partial:
        return "Every file of huge pages that the kernel has was seen"
    return "Everything that could hold huge pages was read"
