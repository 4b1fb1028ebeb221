"""Each invariant finds the counter that was falsified, and names what disagrees with it."""

from collections.abc import Callable

import pytest

from hugeresv.invariants.check import INVARIANTS, check
from hugeresv.invariants.ending import check_end
from hugeresv.invariants.steps import check_step, levels
from hugeresv.lab import Actor, start
from hugeresv.ledger.promise import FilePromise
from hugeresv.model.address_space import AddressSpace
from hugeresv.model.fault import touch
from hugeresv.model.folio import Folio
from hugeresv.model.machine import Machine
from hugeresv.model.mmap import mmap
from hugeresv.model.presets import IDEAL
from hugeresv.model.process import Process
from hugeresv.outcome import Outcome
from hugeresv.scenario import operation as op
from hugeresv.scenario.scenario import Cgroup
from tests.invariants.touching import check_by_touching

p = Actor("p")


def everything() -> Machine:
    """A machine with promises and pages of each kind, and a mapping of which two pieces are left."""
    session = start(IDEAL, 20, cgroups={"g": Cgroup()})
    for operation in (
        p.into("g"), p.mmap("a", 6), p.write("a", 0), p.munmap("a", 2, 1),
        op.Mount("m", 8, 3), op.OpenFile("f", "m"), p.shared("b", 4, file="f"), p.write("b", 1),
        op.Mount("n", None, 2), p.shmget("s", 2),
    ):  # fmt: skip
        session.apply(operation)
    assert not check(session.machine)
    return session.machine


def _falsify_page_cache(machine: Machine) -> None:
    machine.files["f"].page_cache[7] = Folio(machine.hstate, 0, machine.files["f"].subpool, None, None)
    machine.hstate.free_huge_pages -= 1


def _falsify_map(machine: Machine) -> None:
    machine.processes["p"].mm.vmas[0].resv_map.regions.add(1, 2)  # type: ignore[union-attr]


def _falsify_references(by: int) -> Callable[[Machine], None]:
    def falsify(machine: Machine) -> None:
        machine.processes["p"].mm.vmas[0].resv_map.refs += by  # type: ignore[union-attr]

    return falsify


def _add(path: str, pages: int) -> Callable[[Machine], None]:
    """Falsify the counter at `path`."""

    def falsify(machine: Machine) -> None:
        *way, field = path.split(".")
        thing: object = machine
        for step in way:
            thing = thing[int(step) if step.isdigit() else step] if isinstance(thing, dict) else getattr(thing, step)
        setattr(thing, field, getattr(thing, field) + pages)

    return falsify


def _use_up_minimum(machine: Machine) -> None:
    """A page of another mount's file is promised by the mount as well."""
    machine.files["f"].subpool = machine.mounts["n"].subpool


def _charge_twice(machine: Machine) -> None:
    """A page of a file, whose region is charged, is charged itself."""
    for folio in machine.files["f"].page_cache.values():
        folio.cgroup_rsvd = machine.cgroups["g"]


PIECES = "0x10000000000-0x10000400000 0x10000600000-0x10000c00000"
SUM = "resv_huge_pages is {}, but the promises add up to {}"
FALSIFIED = [
    (_add("hstate.resv_huge_pages", 1), "I1", [
        SUM.format(12, 11) + " (+1)",
        f"+4 private mapping of process 'p' at {PIECES}, file pages [1,2) [3,6)",
        "+3 file 'f', pages [0,1) [2,4)",
        "+2 segment 's', pages [0,2)",
        "+2 minimum of mount 'n'",
    ]),
    (_falsify_map, "I1", [SUM.format(11, 10) + " (+1)", "+3 private mapping of process 'p'", "pages [3,6)"]),
    (_falsify_page_cache, "I1", ["file 'f' has pages that its reservation map does not have: [7,8)"]),
    (_add("hstate.resv_huge_pages", -12), "I2", ["resv_huge_pages is -1"]),
    (_add("hstate.resv_huge_pages", 20), "I2", ["resv_huge_pages is 31, but free_huge_pages is 18"]),
    (_add("hstate.nr_huge_pages", 1), "I3", ["nr_huge_pages is 21, but free_huge_pages is 18 and 2 pages are in use"]),
    (_add("hstate.surplus_huge_pages", -1), "I3", ["surplus_huge_pages is -1"]),
    (_add("mounts.m.subpool.used_hpages", 1), "I6", [
        "but 4 are in use or promised (+1)", "+1 in use", "+3 file 'f', pages [0,1) [2,4)",
    ]),
    (_add("mounts.m.subpool.used_hpages", 5), "I6", ["used_hpages of mount 'm' is 9, with a maximum of 8"]),
    (_add("mounts.n.subpool.rsv_hpages", 1), "I7", ["rsv_hpages of mount 'n' is 3, with a minimum of 2"]),
    (_add("mounts.n.subpool.rsv_hpages", -1), "I7", [
        "mount 'n' has a minimum of 2, but rsv_hpages 1 with 0 pages in use and 0 promised",
    ]),
    (_add("hstate.free_huge_pages", -8), "I8", ["11 pages are promised, but free_huge_pages is 10", "+2 segment 's'"]),
    (_add("cgroups.g.counters.21.usage", 1), "I9", ["usage of cgroup 'g' is 3, but 2 pages in use are charged to it"]),
    (_add("cgroups.g.counters.21.rsvd", -1), "I9", [
        "rsvd of cgroup 'g' is 10, but 11 is charged to it (-1): private mappings 5, regions of files 6, pages 0",
    ]),
    (_use_up_minimum, "I20", ["rsv_hpages of mount 'n' is 2, but its minimum of 2 lacks 0", "and 3 promised"]),
    (_charge_twice, "I21", ["file 'f' has reservations that are charged as a region and as a page: indices [1]"]),
    (_falsify_references(1), "I10", [f"has 3 references, but is used by 2 VMAs: {PIECES}"]),
    (_falsify_references(-1), "I10", [f"has 1 reference, but is used by 2 VMAs: {PIECES}"]),
]  # fmt: skip


@pytest.mark.parametrize(("falsify", "name", "parts"), FALSIFIED)
def test_what_was_falsified_is_found_and_named(falsify: Callable[[Machine], None], name: str, parts: list[str]) -> None:
    """A falsified counter violates its invariant, and the message names what disagrees.

    Catches: an invariant that does not look, or a message that does not say which mapping, range and counter.
    """
    machine = everything()
    falsify(machine)
    message = "\n".join(violation.message for violation in check(machine) if violation.name == name)
    for part in parts:
        assert part in message


def _add_on_node(field: str, pages: int) -> Callable[[Machine], None]:
    def falsify(machine: Machine) -> None:
        node = machine.hstate.nodes[1]
        setattr(node, field, getattr(node, field) + pages)

    return falsify


FALSIFIED_ON_NODES = [
    (_add_on_node("nr_huge_pages", 1), "I13", ["nr_huge_pages is 4, but the nodes have 1 + 4"]),
    (_add_on_node("surplus_huge_pages", 4), "I13", ["node 1 has 4 surplus pages of 3"]),
    (_add_on_node("free_huge_pages", 2), "I13", ["node 1 has 4 free pages of 3"]),
    (_add_on_node("free_huge_pages", 1), "I14", ["node 1 has 3 pages, 3 free, but 1 is in use"]),
]


@pytest.mark.parametrize(("falsify", "name", "parts"), FALSIFIED_ON_NODES)
def test_what_was_falsified_on_a_node_is_found(falsify: Callable[[Machine], None], name: str, parts: list[str]) -> None:
    """A node's counters are held against the pool's and against the pages in use there.

    Catches: a look at the pool alone, or at one of the nodes.
    """
    machine = Machine(IDEAL, 2 << 20, {0: 1, 1: 3})
    task = machine.processes["p"] = Process(AddressSpace(), None, 1)
    assert mmap(machine, task, 1 << 30, 4 << 20, shared=False) is Outcome.OK
    assert touch(machine, task, 1 << 30, write=True) is Outcome.OK
    assert not check(machine)
    falsify(machine)
    message = "\n".join(violation.message for violation in check(machine) if violation.name == name)
    for part in parts:
        assert part in message


def test_every_invariant_was_falsified() -> None:
    """The test above falsifies every invariant of the catalogue.

    Catches: an invariant in the catalogue that nothing above makes fail.
    """
    assert {invariant.name for invariant in INVARIANTS} == {name for _, name, _ in (*FALSIFIED, *FALSIFIED_ON_NODES)}


def test_a_promise_that_cannot_be_kept_is_found_by_touching() -> None:
    """Behaviour 2008 refuses shared mappings a page when all free pages are promised: no counter shows it.

    Catches: a check of counters alone, which this state passes.
    """
    session = start("2008", 2)
    session.apply(p.shared("a", 2))
    assert not check(session.machine)
    (violation,) = check_by_touching(session.machine)
    assert violation.name == "I8"
    assert violation.message == (
        "unnamed file mapped by process 'p' at 0x10000000000, pages [0,2): "
        "touched one after the other, these get no page: [0,2)"
    )
    assert session.machine.hstate.free_huge_pages == 2, "the touches were made on the machine itself"


def test_promises_beyond_the_end_of_a_file_are_not_tried() -> None:
    """A read-only mapping of an empty file promises pages that no touch can have: SIGBUS is right there.

    Catches: a violation told of a promise that no touch can use.
    """
    session = start("6.18", 4)
    for operation in (op.OpenFile("f"), p.shared("a", 2, file="f", prot="r")):
        session.apply(operation)
    assert session.machine.hstate.resv_huge_pages == 2
    assert not check_by_touching(session.machine)


READ_ONLY = [
    p.mprotect("a", 0, 1, "r"), p.madvise("a", 0, 1, "dontfork"), p.madvise("a", 0, 1, "cold"), p.move("a", 0, 6, "m"),
    p.move("a", 3, 1, "m"), p.fork("c"), op.Munlock("p", "a", 0, 1), op.Fadvise("p", "f", 0, 1), op.Memfd("x"),
    op.SetNrOvercommit(3), op.SetMempolicy("p", "local"), op.SetCpu("p", 0),
]  # fmt: skip
CHANGING = [
    p.into("g"), p.dontneed("a", 0), p.munmap("a", 0, 1), p.write("a", 1), p.resize("a", 6, 2), p.exit(),
    op.Mremap("p", "a", 0, 1, new_pages=1, over=op.Place("b", 0)),
]  # fmt: skip


@pytest.mark.parametrize("operation", READ_ONLY)
def test_an_operation_that_changes_nothing_is_held_to_it(operation: op.Operation) -> None:
    """I12 holds an operation that takes and gives nothing to that. Catches: an operation that is left out of I12."""
    machine = everything()
    before = levels(machine)
    machine.hstate.resv_huge_pages -= 1
    machine.mounts["m"].subpool.used_hpages += 1  # type: ignore[union-attr]
    machine.cgroups["g"].of(machine.hstate).rsvd += 1
    messages = [violation.message for violation in check_step(operation, before, levels(machine))]
    assert messages == [
        "resv_huge_pages went from 11 to 10",
        "used_hpages, rsv_hpages of mount 'm' went from (4, 0) to (5, 0)",
        "usage, rsvd of cgroup 'g' went from (2, 11) to (2, 12)",
    ]


@pytest.mark.parametrize("operation", CHANGING)
def test_an_operation_that_may_change_counters_is_not(operation: op.Operation) -> None:
    """I12 is not asked of an operation that takes or gives pages. Catches: a violation told of a touch."""
    machine = everything()
    before = levels(machine)
    machine.hstate.resv_huge_pages -= 1
    assert not check_step(operation, before, levels(machine))


def test_surplus_grows_only_up_to_the_overcommit_limit() -> None:
    """I4: a surplus page too many for a fault or a promise; a shrunk pool and a lowered limit may leave more.

    Catches: I4 asked of the wrong operation, or not at all.
    """
    machine = everything()
    before = levels(machine)
    machine.hstate.nr_huge_pages += 1
    machine.hstate.surplus_huge_pages += 1
    after = levels(machine)
    assert [violation.name for violation in check_step(p.write("a", 1), before, after)] == ["I4"]
    assert not check_step(op.SetNrHugepages(19), before, after)
    assert not check_step(p.write("a", 1), before, after._replace(pools=(after.pools[0]._replace(overcommit=1),)))
    assert not check_step(op.SetNrOvercommit(0), after, after)


def test_only_a_write_changes_the_persistent_pages() -> None:
    """I3 of a step: only a write to nr_hugepages changes the persistent pages.

    Catches: a page that is lost to the pool, or found, by anything else.
    """
    machine = everything()
    before = levels(machine)
    machine.hstate.nr_huge_pages -= 1
    after = levels(machine)
    assert [violation.name for violation in check_step(p.write("a", 1), before, after)] == ["I3"]
    assert not check_step(op.SetNrHugepages(19), before, after)


def test_the_end_is_checked_for_everything_that_may_be_left() -> None:
    """I11 looks at every counter once everything is gone, and does not judge before.

    Catches: I11 that looks at one counter only.
    """
    session = start("6.18", 4, cgroups={"g": Cgroup()})
    assert not check_end(session.machine)
    session.machine.hstate.resv_huge_pages = 3
    session.machine.cgroups["g"].of(session.machine.hstate).rsvd = 3
    (violation,) = check_end(session.machine)
    assert violation.message.split("; ") == [
        "resv_huge_pages is 3",
        "after a write of 0 to nr_hugepages nr_huge_pages is 3, free_huge_pages 3, surplus_huge_pages 3",
        "cgroup 'g' has usage 0 and rsvd 3",
    ]
    assert session.machine.hstate.nr_huge_pages == 4, "the write was made on the machine itself"
    with pytest.raises(ValueError, match=r"there still is: file 'f', segment 's'.*mount 'm', mount 'n'"):
        check_end(everything())


def test_the_end_finds_a_page_that_is_lost_to_the_pool() -> None:
    """A page that nobody has and that is not free stays when 0 is written to nr_hugepages.

    Catches: an end that looks at free pages only.
    """
    session = start("6.18", 4)
    session.machine.hstate.free_huge_pages -= 1
    (violation,) = check_end(session.machine)
    assert violation.message == (
        "after a write of 0 to nr_hugepages nr_huge_pages is 1, free_huge_pages 0, surplus_huge_pages 1"
    )


def test_a_page_outside_the_map_takes_no_promise_away() -> None:
    """A file promises what its map has and its page cache has not. Catches: promises less all pages that are cached."""
    machine = everything()
    _falsify_page_cache(machine)
    assert FilePromise("file 'f'", machine.files["f"]).pages == 3
