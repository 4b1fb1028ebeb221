"""What the limits of cgroups do to mappings: a SIGBUS where more is promised than may be used."""

from collections.abc import Iterator, Sequence

from hugeresv.holders.finding import Finding, sized
from hugeresv.holders.headroom import by_path, lineage_of
from hugeresv.ledger.observation import CgroupUse, Observation
from hugeresv.ledger.reconcile import CgroupRest, cgroup_rests
from hugeresv.plain import are, count_of
from hugeresv.shell import quoted

_ALSO = "What manages the cgroup (systemd, Kubernetes) may set it anew: change it there, too."
_NO_RSVD = "What is reserved cannot be limited here: the file for it, which Linux 5.7 and later have, is missing."


_MOST_SINGLE = 3
"""Cgroups of which each has a warning; more have one together."""


def cgroup_warnings(observation: Observation) -> Iterator[Finding]:
    """All of them. Of cgroups one in the other with the same limits only the outermost is named."""
    index = by_path(observation.cgroups)
    unequal: dict[tuple[int, bool], list[CgroupUse]] = {}
    full: list[Finding] = []
    for cgroup in observation.cgroups:
        above = [each for each in lineage_of(cgroup, index) if each.path != cgroup.path]
        if any(_limits(each) == _limits(cgroup) for each in above):
            continue
        if cgroup.max_pages is not None and cgroup.rsvd_pages is not None and cgroup.rsvd_pages > cgroup.max_pages:
            yield _overpromised(cgroup, cgroup.max_pages, cgroup.rsvd_pages)
        elif cgroup.max_pages is not None and _may_promise_more(cgroup, cgroup.max_pages):
            key = cgroup.page_size_kB, cgroup.rsvd_limit_file is not None
            unequal.setdefault(key, []).append(cgroup)
        full += _full(cgroup)
    for alike in unequal.values():
        yield from [_all_unequal(alike)] if len(alike) > _MOST_SINGLE else map(_unequal, alike)
    yield from _few(full, "no page is left for a new mapping in")
    if observation.steady and not observation.partial:
        rests = [finding for rest in cgroup_rests(observation) for finding in _unaccounted(rest)]
        yield from _few(rests, "pages without a visible holder are charged to")


def _few(notes: list[Finding], what: str) -> list[Finding]:
    """The notes, or if there are many, one that counts them. `hugeresv status --json` has the numbers of each."""
    if len(notes) <= _MOST_SINGLE:
        return notes
    names = ", ".join(note.text.partition(":")[0].removeprefix("cgroup ") for note in notes[:_MOST_SINGLE])
    text = f"{what} {len(notes)} cgroups, of which the first are {names}: see the table of cgroups."
    return [Finding(notes[0].code, text[0].upper() + text[1:], note=True)]


def _limits(cgroup: CgroupUse) -> tuple[int | None, int | None]:
    return cgroup.max_pages, cgroup.rsvd_max_pages


def _may_promise_more(cgroup: CgroupUse, most: int) -> bool:
    """One that may have no pages is not told that it may reserve some: nothing is meant to use them there."""
    has = cgroup.usage_pages or cgroup.rsvd_pages
    return (most > 0 or bool(has)) and (cgroup.rsvd_max_pages is None or most < cgroup.rsvd_max_pages)


def _overpromised(cgroup: CgroupUse, most: int, promised: int) -> Finding:
    """hugetlb_cgroup_charge_cgroup fails at the fault, whoever it is that faults."""
    return Finding(
        "cgroup-overpromised",
        f"{_name(cgroup)}: {count_of(promised, 'page', 'is')} reserved or in use, and only {most} may be in "
        f"use. When {most} {are(most)} in use, a process that touches one more is killed by SIGBUS: any process of the "
        "cgroup, even one that has run for a long time.",
        remedy=f"Raise the limit to what is promised; the cgroup may then take as much from the pool. {_ALSO}",
        command=_write(promised, cgroup, cgroup.limit_file),
    )


def _all_unequal(cgroups: Sequence[CgroupUse]) -> Finding:
    first = cgroups[0]
    names = ", ".join(cgroup.path for cgroup in cgroups[:_MOST_SINGLE])
    text = (
        f"{len(cgroups)} cgroups may reserve more {sized(first)} than they may use, of "
        f"which the first are {names}. mmap succeeds there, and a process that touches a page above the "
        "limit is killed by SIGBUS."
    )
    if first.rsvd_limit_file is None or first.limit_file is None:
        remedy = f"{_NO_RSVD} Let the programs in them map less."
        return Finding("cgroup-limits", text, remedy=remedy)
    file, rsvd_file = (name.rpartition("/")[2] for name in (first.limit_file, first.rsvd_limit_file))
    directories = " ".join(quoted((each.limit_file or "").rpartition("/")[0]) for each in cgroups)
    command = f'for d in {directories}; do cat "$d/{file}" > "$d/{rsvd_file}"; done'
    remedy = f"Make mmap fail with ENOMEM instead, which a program can handle. {_ALSO}"
    return Finding("cgroup-limits", text, remedy=remedy, command=command)


def _unequal(cgroup: CgroupUse) -> Finding:
    most = cgroup.max_pages or 0
    allowed = "is not limited" if cgroup.rsvd_max_pages is None else f"may be {cgroup.rsvd_max_pages}"
    text = (
        f"{_name(cgroup)}: {count_of(most, 'page')} may be in use, but the number of reserved pages "
        f"{allowed}: mmap succeeds, and "
        f"when {count_of(most, 'page', 'is')} in use, a process that touches one more is killed by SIGBUS."
    )
    if cgroup.rsvd_limit_file is None:
        together = f"Let the programs in it map no more than {count_of(most, 'page')} together"
        remedy = f"{_NO_RSVD} {together}, or raise its limit, {cgroup.limit_file}."
        return Finding("cgroup-limits", text, remedy=remedy)
    remedy = f"Make mmap fail with ENOMEM instead, which a program can handle. {_ALSO}"
    return Finding("cgroup-limits", text, remedy=remedy, command=_write(most, cgroup, cgroup.rsvd_limit_file))


def _full(cgroup: CgroupUse) -> Iterator[Finding]:
    """As it may be meant: a limit that is the size of a database."""
    counts = (
        ("reserved", cgroup.rsvd_pages, cgroup.rsvd_max_pages),
        ("in use", cgroup.usage_pages, cgroup.max_pages),
    )
    for what, pages, most in counts:
        if most and pages is not None and pages >= most:
            text = f"no page is left for a new mapping: {pages} of {count_of(most, 'page', 'is')} {what}."
            yield Finding("cgroup-full", f"{_name(cgroup)}: {text}", note=True)
            return


def _unaccounted(rest: CgroupRest) -> Iterator[Finding]:
    """A charge stays with the cgroup whose process made it, wherever the process or its file is later."""
    least, what = (rest.usage[0], "in use") if rest.rsvd is None else (rest.rsvd[0], "reserved or in use")
    if least <= 0:
        return
    yield Finding(
        "cgroup-unaccounted",
        f"cgroup {rest.path}, {sized(rest)}: {count_of(least, 'page')} charged to it "
        f"as {what} {are(least, 'has')} no visible holder in it: a file that no process uses, a process that was moved "
        "to another cgroup, or a charge that the kernel has lost. Its limits count them.",
        note=True,
    )


def _write(pages: int, cgroup: CgroupUse, file: str | None) -> str:
    return "" if file is None else f"echo {pages * cgroup.page_size_kB << 10} > {quoted(file)}"


def _name(cgroup: CgroupUse) -> str:
    return f"cgroup {cgroup.path}, {sized(cgroup)}"
