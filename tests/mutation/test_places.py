"""The planted faults still have their places."""

from pathlib import Path

import pytest

import hugeresv.model
from tests.mutation.mutations import MUTATIONS, Mutation

MODEL = Path(hugeresv.model.__file__).parent


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_fault_has_its_place(mutation: Mutation) -> None:
    """A line of the model that was rewritten, while the fault in mutations.py still looks for what it was."""
    assert (MODEL / mutation.file).read_text().count(mutation.old) == 1
