"""Text that strangers chose, made fit for a terminal."""


def printable(text: str) -> str:
    """`text` with whatever would move the cursor or change colours written out as an escape; lines stay lines."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each == "\n" else ascii(each)[1:-1] for each in text)
