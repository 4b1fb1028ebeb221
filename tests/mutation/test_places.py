"""The planted faults still have their places, and a few of them are planted, other ones each time."""

import random
from pathlib import Path

import pytest

from tests.mutation.beyond_the_model import MUTATIONS as BEYOND_THE_MODEL
from tests.mutation.in_the_model import MUTATIONS as IN_THE_MODEL
from tests.mutation.mutation import ROOT, Mutation, copy_the_project, noticed_by, source_of

SAMPLE = 3


@pytest.mark.parametrize("mutation", [*IN_THE_MODEL, *BEYOND_THE_MODEL], ids=lambda each: f"{each.file}: {each.name}")
def test_a_fault_has_its_place(mutation: Mutation) -> None:
    """What a fault replaces stands in the source once. Catches: a line that was rewritten, and a fault left behind."""
    assert source_of(mutation).read_text().count(mutation.old) == 1


@pytest.mark.parametrize("test", sorted({mutation.test for mutation in BEYOND_THE_MODEL}))
def test_who_should_notice_is_there(test: str) -> None:
    """The test that a fault names exists. Catches: a test that was renamed, so that its fault goes unnoticed."""
    path, _, name = test.partition("::")
    assert f"def {name.partition('[')[0]}(" in (ROOT / path).read_text()


def test_a_few_faults_are_noticed(tmp_path: Path) -> None:
    """A planted fault makes the test fail that it names. Catches: a test that passes with its code broken."""
    copy_the_project(tmp_path)
    missed = [each for each in random.sample(BEYOND_THE_MODEL, SAMPLE) if noticed_by(tmp_path, each) is None]
    assert missed == []
