"""The short version of the matrix: two kernels, all scenarios."""

from collections.abc import Callable

import pytest

from hugeresv.kernels.guest.images import find_image
from hugeresv.kernels.guest.kernel import GuestKernel
from tests.matrix.column import Column, compared, scenario_files
from tests.matrix.table import markdown

KERNELS = ("6.1", "6.12")


@pytest.mark.parametrize("guest", KERNELS)
def test_the_model_answers_as_its_kernel_and_breaks_what_it_breaks(
    guests: Callable[[str], GuestKernel], guest: str
) -> None:
    """Every scenario has the same answers, and breaks the same invariants, on the model and on its kernel.

    Catches: a rule of the model that this kernel does not have, or memory that is misread.
    """
    pytest.importorskip("drgn", reason="audits need drgn")
    *_, column = compared(guests(guest), find_image(guest), scenario_files(), audited=True)
    assert column.differences == []
    assert column.untrue > 0, "the scenarios have known bugs of these kernels: an audit that finds none sees nothing"


def test_the_table_has_a_row_a_kernel() -> None:
    """Each kernel has a row; one that could not be audited says so.

    Catches: a kernel whose ledger could not be audited passing for one whose ledger is true.
    """
    audited = Column("guest:6.1", "6.1.192-2", "6.1", audited=True, steps=7, untrue=2, seconds=[0.1, 0.3, 0.2])
    plain = Column("guest:6.1-i386", "6.1.176-1", "6.1", audited=False, steps=5, seconds=[0.4])
    lines = markdown([audited, plain], "2026-01-01").splitlines()
    assert lines[-2:] == [
        "| `guest:6.1` | 6.1.192-2 | `6.1` | 3 | 7 | 0 | 2 | 0.20 |",
        "| `guest:6.1-i386` | 6.1.176-1 | `6.1` | 1 | 5, counters only | 0 | - | 0.40 |",
    ]
