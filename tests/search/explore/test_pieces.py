"""Operations on many pages, put together from operations on fewer."""

import pytest

pytest.importorskip("numpy", reason="tables need numpy")

from hugeresv.calls import abi
from hugeresv.calls.call import Call
from hugeresv.kernels.model.calls import Returned, carry_out
from hugeresv.model.machine import Machine
from hugeresv.model.presets import PRESETS
from hugeresv.search.explore import bounded_model
from hugeresv.search.explore.bound import Bound
from hugeresv.search.explore.bounded_model import BoundedModel
from hugeresv.search.explore.plain import PlainSearch
from hugeresv.search.explore.table import TableSearch
from hugeresv.search.explore.witness import Witness

_FLAGS = abi.MAP_PRIVATE | abi.MAP_ANONYMOUS | abi.MAP_HUGETLB | abi.MAP_NORESERVE


def _present(machine: Machine) -> int:
    """The pages that are mapped and there."""
    return sum(len([*vma.present()]) for process in machine.processes.values() for vma in process.mm.vmas)


def test_many_pages_are_put_together() -> None:
    """Of four pages and two processes fewer steps are made on the real machine than there are places for rows.

    Catches: pieces that are never put together, which only time would tell.
    """
    search = TableSearch(PRESETS["ideal"], Bound(4, 4))
    assert search.run().complete
    assert search.learned < 1_200


@pytest.mark.parametrize("pages", [2, 3, 4])
def test_an_operation_that_is_not_made_of_its_pieces_is_noticed(monkeypatch: pytest.MonkeyPatch, pages: int) -> None:
    """A kernel whose munmap that gives back so many pages maps its range again without a reservation.

    Both engines find the same states. Nothing else leads to such mappings, and nothing is drawn: the table's walks on
    the real machine are left out. Catches: a claim about ranges that is believed where the machine does something else.
    """

    def strange(machine: Machine, call: Call) -> Returned:
        there = _present(machine)
        returned = carry_out(machine, call)
        if call.name == "munmap" and there - _present(machine) == pages:
            carry_out(machine, Call(call.task, "mmap", (*call.words, abi.PROT["rw"], _FLAGS, -1, 0)))
        return returned

    monkeypatch.setattr(bounded_model, "carry_out", strange)
    monkeypatch.setattr(Witness, "check", lambda *_: None)
    bound = Bound(4, 4, processes=1, operations=("mmap", "touch", "munmap", "exit"))
    plain = PlainSearch([BoundedModel(PRESETS["ideal"], bound)]).run()
    table = TableSearch(PRESETS["ideal"], bound, symmetric=False).run()
    assert plain.finding is None
    assert plain.levels == table.levels
