"""Who has lost reservations: told from the machine, which the model makes here."""

from hugeresv.invariants.check import check
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.ledger.lost import LostReservation, lost_reservations
from hugeresv.model.presets import PRESETS
from hugeresv.scenario import operation as ops
from tests.kernels.conftest import pool, settle


def lost_after(*operations: ops.Operation) -> list[LostReservation]:
    """What is found after these on 6.12."""
    with ModelKernel(PRESETS["6.12"]).start(pool(20)) as session:
        settle(session, operations)
        return lost_reservations(session.machine, {})


MAP = ops.Mmap("p", "a", "private", pages=6)
TOUCH = (ops.Touch("p", "a", "write", page=0), ops.Touch("p", "a", "write", page=2))
MOVE = ops.Mremap("p", "a", page=2, pages=2, new_pages=2, move_to="b")


def test_pages_that_were_taken_before_are_not_lost() -> None:
    """A mapping has lost what it had not taken when its map was dropped (docs/kernel/remap.md#e12b).

    Catches: a loss of all that has no map.
    """
    found = lost_after(MAP, *TOUCH, MOVE, ops.Touch("p", "a", "write", page=5))
    assert [(each.process, each.pages, each.certain) for each in found] == [("p", 1, True), ("p", 2, True)]


def test_without_the_part_that_moved_it_is_not_certain() -> None:
    """Where the part that was moved is gone, a loss is told as not certain. Catches: a guess that is told as a fact."""
    found = lost_after(MAP, *TOUCH, MOVE, ops.Munmap("p", "b", page=0, pages=2))
    assert [(each.pages, each.certain) for each in found] == [(1, False), (2, False)]


def test_copies_and_what_never_was_promised_have_lost_nothing() -> None:
    """A child's copy, a NORESERVE mapping, a shared one and a whole one have lost nothing.

    Catches: a loss found in whatever has no map.
    """
    assert not lost_after(
        MAP,
        *TOUCH,
        ops.Fork("p", "child"),
        ops.Mmap("p", "n", "private", pages=2, noreserve=True),
        ops.Mmap("p", "s", "shared", pages=2),
        ops.Mremap("p", "a", page=0, pages=6, new_pages=6, move_to="b"),
    )


def test_a_page_of_the_file_was_not_taken_from_the_promise() -> None:
    """A private mapping that reads a page which the file has consumes nothing: that promise is lost with the others.

    Catches: a page of the page cache taken for a copy of the mapping's own. I1 counts the same pages in its own way.
    """
    operations = (
        ops.OpenFile("f"),
        ops.Mmap("p", "s", "shared", pages=1, file="f"),
        ops.Touch("p", "s", "write", page=0),
        ops.Mmap("p", "a", "private", pages=4, file="f"),
        ops.Touch("p", "a", "read", page=0),
        ops.Mremap("p", "a", page=2, pages=2, new_pages=2, move_to="b"),
        ops.Munmap("p", "b", page=0, pages=2),
    )
    with ModelKernel(PRESETS["6.12"]).start(pool(20)) as session:
        settle(session, operations)
        (found,) = lost_reservations(session.machine, {})
        (violation,) = check(session.machine)
    assert (found.pages, found.certain) == (2, False)
    assert "(+2)" in violation.message
