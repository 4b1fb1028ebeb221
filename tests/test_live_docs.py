"""The live examples of the chapters that teach: what stands beside them is what the kernel named there answers."""

from pathlib import Path

import pytest

from hugeresv.scenario.scn_format import parse_scn
from tests.played import on
from website.live import FENCE

DOCS = Path(__file__).parents[1] / "docs"
EXAMPLES = [
    (f"{page.stem}-{number}", dict(word.split("=", 1) for word in found["words"].split()), found["text"])
    for page in (DOCS / "reservation.md", DOCS / "sigbus.md")
    for number, found in enumerate(FENCE.finditer(page.read_text()), 1)
    if found["live"]
]


@pytest.mark.parametrize(("kernels", "text"), [each[1:] for each in EXAMPLES], ids=[each[0] for each in EXAMPLES])
def test_an_example_answers_as_the_page_says(kernels: dict[str, str], text: str) -> None:
    """Every `->` of a live example is what its kernel answers. Catches: a chapter that teaches what is not so."""
    scenario = parse_scn(text, "example.scn")
    assert on(scenario, kernels["on"]).contradictions == []


def test_the_two_bugs_are_seen() -> None:
    """The last two steps show rsvd below zero on the kernel named, and not beside it.

    Catches: an example of a bug on a kernel that does not have it.
    """
    for name, kernels, text in EXAMPLES:
        if "with" in kernels:
            scenario = parse_scn(text, name)
            wrong, right = (on(scenario, kernels[word]).answers for word in ("on", "with"))
            assert min(each.counters.rsvd for each in wrong) < 0, name
            assert min(each.counters.rsvd for each in right) >= 0, name
    assert sum("with" in kernels for _, kernels, _ in EXAMPLES) == 2
