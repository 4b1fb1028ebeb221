"""docs/rules is what the model makes of it."""

from tests.rules.pages import FOLDER, pages


def test_the_pages_are_those_of_the_model() -> None:
    """Every page is as `python3 dev.py rules` writes it; there is no other. Catches: a page that is out of date."""
    there = {page.name: page.read_text() for page in FOLDER.iterdir()}
    assert there == pages()
