"""Numbers in sentences: nouns and verbs agree with them."""

_VERBS = {"is": "are", "has": "have", "does": "do"}


def count_of(number: int, noun: str, verb: str = "", *, grouped: bool = False) -> str:
    """A number of things: `1 page`, `-1 pages`, `3 processes`; with a verb `1 page is`, `2 pages are`.

    `grouped`: `12,345 states`.
    """
    words = f"{number:{',' if grouped else ''}} {agree(number, noun, _plural(noun))}"
    return f"{words} {are(number, verb)}" if verb else words


def are(number: int, verb: str = "is") -> str:
    """`is`, `has` or `does`, or their plural: `are`, `have`, `do`."""
    return agree(number, verb, _VERBS[verb])


def agree(number: int, one: str, many: str) -> str:
    """The word for one thing, or that for another number of them: `agree(pages, "it", "them")`."""
    return one if number == 1 else many


def _plural(noun: str) -> str:
    return noun + ("es" if noun.endswith("s") else "s")
