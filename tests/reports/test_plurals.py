"""Numbers and nouns agree."""

import io

import pytest

from hugeresv.plain import count_of
from hugeresv.reports.campaign import show_progress
from hugeresv.search.fuzz.campaign import Tally


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (count_of(0, "page"), "0 pages"),
        (count_of(1, "page"), "1 page"),
        (count_of(2, "page"), "2 pages"),
        (count_of(-1, "page"), "-1 pages"),
        (count_of(1, "process"), "1 process"),
        (count_of(2, "process"), "2 processes"),
        (count_of(1, "page", "is"), "1 page is"),
        (count_of(2, "page", "has"), "2 pages have"),
        (count_of(12345, "state", grouped=True), "12,345 states"),
    ],
)
def test_noun_and_verb_agree_with_their_number(found: str, text: str) -> None:
    """One is singular, everything else is plural, and so is the verb.

    Catches: "1 pages", "2 processs", "1 page are".
    """
    assert found == text


@pytest.mark.parametrize(("number", "text"), [(1, "1 scenario, 1 step,"), (2, "2 scenarios, 2 steps,")])
def test_progress_agrees_with_its_numbers(number: int, text: str) -> None:
    """The progress of a fuzz campaign names one scenario and one step in the singular.

    Catches: "1 scenarios, 1 steps" after the first step of a campaign.
    """
    stream = io.StringIO()
    show_progress(stream, Tally(scenarios=number, steps=number), 1.0)
    assert text in stream.getvalue()
