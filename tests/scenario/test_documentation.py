"""docs/scn.md tells the language as it is."""

import re
from pathlib import Path

import pytest

from hugeresv.kernels.grammar import parse_kernel
from hugeresv.play.play import play
from hugeresv.scenario.operation import OPERATIONS
from hugeresv.scenario.scn_form import form_of
from hugeresv.scenario.scn_format import format_scn, parse_scn
from hugeresv.scenario.scn_header import HEADERS

PAGE = (Path(__file__).parents[2] / "docs" / "scn.md").read_text()
EXAMPLES = re.findall(r"^```scn\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
ROWS = [row.replace("\\|", "|") for row in re.findall(r"^\| `(.*?)`[ ,]", PAGE, re.MULTILINE)]


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.splitlines()[0] for example in EXAMPLES])
def test_every_example_is_read(example: str) -> None:
    """Every example of docs/scn.md is read, and is the same when written and read again.

    Catches: an example that the reader refuses, or that the writer turns into another scenario.
    """
    scenario = parse_scn(example, "example.scn")
    assert scenario.steps
    assert parse_scn(format_scn(scenario), "again.scn") == scenario


@pytest.mark.parametrize("kernel", ["ideal", "6.18"])
@pytest.mark.parametrize("example", EXAMPLES, ids=[example.splitlines()[0] for example in EXAMPLES])
def test_every_example_is_true(example: str, kernel: str) -> None:
    """Every expectation in the examples holds. Catches: a page that teaches a wrong answer."""
    played = list(play(parse_scn(example, "example.scn"), parse_kernel(kernel)))
    assert [contradiction for each in played for contradiction in each.contradictions] == []


def test_the_first_example_is_canonical() -> None:
    """The first example has the layout that `convert` writes.

    Catches: a layout that differs from what people are shown first.
    """
    assert format_scn(parse_scn(EXAMPLES[0], "example.scn")) == EXAMPLES[0]


def test_the_table_has_the_form_of_every_operation() -> None:
    """The table has the form of every operation, in their order.

    Catches: an argument that was added or renamed, and that the page does not tell of.
    """
    assert [row for row in ROWS if "KERNEL" not in row][: len(OPERATIONS)] == [form_of(op).usage() for op in OPERATIONS]


def test_the_header_table_has_every_header() -> None:
    """The table of headers has every header. Catches: a header that the reader knows and the page does not."""
    told = {row.split()[0] for row in ROWS[len(OPERATIONS) :]}
    assert told == set(HEADERS) - {"title"}
