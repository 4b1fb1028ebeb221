"""Numbers and nouns agree."""

import io

import pytest

from hugeresv.reports.campaign import show_progress
from hugeresv.search.fuzz.campaign import Tally
from hugeresv.units import count_of


@pytest.mark.parametrize(("number", "text"), [(0, "0 pages"), (1, "1 page"), (2, "2 pages"), (-1, "-1 pages")])
def test_a_noun_agrees_with_its_number(number: int, text: str) -> None:
    """One is singular, everything else is plural.

    Catches: "1 pages".
    """
    assert count_of(number, "page") == text


@pytest.mark.parametrize(("number", "text"), [(1, "1 scenario, 1 step,"), (2, "2 scenarios, 2 steps,")])
def test_progress_agrees_with_its_numbers(number: int, text: str) -> None:
    """The progress of a fuzz campaign names one scenario and one step in the singular.

    Catches: "1 scenarios, 1 steps" after the first step of a campaign.
    """
    stream = io.StringIO()
    show_progress(stream, Tally(scenarios=number, steps=number), 1.0)
    assert text in stream.getvalue()
